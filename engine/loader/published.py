"""The published schema, as it is read from its file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from .meanings import resolved

MARKS = ("x-template", "x-path", "x-regex", "x-refers-to", "x-exclusive")
"""The keywords of our own that mark what a value is for."""


def schema_file() -> Path:
    """The published schema: inside the package where it was installed, in the checkout where it was not."""
    name = Path("schemas", "provider.schema.json")
    packaged = Path(__file__).resolve().parents[1] / name
    return packaged if packaged.is_file() else Path(__file__).resolve().parents[2] / name


@cache
def schema() -> dict[str, Any]:
    """The schema, read once."""
    data: dict[str, Any] = json.loads(schema_file().read_text(encoding="utf-8"))
    return data


def default(*keys: str) -> Any:
    """The default that the schema gives for a key of the file: `default("retry", "max")`."""
    node: Any = schema()
    for key in keys:
        node = node["$defs"][key[1:]] if key.startswith("#") else node["properties"][key]
    return node["default"]


@cache
def asked(*, is_whole: bool) -> dict[str, Any]:
    """What the schema asks of a file with its parents in it, or of one that is looked at alone.

    The schema's own `if` asks whether a file extends another.
    """
    node = {key: says for key, says in schema().items() if key not in ("if", "else")}
    return node | ({"allOf": [schema()["else"]]} if is_whole else {})


@cache
def target(reference: str) -> Any:
    """The node that a `$ref` names."""
    return resolved({"$ref": reference}, schema())
