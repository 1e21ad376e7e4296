"""Who uses what of the language: each closed word (a codec, a pass, a filter, ...), with the families of files that do.

A family is a protocol with all files on it, or a file that stands alone. A file uses what its patches for models say
too, and the default of a key that it leaves unsaid. A word of fewer than two families has its reason in `KEPT`, or has
to go; a test holds the table to that.
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
from engine.loader.published import schema
from engine.loader.variant import spec_for
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


MODES = {"text": "text", "reasoning": "text", "refusal": "text", "tool_call": "tool_call"}


def _answer_words(spec: ProviderSpec) -> Iterator[str]:
    for reading in readings(spec):
        yield from (f"codec `{codec}`" for codec in (reading.codec, *reading.other_codecs))
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
            if name in MODES:
                mode = says.get("mode", "append") if isinstance(says, Mapping) else "append"
                yield f"{MODES[name]} mode `{mode}`"
    yield from ("`think`" for _ in [spec.response.think] if spec.response.think)


def _sections(spec: ProviderSpec) -> Iterator[str]:
    for section in ("messages", "tools"):
        said = spec.tree.get(section, {})
        yield from (f"{section} `{key}`" for key in said)
        for key, node in _at("properties", section, "properties").items():
            if "enum" in node:
                yield f"{section} `{key}: {said.get(key, node['default'])}`"
    parts = spec.tree.get("parts", {})
    yield from (f"part `{kind}`" for kind in parts if kind in PART_TYPES)
    yield from (f"part fallback `{parts.get('fallback', 'error')}`" for _ in [parts] if parts)
    for one in spec.tree.get("tools", {}).get("schema", ()):
        yield f"schema pass `{one if isinstance(one, str) else next(iter(one))}`"


def _request_words(spec: ProviderSpec) -> Iterator[str]:
    requests = [spec.tree, *(request for request in _others(spec.tree))]
    for encoding in ("json", "form"):
        yield from (f"encoding `{encoding}`" for request in requests[1:] if encoding in request)
    yield f"encoding `{spec.encoding}`"
    yield from (f"method `{request['method']}`" for request in requests if "method" in request)
    yield f"method `{spec.method}`"
    yield from (f"auth `{auth.type}`" for auth in spec.auth)
    yield from ("auth `none`" for _ in [spec] if not spec.auth)
    yield from ("secret `json`" for secret in spec.secrets.values() if secret.json)
    yield from ("models `patches`" for _ in spec.models.patches)
    for param in spec.params.values():
        yield from (f"param `{key}`" for key in ("values", "enum", "maps_to") if getattr(param, key))
        yield from (f"param `{word}`" for word in ["out_of_range: clamp"] if param.out_of_range == "clamp")
        yield from ("param of several types" for _ in param.type[1:2])


def _others(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The requests of a file beside the main one: of steps, of their clean-ups, of tokens."""
    for step in tree.get("steps", ()):
        yield step
        yield from [step["cleanup"]] if "cleanup" in step else ()
    auth = tree.get("auth", [])
    yield from (way["token"] for way in (auth if isinstance(auth, list) else [auth]) if "token" in way)


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
        root, spec = family(catalog, name), catalog.spec(name)
        for variant in (spec, *(spec_for(spec, [index]) for index in range(len(spec.models.patches)))):
            for words in WORDS:
                for word in words(variant):
                    found.setdefault(word, set()).add(root)
    return {word: sorted(names) for word, names in found.items()}


_JSON_KIND = "one of the six kinds of a JSON value, which belong together"
_SIGNING = "for services whose requests carry a signature of their own making; no shipped one does"
_GEMINI_SCHEMA = "its schemas are a subset of OpenAPI, which cannot be met otherwise; several services are on it"
_KEY_ELSEWHERE = "where a service wants its key is its own choice, and no other kind can stand in for this one"

KEPT: Mapping[str, str] = {
    "codec `text`": "the simplest answer there is, and that of most home-made services",
    "codec `json_array`": "one API, two framings of the same frames",
    "unwrap `base64`": "frames inside the frames of an event stream of AWS, for each of its model families",
    "rule `end`": "an end that only the conditions of a rule can tell; `end` of a form suffices elsewhere",
    "text mode `final`": "the same mode as that of `tool_call`, which two families use",
    "tool_call mode `patch`": "arguments that come as writes at places cannot be read otherwise",
    "auth `none`": "how a file takes away the way that it inherits, and how a list ends in calls without a key",
    "auth `query`": _KEY_ELSEWHERE,
    "auth `basic`": _KEY_ELSEWHERE,
    "auth `body`": _KEY_ELSEWHERE,
    "auth `jwt`": "tokens that the caller signs, without the exchange of `oauth2`; no other kind can stand in for it",
    "encoding `multipart`": "one of the four ways in which an HTTP request carries what it says",
    "encoding `text`": "one of the four ways in which an HTTP request carries what it says",
    "method `GET`": "the request that follows the URL of a reply has no body",
    "messages `replay_within`": "several services of one family, some of which refuse reasoning of earlier turns",
    "messages `replay_within: turn`": "see `replay_within`",
    "part fallback `drop`": "the third way with what an API cannot take, beside an error and its text; reported",
    "schema pass `drop_keys`": _GEMINI_SCHEMA,
    "schema pass `type_array_to_nullable`": _GEMINI_SCHEMA,
    "schema pass `empty_root_omit`": _GEMINI_SCHEMA,
    "filter `b64encode`": _SIGNING,
    "filter `hmac_sha256`": _SIGNING,
    "filter `hmac_sha256_b64`": _SIGNING,
    "filter `int`": "makes whole numbers of `random()`",
    "filter `string`": "for APIs that want numbers as text",
    "test `boolean`": _JSON_KIND,
    "test `mapping`": _JSON_KIND,
    "test `none`": _JSON_KIND,
    "test `number`": _JSON_KIND,
    "test `sequence`": _JSON_KIND,
    "function `random`": "with `now` and `uuid4`, all that a request may hold and no caller says",
    "function `uuid4`": "with `now` and `random`, all that a request may hold and no caller says",
    "`think`": "several services of one family, whose models think in the text itself",
}
"""Words that fewer than two families use, and why the language has them nevertheless."""


def table() -> Iterator[str]:
    """Each word with its users, and the reason of those that have too few."""
    yield "| word | families | used by |"
    yield "|---|---|---|"
    for word, names in users().items():
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        why = "" if len(names) > 1 else KEPT.get(word, "")
        yield f"| {word} | {len(names)} | {'; '.join(filter(None, [shown, why]))} |"
