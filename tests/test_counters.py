"""Token counters: what is told last counts, parts are added up, totals are normalised."""

from __future__ import annotations

import pytest

from engine.counters import Counters, merged
from engine.events import Usage
from engine.spec import UsageMap


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        ([{"in": 3}, {"in": 5}], {"in": 5}),
        ([{"in": 3, "out": 1}, {"out": 4}], {"in": 3, "out": 4}),
        ([{"in": 3}, {"in": None}], {"in": 3}),
        ([{"in": 3}, {"in": 0}], {"in": 3}),  # told once, and 0 in all frames that follow
        ([{"in": 0}, {"in": 3}], {"in": 3}),
        ([{"in": None}, {"in": 0}], {"in": None}),
        ([{"in": 0}], {"in": 0}),
        ([{"d": {"a": 1}}, {"d": {"a": 2}}], {"d": {"a": 2}}),
        ([{"in": "3"}, {"in": "0"}], {"in": "0"}),
    ],
)
def test_later_counters_go_over_earlier_ones(counters, expected):
    known: dict[str, object] = {}
    for each in counters:
        merged(known, each)
    assert known == expected


SUMS = UsageMap(
    {"output_tokens": ("out",), "reasoning_tokens": ("think",)},
    sums={"input_tokens": (("in",), ("cached.read", "read"), ("made",))},
)


@pytest.mark.parametrize(
    ("raw", "total"),
    [
        ({"in": 5, "read": 3, "made": 2}, 10),
        ({"in": 5, "cached": {"read": 4}, "read": 3}, 9),
        ({"in": "5", "read": None}, 5),
        ({"read": 3}, 3),
        ({"in": 5, "read": -1, "made": True}, 5),
        ({"in": 0, "read": 0}, 0),
        ({}, None),
        ({"in": "x"}, None),
    ],
)
def test_a_counter_may_be_a_sum_of_those_that_are_there(raw, total):
    assert Counters(SUMS).usage(raw).input_tokens == total


def test_totals_hold_what_the_api_leaves_out_of_them():
    apart = UsageMap({"output_tokens": ("out",), "reasoning_tokens": ("think",)}, output_excludes_reasoning=True)
    assert Counters(apart).usage({"out": 4, "think": 6}) == Usage(None, 10, None, 6)
    assert Counters(apart).usage({"out": 4}).raw == {"out": 4}
