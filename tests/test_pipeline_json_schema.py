"""Passes over the schemas of tools: what each makes of a schema, and what it refuses because it cannot say it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pipeline.json_schema import MAX_NODES, SCHEMA_PASSES, SchemaError

TEXT = {"type": "string"}
NULL = {"type": "null"}


def made(name: str, schema: dict[str, Any], option: Any = None) -> Any:
    before = copy.deepcopy(schema)
    result = SCHEMA_PASSES[name](schema, option)
    assert schema == before, "a pass changes nothing of the caller's"
    return result


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


CASES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("inline_refs", obj(a={"$ref": "#/$defs/t"}) | {"$defs": {"t": TEXT}}, None, obj(a=TEXT)),
    ("inline_refs", obj(a={"$ref": "#/definitions/t"}) | {"definitions": {"t": TEXT}}, None, obj(a=TEXT)),
    ("inline_refs", {"$ref": "#/$defs/t", "$defs": {"t": TEXT}}, None, TEXT),
    (
        "inline_refs",
        obj(a={"$ref": "#/$defs/t", "description": "d"}) | {"$defs": {"t": {**TEXT, "description": "x"}}},
        None,
        obj(a={**TEXT, "description": "d"}),
    ),
    (
        "inline_refs",
        obj(a={"$ref": "#/$defs/u"}) | {"$defs": {"t": TEXT, "u": {"items": {"$ref": "#/$defs/t"}}}},
        None,
        obj(a={"items": TEXT}),
    ),
    (
        "inline_refs",
        obj(a={"anyOf": [{"$ref": "#/$defs/a~1b"}]}) | {"$defs": {"a/b": TEXT}},
        None,
        obj(a={"anyOf": [TEXT]}),
    ),
    ("inline_refs", obj(a=TEXT, b={"$ref": "#/properties/a"}), None, obj(a=TEXT, b=TEXT)),
    ("inline_refs", {"anyOf": [TEXT, {"$ref": "#/anyOf/0"}]}, None, {"anyOf": [TEXT, TEXT]}),
    ("inline_refs", obj(**{"$ref": TEXT, "$defs": TEXT}), None, obj(**{"$ref": TEXT, "$defs": TEXT})),
    (
        "inline_refs",
        {"enum": [{"$ref": "#/x"}], "default": {"$ref": "y"}},
        None,
        {"enum": [{"$ref": "#/x"}], "default": {"$ref": "y"}},
    ),
    ("const_to_enum", obj(a={"const": None}), None, obj(a={"enum": [None]})),
    ("const_to_enum", obj(a={"const": "x"}), None, obj(a={"enum": ["x"], "type": "string"})),
    ("const_to_enum", obj(a={"const": 1, "type": "integer"}), None, obj(a={"enum": [1], "type": "integer"})),
    ("const_to_enum", obj(const={"const": 1}), None, obj(const={"enum": [1]})),
    (
        "const_to_enum",
        {"items": [{"const": 1}], "not": {"const": 2}},
        None,
        {"items": [{"enum": [1]}], "not": {"enum": [2]}},
    ),
    ("drop_keys", {**obj(a={**TEXT, "title": "t"}, title=TEXT), "title": "x"}, ["title"], obj(a=TEXT, title=TEXT)),
    (
        "drop_keys",
        {"additionalProperties": {"minimum": 1, "type": "integer"}},
        ["minimum"],
        {"additionalProperties": {"type": "integer"}},
    ),
    ("drop_keys", {"default": {"title": 1}}, ["title"], {"default": {"title": 1}}),
    ("type_array_to_nullable", obj(a={"type": ["string", "null"]}), None, obj(a={"type": "string", "nullable": True})),
    ("type_array_to_nullable", obj(a={"type": ["string"]}), None, obj(a=TEXT)),
    ("type_array_to_nullable", {"anyOf": [TEXT, NULL], "title": "t"}, None, {**TEXT, "title": "t", "nullable": True}),
    (
        "type_array_to_nullable",
        {"anyOf": [TEXT, {"type": "integer"}, NULL]},
        None,
        {"anyOf": [TEXT, {"type": "integer"}], "nullable": True},
    ),
    (
        "type_array_to_nullable",
        {"type": ["string", "null"], "enum": ["a", None]},
        None,
        {"type": "string", "enum": ["a"], "nullable": True},
    ),
    ("type_array_to_nullable", {"anyOf": [TEXT, {"type": "integer"}]}, None, {"anyOf": [TEXT, {"type": "integer"}]}),
    ("empty_root_omit", {"type": "object"}, None, None),
    ("empty_root_omit", {"type": "object", "properties": {}, "additionalProperties": False}, None, None),
    ("empty_root_omit", {}, None, None),
    ("empty_root_omit", obj(a=obj()), None, obj(a=obj())),
    (
        "empty_root_omit",
        {"type": "object", "additionalProperties": TEXT},
        None,
        {"type": "object", "additionalProperties": TEXT},
    ),
    ("empty_root_omit", {"anyOf": [TEXT]}, None, {"anyOf": [TEXT]}),
]


@pytest.mark.parametrize(("name", "schema", "option", "wanted"), CASES)
def test_what_a_pass_makes(name: str, schema: dict[str, Any], option: Any, wanted: Any) -> None:
    assert made(name, schema, option) == wanted


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("inline_refs", {"$ref": "#"}, "their root refers to itself"),
    ("inline_refs", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "itself"),
    ("inline_refs", obj(a={"items": {"$ref": "#/properties/a"}}), "properties.a.items.items refers to itself"),
    ("inline_refs", obj(a={"$ref": "https://example.com/x.json"}), "properties.a refers to 'https.*outside"),
    ("inline_refs", obj(a={"$ref": "#/$defs/no"}), "'#/\\$defs/no', which is not there"),
    ("inline_refs", obj(a={"$ref": "#/properties/a/type"}), "properties/a/type', which is not there"),
    ("inline_refs", obj(a={"$ref": "#anchor"}), "'#anchor', which is not there"),
    ("type_array_to_nullable", obj(a={"type": ["string", "integer"]}), "properties.a is of the types string, integer"),
    ("type_array_to_nullable", obj(a={"items": {"type": ["null"]}}), "properties.a.items is of the types null"),
]


@pytest.mark.parametrize(("name", "schema", "words"), REFUSED)
def test_what_a_pass_cannot_say_is_refused(name: str, schema: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        made(name, schema)


def test_references_that_bring_in_the_same_data_again_are_stopped() -> None:
    wide = obj(**{f"p{number}": {"$ref": "#/$defs/w"} for number in range(1000)})
    with pytest.raises(SchemaError, match="grows beyond"):
        made("inline_refs", wide | {"$defs": {"w": {"enum": list(range(1000))}}})


def test_a_long_place_is_shown_by_its_end() -> None:
    deep: dict[str, Any] = {"$ref": "x"}
    for _ in range(40):
        deep = obj(name=deep)
    with pytest.raises(SchemaError) as caught:
        made("inline_refs", deep)
    assert str(caught.value).startswith("...")
    assert len(str(caught.value)) < 200


def test_references_that_double_at_each_step_are_stopped() -> None:
    steps = 40
    definitions: dict[str, Any] = {"d0": TEXT}
    for step in range(1, steps):
        definitions[f"d{step}"] = obj(**{side: {"$ref": f"#/$defs/d{step - 1}"} for side in "ab"})
    with pytest.raises(SchemaError, match=str(MAX_NODES)):
        made("inline_refs", {"$ref": f"#/$defs/d{steps - 1}", "$defs": definitions})


KEYWORDS = [
    "type",
    "properties",
    "items",
    "anyOf",
    "required",
    "enum",
    "const",
    "$ref",
    "$defs",
    "additionalProperties",
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from(["string", "object", "null", "#", "#/$defs/a", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYWORDS, "a"]), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYWORDS), ANYTHING, max_size=5), st.sampled_from(sorted(SCHEMA_PASSES)))
def test_what_is_no_schema_breaks_no_pass(schema: dict[str, Any], name: str) -> None:
    try:
        once = made(name, schema, ["const"])
    except SchemaError:
        return
    if once is not None:
        assert made(name, once, ["const"]) == once, "a second time changes nothing"
