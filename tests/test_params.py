"""Call parameters: typed and bounded as the file declares, every change on record."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ParameterError
from engine.fitting import fits
from engine.loader import load_text
from engine.messages import Adjustment
from engine.params import Parameters, refuse_adjusted
from tests.badfiles import text_of


def resolved(declared: str, unknown: str = "error", **given: Any) -> Any:
    text = text_of(params=f"params: {declared}", unknown_params=f"unknown_params: {unknown}", payload="payload: {a: 1}")
    return Parameters(load_text(text)).resolve(given)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", ["", "a", "1"], [1, True, ["a"]]),
        ("number", [0, -1, 0.5], ["1", True, False, [1]]),
        ("integer", [0, 2**70], [1.0, "1", True]),
        ("boolean", [True, False], [0, 1, "true"]),
        ("array", [[], [1]], ["a", {}, 1]),
        ("object", [{}, {"a": 1}], [[], "a", 1]),
    ],
)
def test_values_are_of_the_declared_type(kind: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert fits(kind, value)
        assert resolved(f"{{p: {{type: {kind}}}}}", p=value).values == {"p": value}
    for value in bad:
        with pytest.raises(ParameterError, match=f"'p' of acme is of type {kind}, not "):
            resolved(f"{{p: {{type: {kind}}}}}", p=value)


def test_a_needed_parameter_is_asked_for() -> None:
    with pytest.raises(ParameterError, match="'p' \\(number\\) is needed by acme"):
        resolved("{p: {type: number}}")
    with pytest.raises(ParameterError, match="is needed"):
        resolved("{p: {type: number}}", p=None)


def test_an_optional_parameter_is_left_out() -> None:
    assert resolved("{p: {type: number, optional: true}}").values == {}
    assert resolved("{p: {type: number, optional: true}}").adjustments == ()


@pytest.mark.parametrize("value", ["0.5", "null", "0"])
def test_a_default_is_sent_and_reported(value: str) -> None:
    result = resolved(f"{{p: {{type: number, default: {value}}}}}")
    wanted = {"0.5": 0.5, "null": None, "0": 0}[value]
    assert result.values == {"p": wanted}
    assert result.adjustments == (Adjustment("p", "defaulted", None, wanted),)
    assert resolved(f"{{p: {{type: number, default: {value}}}}}", p=3).adjustments == ()


@pytest.mark.parametrize(
    ("bounds", "given", "words"),
    [
        ("min: 0, max: 2", 3, "is 3; the range is 0 to 2"),
        ("min: 0, max: 2", -0.1, "the range is 0 to 2"),
        ("min: 0.5", 0, "the least is 0.5"),
        ("max: 1000000", 1000001, "the most is 1000000"),
        pytest.param("max: " + "9" * 399, 10**5000, "too large to write", id="huge"),
        ("max: " + "9" * 399, 10**400, "the most is 999"),
    ],
)
def test_out_of_range_is_an_error_by_default(bounds: str, given: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        resolved(f"{{p: {{type: number, {bounds}}}}}", p=given)


def test_a_clamped_value_is_reported() -> None:
    declared = "{p: {type: integer, min: 1, max: 9, out_of_range: clamp}}"
    assert resolved(declared, p=10).adjustments == (Adjustment("p", "clamped", 10, 9),)
    assert resolved(declared, p=10).values == {"p": 9}
    assert resolved(declared, p=0).values == {"p": 1}
    assert type(resolved(declared, p=0).values["p"]) is int
    for edge in (1, 9):
        assert resolved(declared, p=edge).adjustments == ()


def test_an_enum_suggests() -> None:
    assert resolved("{p: {type: string, enum: [low, high]}}", p="low").values == {"p": "low"}
    with pytest.raises(ParameterError, match=r"one of: low, high; not 'hihg'; did you mean 'high'\?"):
        resolved("{p: {type: string, enum: [low, high]}}", p="hihg")
    with pytest.raises(ParameterError, match="one of: 1, 2"):
        resolved("{p: {type: integer, enum: [1, 2]}}", p=3)


def test_a_mapped_parameter_is_placed_and_its_new_name_reported() -> None:
    result = resolved("{max_tokens: {type: integer, maps_to: options.num_predict}}", max_tokens=5)
    assert result.placed == (("options.num_predict", 5),)
    assert result.adjustments == (Adjustment("max_tokens", "renamed", "max_tokens", "options.num_predict"),)
    assert resolved("{top_p: {type: number, maps_to: options.top_p}}", top_p=1).adjustments == ()
    assert resolved("{top_p: {type: number, optional: true, maps_to: options.top_p}}").placed == ()


def test_unknown_parameters() -> None:
    with pytest.raises(ParameterError, match=r"acme has no parameter 'haet'; did you mean 'heat'\?"):
        resolved("{heat: {type: number, default: 1}}", haet=1)
    with pytest.raises(ParameterError, match="its parameters: none"):
        resolved("{}", x=1)
    forwarded = resolved("{}", "forward", x=[1])
    assert (forwarded.forwarded, forwarded.adjustments) == ({"x": [1]}, (Adjustment("x", "forwarded", [1], [1]),))
    dropped = resolved("{}", "drop", x=1)
    assert (dropped.forwarded, dropped.adjustments) == ({}, (Adjustment("x", "dropped", 1),))
    assert resolved("{}", x=None).adjustments == ()


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(ParameterError) as caught:
        resolved("{p: {type: number}}", p="x" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_parameter_of_several_types() -> None:
    declared = "{stop: {type: [string, array]}}"
    assert resolved(declared, stop="x").values == {"stop": "x"}
    assert resolved(declared, stop=["x"]).values == {"stop": ["x"]}
    with pytest.raises(ParameterError, match=r"'stop' of acme is of type string or array, not integer \(1\)"):
        resolved(declared, stop=1)


def test_bounds_hold_for_the_numbers_of_a_mixed_parameter() -> None:
    declared = "{budget: {type: [integer, string], min: 10, max: 20, out_of_range: clamp}}"
    assert resolved(declared, budget=30).values == {"budget": 20}
    assert resolved(declared, budget="auto").values == {"budget": "auto"}


def test_a_value_in_the_words_of_the_service() -> None:
    declared = "{effort: {type: [string, integer, boolean], values: {low: 1024, 'true': medium, '3': {deep: 1}}}}"
    for given, sent in (("low", 1024), (True, "medium"), (3, {"deep": 1})):
        result = resolved(declared, effort=given)
        assert result.values == {"effort": sent}
        assert result.adjustments == (Adjustment("effort", "renamed", given, sent),)
    other = resolved(declared, effort="high")
    assert (other.values, other.adjustments) == ({"effort": "high"}, ())


def test_a_default_goes_through_the_value_map() -> None:
    result = resolved("{effort: {type: string, default: low, values: {low: 1}}}")
    assert (result.values, result.adjustments) == ({"effort": 1}, (Adjustment("effort", "defaulted", None, 1),))


SAME_PLACE = "{short: {type: integer, optional: true, maps_to: n}, long: {type: integer, DEFAULT, maps_to: n}}"


def test_two_parameters_of_one_place() -> None:
    declared = SAME_PLACE.replace("DEFAULT", "optional: true")
    assert resolved(declared, short=1).placed == (("n", 1),)
    assert resolved(declared, long=2).placed == (("n", 2),)
    with pytest.raises(ParameterError, match="'short' and 'long' are both sent as n; give one"):
        resolved(declared, short=1, long=2)


def test_a_default_gives_way_to_what_was_given_for_its_place() -> None:
    declared = SAME_PLACE.replace("DEFAULT", "default: 9")
    assert resolved(declared, short=1).placed == (("n", 1),)
    assert resolved(declared).placed == (("n", 9),)


def test_a_map_is_placed_before_what_goes_into_it() -> None:
    declared = "{effort: {type: string, maps_to: thinking.effort}, thinking: {type: object, maps_to: thinking}}"
    assert resolved(declared, effort="low", thinking={"on": True}).placed == (
        ("thinking", {"on": True}),
        ("thinking.effort", "low"),
    )


@pytest.mark.parametrize("action", ["dropped", "clamped", "forwarded"])
def test_strict_refuses_what_changes_the_call(action: Any) -> None:
    with pytest.raises(ParameterError, match="acme, strictly: heat: 3 is"):
        refuse_adjusted("acme", [Adjustment("heat", action, 3, 2)])


def test_strict_lets_new_names_and_defaults_pass() -> None:
    refuse_adjusted("acme", [Adjustment("a", "renamed", "a", "b"), Adjustment("c", "defaulted", None, 1)])
