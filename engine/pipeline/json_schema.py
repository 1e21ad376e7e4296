"""Passes over the JSON Schema of a tool's parameters, for APIs that take only a part of that language.

Each walks schemas only: what stands under `properties` are names, and what stands under `enum` or `default` is data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

MAX_NODES = 20_000
"""How many schemas one may grow to when its references are written out."""
MAX_PLACE = 100
"""How much of a place is shown: its end."""
MAX_VALUES = 500_000
"""How many values of any kind its references may bring in, each counted with all that it leads to."""

_ONE = (
    *("items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "unevaluatedProperties"),
    *("propertyNames", "not", "if", "then", "else"),
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_DEFINITIONS = ("$defs", "definitions")


class SchemaError(ValueError):
    """A schema that a pass cannot express; the message names the place in it."""

    def __init__(self, place: str, why: str) -> None:
        short = place if len(place) <= MAX_PLACE else f"...{place[-MAX_PLACE:]}"
        super().__init__(f"{short or 'their root'} {why}")


def _children(schema: Schema, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Every schema directly inside one: the keyword, the key below it (None for a single one), the schema."""
    for keyword in _ONE:
        if isinstance(schema.get(keyword), dict):
            yield keyword, None, schema[keyword]
    for keyword in _LISTS:
        if isinstance(schema.get(keyword), list):
            yield from ((keyword, number, item) for number, item in enumerate(schema[keyword]))
    for keyword in (*_MAPS, *_DEFINITIONS):
        if isinstance(schema.get(keyword), dict):
            yield from ((keyword, name, item) for name, item in schema[keyword].items())


def _rebuilt(schema: Schema, change: Callable[[Any, str], Any], place: str) -> Schema:
    """A copy whose inner schemas are what `change` makes of them."""
    copy = dict(schema)
    for keyword, key, child in _children(schema, place):
        where = ".".join(str(word) for word in (place, keyword, key) if word not in (None, ""))
        made = change(child, where) if isinstance(child, dict) else child
        if key is None:
            copy[keyword] = made
        else:
            if copy[keyword] is schema[keyword]:
                copy[keyword] = schema[keyword].copy()
            copy[keyword][key] = made
    return copy


def _everywhere(change: Callable[[Schema, str], Schema]) -> Callable[[Schema, Any], Schema]:
    """A pass that changes each schema by itself, the innermost first."""

    def walk(schema: Schema, place: str) -> Schema:
        return change(_rebuilt(schema, walk, place), place)

    return lambda schema, option: walk(schema, "")


# --- references ---


def inline_refs(schema: Schema, option: Any) -> Schema:
    """Each `$ref` replaced by what it leads to, and no definitions."""
    budget = [MAX_NODES]
    room = [MAX_VALUES]
    sizes: dict[str, int] = {}

    def walk(node: Any, place: str, within: tuple[str, ...]) -> Any:
        budget[0] -= 1
        if budget[0] < 0:
            raise SchemaError(place, f"grows beyond {MAX_NODES} schemas when its references are written out")
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            if reference in within:
                raise SchemaError(place, f"refers to itself ('{reference}'), which this API cannot say")
            within = (*within, reference)
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = _target(schema, reference, place)
            if reference not in sizes:
                sizes[reference] = _size(target)
            room[0] -= sizes[reference]
            if room[0] < 0:
                raise SchemaError(place, f"grows beyond {MAX_VALUES} values when its references are written out")
            node = {**target, **beside}
        if not isinstance(node, dict):
            return node
        bare = {key: value for key, value in node.items() if key not in _DEFINITIONS}
        return _rebuilt(bare, lambda child, where: walk(child, where, within), place)

    made: Schema = walk(schema, "", ())
    return made


def _target(schema: Schema, reference: str, place: str) -> Schema:
    if not reference.startswith("#"):
        raise SchemaError(place, f"refers to '{reference}', which is outside of the schema")
    shown = reference if len(reference) <= MAX_PLACE else f"{reference[:MAX_PLACE]}..."
    node: Any = schema if reference == "#" or reference.startswith("#/") else None
    for word in reference[1:].split("/")[1:]:
        word = word.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and word.isdecimal() and int(word) < len(node):
            node = node[int(word)]
        else:
            node = node.get(word) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise SchemaError(place, f"refers to '{shown}', which is not there")
    return node


def _size(value: Any) -> int:
    """How many values are in one; it nests no deeper than a caller may give it."""
    if isinstance(value, dict | list):
        return 1 + sum(map(_size, value.values() if isinstance(value, dict) else value))
    return 1


# --- keywords ---


def drop_keys(schema: Schema, option: Any) -> Schema:
    """Without the named keywords, wherever they stand as keywords."""
    gone = frozenset(option)
    walk = _everywhere(lambda node, place: {key: value for key, value in node.items() if key not in gone})
    return walk(schema, None)


def _const(node: Schema, place: str) -> Schema:
    """`const` as an `enum` of one; a text says its type as well, which APIs without `const` want beside an enum."""
    if "const" not in node:
        return node
    kind = {"type": "string"} if isinstance(node["const"], str) and "type" not in node else {}
    renamed = {("enum" if key == "const" else key): ([item] if key == "const" else item) for key, item in node.items()}
    return renamed | kind


def _nullable(node: Schema, place: str) -> Schema:
    """`type: [x, null]`, or `anyOf` with a null, as x with `nullable: true`."""
    kinds = node.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        if len(others) != 1:
            raise SchemaError(place, f"is of the types {', '.join(map(str, kinds))}, where this API takes one type")
        node = {**node, "type": others[0]} | ({"nullable": True} if len(others) < len(kinds) else {})
    for keyword in ("anyOf", "oneOf"):
        branches = node.get(keyword)
        if isinstance(branches, list) and {"type": "null"} in branches:
            node = _without_null(node, keyword, [branch for branch in branches if branch != {"type": "null"}])
    if node.get("nullable") is True and isinstance(node.get("enum"), list):
        node = {**node, "enum": [value for value in node["enum"] if value is not None]}
    return node


def _without_null(node: Schema, keyword: str, branches: list[Any]) -> Schema:
    rest = {key: value for key, value in node.items() if key != keyword}
    if len(branches) == 1 and isinstance(branches[0], dict):
        return {**branches[0], **rest, "nullable": True}
    return {**rest, **({keyword: branches} if branches else {}), "nullable": True}


def empty_root_omit(schema: Schema, option: Any) -> Schema | None:
    """None for an object without properties: the parameters are then left out."""
    empty = schema.get("type", "object") == "object" and not schema.get("properties")
    elsewhere = {"anyOf", "oneOf", "allOf", "$ref", "patternProperties"} & set(schema)
    return None if empty and not elsewhere and not isinstance(schema.get("additionalProperties"), dict) else schema


SCHEMA_PASSES: Mapping[str, Callable[[Schema, Any], Schema | None]] = {
    "inline_refs": inline_refs,
    "drop_keys": drop_keys,
    "const_to_enum": _everywhere(_const),
    "type_array_to_nullable": _everywhere(_nullable),
    "empty_root_omit": empty_root_omit,
}
"""The closed table of passes; `drop_keys` is the only one with an option, a list of keywords."""
