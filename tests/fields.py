"""A provider file that holds every field which the schema marks as templated, as data, and where these fields are."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from engine.loader import conforming, published
from engine.loader import schema as rooms
from engine.loader.published import schema
from engine.loader.schema import Marked, examine

Place = tuple[str | int, ...]

_REQUEST = {
    "path": "/x",
    "query": {"q": "a"},
    "headers": {"x-a": "a"},
}
FILE: dict[str, Any] = {
    "spec_version": 1,
    "name": "acme",
    "settings": {"region": {"default": "eu"}},
    "secrets": {"key": {"env": ["ACME_KEY"]}},
    "auth": [
        {"type": "header", "name": "x-sign", "value": "a"},
        {"type": "jwt", "algorithm": "HS256", "key": "key", "header": {"kid": "a"}, "claims": {"iss": ["a"]}},
        {"type": "aws_sigv4", "service": "s", "region": "a", "access_key": "key", "secret_key": "key"},
        {
            "type": "oauth2",
            "token": {"url": "https://eu.acme.com/t", **_REQUEST, "form": {"a": "a"}, "value": "a"},
            "assertion": {"algorithm": "HS256", "key": "key", "header": {"kid": "a"}, "claims": {"iss": "a"}},
        },
        {"type": "oauth2", "token": {"url": "https://eu.acme.com/t", "json": {"a": "a"}, "value": "a"}},
    ],
    "models": {"default": "small"},
    "params": {"heat": {"type": "number", "default": 0.5}},
    "url": "https://eu.acme.com/v1",
    **_REQUEST,
    "steps": [
        {
            "name": "one",
            "url": "https://eu.acme.com",
            **_REQUEST,
            "json": {"a": ["a"]},
            "read": {"id": "id", "next": "next"},
            "cleanup": {"url": "https://eu.acme.com", **_REQUEST, "json": {"a": "a"}},
        },
        {"name": "two", "follow": "{{ steps.one.next }}", "cleanup": {"path": "/y", "form": {"a": "a"}}},
        {"name": "three", **_REQUEST, "form": {"a": "a"}},
    ],
    "messages": {
        "system": "field",
        "shapes": {role: {"a": "a"} for role in ("any", "system", "developer", "user", "assistant", "tool")}
        | {kind: {"a": "a"} for kind in ("tool_call", "tool_result", "reasoning")},
    },
    "parts": {
        kind: {"a": "a"}
        for kind in ("text", "image", "audio", "file", "tool_call", "tool_result", "reasoning", "refusal")
    },
    "tools": {
        "shape": {"a": "a"},
        "choice": {"auto": "a", "required": {"a": "a"}, "none": "a", "tool": {"a": "a"}},
    },
    "payload": {"list": ["a"], "map": {"deep": {"deeper": "a"}}, "when": {"$when": "true", "a": 1}},
    "response": {"codec": "text"},
    "examples": [
        {"name": "answer", "call": {"messages": "hi"}, "reply": {"text": "Hi"}, "expect": {"text": "Hi"}},
        {"name": "busy", "call": {"messages": "hi"}, "reply": {"status": 503}, "expect": {"error": "unavailable"}},
    ],
}


def marks(file: dict[str, Any]) -> Iterator[Marked]:
    """The templated values of a file; each mark says where in the schema it stands."""
    pointed = copy.deepcopy(schema())
    _point(pointed, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "schema", lambda: pointed)
        patch.setattr(rooms, "asked", cache(published.asked.__wrapped__))
        patch.setattr(conforming, "target", cache(published.target.__wrapped__))
        patch.setattr(conforming, "_nodes", {})
        found = examine(file, 1000)[1]
    yield from (mark for mark in found if mark.mark == "x-template")


def _point(node: Any, pointer: str) -> None:
    """Lets each mark of a schema say where it stands."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "x-template" and isinstance(value, str):
            node[key] = pointer
        _point(value, f"{pointer}/{key}")


def pointers() -> set[str]:
    """Where the schema marks a value as templated."""
    pointed = copy.deepcopy(schema())
    _point(pointed, "")
    return set(_said(pointed))


def _said(node: Any) -> Iterator[str]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "x-template" and isinstance(value, str):
            yield value
        yield from _said(value)


def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    """The places of the texts in a value."""
    if isinstance(value, str):
        yield place
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(item, (*place, key))


def templated(file: dict[str, Any]) -> list[Place]:
    """The places of all texts of a file that may be templates."""
    return [place for mark in marks(file) for place in leaves(mark.value, tuple(mark.place))]


def with_text(file: dict[str, Any], texts: dict[Place, str]) -> str:
    """A file with other texts at some places, written as JSON, which is YAML."""
    changed = json.loads(json.dumps(file))  # no map in two places
    for place, text in texts.items():
        at: Any = changed
        for key in place[:-1]:
            at = at[key]
        at[place[-1]] = text
    return json.dumps(changed, ensure_ascii=False)
