"""The page of every key: meaning, type, default, example and the names that its template may use, read off the schema.

A map that stands in several places is described once, as a named part; a row whose type is a named part leads there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from engine.expressions import FILTERS, FUNCTIONS, TESTS
from engine.loader.published import schema

Node = dict[str, Any]

HEAD = ("| key | type | default | meaning | example |", "|---|---|---|---|---|")

ABOUT = """\
A key that is **required** may be left to the file that this one extends; a protocol (`abstract: true`) needs no `url`,
`response` and `examples`. A **template** is text with `{{ }}`; the meaning ends with the names that it may use. Where a
name stands for a value that may not be there (`steps` in a file without steps, `system` unless `messages.system` is
`field`), it is no name. In `messages`, `parts` and `tools` the names of a place hide a setting or a param of the same
name, and stand beside settings, params and `model stream omit`.

An editor, and any validator of JSON Schema, sees what the schema can say. `wirefile validate` sees more: what is in
templates, paths and patterns, what two places of a file say about each other, whom a file sends to and what it would
tell them, what it inherits, and that `2.0` is no whole number.

The `$id` of the schema, `{id}`, is a name and no address: nothing can be
fetched by it, and no tool needs to. It tells one version of the language from another; its last field is the
`spec_version`. It is a UUID because a URL would stand under a domain that this project does not have, and a URN of its
own kind would have to be registered (RFC 8141); a UUID of version 8 (RFC 9562) is anybody's to make. `wirefile schema`
prints the schema itself; an editor reads it where a file begins with `# yaml-language-server: $schema=` and its path.
"""

EXPRESSIONS = """\
`{{ }}` holds one expression: names, `a.b`, `a[0]`, literals, comparison, arithmetic, `and or not`, `x if c else y`, `~`
to join texts, and what these tables list. `secrets` and `steps` are read by their members: `secrets.NAME`,
`steps.NAME.VALUE`.
"""


def page(note: str) -> str:
    """docs/reference.md."""
    root = schema()
    lines = [f"# Every key of a provider file\n\n{note}{root['description']}\n"]
    lines += [ABOUT.replace("{id}", root["$id"]), *HEAD, *_rows(root, "")]
    lines += ["", "## Named parts\n", "Keys that stand in several places are described once.\n"]
    for name in named_parts():
        node = root["$defs"][name]
        lines += [f"### {name}\n", node.get("description", ""), "", *HEAD, *_rows(node, ""), ""]
    lines += ["## Expressions\n", EXPRESSIONS]
    for title, table in (("filter", FILTERS), ("test", TESTS), ("function", FUNCTIONS)):
        lines += [f"| {title} | meaning |", "|---|---|"]
        lines += [f"| `{name}{'()' * (title == 'function')}` | {entry.meaning} |" for name, entry in table.items()]
        lines += [""]
    return "\n".join(lines)


@cache
def named_parts() -> list[str]:
    """The definitions of the schema that have keys of their own, but for those that only say which are required."""
    root = schema()
    return [name for name, node in root["$defs"].items() if name not in ("whole", "whole_auth") and list(forms(node))]


def resolved(node: Node) -> Node:
    """A schema with what it refers to; its own words before those of the other."""
    return target(node) | {key: value for key, value in node.items() if key != "$ref"}


def target(node: Node) -> Node:
    """The schema itself that a reference leads to, or the same where there is none."""
    while "$ref" in node:
        found: Any = schema()
        for key in node["$ref"].split("/")[1:]:
            found = found[key]
        node = found
    return node


def forms(node: Node) -> Iterator[tuple[str, Node, str]]:
    """What a schema describes below it, once each: the key, its schema, and for which `type` it is there."""
    seen = set()
    for branch, part in _branches(node):
        for key, child in part.get("properties", {}).items():
            if isinstance(child, dict) and (branch, key) not in seen:
                seen.add((branch, key))
                yield key, child, branch
        if isinstance(part.get("additionalProperties"), dict):
            yield "*", part["additionalProperties"], branch
    if isinstance(node.get("items"), dict):
        yield "[]", node["items"], ""


def _branches(node: Node) -> Iterator[tuple[str, Node]]:
    """The places where a schema names keys: itself, its two forms, and its branches by `type`."""
    yield "", node
    for key in ("then", "else"):
        if node is not schema() and "$ref" not in node.get(key, {}):
            yield "", node.get(key, {})
    for branch in node.get("allOf", ()):
        if "if" in branch:
            yield branch["if"]["properties"]["type"]["const"], branch["then"]


@cache
def required() -> dict[int, set[str]]:
    """The keys that the schema asks of a whole file, by the identity of the schema that describes them."""
    found: dict[int, set[str]] = {}
    root = schema()
    _collect(root, root["$defs"]["whole"], found)
    found[id(root)] = {*root["required"], *root["$defs"]["whole"]["else"]["required"]}
    return found


def _collect(node: Node, asks: Node, found: dict[int, set[str]]) -> None:
    node, asks = target(node), target(asks)
    found.setdefault(id(node), set()).update(asks.get("required", ()))
    for key, child in asks.get("properties", {}).items():
        if key in node.get("properties", {}):
            _collect(node["properties"][key], child, found)
    if "additionalProperties" in asks:
        _collect(node["additionalProperties"], asks["additionalProperties"], found)
    if "$ref" in asks.get("then", {}):
        _collect(node["then"], asks["then"], found)
    by_type = {kind: part for kind, part in _branches(node) if kind}
    for kind, part in _branches(asks):
        if kind in by_type:
            _collect(by_type[kind], part, found)


def _rows(node: Node, path: str) -> Iterator[str]:
    needed = required()
    homes = {branch: part for branch, part in _branches(node) if branch} | {"": node}
    for key, child, branch in forms(node):
        home = homes[branch]
        is_needed = key in {*home.get("required", ()), *needed.get(id(home), ())}
        place = f"{path.removesuffix('.')}[]" if key == "[]" else f"{path}{key}"
        yield _row(child, place, branch, is_needed)
        if not _part_of(child):
            yield from _rows(child, f"{place}.")


def _part_of(node: Node) -> str:
    """The named part that a schema refers to, where that has keys of its own; of the top, the key."""
    name = str(node.get("$ref", "")).rpartition("/")[2]
    return name if name in named_parts() or node.get("$ref", "").startswith("#/properties/") else ""


def _row(node: Node, place: str, branch: str, is_needed: bool) -> str:
    full = resolved(node)
    key = f"`{place}`{f' (type {branch})' if branch else ''}{', **required**' if is_needed else ''}"
    default = f"`{_json(full['default'])}`" if "default" in full else ""
    example = f"`{_json(full['examples'][0])}`" if full.get("examples") else ""
    cells = (key, _type(node, full), default, full.get("description", ""), example)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _type(node: Node, full: Node) -> str:
    values = full.get("enum", [full["const"]] if "const" in full else [])
    kinds = full.get("type", "any" if not values else [])
    words = " or ".join([kinds] if isinstance(kinds, str) else kinds) or ", ".join(f"`{_json(v)}`" for v in values)
    words += f" {_bounds(full)}" if _bounds(full) else ""
    if part := _part_of(node) or _part_of(node.get("then", {})):
        words = (
            f"{words}: as `{part}` above"
            if part in schema()["properties"] and part not in named_parts()
            else f"{words}: [{part}](#{part})"
        )
    return f"{words}, template" if "x-template" in full else words


def _bounds(node: Node) -> str:
    """The range of a number, in words."""
    low = ""
    if "minimum" in node or "exclusiveMinimum" in node:
        low = f"from {node['minimum']}" if "minimum" in node else f"above {node['exclusiveMinimum']}"
    high = f"to {node['maximum']}" if "maximum" in node else ""
    return " ".join(word for word in (low, high) if word)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
