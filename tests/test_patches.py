"""Arguments that come as writes at places."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError
from engine.patches import MAX_DEPTH, Patched


def made(*writes: tuple[Any, Any]) -> Any:
    patched = Patched()
    for place, value in writes:
        patched.write(place, value)
    return json.loads(patched.text())


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        ([], {}),
        ([("$.a", 1)], {"a": 1}),
        ([("$.a", "x"), ("$.a", "y"), ("$.a", "")], {"a": "xy"}),
        ([("$.a", ""), ("$.a", "")], {"a": ""}),
        ([("$.a.b", True), ("$.a.c", None)], {"a": {"b": True, "c": None}}),
        ([("$.a[0]", "x"), ("$.a[0]", "y"), ("$.a[1]", "z")], {"a": ["xy", "z"]}),
        ([("$.a[0].b[0]", 1), ("$.a[1].b[0]", 2)], {"a": [{"b": [1]}, {"b": [2]}]}),
        ([("$.a[0][0]", 1)], {"a": [[1]]}),
        ([("$['a b'].c", 1), ('$["d.e"]', 2)], {"a b": {"c": 1}, "d.e": 2}),
        ([("$.a", 1), ("$.a", 2)], {"a": 2}),
        ([("$.a", "x"), ("$.a", 2)], {"a": 2}),
        ([("$.a", 2), ("$.a", "x")], {"a": "x"}),
        ([("$.a", 1), ("$.a.b", 2)], {"a": {"b": 2}}),
        ([("$.a.b", 1), ("$.a[0]", 2)], {"a": [2]}),
        ([("$.0", "key")], {"0": "key"}),
        ([("$.a", "\ud83d"), ("$.a", "\ude00")], {"a": "😀"}),
        ([("$.a", "\ud83d")], {"a": "\ufffd"}),
    ],
)
def test_writes_make_an_object(writes, expected):
    assert made(*writes) == expected


@pytest.mark.parametrize(
    "place",
    [
        "",
        "$",
        "a",
        "a.b",
        "$a",
        "$.",
        "$..a",
        "$.a.",
        "$.a[",
        "$.a[]",
        "$.a[-1]",
        "$.a[x]",
        "$.a[01]",
        "$[0]",
        "$.a b[*]",
        "$.*[*]",
        "$.a]",
        None,
        5,
        {},
        ["$.a"],
        "$" + ".a" * (MAX_DEPTH + 1),
        "$.a[1]",
        "$.a[999999]",
        "$.a[9999999999]",
    ],
)
def test_a_place_that_is_none_is_an_error(place):
    with pytest.raises(DecodeError, match="belongs at"):
        made((place, 1))


def test_a_place_may_be_as_deep_as_the_bound():
    assert made(("$" + ".a" * MAX_DEPTH, 1))["a"]["a"]


LEAVES = st.one_of(st.text(alphabet="ab'\"é\\😀", max_size=5), st.integers(), st.booleans(), st.none())
KEYS = st.text(alphabet="abc_", min_size=1, max_size=3)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3)
)


def writes_of(tree: Any, place: str, chance: random.Random) -> list[tuple[str, Any]]:
    if isinstance(tree, dict):
        return [write for key, value in tree.items() for write in writes_of(value, f"{place}.{key}", chance)]
    if isinstance(tree, list):
        return [write for index, value in enumerate(tree) for write in writes_of(value, f"{place}[{index}]", chance)]
    if isinstance(tree, str):
        cut = chance.randint(0, len(tree))
        return [(place, tree[:cut]), (place, tree[cut:])]
    return [(place, tree)]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_any_object_can_be_written(tree, chance):
    assert made(*writes_of(tree, "$", chance)) == tree
