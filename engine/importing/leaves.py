"""The leaves of a drafted payload that are no plain data, where they are put in a tree, and how the tree is spelt.

A text of the body stays that text: one that would read as a template is written as an expression that gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .capture import json_or_none
from .places import JSON_INSIDE, Place, at

_SIGHT = re.compile(r"\{\{|\{%|\{#|\}\}")


@dataclass(frozen=True, slots=True)
class Expression:
    """A leaf that is an expression, with the text around it."""

    text: str
    before: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a map that may be left out."""

    text: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """A leaf that is JSON as text."""

    value: Any


def put(tree: Any, place: Place, value: Any) -> Any:
    """A copy of the tree with a value at a place that is there."""
    if not place:
        return value
    key, rest = place[0], place[1:]
    if key == JSON_INSIDE:
        inner = tree.value if isinstance(tree, Embedded) else json_or_none(tree)
        return Embedded(put(inner, rest, value))
    if isinstance(tree, list):
        return [put(item, rest, value) if index == key else item for index, item in enumerate(tree)]
    return {name: put(item, rest, value) if name == key else item for name, item in tree.items()}


def without(tree: Any, place: Place) -> Any:
    """A copy of the tree without the key at a place; a map that is empty then stays."""
    if len(place) == 1:
        return {key: item for key, item in tree.items() if key != place[0]}
    return put(tree, place[:-1], without(at(tree, place[:-1]), place[-1:]))


def leaves(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Everything in a tree that holds nothing else, with its place."""
    if isinstance(value, Embedded):
        yield from leaves(value.value, (*place, JSON_INSIDE))
        return
    if not isinstance(value, dict | list) or not value:
        yield place, value
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(item, (*place, key))


def written(value: Any) -> Any:
    """A tree with its templates spelt out; everything else is the text that it was."""
    if isinstance(value, Expression):
        return f"{_plain(value.before)}{{{{ {value.text} }}}}{_plain(value.behind)}"
    if isinstance(value, Embedded):
        return f"{{{{ {literal(value.value)} | tojson }}}}"
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if isinstance(value, Condition):
        return value.text
    return [written(item) for item in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    """A text that no reader takes for a template."""
    return f"{{{{ {literal(text)} }}}}" if _SIGHT.search(text) else text


def literal(value: Any) -> str:
    """A value as an expression."""
    if isinstance(value, Expression):
        pieces = [literal(piece) if piece else "" for piece in (value.before, value.behind)]
        joined = " ~ ".join(filter(None, (pieces[0], f"({value.text})" if any(pieces) else value.text, pieces[1])))
        return f"({joined})" if any(pieces) else joined
    if isinstance(value, Embedded):
        return f"({literal(value.value)} | tojson)"
    if isinstance(value, str):
        pieces = re.split(r"(?<=[{}%])(?=[{}%#])", value)
        return " ~ ".join(map(_quoted, pieces)) if len(pieces) == 1 else f"({' ~ '.join(map(_quoted, pieces))})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    names = {True: "true", False: "false", None: "none"}
    return names[value] if value is None or isinstance(value, bool) else repr(value)


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f"'{escaped}'"
