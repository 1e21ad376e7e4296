"""What a caller says: every shape that is taken, and a typed refusal of all others."""

from __future__ import annotations

import copy
import json
import math
import pickle
from array import array
from collections import OrderedDict, UserDict, UserList, deque
from dataclasses import FrozenInstanceError, replace
from enum import Enum, IntEnum
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chat_request import ChatRequest
from engine.errors import ParameterError
from engine.messages import Adjustment, ChatResponse, Message, ToolCall
from engine.plain import MAX_DEPTH, plain

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def nested(depth: int, make=lambda inner: [inner]) -> object:
    value: object = 1
    for _ in range(depth):
        value = make(value)
    return value


# --- shapes ---


@pytest.mark.parametrize(
    "said",
    [
        "Hi",
        {"role": "user", "content": "Hi"},
        Message("user", "Hi"),
        ["Hi"],
        [{"role": "user", "content": "Hi"}],
        (Message("user", "Hi"),),
        [MappingProxyType({"role": "user", "content": "Hi"})],
        [OrderedDict(role="user", content="Hi")],
        UserDict({"role": "user", "content": "Hi"}),
    ],
)
def test_all_ways_to_say_the_same(said):
    assert ChatRequest.of(said).messages == (Message("user", "Hi"),)


def test_a_request_keeps_what_was_said():
    request = ChatRequest.of(
        ["a", {"role": "assistant", "content": "b"}],
        "gpt-5",
        stream=False,
        tools=[{"type": "function"}],
        temperature=0.5,
        stop=("x", "y"),
        seed=None,
    )
    assert request.messages == (Message("user", "a"), Message("assistant", "b"))
    assert (request.model, request.stream, request.tools) == ("gpt-5", False, ({"type": "function"},))
    assert request.params == {"temperature": 0.5, "stop": ["x", "y"], "seed": None}
    assert ChatRequest.of("a") == ChatRequest((Message("user", "a"),), None, True, (), {})
    with pytest.raises(FrozenInstanceError):
        request.model = "other"


OPENAI = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Привет! {{ x }} 😀", "name": "ann"},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]},
    {"role": "user", "content": []},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "c2"}]},
    {"role": "tool", "content": "2", "tool_call_id": "c1"},
    {"role": "assistant", "content": "x", "reasoning_content": "y", "cache": {"ttl": 5}},
]


@pytest.mark.parametrize("data", OPENAI)
def test_openai_messages_come_back_as_they_were(data):
    message = Message.of(data)
    assert message.as_dict() == data
    assert Message.of(message) == message
    assert Message.of(message.as_dict()) == message


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "developer"]), "content": TEXTS},
        optional={"name": TEXTS, "tool_call_id": TEXTS, "tool_calls": st.just([CALL]), "x": JSON, "y": JSON},
    )
)
def test_round_trip(data):
    again = Message.of(data).as_dict()
    assert again == data
    assert json.loads(json.dumps(again)) == data


def test_a_message_without_content_says_null():
    assert Message.of({"role": "assistant"}).as_dict() == {"role": "assistant", "content": None}


def test_what_we_name_is_apart_from_what_we_keep():
    message = Message.of(OPENAI[5] | {"custom": 1})
    assert message.tool_calls[1] == ToolCall("c2", "add", '{"a":1}')
    assert message.extra == {"custom": 1}


def test_extra_cannot_take_the_place_of_a_named_key():
    assert Message("user", "Hi", extra={"role": "system", "x": 1}).as_dict() == {
        "role": "user",
        "content": "Hi",
        "x": 1,
    }


def test_a_message_shares_nothing_with_what_it_was_made_of():
    part = {"type": "text", "text": "a"}
    data = {"role": "user", "content": [part], "x": {"y": [1]}}
    message = Message.of(data)
    part["text"] = "b"
    data["x"]["y"].append(2)
    assert message == Message("user", ({"type": "text", "text": "a"},), extra={"x": {"y": [1]}})


def test_a_list_given_to_a_message_value_becomes_parts():
    (message,) = ChatRequest.of(Message("user", [{"type": "text", "text": "a"}])).messages  # type: ignore[arg-type]
    assert message.content == ({"type": "text", "text": "a"},)


@pytest.mark.parametrize("calls", [None, [], ()])
def test_no_tool_calls(calls):
    assert Message.of({"role": "assistant", "content": "x", "tool_calls": calls}).tool_calls == ()


def test_a_tool_call_may_leave_out_id_and_arguments():
    message = Message.of({"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]})
    assert message.tool_calls == (ToolCall("", "f", "{}"),)


# --- refusals ---

BAD_VALUES = [
    math.nan,
    math.inf,
    -math.inf,
    b"bytes",
    bytearray(b"x"),
    memoryview(b"x"),
    {1, 2},
    frozenset(),
    object(),
    1j,
    range,
    (x for x in "ab"),
    {1: "a"},
    {None: "a"},
    {b"a": "b"},
    {("a",): "b"},
    10**5000,
    -(10**5000),
    "half \ud83d",
    "two halves \ud83d\ude00",
    {"\ude00": 1},
    nested(MAX_DEPTH + 2),
    nested(MAX_DEPTH + 2, lambda inner: {"a": inner}),
    nested(100_000),
]
CYCLE: list[object] = []
CYCLE.append(CYCLE)
NAMES = [type(value).__name__ for value in BAD_VALUES] + ["cycle"]


@pytest.mark.parametrize("value", [*BAD_VALUES, CYCLE], ids=NAMES)
def test_what_json_cannot_say_is_refused_wherever_it_stands(value):
    user = {"role": "user", "content": "Hi"}
    with pytest.raises(ParameterError, match="messages"):
        ChatRequest.of([{**user, "extra": [value]}])
    with pytest.raises(ParameterError, match="messages"):
        ChatRequest.of(Message("user", "Hi", extra={"x": value}))
    with pytest.raises(ParameterError, match="messages"):
        ChatRequest.of(Message("user", ({"type": "text", "text": value},)))
    with pytest.raises(ParameterError, match="tools"):
        ChatRequest.of("Hi", tools=[{"x": value}])
    with pytest.raises(ParameterError, match="temperature") as caught:
        ChatRequest.of("Hi", temperature=value)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], "no message"),
        ((), "no message"),
        (None, "not nothing"),
        (5, "type int"),
        (b"Hi", "type bytes"),
        ({"a", "b"}, "type set"),
        (iter(["Hi"]), "not a value"),
        ([5], "type int"),
        ([None], "not nothing"),
        ([b"Hi"], "type bytes"),
        ([["Hi"]], "type list"),
        ({}, "needs a 'role'"),
        ({"content": "Hi"}, "needs a 'role'"),
        ({"role": "", "content": "Hi"}, "needs a 'role'"),
        ({"role": None, "content": "Hi"}, "needs a 'role'"),
        ({"role": 1, "content": "Hi"}, "needs a 'role'"),
        ({"role": ["user"], "content": "Hi"}, "needs a 'role'"),
        ({"role": "user", "content": 5}, "type int"),
        ({"role": "user", "content": True}, "type bool"),
        ({"role": "user", "content": {"text": "Hi"}}, "type dict"),
        ({"role": "user", "content": b"Hi"}, "type bytes"),
        ({"role": "user", "content": [5]}, "type int"),
        ({"role": "user", "content": ["Hi"]}, "type str"),
        ({"role": "user", "content": [None]}, "not nothing"),
        ({"role": "user", "content": "Hi", "name": 5}, "'name' is text"),
        ({"role": "tool", "content": "Hi", "tool_call_id": 5}, "'tool_call_id' is text"),
        ({"role": "assistant", "tool_calls": "x"}, "'function' with a 'name'"),
        ({"role": "assistant", "tool_calls": [None]}, "'function' with a 'name'"),
        ({"role": "assistant", "tool_calls": [{"id": "1"}]}, "'function' with a 'name'"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": 5}}]}, "'function' with a 'name'"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, "'f' are JSON text"),
        ({"role": "assistant", "tool_calls": [{"id": 5, "function": {"name": "f"}}]}, "id of the tool call 'f'"),
        ({5: "x", "role": "user"}, "keys are text"),
        ("half \ud83d", "lone surrogate"),
        (Message(5, "Hi"), "needs a 'role'"),  # type: ignore[arg-type]
        (Message("user", 5), "type int"),  # type: ignore[arg-type]
        (Message("user", "Hi", name=5), "'name' is text"),  # type: ignore[arg-type]
        (Message("assistant", None, (ToolCall("1", "f", {}),)), "JSON text"),  # type: ignore[arg-type]
        (Message("assistant", None, ({"id": "1"},)), "'function' with a 'name'"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_message_is_refused(said, words):
    with pytest.raises(ParameterError, match=words):
        ChatRequest.of(said)


@pytest.mark.parametrize(
    "tools", [5, "tools", b"x", {"type": "function"}, ["x"], [None], [["x"]], True], ids=lambda v: repr(v)
)
def test_what_are_no_tools_is_refused(tools):
    with pytest.raises(ParameterError, match="tool"):
        ChatRequest.of("Hi", tools=tools)


def test_tools_may_be_any_iterable_and_none_at_all():
    assert ChatRequest.of("Hi", tools=iter([{"a": 1}])).tools == ({"a": 1},)
    assert ChatRequest.of("Hi", tools=None).tools == ()


def test_a_choice_of_tools_is_kept_as_it_is_said():
    forced = {"type": "function", "function": {"name": "f"}}
    for choice in (None, "auto", "none", "required", forced):
        assert ChatRequest.of("Hi", tool_choice=choice).tool_choice == choice


@pytest.mark.parametrize(
    "choice", [5, True, "any", "", ["auto"], b"auto", pytest.param({"a": object()}, id="object"), {1: 2}], ids=repr
)
def test_what_is_no_choice_of_tools_is_refused(choice):
    with pytest.raises(ParameterError, match="tool_choice"):
        ChatRequest.of("Hi", tool_choice=choice)


@pytest.mark.parametrize("model", [5, b"gpt", ["gpt"], "half \ud83d"])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(ParameterError, match="model"):
        ChatRequest.of("Hi", model)


# --- plain ---


class Word(str, Enum):  # noqa: UP042  a mixin, as callers have it
    A = "a"


class Number(IntEnum):
    ONE = 1


class Half(float):
    pass


class Markup(str):
    def __str__(self) -> str:
        return "escaped"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Word.A, "a"),
        (Number.ONE, 1),
        (Half(0.5), 0.5),
        (Markup("<b>"), "<b>"),
        ({Word.A: 1}, {"a": 1}),
        ((1, 2), [1, 2]),
        (deque([1]), [1]),
        (UserList([1]), [1]),
        (range(2), [0, 1]),
        (array("i", [1]), [1]),
        (MappingProxyType({"a": ()}), {"a": []}),
        (True, True),
        (None, None),
        (9007199254740993, 9007199254740993),
        (10**3999, 10**3999),
        (0.1, 0.1),
        (Message("user", "Hi"), {"role": "user", "content": "Hi"}),
        (ToolCall("c1", "add", '{"a":1}'), CALL),
    ],
)
def test_plain_is_made_of_exactly_these_types(value, expected):
    copied = plain(value, "x")
    assert copied == expected
    assert type(copied) is type(expected)
    if isinstance(copied, dict):
        assert {type(key) for key in copied} == {str}


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_plain_json_stays_as_it_is(value):
    assert plain(value, "x") == value


def test_the_depth_itself_is_taken():
    assert plain(nested(MAX_DEPTH), "x") == nested(MAX_DEPTH)


# --- answers ---


def test_an_answer_goes_into_the_next_call():
    answer = ChatResponse(text="Hello", reasoning="hm", finish="stop")
    assert answer.message == Message("assistant", "Hello")
    assert ChatRequest.of(["Hi", answer.message, "More"]).messages[1].as_dict() == {
        "role": "assistant",
        "content": "Hello",
    }


REPLAY = {"from": "acme", "blocks": [{"type": "reasoning", "text": "hm", "carry": {"signature": "s"}}]}


def test_what_an_answer_carried_goes_with_its_message_and_through_json():
    message = ChatResponse(text="Hello", reasoning="hm", replay=REPLAY).message
    assert message.replay == REPLAY
    assert message.as_dict() == {"role": "assistant", "content": "Hello", "replay": REPLAY}
    assert Message.of(json.loads(json.dumps(message.as_dict()))) == message
    assert message != Message("assistant", "Hello")


def test_openai_s_shape_holds_nothing_to_be_replayed():
    message = Message("assistant", "Hello", extra={"x": 1}, replay=REPLAY)
    assert message.as_chat_message() == {"role": "assistant", "content": "Hello", "x": 1}


@pytest.mark.parametrize(
    "replay",
    [
        "x",
        {},
        {"from": "acme"},
        {"from": 5, "blocks": []},
        {"from": "acme", "blocks": {}},
        {"from": "acme", "blocks": [5]},
        {"from": "acme", "blocks": [{"type": "x"}]},
        {"from": "acme", "blocks": [{"type": []}]},
        {"from": "acme", "blocks": [{"type": "text", "carry": "x"}]},
    ],
)
def test_a_replay_that_no_answer_gave_is_refused(replay):
    with pytest.raises(ParameterError, match="'replay'"):
        Message.of({"role": "assistant", "content": "x", "replay": replay})


def test_an_answer_of_tool_calls_alone_has_no_content():
    calls = (ToolCall("c1", "add", '{"a":1}'),)
    assert ChatResponse(tool_calls=calls).message.as_dict() == {
        "role": "assistant",
        "content": None,
        "tool_calls": [CALL],
    }
    assert ChatResponse(text="x", tool_calls=calls).message.content == "x"
    assert ChatResponse().message.content == ""


@pytest.mark.parametrize(
    ("adjustment", "words"),
    [
        (Adjustment("seed", "dropped", 1), "seed: 1 is not sent: this API has no such parameter"),
        (Adjustment("t", "clamped", 10**200, 2), f"t: 1{'0' * 96}... is out of range, 2 is sent"),
        (Adjustment("t", "clamped", 3, 2), "t: 3 is out of range, 2 is sent"),
        (Adjustment("n", "renamed", 3, "num"), "n: is sent as 'num'"),
        (Adjustment("t", "defaulted", None, 0.5), "t: 0.5 is sent by default"),
        (Adjustment("x", "forwarded", "y"), "x: 'y' is sent as it is: the file does not know it"),
    ],
)
def test_adjustments_say_what_was_done(adjustment, words):
    assert str(adjustment) == words


def test_a_message_that_is_read_in_one_step_is_one_like_any_other() -> None:
    quick, slow = Message.of({"role": "user", "content": "Hi"}), Message("user", "Hi")
    assert (type(quick), quick, repr(quick)) == (type(slow), slow, repr(slow))
    assert pickle.loads(pickle.dumps(quick)) == copy.deepcopy(quick) == replace(quick) == slow
    assert replace(quick, name="Ann") == Message("user", "Hi", name="Ann")
    with pytest.raises(FrozenInstanceError):
        quick.role = "system"  # type: ignore[misc]  # that is the point
    assert Message.of({"role": "user", "content": "Hi"}).extra is not quick.extra
    for half in ({"role": "user", "content": "\ud800"}, {"role": "\ud800", "content": "Hi"}):
        with pytest.raises(ParameterError, match="half a character"):
            Message.of(half)
