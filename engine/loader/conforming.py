"""Whether data keeps to the schema, and where its marked values are: the quick answer, for a file that does.

What is wrong with one that does not, jsonschema tells (validator.py); importing that takes longer than all else that
judging a sound file does. Only the keywords of our schema are known here, as functions in a table, and a test holds
both answers against each other for every file of the tests, good and bad.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .document import Place
from .published import MARKS, target

Marks = list[tuple[str, Any, Place, Any]]
"""The marks that were met: the keyword, what it says, and the place and the value that it is about."""

Check = Callable[[Any, Any, Mapping[str, Any], Place, Marks], bool]
"""What a keyword asks: (what it says, the value, the schema around it, the place, the marks) -> whether it is so."""

_nodes: dict[int, list[tuple[Check, Any]]] = {}
"""What each node of the schema asks, by the node: the schema is read once, and its nodes stay what they are."""


def keeps(node: Any, value: Any, place: Place, marks: Marks) -> bool:
    """Whether a value is as a node of the schema says; the marks that are met on the way are added.

    What is false is a key that another excludes, which is told by a mark with better words.
    """
    if node is True or node is False:
        return True
    asked = _nodes.get(id(node))
    if asked is None:
        asked = _nodes[id(node)] = [(_CHECKS[word], says) for word, says in node.items() if word in _CHECKS]
    return all(check(says, value, node, place, marks) for check, says in asked)


def _holds(node: Any, value: Any, place: Place) -> bool:
    """Whether a condition holds. A validator would tell a mark in it like a violation: with one, it does not."""
    marks: Marks = []
    return keeps(node, value, place, marks) and not marks


def _mark(name: str, says: Any, value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    marks.append((name, says, place, value))
    return True


def _reference(says: str, value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return keeps(target(says), value, place, marks)


def _condition(says: Any, value: Any, node: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return keeps(node.get("then" if _holds(says, value, place) else "else", True), value, place, marks)


def _all_of(says: list[Any], value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return all(keeps(node, value, place, marks) for node in says)


def _any_of(says: list[Any], value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return any(_holds(node, value, place) for node in says)


def _not(says: Any, value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return not _holds(says, value, place)


def _properties(says: Mapping[str, Any], value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    if type(value) is not dict:
        return True
    return all(keeps(node, value[name], (*place, name), marks) for name, node in says.items() if name in value)


def _patterns(says: Mapping[str, Any], value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    if type(value) is not dict:
        return True
    return all(
        keeps(node, value[name], (*place, name), marks)
        for pattern, node in says.items()
        for name in value
        if re.search(pattern, name)
    )


def _others(says: Any, value: Any, node: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    """`additionalProperties`: what neither `properties` nor `patternProperties` names."""
    if type(value) is not dict:
        return True
    known, patterns = node.get("properties", {}), node.get("patternProperties", {})
    others = [name for name in value if name not in known and not any(re.search(one, name) for one in patterns)]
    if says is False:
        return not others
    return all(keeps(says, value[name], (*place, name), marks) for name in others)


def _names(says: Any, value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    return type(value) is not dict or all(keeps(says, name, place, marks) for name in value)


def _dependent(says: Mapping[str, Any], value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    if type(value) is not dict:
        return True
    return all(keeps(node, value, place, marks) for name, node in says.items() if name in value)


def _items(says: Any, value: Any, _: Mapping[str, Any], place: Place, marks: Marks) -> bool:
    if type(value) is not list:
        return True
    return all(keeps(says, item, (*place, index), marks) for index, item in enumerate(value))


def _same(one: Any, two: Any) -> bool:
    """JSON's equality: true is not 1, and neither are lists and maps that hold them."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    return bool(one == two)


def is_pattern_in(pattern: str, text: str) -> bool:
    """Whether a text matches. In Python, but not in JSON Schema, `$` also matches before a line end that closes it."""
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text) is not None


def is_whole_number(value: Any) -> bool:
    """Whether a value is an integer to us: 2.0 is no count of retries."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": is_whole_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _type(says: str | list[str], value: Any, *_: Any) -> bool:
    return _TYPES[says](value) if isinstance(says, str) else any(_TYPES[name](value) for name in says)


def _about(kind: str, is_so: Callable[[Any, Any], bool]) -> Check:
    """A keyword that speaks of values of one type only."""
    applies = _TYPES[kind]
    return lambda says, value, *_: not applies(value) or is_so(says, value)


_CHECKS: Mapping[str, Check] = {
    **{name: partial(_mark, name) for name in MARKS},
    "$ref": _reference,
    "if": _condition,
    "allOf": _all_of,
    "anyOf": _any_of,
    "not": _not,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _others,
    "propertyNames": _names,
    "dependentSchemas": _dependent,
    "items": _items,
    "type": _type,
    "enum": lambda says, value, *_: any(_same(value, one) for one in says),
    "const": lambda says, value, *_: _same(value, says),
    "required": _about("object", lambda says, value: all(name in value for name in says)),
    "minProperties": _about("object", lambda says, value: len(value) >= says),
    "minItems": _about("array", lambda says, value: len(value) >= says),
    "maxItems": _about("array", lambda says, value: len(value) <= says),
    "minLength": _about("string", lambda says, value: len(value) >= says),
    "maxLength": _about("string", lambda says, value: len(value) <= says),
    "pattern": _about("string", is_pattern_in),
    "minimum": _about("number", lambda says, value: not value < says),
    "maximum": _about("number", lambda says, value: not value > says),
    "exclusiveMinimum": _about("number", lambda says, value: not value <= says),
}
