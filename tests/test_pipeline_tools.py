"""Tools and the choice among them: shapes, schemas, and what an API that has no such choice is sent instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import ParameterError, UnsupportedError
from engine.messages import Adjustment
from tests.test_pipeline_protocols import COUNT, FORCED, LOOK, call, sent

BOTH: dict[str, Any] = {"tools": [LOOK, COUNT]}
SHAPE = 'shape: {n: "{{ name }}", d: "{{ description }}", p: "{{ parameters }}", s: "{{ strict }}"}'
CHOICE = 'choice: {auto: A, required: R, none: {no: ne}, tool: {only: "{{ name }}"}}'


def body(*keys: str, choice: bool = True) -> str:
    said = "tools:\n" + "".join(f"  {key}\n" for key in keys) if keys else ""
    read = ', choice: "{{ tool_choice }}"' if choice else ""
    return f'{said}payload: {{tools: "{{{{ tools }}}}"{read}}}'


def test_a_shape_makes_each_tool() -> None:
    bare = {"type": "function", "function": {"name": "bare", "description": None, "strict": False, "parameters": None}}
    assert sent(body(SHAPE, choice=False), "hi", tools=[COUNT, bare]) == {
        "tools": [{"n": "count", "p": COUNT["function"]["parameters"]}, {"n": "bare", "s": False}]
    }


def test_without_tools_there_is_no_key() -> None:
    assert sent(body(SHAPE, CHOICE), "hi") == {}
    assert sent(body(SHAPE, CHOICE), "hi", tools=[]) == {}


@pytest.mark.parametrize("tool", [{"type": "web_search"}, {"type": "function", "function": {}}, {"name": "flat"}])
def test_a_tool_that_is_no_function_is_refused_where_tools_have_a_shape(tool: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="takes tools that are functions"):
        sent(body(SHAPE, choice=False), "hi", tools=[tool])
    assert sent(body(choice=False), "hi", tools=[tool]) == {"tools": [tool]}


def test_what_a_tool_says_beyond_its_shape_is_reported() -> None:
    more = {"cache_control": {"type": "ephemeral"}}
    tool = {**COUNT, **more, "function": {**COUNT["function"], "strict": True, "description": "", "x": None, "y": 1}}
    made = call(body('shape: {n: "{{ name }}", d: "{{ description }}"}', choice=False), "hi", tools=[LOOK, tool])
    lost = {"parameters": COUNT["function"]["parameters"], "strict": True, "y": 1}
    look = {"parameters": LOOK["function"]["parameters"]}
    assert list(made.adjustments) == [Adjustment("tools", "dropped", look), Adjustment("tools", "dropped", lost | more)]
    lax = {**COUNT, "function": {**COUNT["function"], "strict": False}}
    assert (
        call(body('shape: {n: "{{ name }}", p: "{{ parameters }}"}', choice=False), "hi", tools=[lax]).adjustments == ()
    )
    assert call(body(choice=False), "hi", tools=[tool]).adjustments == ()


def test_schema_passes_leave_a_tool_in_the_shape_of_chats() -> None:
    tools = sent(body("schema: [{drop_keys: [$schema, $defs, minimum]}]", choice=False), "hi", **BOTH)["tools"]
    wanted = {key: value for key, value in LOOK["function"]["parameters"].items() if key not in ("$schema", "$defs")}
    assert tools == [{**LOOK, "function": {**LOOK["function"], "parameters": wanted}}, COUNT]
    tools = sent(body("schema: [empty_root_omit]", choice=False), "hi", **BOTH)["tools"]
    assert tools == [LOOK, {"type": "function", "function": {"name": "count"}}]
    search = {"type": "web_search"}
    assert sent(body("schema: [inline_refs]", choice=False), "hi", tools=[search]) == {"tools": [search]}


def test_a_schema_that_a_pass_cannot_say_names_the_tool_and_the_place() -> None:
    loop = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    tool = {"type": "function", "function": {"name": "walk", "parameters": loop}}
    with pytest.raises(
        UnsupportedError, match=r"acme cannot take .* the tool 'walk': properties\.next\.\S* refers to it"
    ):
        sent(body("schema: [inline_refs]", choice=False), "hi", tools=[tool])


@pytest.mark.parametrize(
    ("choice", "wanted"), [("auto", "A"), ("required", "R"), ("none", {"no": "ne"}), (FORCED, {"only": "look"})]
)
def test_each_choice_has_its_own_words(choice: Any, wanted: Any) -> None:
    assert sent(body(CHOICE), "hi", **BOTH, tool_choice=choice) == {**BOTH, "choice": wanted}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("required", "no tool_choice of 'required'; it takes: auto"),
        ("none", "no tool_choice of 'none'"),
        (FORCED, "no tool_choice of the tool 'look'"),
        ({"type": "allowed_tools"}, "no tool_choice of this"),
    ],
)
def test_a_choice_that_the_api_has_not_is_refused(choice: Any, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        call(body("choice: {auto: A}"), "hi", **BOTH, tool_choice=choice)


@pytest.mark.parametrize("read", [True, False])
def test_drop_on_none_sends_no_tools(read: bool) -> None:
    made = call(body("drop_on_none: true", choice=read), "hi", **BOTH, tool_choice="none")
    assert json.loads(made.wire.content) == {}
    assert made.adjustments == ()


def test_only_forced_sends_one_tool_and_requires_it_where_that_can_be_said() -> None:
    given: dict[str, Any] = {**BOTH, "tool_choice": FORCED}
    assert sent(body("only_forced: true"), "hi", **given) == {"tools": [LOOK], "choice": "required"}
    assert sent(body("only_forced: true", "choice: {required: R}"), "hi", **given) == {"tools": [LOOK], "choice": "R"}
    assert sent(body("only_forced: true", "choice: {auto: A}"), "hi", **given) == {"tools": [LOOK]}
    assert sent(body("only_forced: true", choice=False), "hi", **given) == {"tools": [LOOK]}
    assert sent(body("only_forced: true", "choice: {auto: A}"), "hi", **BOTH, tool_choice="auto")["choice"] == "A"


def test_a_choice_is_refused_before_any_of_this() -> None:
    with pytest.raises(ParameterError, match="not among"):
        call(body("only_forced: true"), "hi", tools=[COUNT], tool_choice=FORCED)


def test_a_choice_that_is_settled_is_no_unknown_parameter() -> None:
    made = call(
        body("drop_on_none: true", choice=False) + "\nunknown_params: drop", "hi", **BOTH, tool_choice="required"
    )
    assert made.adjustments == (Adjustment("tool_choice", "dropped", "required"),)
    assert json.loads(made.wire.content) == BOTH


@pytest.mark.parametrize(
    "choice", [{}, {"type": "function"}, {"type": "function", "function": {}}, {"type": "function", "name": "count"}]
)
def test_a_choice_that_names_no_tool_is_refused_everywhere(choice: dict[str, Any]) -> None:
    for text in (body(SHAPE, CHOICE), body(choice=True)):
        with pytest.raises(ParameterError, match="tool_choice"):
            sent(text, "hi", tools=[COUNT], tool_choice=choice)
