"""Places in plain data: what is where, in the texts too that are JSON, and the same as a path of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .capture import json_or_none

Place = tuple[str | int, ...]

JSON_INSIDE = "\0json"
"""The segment of a place that stands for: parse the text that is here."""


def at(tree: Any, place: Place) -> Any:
    """The value at a place, or None."""
    for key in place:
        if key == JSON_INSIDE:
            tree = json_or_none(tree) if isinstance(tree, str) else None
        elif isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def walk(value: Any, place: Place, *, json_too: bool = False) -> Iterator[tuple[Place, Any]]:
    """Everything in a tree with its place, outer before inner; `json_too`: also what stands in texts that are JSON."""
    yield place, value
    if json_too and isinstance(value, str) and value[:1] in ("{", "[") and JSON_INSIDE not in place:
        inner = json_or_none(value)
        if isinstance(inner, dict | list) and inner:
            yield from walk(inner, (*place, JSON_INSIDE))
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from walk(item, (*place, key), json_too=json_too)


def is_within(place: Place, outer: Place | None) -> bool:
    """Whether a place is another one, or stands in what is there."""
    return outer is not None and place[: len(outer)] == outer


def last_name(place: Place) -> str:
    """The last name of a place, without case and hyphens; nothing for an item of a list."""
    return re.sub(r"[-_]", "", place[-1]).lower() if place and isinstance(place[-1], str) else ""


def dotted(place: Place) -> str:
    """A place as a path of the language.

    >>> dotted(("choices", 0, "text")), dotted(())
    ('choices.0.text', '$')
    """
    return ".".join(map(str, place)) or "$"


def is_sayable(place: Place) -> bool:
    """Whether a path of the language can lead there."""
    keys = [key for key in place if isinstance(key, str)]
    return all(key and not re.search(r"[.\[\]*\s{]|^\$", key) for key in keys)
