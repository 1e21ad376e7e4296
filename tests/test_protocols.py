"""Whole answers in the shapes of known protocols, written by hand from their documentation, read by files of rules.

Each body is fed whole, byte by byte and at random cuts; each file holds only what its protocol needs.
"""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError, EngineError, ProviderError, TruncatedError
from engine.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from engine.loader import load_text
from engine.messages import ChatResponse, ToolCall
from engine.provider import Provider

from .test_framing_aws_eventstream import event, message, text

HEAD = """
spec_version: 1
name: acme
url: https://acme.example
payload: {q: "{{ messages }}"}
examples: [{name: none, call: {messages: x}, reply: {status: 503}, expect: {error: unavailable}}]
"""

BLOCKS = """
response:
  codec: sse
  rules:
    - {when: {type: message_start}, meta: {id: message.id, model: message.model}, usage: message.usage}
    - slot: {key: index, kind: content_block.type}
      rules:
        - {when: {slot: text}, text: [content_block.text, delta.text]}
        - {when: {slot: thinking}, reasoning: delta.thinking}
        - when: {slot: tool_use}
          tool_call:
            {id: content_block.id, name: content_block.name, arguments: [content_block.input, delta.partial_json]}
    - {when: {type: message_delta}, finish: delta.stop_reason, usage: usage}
  end: {type: message_stop}
  finish: {end_turn: stop, max_tokens: length, tool_use: tool_calls}
  usage: {input_tokens: input_tokens, output_tokens: output_tokens}
errors:
  - {frame: {type: error}, kind: overloaded, message: error.message}
"""


def sse(*frames: dict[str, Any]) -> bytes:
    return "".join(
        f"event: {frame['type']}\ndata: {json.dumps(frame, ensure_ascii=False)}\n\n" for frame in frames
    ).encode()


def opening(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **said: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": said}


BLOCK_FRAMES = (
    {
        "type": "message_start",
        "message": {"id": "m1", "model": "big", "usage": {"input_tokens": 9, "output_tokens": 1}},
    },
    {"type": "ping"},
    opening(0, type="thinking", thinking=""),
    delta(0, type="thinking_delta", thinking="hm"),
    delta(0, type="signature_delta", signature="c2ln"),
    {"type": "content_block_stop", "index": 0},
    opening(1, type="text", text=""),
    delta(1, type="text_delta", text="Привет"),
    {"type": "content_block_stop", "index": 1},
    opening(2, type="server_tool_use", id="srv", name="web_search", input={}),
    delta(2, type="input_json_delta", partial_json='{"query": "theirs"}'),
    {"type": "content_block_stop", "index": 2},
    opening(3, type="tool_use", id="t1", name="weather", input={}),
    delta(3, type="input_json_delta", partial_json=""),
    delta(3, type="input_json_delta", partial_json='{"city": "Os'),
    opening(4, type="tool_use", id="t2", name="now", input={}),
    delta(3, type="input_json_delta", partial_json='lo"}'),
    {"type": "content_block_stop", "index": 3},
    opening(5, type="tool_use", id="t3", name="sum", input={"a": [1, 2]}),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}},
    {"type": "message_stop"},
)
BLOCK_CALLS = (
    ToolCall("t1", "weather", '{"city": "Oslo"}'),
    ToolCall("t2", "now", "{}"),
    ToolCall("t3", "sum", '{"a": [1, 2]}'),
)

MESSAGES = """
response:
  codec: aws_eventstream
  rules:
    - when: {event: contentBlockStart}
      slot: {key: contentBlockIndex}
      tool_call: {id: start.toolUse.toolUseId, name: start.toolUse.name}
    - when: {event: contentBlockDelta}
      slot: {key: contentBlockIndex}
      text: delta.text
      reasoning: delta.reasoningContent.text
      tool_call: {arguments: delta.toolUse.input}
    - {when: {event: messageStop}, finish: stopReason}
    - {when: {event: metadata}, usage: usage}
  end: {event: messageStop}
  finish: {end_turn: stop, max_tokens: length, tool_use: tool_calls}
  usage: {input_tokens: inputTokens, output_tokens: outputTokens}
errors:
  - {frame: {event: throttlingException}, kind: rate_limit, message: message}
  - {frame: {event: InternalError}, kind: unavailable, message: message}
"""

MESSAGE_BODY = (
    event("messageStart", role="assistant", p="abcdefgh")
    + event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": "hm"}})
    + event("contentBlockStop", contentBlockIndex=0)
    + event("contentBlockDelta", contentBlockIndex=1, delta={"text": "При"}, p="ab")
    + event("contentBlockDelta", contentBlockIndex=1, delta={"text": "вет"})
    + event("contentBlockStart", contentBlockIndex=2, start={"toolUse": {"toolUseId": "t1", "name": "weather"}})
    + event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": '{"city": "Os'}})
    + event("contentBlockStart", contentBlockIndex=3, start={"toolUse": {"toolUseId": "t2", "name": "now"}})
    + event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": 'lo"}'}})
    + event("messageStop", stopReason="tool_use")
    + event("metadata", usage={"inputTokens": 9, "outputTokens": 20}, metrics={"latencyMs": 1})
)


def chunk(**inner: Any) -> bytes:
    """JSON in base64 in JSON in a message."""
    return event("chunk", bytes=base64.b64encode(json.dumps(inner, ensure_ascii=False).encode()).decode(), p="ab")


WRAPPED = BLOCKS.replace("codec: sse", "codec: aws_eventstream\n  unwrap: [json, {at: bytes}, base64, json]").replace(
    "errors:", "errors:\n  - {frame: {event: throttlingException}, kind: rate_limit, message: message}"
)

CHUNKS = """
response:
  codec: sse
  rules:
    - text: choices.0.delta.content
      finish: choices.0.finish_reason
      usage: usage
    - for: choices.0.delta.tool_calls.*
      tool_call: {key: index, id: id, name: function.name, arguments: function.arguments}
  end: ["[DONE]", finish]
  finish: {stop: stop, length: length, tool_calls: tool_calls, with_tools: tool_calls}
  usage: {input_tokens: in, output_tokens: out}
  think: {open: <think>, close: </think>}
"""


def chunks(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    frames = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    frames += [{"choices": [{"delta": {}, "finish_reason": finish}]}, {"choices": [], "usage": {"in": 9, "out": 20}}]
    return "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames).encode() + b"data: [DONE]\n\n"


def provider(text: str) -> Provider:
    return Provider(load_text(HEAD + text, "acme.yaml"))


PROVIDERS = {name: provider(globals()[name]) for name in ("BLOCKS", "MESSAGES", "WRAPPED", "CHUNKS")}
USAGE = Usage(9, 20)
EXPECTED = {
    "text": "Привет",
    "reasoning": "hm",
    "tool_calls": BLOCK_CALLS,
    "finish": "tool_calls",
    "usage": USAGE,
}
BODIES: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "blocks": ("BLOCKS", sse(*BLOCK_FRAMES), {**EXPECTED, "id": "m1", "model": "big"}),
    "messages": ("MESSAGES", MESSAGE_BODY, {**EXPECTED, "tool_calls": BLOCK_CALLS[:2]}),
    "blocks in base64 in messages": ("WRAPPED", b"".join(chunk(**frame) for frame in BLOCK_FRAMES), EXPECTED),
    "chunks": (
        "CHUNKS",
        chunks(
            {"content": "<thi"},
            {"content": "nk>hm</think>\n\nПри"},
            {"content": "вет"},
            {"tool_calls": [{"index": 0, "id": "t1", "function": {"name": "weather", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "id": "", "function": {"name": "", "arguments": '{"city": "Os'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": 'lo"}'}}]},
            {
                "tool_calls": [
                    {"id": "t2", "function": {"name": "now", "arguments": "null"}},
                    {"index": 0, "id": "t3", "function": {"name": "sum", "arguments": {"a": [1, 2]}}},
                ]
            },
        ),
        EXPECTED,
    ),
}


def byte_by_byte(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


def said(response: ChatResponse, expected: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(response, name) for name in expected}


@pytest.mark.parametrize("name", BODIES)
def test_an_answer(name):
    which, body, expected = BODIES[name]
    whole = PROVIDERS[which].decode(body)
    assert said(whole, expected) == expected
    assert PROVIDERS[which].decode(byte_by_byte(body)) == whole


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=25)
@given(st.lists(st.integers(0, 5000), max_size=8))
def test_any_cut_is_as_whole(name, places):
    which, body, _ = BODIES[name]
    edges = [0, *sorted(place % len(body) for place in places), len(body)]
    assert PROVIDERS[which].decode([body[a:b] for a, b in pairwise(edges)]) == PROVIDERS[which].decode(body)


@pytest.mark.parametrize("name", BODIES)
def test_events_concatenate_to_the_answer(name):
    which, body, _ = BODIES[name]
    answer = PROVIDERS[which].decode(body)
    events = list(PROVIDERS[which].events(byte_by_byte(body)))
    assert "".join(item.text for item in events if isinstance(item, TextDelta)) == answer.text
    assert "".join(item.text for item in events if isinstance(item, ReasoningDelta)) == answer.reasoning
    for index, call in enumerate(answer.tool_calls):
        own = [item for item in events if isinstance(item, ToolCallDelta) and item.index == index]
        assert (own[0].id, own[0].name) == (call.id, call.name)
        assert "".join(item.arguments for item in own) in (call.arguments, "", "null")
    assert isinstance(events[-1], Finish)


def attempt(which: str, body: bytes) -> tuple[ChatResponse, EngineError | None]:
    try:
        return PROVIDERS[which].decode(body), None
    except EngineError as error:
        return error.partial or ChatResponse(), error


@pytest.mark.parametrize("name", BODIES)
def test_a_cut_end_is_never_a_short_answer(name):
    """Every cut is an error, or, behind the mark of the end, the same answer without its usage."""
    which, body, expected = BODIES[name]
    whole = {key: value for key, value in expected.items() if key != "usage"}
    for size in range(1, len(body), 7):
        answer, error = attempt(which, body[:size])
        if error is None:
            assert said(answer, whole) == whole
        else:
            assert type(error) in (TruncatedError, DecodeError)
            assert expected["text"].startswith(answer.text)


def outcome(which: str, body: bytes) -> tuple[Any, ...]:
    outcomes = []
    for pieces in ([body], byte_by_byte(body)):
        with pytest.raises(EngineError) as caught:
            PROVIDERS[which].decode(pieces)
        error = caught.value
        assert error.partial is not None
        outcomes.append((type(error), error.kind, error.message, error.partial))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def exception(name: str, **data: Any) -> bytes:
    headers = [(":exception-type", text(name)), (":message-type", text("exception"))]
    return message(headers, json.dumps(data).encode())


@pytest.mark.parametrize("which", ["MESSAGES", "WRAPPED"])
def test_an_exception_among_the_messages(which):
    parts = [event("contentBlockDelta", contentBlockIndex=0, delta={"text": "При"})]
    if which == "WRAPPED":
        parts = [chunk(**frame) for frame in (opening(0, type="text", text=""), delta(0, text="При"))]
    kind, word, said, partial = outcome(which, b"".join(parts) + exception("throttlingException", message="slow down"))
    assert (kind, word, partial.text) == (ProviderError, "rate_limit", "При")
    assert "slow down" in said


def test_an_error_whose_words_are_in_headers():
    words = {":message-type": "error", ":error-code": "InternalError", ":error-message": "it broke"}
    body = event("messageStart", role="assistant") + message([(name, text(value)) for name, value in words.items()])
    kind, word, said, _ = outcome("MESSAGES", body)
    assert (kind, word) == (ProviderError, "unavailable")
    assert "it broke" in said


def test_a_message_with_a_wrong_checksum_keeps_what_came():
    broken = bytearray(MESSAGE_BODY)
    broken[MESSAGE_BODY.index(b'"t2"')] ^= 1
    kind, _, said, partial = outcome("MESSAGES", bytes(broken))
    assert kind is DecodeError
    assert "checksum" in said
    assert (partial.text, partial.tool_calls) == ("Привет", (ToolCall("t1", "weather", '{"city": "Os'),))


def test_a_refusal_among_the_blocks():
    body = sse(*BLOCK_FRAMES[:8], {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    kind, word, said, partial = outcome("BLOCKS", body)
    assert (kind, word, partial.text) == (ProviderError, "overloaded", "Привет")
    assert "busy" in said


CALL = {"index": 0, "id": "t1", "function": {"name": "f", "arguments": '{"a"'}}


def test_broken_arguments():
    kind, _, said, partial = outcome("CHUNKS", chunks({"tool_calls": [CALL]}))
    assert kind is DecodeError
    assert "'f'" in said
    assert partial.tool_calls == (ToolCall("t1", "f", '{"a"'),)
    answer = PROVIDERS["CHUNKS"].decode(chunks({"tool_calls": [CALL]}, finish="length"))
    assert (answer.finish, answer.tool_calls) == ("length", partial.tool_calls)


@pytest.mark.parametrize(("name", "reason"), [("f", "tool_calls"), ("", "stop")])
def test_a_stop_with_tool_calls(name, reason):
    call = {"index": 0, "id": "t1", "function": {"name": name, "arguments": "{}"}}
    assert PROVIDERS["CHUNKS"].decode(chunks({"tool_calls": [call]})).finish == reason


# --- lines and arrays ---

LINES = """
response:
  codec: ndjson
  rules:
    - {text: message.content, reasoning: message.thinking}
    - {for: message.tool_calls.*, tool_call: {name: function.name, arguments: function.arguments}}
    - {when: {done: true}, finish: done_reason, usage: $}
  end: {done: true}
  finish: {stop: stop, length: length, with_tools: tool_calls}
  usage: {input_tokens: in, output_tokens: out}
errors:
  - {frame: {error: {exists: true}}, kind: unavailable, message: error}
"""
ARRAY = """
response:
  codec: json_array
  rules:
    - {finish: candidates.0.finishReason, usage: usage}
    - for: candidates.0.content.parts.*
      rules:
        - {when: {thought: true}, reasoning: text}
        - {when: {thought: null}, text: text}
        - {tool_call: {id: functionCall.id, name: functionCall.name, arguments: functionCall.args}}
  end: finish
  finish: {STOP: stop, with_tools: tool_calls}
  usage: {input_tokens: in, output_tokens: out}
errors:
  - {frame: {error: {exists: true}}, kind: unavailable, message: error.message}
"""
LINE_BODY = b"\r\n".join(
    json.dumps(line, ensure_ascii=False).encode()
    for line in (
        {"message": {"thinking": "hm", "content": ""}, "done": False},
        {"message": {"content": "При"}, "done": False},
        {"message": {"content": "вет"}, "done": False},
        {
            "message": {
                "content": "",
                "tool_calls": [
                    {"function": {"name": "weather", "arguments": {"city": "Oslo"}}},
                    {"function": {"name": "now", "arguments": {}}},
                ],
            }
        },
        {"message": {"content": ""}, "done": True, "done_reason": "stop", "in": 9, "out": 20},
    )
)
ARRAY_BODY = (
    "["
    + ",\r\n".join(
        json.dumps(item, ensure_ascii=False, indent=1)
        for item in (
            {
                "candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": "При"}]}}],
                "usage": {"in": 9},
            },
            {
                "candidates": [
                    {
                        "content": {
                            "parts": [
                                {"text": "вет"},
                                {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
                                {"functionCall": {"name": "now"}},
                            ]
                        }
                    }
                ]
            },
            {"candidates": [{"finishReason": "STOP"}], "usage": {"in": 9, "out": 20}},
        )
    )
    + "]\n"
).encode()
WHOLE_CALLS = (ToolCall("call_0", "weather", '{"city": "Oslo"}'), ToolCall("call_1", "now", "{}"))


@pytest.mark.parametrize("kind", ["", "application/x-ndjson", "application/json"])
@pytest.mark.parametrize(("file", "body"), [(LINES, LINE_BODY), (ARRAY, ARRAY_BODY)], ids=["lines", "array"])
def test_lines_and_arrays(file, body, kind):
    headers = {"content-type": kind} if kind else {}
    expected = {**EXPECTED, "tool_calls": WHOLE_CALLS}
    whole = provider(file).decode(body, 200, headers)
    assert said(whole, expected) == expected
    assert provider(file).decode(byte_by_byte(body), 200, headers) == whole


@pytest.mark.parametrize(
    ("file", "body"),
    [
        (LINES, b'{"message": {"content": "a"}}\n{"error": "it broke"}\n'),
        (LINES, b'{"error": "it broke"}'),
        (ARRAY, b'[{"candidates": [{"content": {"parts": [{"text": "a"}]}}]},\n{"error": {"message": "it broke"}}]'),
        (ARRAY, b'[{"error": {"message": "it broke"}}]'),
        (ARRAY, b'{"error": {"message": "it broke"}}'),
    ],
)
def test_errors_in_lines_and_arrays(file, body):
    for pieces in ([body], byte_by_byte(body)):
        with pytest.raises(ProviderError, match="it broke") as caught:
            provider(file).decode(pieces)
        assert caught.value.kind == "unavailable"
