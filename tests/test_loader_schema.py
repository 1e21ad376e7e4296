"""The published schema: valid, closed, documented, and of one mind with the engine's tables."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from engine import framing, spec
from engine.auth import AUTH
from engine.encoding import ENCODINGS
from engine.errors import KINDS
from engine.events import COUNTERS, FINISH_REASONS
from engine.fitting import TYPES
from engine.framing import FRAMINGS
from engine.loader import load_text
from engine.loader.building.answers import OPERATORS as BUILT_OPERATORS
from engine.loader.document import Document
from engine.loader.published import MARKS, schema
from engine.loader.source import Source
from engine.loader.subject import Subject
from engine.loader.versions import NEWEST_VERSION
from engine.messages import AdjustmentAction
from engine.pipeline.json_schema import SCHEMA_PASSES
from engine.pipeline.passes import PASSES
from engine.rules import OPERATORS, UNWRAPS, YIELDS
from engine.shaping import CHOICES, NAMES, PART_TYPES, ROLES, MessageShaping, ToolShaping
from tests.badfiles import text_of

SCHEMA = schema()
SCOPES = ("call", "settings", "auth", "token", "steps")
"""Where templates stand that make no part of a message or a tool."""

DEFS = SCHEMA["$defs"]
TOP = SCHEMA["properties"]

SHAPES = {"any", *ROLES, "tool_call", "tool_result", "reasoning"}

OPEN = {
    "properties/flags": "any boolean",
    "$defs/auth/allOf/6/then/properties/header": "any JSON of a token",
    "$defs/auth/allOf/6/then/properties/claims": "any JSON of a token",
    "properties/models/properties/aliases": "names of models",
    "properties/params": "names of params",
    "$defs/param/properties/values": "values that a caller may give",
    "properties/settings": "names of settings",
    "properties/secrets": "names of secrets",
    "$defs/query": "names of query parameters",
    "$defs/headers": "names of headers",
    "$defs/json_body": "the service's own shape",
    "$defs/form_body": "names of fields",
    "$defs/step/properties/read": "names of values",
    "$defs/token/properties/query": "names of query parameters",
    "$defs/token/properties/headers": "names of headers",
    "$defs/token/properties/form": "names of fields",
    "$defs/token/properties/json": "the service's own shape",
    "$defs/assertion/properties/header": "keys of a token's header",
    "$defs/assertion/properties/claims": "names of claims",
    "$defs/refresh/properties/header": "names of headers",
    "properties/payload": "the service's own shape",
    **{f"properties/messages/properties/shapes/properties/{key}": "the service's own shape" for key in SHAPES},
    **{f"properties/parts/properties/{kind}": "the service's own shape" for kind in PART_TYPES},
    **{f"properties/tools/properties/choice/properties/{name}": "the service's own shape" for name in CHOICES},
    "properties/tools/properties/shape": "the service's own shape",
    "$defs/finish": "the service's own reasons",
    "$defs/error/properties/header": "names of headers",
    "$defs/rule/properties/usage": "the service's own counters",
    "$defs/rule/properties/carry": "names that templates of messages and parts use",
    "$defs/example/properties/call": "params of the call; checked against the file's",
    "$defs/example/properties/call/properties/settings": "settings of the call; checked against the file's",
    "$defs/example/properties/call/properties/tools/items": "a tool as a caller writes it",
    "$defs/example/properties/call/properties/tool_choice": "a tool as a caller writes it",
    "$defs/example_request/properties/headers": "names of headers",
    "$defs/example_request/properties/query": "names of query parameters",
    "$defs/example_request/properties/form": "names of fields",
    "$defs/example_reply/properties/headers": "names of headers",
    "$defs/example/properties/expect/properties/adjustments": "names of params",
}
"""Maps whose keys the author chooses."""

CLOSED_ELSEWHERE = {
    "properties/auth",
    "$defs/auth",
    "$defs/condition",
    "$defs/end",
    "$defs/end/items",
}
CLOSED_ELSEWHERE |= {"$defs/error/properties/frame"}
"""Maps that the branches of an if/then close."""


def nodes(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield "/".join(path), node
        for key, value in node.items():
            if key not in ("examples", "default", "enum", "const"):
                yield from nodes(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, (*path, str(index)))


def resolved(field: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to; its own words before those of the other."""
    if "$ref" not in field:
        return field
    target: Any = SCHEMA
    for key in field["$ref"].removeprefix("#/").split("/"):
        target = target[key]
    return {**resolved(target), **{key: value for key, value in field.items() if key != "$ref"}}


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a file may hold, its reference resolved."""
    for path, node in nodes(SCHEMA):
        if path.split("/")[-1] == "if" or path.startswith(("$defs/whole", "else")):
            continue
        for name, field in node.get("properties", {}).items():
            if isinstance(field, dict) and "/if" not in path:
                yield f"{path}/properties/{name}", resolved(field)


FIELDS = [pytest.param(path, field, id=path) for path, field in fields()]


def test_it_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_map_is_closed_or_deliberately_open() -> None:
    for path, node in nodes(SCHEMA):
        kinds = node.get("type")
        if path.endswith("if") or not (kinds == "object" or (isinstance(kinds, list) and "object" in kinds)):
            continue
        closed = node.get("additionalProperties") is False
        assert closed or path in OPEN or path in CLOSED_ELSEWHERE, path
        assert not (closed and path in OPEN), path


def test_the_branches_of_a_map_are_closed() -> None:
    assert all(branch["then"]["additionalProperties"] is False for branch in DEFS["auth"]["allOf"])
    assert {branch["if"]["properties"]["type"]["const"] for branch in DEFS["auth"]["allOf"]} == set(AUTH)
    assert {branch["if"]["properties"]["type"]["const"] for branch in DEFS["whole_auth"]["allOf"]} <= set(AUTH)


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_every_field_is_documented(path: str, field: dict[str, Any]) -> None:
    assert field.get("title"), path
    assert field.get("description", "").endswith("."), path
    assert field.get("examples"), path


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_examples_and_defaults_of_a_field_are_valid(path: str, field: dict[str, Any]) -> None:
    validator = Draft202012Validator(SCHEMA).evolve(schema=field)
    for value in [*field.get("examples", ()), *([field["default"]] if "default" in field else ())]:
        assert not list(validator.iter_errors(value)), (path, value)


@pytest.mark.parametrize("key", TOP)
def test_examples_of_the_top_are_valid_in_a_whole_file(key: str) -> None:
    around = yaml.safe_load(text_of())
    for value in TOP[key].get("examples", ()):
        assert not list(Draft202012Validator(SCHEMA).iter_errors(around | {key: value})), value


EXCLUSIVE = [pytest.param(node, id=path) for path, node in nodes(SCHEMA) if "x-exclusive" in node]


@pytest.mark.parametrize("node", EXCLUSIVE)
def test_what_excludes_another_is_said_to_every_validator(node: dict[str, Any]) -> None:
    """Our mark gives the better message; `dependentSchemas` refuses the same for whoever does not know the mark."""
    sets = node["x-exclusive"] if isinstance(node["x-exclusive"][0], list) else [node["x-exclusive"]]
    said = {
        frozenset({key, other})
        for key, then in node["dependentSchemas"].items()
        for other, allowed in then["properties"].items()
        if allowed is False
    }
    assert said == {frozenset(pair) for keys in sets for pair in itertools.combinations(keys, 2)}
    assert set().union(*said) <= set(node["properties"])


def test_the_id_is_that_of_the_version() -> None:
    """A UUID of version 8, which anybody may make; its last field is the version of the language."""
    name = uuid.UUID(SCHEMA["$id"])
    assert SCHEMA["$id"] == f"urn:uuid:{name}"
    assert (name.version, name.variant, name.node) == (8, uuid.RFC_4122, NEWEST_VERSION)
    assert TOP["spec_version"]["const"] == NEWEST_VERSION


def test_every_reference_is_local_and_leads_somewhere() -> None:
    for path, node in nodes(SCHEMA):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].startswith("#/"), path
            assert resolved(node), path


def test_our_own_keywords_are_known() -> None:
    own = {key for _, node in nodes(SCHEMA) if "$ref" in node or "type" in node for key in node if key.startswith("x-")}
    assert own - {"x-rule"} <= set(MARKS)


ENUMS = [
    (DEFS["codec"]["enum"], FRAMINGS),
    (DEFS["unwrap"]["items"]["then"]["enum"], UNWRAPS),
    (TOP["encoding"]["enum"], ENCODINGS),
    (DEFS["auth"]["properties"]["type"]["enum"], AUTH),
    (DEFS["error_kind"]["enum"], KINDS),
    (DEFS["example"]["properties"]["expect"]["properties"]["error"]["enum"], (*KINDS, "parameter", "unsupported")),
    (DEFS["finish_reason"]["enum"], (*FINISH_REASONS, None)),
    (DEFS["example"]["properties"]["expect"]["properties"]["finish"]["enum"], FINISH_REASONS),
    (DEFS["comparison"]["properties"], OPERATORS),
    (set(DEFS["predicate"]["properties"]) - {"path"}, OPERATORS),
    (BUILT_OPERATORS, OPERATORS),
    (set(DEFS["rule"]["properties"]) - {"when", "for", "slot", "rules", "carry"}, YIELDS),
    (DEFS["param_type"]["enum"], TYPES),
    (set(DEFS["usage"]["properties"]) - {"output_excludes_reasoning"}, COUNTERS),
    (
        DEFS["example"]["properties"]["expect"]["properties"]["adjustments"]["additionalProperties"]["enum"],
        get_args(AdjustmentAction),
    ),
    (framing.MEDIA_TYPES, FRAMINGS),
    (set(TOP["parts"]["properties"]) - {"fallback"}, PART_TYPES),
    (TOP["messages"]["properties"]["items"]["items"]["enum"], PART_TYPES),
    (TOP["messages"]["properties"]["roles"]["properties"], ROLES),
    (TOP["messages"]["properties"]["shapes"]["properties"], SHAPES),
    (TOP["messages"]["properties"], [field.name for field in dataclasses.fields(MessageShaping)]),
    (set(TOP["messages"]["properties"]) - {"roles", "reasoning", "items", "shapes"}, PASSES),
    (TOP["tools"]["properties"], [field.name for field in dataclasses.fields(ToolShaping)]),
    (TOP["tools"]["properties"]["choice"]["properties"], CHOICES),
    ({*DEFS["schema_pass"]["then"]["enum"], *DEFS["schema_pass"]["else"]["properties"]}, SCHEMA_PASSES),
    ({node["x-template"] for _, node in nodes(SCHEMA) if "x-template" in node} - set(SCOPES), NAMES),
]


@pytest.mark.parametrize(("published", "engine"), ENUMS)
def test_the_schema_names_what_the_engine_knows(published: Any, engine: Any) -> None:
    assert set(published) == set(engine)


def names_of(scope: str) -> frozenset[str]:
    """The names that a place for templates offers, beside settings and params."""
    if scope in NAMES:
        return NAMES[scope]
    full = {"name": "acme", "messages": {"system": "field"}, "steps": [{"name": "one"}]}
    return Subject(Document(Source("acme.yaml", "")), full, shipped=False).names(scope)


TEMPLATED = [pytest.param(node, id=path) for path, node in nodes(SCHEMA) if "x-template" in node]


@pytest.mark.parametrize("node", TEMPLATED)
def test_a_template_lists_the_names_that_it_may_use(node: dict[str, Any]) -> None:
    scope = node["x-template"]
    listed = node["description"].partition("Names: ")[2]
    assert set(listed.partition("`")[2].partition("`")[0].split()) == names_of(scope), scope
    if scope not in NAMES:
        assert ("settings" in listed) is (scope != "steps")
        assert ("params" in listed) is (scope == "call")


@pytest.mark.parametrize(
    ("section", "value"), [("retry", spec.RetryPolicy), ("timeout", spec.Timeouts), ("limits", spec.Limits)]
)
def test_sections_and_values_have_the_same_fields(section: str, value: type) -> None:
    assert set(TOP[section]["properties"]) == {field.name for field in dataclasses.fields(value)}
    built = getattr(load_text(text_of()), section)
    assert dataclasses.asdict(built) == {name: node["default"] for name, node in TOP[section]["properties"].items()}


def test_defaults_of_a_file_are_those_of_the_schema() -> None:
    built = load_text(text_of(path=""))
    assert (built.method, built.path, built.encoding, built.unknown_params) == ("POST", "", "json", "error")
    assert built.title == "acme"
    assert built.working
    assert built.response.stream is not None
    assert built.response.stream.end.body
