"""Mistyped keys: each is one problem, and is then read as the key that was meant.

So `ulr: https://...` is not a missing `url` as well, and what stands under `paylod` is examined in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import Problem
from .document import Document, Place
from .schema import Examined, examine

if TYPE_CHECKING:
    from .violations import Violation

_ROUNDS = 4
"""A mistyped key under a mistyped key is found in the next round; the last has none to spell out."""


def violation_problem(document: Document, violation: Violation) -> Problem:
    """What breaks the schema, at its place."""
    where = {"key": violation.key, "index": violation.index}
    return document.problem(violation.place, violation.rule, violation.message, violation.hint, **where)  # type: ignore[arg-type]


def respelt(document: Document, most: int) -> tuple[Document, Examined, list[Problem]]:
    """The document with its mistyped keys spelt as they were meant, what the schema says of it, and the slips."""
    found: list[Problem] = []
    for rounds_left in reversed(range(_ROUNDS)):
        examined = examine(document.data, most)
        slips = [violation for violation in examined[0] if violation.meant] if rounds_left else []
        meant = {slip.place: slip.meant for slip in reversed(slips) if slip.meant not in _siblings(slip, slips)}
        if not meant:
            break
        found += [violation_problem(document, slip) for slip in slips if slip.place in meant]
        document = _renamed(document, meant)
    return document, examined, found


def _siblings(slip: Violation, slips: list[Violation]) -> set[str]:
    """What the slips before this one in the same map stand for: of two for one key, the first is meant."""
    before = slips[: slips.index(slip)]
    return {other.meant for other in before if other.place[:-1] == slip.place[:-1]}


def _renamed(document: Document, meant: Mapping[Place, str]) -> Document:
    def place_of(place: Place) -> Place:
        return tuple(meant.get(place[: size + 1], part) for size, part in enumerate(place))

    def tree(value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {
                meant.get((*place, key), key): tree(inner, (*place, key))  # in the order of the file
                for key, inner in value.items()
            }
        return [tree(inner, (*place, i)) for i, inner in enumerate(value)] if isinstance(value, list) else value

    return replace(
        document,
        data=tree(document.data, ()),
        values={place_of(place): mark for place, mark in document.values.items()},
        keys={place_of(place): mark for place, mark in document.keys.items()},
        overridden=frozenset(meant.get((key,), key) for key in document.overridden),
    )
