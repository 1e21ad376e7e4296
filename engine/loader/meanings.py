"""What the schema says of a key: read by its place in a file, through references and branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]


def resolved(node: Any, schema: Node) -> Any:
    """A schema, or the one that it refers to: `#/$defs/rule`, `#/properties/params`."""
    while isinstance(node, Mapping) and "$ref" in node:
        target: Any = schema
        for key in node["$ref"].split("/")[1:]:
            target = target[key]
        node = target
    return node


def meaning(place: tuple[str | int, ...], around: Any, schema: Node) -> str:
    """The description of a key that could be at a place, in the map `around`; empty where there is none."""
    nodes = [schema]
    for part in place:
        nodes = [child for node in nodes for form in _forms(node, around, schema) if (child := _below(form, part))]
    described = (node.get("description") or resolved(node, schema).get("description") for node in nodes)
    return next((words for words in described if words), "")


def _forms(node: Node, around: Any, schema: Node) -> Iterator[Node]:
    """A schema and those beside it that say more: of branches by `type`, the one of this map."""
    node = resolved(node, schema)
    yield node
    for key in ("then", "else"):
        if key in node:
            yield from _forms(node[key], around, schema)
    for branch in node.get("allOf", ()):
        kind = branch.get("if", {}).get("properties", {}).get("type", {}).get("const")
        if kind is not None and kind == around.get("type"):
            yield branch["then"]


def _below(node: Node, part: str | int) -> Node:
    """The schema of a value in what a schema describes; empty where it says nothing of it."""
    child = node.get("items")
    if isinstance(part, str):
        child = node.get("properties", {}).get(part, node.get("additionalProperties"))
    return child if isinstance(child, Mapping) else {}
