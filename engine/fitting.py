"""What a file declares, asked of one value or name: whether it is of a param's type, which patches are a model's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
"""A param's type, and the Python types of its values; a boolean is never a number."""

MAX_PATTERN = 200
"""How long a pattern of models' names may be. The schema says so too, but a longer one is read before it is refused:
brackets that never close take quadratic time."""


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a param's type.

    >>> fits("number", 1), fits("number", True), fits("integer", 1.0)
    (True, False, False)
    """
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def value_key(value: Any) -> str | None:
    """The key of a param's `values` that stands for a given value; None for one that has no such name.

    >>> value_key("low"), value_key(True), value_key(3), value_key(0.5)
    ('low', 'true', '3', None)
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def patches_for(patches: Iterable[Collection[str]], model: str | None) -> tuple[int, ...]:
    """The places of those patches, each given as its patterns, that match a model's name on the wire.

    >>> patches_for([["o1*", "o3*"], ["*mini"], ["gpt-?"]], "o3-mini")
    (0, 1)
    """
    if model is None:
        return ()
    matches = (any(_matches(model, pattern) for pattern in patterns) for patterns in patches)
    return tuple(index for index, is_match in enumerate(matches) if is_match)


def _matches(model: str, pattern: str) -> bool:
    return len(pattern) <= MAX_PATTERN and fnmatchcase(model, pattern)
