"""Two plain values side by side: whether they are the same JSON, and every place where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Place = tuple[str | int, ...]
"""Where a value is in a tree: keys and indexes from the top."""


class Words(str):
    """What is told in a value's place where there is no value; it is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


NOTHING: Final = Words("nothing")
"""Stands for a value that one of the two sides does not have."""


def same(expected: Any, observed: Any) -> bool:
    """JSON equality: true is not 1, and 1 is 1.0.

    >>> same({"a": 1}, {"a": True}), same([1, "x"], [1.0, "x"])
    (False, True)
    """
    if isinstance(expected, bool) or isinstance(observed, bool):
        return expected is observed
    if isinstance(expected, dict) and isinstance(observed, dict):
        return expected.keys() == observed.keys() and all(same(expected[key], observed[key]) for key in expected)
    if isinstance(expected, list) and isinstance(observed, list):
        return len(expected) == len(observed) and all(map(same, expected, observed))
    return bool(expected == observed)


def differences(expected: Any, observed: Any, place: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
    """Every smallest part in which two values differ: its place, and the two parts, or NOTHING for one that is missing.

    Items of lists are compared by their index; what one list has more stands at its end.

    >>> list(differences({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}, "c": 5}))
    [(('a', 'b', 1), 2, 3), (('a', 'b', 2), nothing, 4), (('c',), nothing, 5)]
    """
    if isinstance(expected, dict) and isinstance(observed, dict):
        for key in [*expected, *(key for key in observed if key not in expected)]:
            yield from differences(expected.get(key, NOTHING), observed.get(key, NOTHING), (*place, key))
    elif isinstance(expected, list) and isinstance(observed, list):
        for index in range(max(len(expected), len(observed))):
            left, right = (side[index] if index < len(side) else NOTHING for side in (expected, observed))
            yield from differences(left, right, (*place, index))
    elif expected is NOTHING or observed is NOTHING or not same(expected, observed):
        yield place, expected, observed
