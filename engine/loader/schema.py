"""Plain data against the published schema: what breaks it, and where the values are that it marks.

The schema says more than types: the keywords `x-template`, `x-path`, `x-regex`, `x-refers-to` and `x-exclusive` mark
what a value is for. One pass over the data gives both what breaks the schema and where the marked values are, so that
which fields may hold templates is written down once, in the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from .conforming import Marks, keeps
from .document import Place
from .published import MARKS, asked

if TYPE_CHECKING:
    from .violations import Violation

PATCHES: Place = ("models", "patches")


@dataclass(frozen=True, slots=True)
class Marked:
    """A value that the schema marks, with what the mark says."""

    mark: str
    says: Any
    place: Place
    value: Any


Examined = tuple[list["Violation"], list[Marked]]
"""What breaks the schema, and what it marks."""


def examine(data: Any, most: int, *, is_whole: bool = True) -> Examined:
    """What breaks the schema, and what it marks; the search ends at `most` violations.

    Not `is_whole` is a file without what it inherits: nothing is said of what is missing in it.
    """
    met: Marks = []
    if keeps(asked(is_whole=is_whole), data, (), met):
        return [], [Marked(*mark) for mark in met if mark[2][:2] != PATCHES]  # a patch is read when it is laid on
    return told(data, most, is_whole=is_whole)


def told(data: Any, most: int, *, is_whole: bool = True) -> Examined:
    """The same by jsonschema, which can tell what is wrong."""
    from .validator import validator
    from .violations import violations_in

    violations: list[Violation] = []
    marked: list[Marked] = []
    of_wrong_type: set[Place] = set()
    for error in validator(is_whole=is_whole).iter_errors(data):
        place = tuple(error.absolute_path)
        if error.validator in MARKS:
            if place[:2] != PATCHES:
                marked.append(Marked(error.validator, error.validator_value, place, error.instance))
            continue
        if place in of_wrong_type and error.validator not in ("type", "required"):
            continue  # of a value that is no number, nothing is said about its range
        if error.validator == "type":
            of_wrong_type.add(place)
        violations.extend(islice(violations_in(error, place), most - len(violations)))
        if len(violations) >= most:
            break
    return violations, marked
