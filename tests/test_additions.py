from __future__ import annotations

import pytest

from engine.additions import forward, merge, place
from engine.errors import ParameterError
from engine.messages import Adjustment


def test_a_value_is_placed_where_there_is_room() -> None:
    assert place({"a": {"b": 1}}, [("a.c", 2), ("d.0", 3)]) == {"a": {"b": 1, "c": 2}, "d": [3]}
    assert place({"a": None}, [("a.b", 1)]) == {"a": {"b": 1}}


@pytest.mark.parametrize("payload", [{"a": {"b": "text"}}, {"a": {"b": [1]}}, {"a": {"b": 0}}])
def test_what_is_no_map_is_not_overwritten(payload: object) -> None:
    with pytest.raises(ParameterError, match=r"goes to a\.b\.c in the payload, and a\.b is no map"):
        place(payload, [("a.b.c", 2)])


def test_of_two_values_the_caller_s_counts_and_is_reported() -> None:
    payload, adjustments = forward({"a": 1, "b": 2}, {"b": 3, "c": 4})
    assert payload == {"a": 1, "b": 3, "c": 4}
    assert adjustments == (Adjustment("b", "replaced", 2, 3),)
    assert forward({"a": 1}, {"a": 1})[1] == ()


def test_extra_keys_are_merged_deep() -> None:
    base = {"a": {"b": 1, "c": [1]}, "d": 2}
    payload, adjustments = merge(base, {"a": {"c": [2], "e": None}, "f": {"g": 1}})
    assert payload == {"a": {"b": 1, "c": [2], "e": None}, "d": 2, "f": {"g": 1}}
    assert base == {"a": {"b": 1, "c": [1]}, "d": 2}
    assert [(item.parameter, item.action, item.given, item.sent) for item in adjustments] == [
        ("extra_body.a", "forwarded", {"c": [2], "e": None}, {"c": [2], "e": None}),
        ("extra_body.f", "forwarded", {"g": 1}, {"g": 1}),
        ("extra_body.a.c", "replaced", [1], [2]),
    ]
    assert str(adjustments[-1]) == "extra_body.a.c: [2] is sent in place of [1]"
