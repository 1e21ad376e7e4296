"""What a service may answer that is hard to read: halves of characters, numbers, depth, tool calls in pieces."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Catalog
from engine.errors import DecodeError, EngineError, ProviderError, TruncatedError
from engine.messages import ChatResponse, ToolCall
from engine.testing import FaultServer, chunked, sse, whole
from tests.doors import KINDS, Door, catalog_of, sse_file, text_file
from tests.faults import fault
from tests.faultserver import DONE, STOP, USAGE, delta

IN = "Values that come in"
BOTH = """response:
  stream:
    codec: sse
    end: '[DONE]'
    rules: [{text: choices.0.delta.content, finish: choices.0.finish_reason}]
  whole:
    codec: json
    rules: [{text: choices.0.message.content, finish: choices.0.finish_reason, usage: usage}]
  usage: {input_tokens: prompt_tokens}
"""
STEPS = """steps:
  - name: ticket
    path: /ticket
    method: GET
    read: {id: {json: id}}
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder: Path = tmp_path_factory.mktemp("in")
    two = sse_file("both")
    two = two[: two.index("response:")] + BOTH + two[two.index("\nexamples:") :]
    return catalog_of(folder, sse_file("sse"), two)


@pytest.fixture(scope="module", params=KINDS)
def door(request: pytest.FixtureRequest, catalog: Catalog) -> Iterator[Door]:
    with Door(request.param, catalog) as one:
        yield one


def answered(door: Door, *script: Any, name: str = "sse") -> ChatResponse:
    """The answer of a call that is answered so."""
    with FaultServer(list(script)) as server:
        return door.chat(name, options={"base_urls": {name: server.url}})


def fault_of(door: Door, *script: Any, name: str = "sse") -> EngineError:
    """The error of a call that is answered so."""
    with pytest.raises(EngineError) as caught:
        answered(door, *script, name=name)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 1000
    return caught.value


# --- characters ------------------------------------------------------------------------------------------------------


@fault(IN, "a character in two halves (surrogates), in two deltas", "joined: one character")
@pytest.mark.parametrize("first", ["a", ""])
def test_halves_of_a_character_are_joined(door, first):
    script = sse(*(delta("?").replace("?", piece) for piece in (first + "\\ud83d", "\\ude00b")), STOP, DONE)
    assert answered(door, script).text == f"{first}😀b"


@fault(IN, "half a character without its other half", "U+FFFD in its place: all text can be encoded")
@pytest.mark.parametrize("pieces", [["\\ud83d"], ["a\\ude00", "b"], ["\\ud83d", "b"], ["\\ude00\\ud83d"]])
def test_a_half_that_stays_alone_is_replaced(door, pieces):
    text = answered(door, sse(*(delta("?").replace("?", piece) for piece in pieces), STOP, DONE)).text
    assert text.encode()
    assert "\ufffd" in text


@fault(IN, "NUL, right to left, noncharacters, U+2028 in the text of an answer", "arrive as they are")
def test_odd_characters_arrive(door):
    text = "a\0b \u202eשלום\u202c \ufffe\U0010ffff \u2028\u2029\x85\x0b\x0c\x1c e\u0301"
    assert answered(door, sse(delta(text), STOP, DONE)).text == text
    assert answered(door, sse(json.dumps(json.loads(delta(text))), STOP, DONE)).text == text


# --- numbers and depth -----------------------------------------------------------------------------------------------

HARD = {
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a number beyond every float, 1e999": "1e999",
    "an integer of 5,000 digits": "9" * 5000,
    "lists nested 100,000 deep": "[" * 100_000,
    "lists nested 100,000 deep and closed": "[" * 100_000 + "]" * 100_000,
    "maps nested 100,000 deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "lists nested 500 deep": "[" * 500 + "]" * 500,
}
SAYS = "`DecodeError`, kind `protocol`, with what came before"


def _rows(promise: str) -> list[Any]:
    return [pytest.param(name, marks=fault(IN, f"{name} in an answer's JSON", promise)) for name in HARD]


@pytest.mark.parametrize("name", _rows(SAYS))
def test_json_that_cannot_be_read(door, name):
    value = HARD[name]
    event = f'{{"choices": [{{"delta": {{"content": "x"}}}}], "usage": {{"more": {value}}}}}'
    error = fault_of(door, sse(delta("one"), event, STOP, DONE))
    assert (type(error), error.kind, error.partial.text) == (DecodeError, "protocol", "one")
    body = f'{{"choices": [{{"message": {{"content": "x"}}}}], "usage": {{"more": {value}}}}}'.encode()
    error = fault_of(door, whole(body, kind="application/json"), name="both")
    assert (type(error), error.kind) == (DecodeError, "protocol")


@fault(IN, "the same in the body of a refusal", "the refusal, with its status and as much of its words as can be shown")
@pytest.mark.parametrize("name", HARD)
def test_a_refusal_that_cannot_be_read(door, name):
    value = HARD[name]
    for body in (value, f'{{"error": {{"message": "no", "code": {value}, "details": {value}}}}}'):
        error = fault_of(door, whole(body.encode(), 400, kind="application/json"))
        assert (type(error), error.kind, error.status) == (ProviderError, "bad_request", 400)


@fault(IN, "the same in the arguments of a tool call", "`DecodeError`: arguments that no program can read are no call")
@pytest.mark.parametrize("name", HARD)
def test_arguments_that_cannot_be_read(door, name):
    error = fault_of(door, sse(tool(0, "a", "f", '{"x": '), tool(0, arguments=f"{HARD[name]}}}"), TOOLS, DONE))
    assert (type(error), error.kind) == (DecodeError, "protocol")
    assert error.partial.tool_calls[0].name == "f"


@fault(IN, "the same in the reply to a step before the call", "`ProviderError`: the step has no value")
@pytest.mark.parametrize("name", HARD)
def test_a_step_whose_reply_cannot_be_read(door, tmp_path, name):
    file = text_file("stepped", f"{STEPS}headers: {{x-ticket: '{{{{ steps.ticket.id }}}}'}}")
    file = file.replace("expect: {text: hello}", "expect: {text: hello}, steps: [{reply: {json: {id: t}}}]")
    file = file.replace("expect: {error", "steps: [{reply: {json: {id: t}}}], expect: {error")
    script = whole(f'{{"id": "t", "more": {HARD[name]}}}'.encode(), kind="application/json")
    catalog = catalog_of(tmp_path, file)
    with (
        FaultServer([script]) as server,
        Door(door.kind, catalog, base_urls={"stepped": server.url}) as own,
        pytest.raises(ProviderError) as caught,
    ):
        own.chat("stepped")
    assert caught.value.kind == "protocol"
    assert "the step 'ticket'" in caught.value.message


@fault(IN, "9007199254740993, 0.1 and other exact numbers in a tool's arguments", "arrive as the model wrote them")
def test_numbers_in_arguments_stay(door):
    arguments = '{"a": 9007199254740993, "b": 0.1, "c": 1.0, "d": 1e5, "e": -0}'
    assert answered(door, sse(tool(0, "a", "f", arguments), TOOLS, DONE)).tool_calls == (ToolCall("a", "f", arguments),)


@fault(IN, "a key twice in one object", "the last one counts")
def test_of_a_key_twice_the_last_counts(door):
    event = '{"choices": [{"delta": {"content": "first", "content": "last"}}], "choices2": 1}'
    assert answered(door, sse(event, STOP, DONE)).text == "last"


@fault(IN, "counters that are negative, text, fractions, lists or huge", "numbers where they are some, else None")
@pytest.mark.parametrize(
    ("value", "expected"), [("7", 7), ('"7"', 7), ("[7]", None), ("null", None), ('"many"', None), ("true", None)]
)
def test_odd_counters(door, value, expected):
    choice = '{"message": {"content": "x"}, "finish_reason": "stop"}'
    body = f'{{"choices": [{choice}], "usage": {{"prompt_tokens": {value}}}}}'
    answer = answered(door, whole(body.encode(), kind="application/json"), name="both")
    assert answer.usage.input_tokens == expected


# --- tool calls ------------------------------------------------------------------------------------------------------

TOOLS = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}'
LENGTH = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}'


def tool(index: Any, id: str | None = None, name: str | None = None, arguments: str | None = None) -> str:
    """A delta with a fragment of a tool call."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    call = {"index": index, "function": function} | ({"id": id} if id is not None else {})
    return json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})


@fault(IN, "a tool call's arguments that break off, and the end of the answer", "`DecodeError`, and never `{}`")
@pytest.mark.parametrize("arguments", ['{"city": "Par', "{", '{"a": 1}}', '{"a": tru', "nul"])
def test_arguments_that_break_off(door, arguments):
    error = fault_of(door, sse(tool(0, "a", "f", arguments), TOOLS, DONE))
    assert type(error) is DecodeError
    assert error.partial.tool_calls == (ToolCall("a", "f", arguments),)


@fault(IN, "the same where the finish reason is `length`", "the arguments stay as the text that came")
def test_arguments_that_were_cut_at_the_length(door):
    answer = answered(door, sse(tool(0, "a", "f", '{"city": "Par'), LENGTH, DONE))
    assert (answer.finish, answer.tool_calls) == ("length", (ToolCall("a", "f", '{"city": "Par'),))


@fault(IN, "the same where the connection ends", "`TruncatedError`, with the call as far as it came in `partial`")
def test_arguments_at_a_cut(door):
    error = fault_of(door, sse(tool(0, "a", "f", '{"city": "Par')))
    assert type(error) is TruncatedError
    assert error.partial.tool_calls == (ToolCall("a", "f", '{"city": "Par'),)


STREAMS: dict[str, tuple[str, list[str], list[tuple[str, str, str]]]] = {
    "fragments of two calls that alternate": (
        "each belongs to the call of its index",
        [tool(0, "a", "f", "{"), tool(1, "b", "g", "["), tool(0, arguments="}"), tool(1, arguments="]")],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    "indexes that begin at 1 or come out of order": (
        "the calls stand in the order in which they came",
        [tool(3, "a", "f", "{}"), tool(1, "b", "g", "{}")],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "an id that changes with the name, under one index": (
        "another call begins",
        [tool(0, "a", "f", "{}"), tool(0, "b", "g", "[]")],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    "an id that changes without a name, under one index": (
        "the call goes on, with its first id",
        [tool(0, "a", "f", "{"), tool(0, "b", arguments="}")],
        [("a", "f", "{}")],
    ),
    "a name that is said again with the same id": (
        "the call goes on",
        [tool(0, "a", "f", "{"), tool(0, "a", "f", "}")],
        [("a", "f", "{}")],
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=fault(IN, name, promise)) for name, (promise, _, _) in STREAMS.items()]
)
def test_calls_in_pieces(door, name):
    _, events, calls = STREAMS[name]
    assert [
        (call.id, call.name, call.arguments) for call in answered(door, sse(*events, TOOLS, DONE)).tool_calls
    ] == calls


# --- what a stream does ----------------------------------------------------------------------------------------------


@fault(IN, "the same event twice", "its text is there twice: a text may repeat itself, and nothing tells the two apart")
def test_the_same_event_twice(door):
    assert answered(door, sse(delta("ha"), delta("ha"), STOP, DONE)).text == "haha"


@fault(IN, "two choices, interleaved", "only the choice with index 0 counts")
def test_two_choices(catalog, door):
    def choice(index: int, text: str) -> str:
        return json.dumps({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}]})

    script = sse(choice(0, "a"), choice(1, "X"), choice(0, "b"), choice(1, "Y"), STOP, DONE)
    with FaultServer([script]) as server, Door(door.kind, Catalog(), base_urls={"openai": server.url}) as own:
        secrets = {"options": {"secrets": {"openai": {"api_key": "sk-12345678"}}}}
        assert own.chat("openai:m", **secrets).text == "ab"


@fault(IN, "an id or a model that changes in mid-stream", "the last that was said is the answer's")
def test_an_id_that_changes(door):
    def said(identity: str, text: str) -> str:
        return json.dumps(
            {"id": identity, "model": f"m-{identity}", "choices": [{"index": 0, "delta": {"content": text}}]}
        )

    with (
        FaultServer([sse(said("1", "a"), said("2", "b"), STOP, DONE)]) as server,
        Door(
            door.kind, Catalog(), base_urls={"openai": server.url}, secrets={"openai": {"api_key": "sk-12345678"}}
        ) as own,
    ):
        answer = own.chat("openai:m")
    assert (answer.text, answer.id, answer.model) == ("ab", "2", "m-2")


@fault(IN, "a finish reason that nobody knows", "`finish` is `unknown`, and the API's word is in `finish_raw`")
def test_an_unknown_finish_reason(door):
    answer = answered(door, sse(delta("hi"), STOP.replace("stop", "bored"), DONE))
    assert (answer.text, answer.finish, answer.finish_raw) == ("hi", "unknown", "bored")


@fault(IN, "event types and fields that nobody knows", "passed over")
def test_unknown_events_and_fields(door):
    strange = 'event: tomorrow\ndata: {"type": "tomorrow", "x": [1]}\n\nid: 7\nretry: 5\nfoo: bar\n\n'
    known = json.dumps({"choices": [{"index": 0, "delta": {"content": "hi", "mood": {}}, "weather": 1}], "new": None})
    events = f"{strange}data: {known}\n\ndata: {STOP}\n\n{strange}data: {USAGE}\n\ndata: [DONE]\n\n"
    assert answered(door, chunked(events.encode(), kind="text/event-stream")).text == "hi"


@fault(IN, "numbers, lists and null where a text is due", "passed over: never 'None' in the text")
@pytest.mark.parametrize("content", ["null", "5", "true", "[]", "{}", '["a"]'])
def test_what_is_no_text(door, content):
    event = f'{{"choices": [{{"index": 0, "delta": {{"content": {content}}}}}]}}'
    assert answered(door, sse(event, delta("hi"), event, STOP, DONE)).text == "hi"


# --- hooks -----------------------------------------------------------------------------------------------------------


class Failing(logging.Handler):
    """A handler of the caller's that fails at every record."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("the disk is full")


@fault(IN, "a log handler of the caller's that raises, for a full disk say", "the answer arrives, or one error of ours")
@pytest.mark.parametrize("logger", ["", "httpx", "httpcore"])
def test_a_log_handler_that_fails(door, logger):
    target, handler = logging.getLogger(logger), Failing()
    level, own_level = target.level, logging.getLogger("asyncio").level
    logging.getLogger("asyncio").setLevel(logging.WARNING)  # it has a word to say of its own, and falls over it
    target.addHandler(handler)
    target.setLevel(logging.DEBUG)
    try:
        assert answered(door, sse(delta("hi"), STOP, DONE)).text == "hi"
    finally:
        target.removeHandler(handler)
        target.setLevel(level)
        logging.getLogger("asyncio").setLevel(own_level)
