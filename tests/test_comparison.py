from __future__ import annotations

from engine.comparison import NOTHING, differences, same


def test_same_knows_json() -> None:
    assert same({"a": [1, None]}, {"a": [1.0, None]})
    assert not same(1, True)
    assert not same({"a": None}, {})
    assert not same([1], [1, 2])
    assert not same("1", 1)


def test_differences_are_the_smallest_parts() -> None:
    assert list(differences({"a": {"b": [1, 2]}, "c": 0}, {"a": {"b": [1, 3]}, "c": 0})) == [(("a", "b", 1), 2, 3)]
    assert list(differences({"a": 1}, {"a": 1, "b": 2}, ("x",))) == [(("x", "b"), NOTHING, 2)]
    assert list(differences([1, 2], [1], ("x",))) == [(("x", 1), 2, NOTHING)]
    assert list(differences({"a": [1]}, {"a": {"0": 1}})) == [(("a",), [1], {"0": 1})]
    assert list(differences(1, 1.0)) == []


def test_a_value_that_says_nothing_is_a_value() -> None:
    (found,) = differences({}, {"a": "nothing"})
    assert found == (("a",), NOTHING, "nothing")
    assert (found[1] is NOTHING, found[2] is NOTHING) == (True, False)


def test_the_order_is_that_of_the_expectation() -> None:
    assert [place for place, _, _ in differences({"b": 1, "a": 1}, {"c": 1, "a": 2, "b": 2})] == [
        ("b",),
        ("a",),
        ("c",),
    ]
