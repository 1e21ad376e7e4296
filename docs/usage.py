"""Who uses what of the language: each closed word (a codec, a pass, a filter, ...), with the families of files that do.

A family is a protocol with all files on it, or a file that stands alone. A word of fewer than two families has its
reason in `KEPT`, or has to go; a test holds the table to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance import readings, rules

from engine import Catalog, ProviderSpec
from engine.auth import AUTH
from engine.expressions import FILTERS, FUNCTIONS, TESTS
from engine.folders import builtin_folder
from engine.framing import FRAMINGS
from engine.loader.schema import schema
from engine.pipeline.json_schema import SCHEMA_PASSES
from engine.rules import OPERATORS, UNWRAPS, YIELDS
from engine.shaping import PART_TYPES

_EXTENDS = re.compile(r"^extends:\s*([\w-]+)", re.MULTILINE)
_IN_EXPRESSIONS = (
    ("filter", FILTERS, re.compile(r"\|\s*(\w+)")),
    ("test", TESTS, re.compile(r"\bis(?:\s+not)?\s+(\w+)")),
    ("function", FUNCTIONS, re.compile(r"(\w+)\(")),
)


def family(catalog: Catalog, name: str) -> str:
    """The protocol that a file is on, at the root of all that it extends, or its own name."""
    path = catalog.find(name) or builtin_folder() / "protocols" / f"{name}.yaml"
    parent = _EXTENDS.search(Path(path).read_text(encoding="utf-8"))
    return family(catalog, parent[1]) if parent else name


def _expressions(tree: Any, key: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _expressions(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _expressions(value)
    elif isinstance(tree, str):
        yield from [tree] if key == "$when" else re.findall(r"\{\{(.*?)\}\}", tree, re.DOTALL)


def _expression_words(spec: ProviderSpec) -> Iterator[str]:
    said = {key: value for key, value in spec.tree.items() if key != "examples"}
    for expression in _expressions(said):
        for title, table, pattern in _IN_EXPRESSIONS:
            yield from (f"{title} `{word}`" for word in pattern.findall(expression) if word in table)


def _answer_words(spec: ProviderSpec) -> Iterator[str]:
    for reading in readings(spec):
        yield f"codec `{reading.codec}`"
        for step in reading.unwrap:
            yield f"unwrap `{step if isinstance(step, str) else 'at'}`"
        conditions = list(reading.end.conditions)
        conditions += [rule.when for rule in rules(spec)]
        conditions += [condition for error in spec.errors for condition in (error.header, error.body, error.frame)]
        yield from (f"condition `{test.operator}`" for condition in conditions for test in condition)
    for rule in rules(spec):
        yield from (f"rule `{word}`" for word, there in (("for", rule.each), ("slot", rule.slot)) if there)
        yield from ("rule `carry`" for _ in rule.carry)
        for name, says in rule.yields:
            yield f"rule `{name}`"
            if isinstance(says, Mapping) and "mode" in says:
                yield f"{'tool_call' if name == 'tool_call' else 'text'} mode `{says['mode']}`"
    yield from ("`think`" for _ in [spec.response.think] if spec.response.think)


def _sections(spec: ProviderSpec) -> Iterator[str]:
    for section in ("messages", "tools"):
        said = spec.tree.get(section, {})
        yield from (f"{section} `{key}`" for key in said)
        yield from (f"{section} `{key}: {word}`" for key, word in said.items() if isinstance(word, str))
    yield from (f"part `{kind}`" for kind in spec.tree.get("parts", {}) if kind in PART_TYPES)
    yield from (f"part fallback `{word}`" for word in [spec.tree.get("parts", {}).get("fallback")] if word)
    for one in spec.tree.get("tools", {}).get("schema", ()):
        yield f"schema pass `{one if isinstance(one, str) else next(iter(one))}`"


def _request_words(spec: ProviderSpec) -> Iterator[str]:
    yield f"encoding `{spec.encoding}`"
    yield f"method `{spec.method}`"
    yield from (f"auth `{auth.type}`" for auth in spec.auth)
    yield from ("secret `json`" for secret in spec.secrets.values() if secret.json)
    yield from ("models `patches`" for _ in spec.models.patches)
    for param in spec.params.values():
        yield from (f"param `{key}`" for key in ("values", "enum", "maps_to") if getattr(param, key))
        yield from (f"param `{word}`" for word in ["out_of_range: clamp"] if param.out_of_range == "clamp")
        yield from ("param of several types" for _ in param.type[1:2])


def _closed() -> Iterator[str]:
    """Every word that the language has."""
    tables: Mapping[str, Iterable[str]] = {
        "codec": FRAMINGS,
        "unwrap": [*UNWRAPS, "at"],
        "condition": OPERATORS,
        "rule": ["for", "slot", "carry", *YIELDS],
        "text mode": _enum("$defs", "text", "properties", "mode"),
        "tool_call mode": _enum("$defs", "rule", "properties", "tool_call", "properties", "mode"),
        "auth": AUTH,
        "encoding": _enum("properties", "encoding"),
        "method": _enum("properties", "method"),
        "messages": _keys("messages"),
        "part": PART_TYPES,
        "part fallback": _enum("properties", "parts", "properties", "fallback"),
        "tools": _keys("tools"),
        "schema pass": SCHEMA_PASSES,
        "filter": FILTERS,
        "test": TESTS,
        "function": FUNCTIONS,
    }
    yield from (f"{title} `{word}`" for title, words in tables.items() for word in words)


def _at(*keys: str) -> dict[str, Any]:
    node: Any = schema()
    for key in keys:
        node = node[key]
    return dict(node)


def _enum(*keys: str) -> list[str]:
    return list(_at(*keys)["enum"])


def _keys(section: str) -> Iterator[str]:
    for key, node in _at("properties", section, "properties").items():
        yield key
        yield from (f"{key}: {word}" for word in node.get("enum", ()))


WORDS: tuple[Callable[[ProviderSpec], Iterable[str]], ...] = (
    _request_words,
    _sections,
    _answer_words,
    _expression_words,
)


def users() -> dict[str, list[str]]:
    """Each word of the language, and the families that use it."""
    catalog = Catalog(builtin_folder())
    found: dict[str, set[str]] = {word: set() for word in _closed()}
    for name in catalog.names():
        root = family(catalog, name)
        for words in WORDS:
            for word in words(catalog.spec(name)):
                found.setdefault(word, set()).add(root)
    return {word: sorted(names) for word, names in found.items()}


KEPT: Mapping[str, str] = {}
"""Words that fewer than two families use, and why the language has them nevertheless."""


def table() -> Iterator[str]:
    """Each word with its users, and the reason of those that have too few."""
    yield "| word | families | used by |"
    yield "|---|---|---|"
    for word, names in users().items():
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        why = "" if len(names) > 1 else KEPT.get(word, "")
        yield f"| {word} | {len(names)} | {'; '.join(filter(None, [shown, why]))} |"
