"""What the language must be able to say of answers: each family of APIs as a snippet of a file, and bodies to read.

Every body is composed from the services' documentation and from notes on their streams; none is a recording. Each is
read whole, byte by byte and in two pieces at every place: what comes out must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from engine.errors import ProviderError, TruncatedError
from engine.framing import Frame
from engine.framing.aws_eventstream import encode_message
from engine.loader import load_text
from engine.messages import ChatResponse, ToolCall
from engine.provider import Provider

HEAD = """
spec_version: 1
name: family
url: http://127.0.0.1
payload: {m: "{{ messages }}"}
examples: [{name: a, call: {messages: hi}, reply: {text: x}, expect: {text: x}}]
"""


@cache
def provider(response: str) -> Provider:
    return Provider(load_text(HEAD + response))


def sse(*frames: Any, names: bool = False, end: str = "\n") -> bytes:
    """Frames as an event stream; `names` gives each the name that its `type` is."""
    lines = []
    for frame in frames:
        lines += [f"event: {frame['type']}"] if names else []
        lines += [f"data: {frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)}", ""]
    return "".join(line + end for line in lines).encode()


def ndjson(*frames: Any) -> bytes:
    return "\n".join(json.dumps(frame) for frame in frames).encode()


def aws(*frames: tuple[str, Any]) -> bytes:
    return b"".join(encode_message(Frame(name, json.dumps(data))) for name, data in frames)


def cuts(body: bytes) -> Iterator[list[bytes]]:
    yield [body[index : index + 1] for index in range(len(body))]
    yield from ([body[:place], body[place:]] for place in range(1, len(body)))


def read(response: str, body: bytes, kind: str = "text/event-stream") -> ChatResponse:
    """The answer, the same at every cut."""
    decoder, headers = provider(response), {"content-type": kind}
    whole = decoder.decode(body, headers=headers)
    for pieces in cuts(body):
        assert decoder.decode(pieces, headers=headers) == whole
    return whole


def refused(response: str, body: bytes, kind: str = "text/event-stream") -> ProviderError:
    """The error, the same at every cut."""
    decoder, headers, seen = provider(response), {"content-type": kind}, set()
    for pieces in ([body], *cuts(body)):
        with pytest.raises(ProviderError) as caught:
            decoder.decode(pieces, headers=headers)
        error = caught.value
        assert error.partial is not None
        seen.add((error.kind, error.code, error.message, error.partial.text))
    assert len(seen) == 1
    return error


def blocks(answer: ChatResponse) -> Any:
    return answer.replay and answer.replay["blocks"]


def counted(answer: ChatResponse) -> tuple[int | None, ...]:
    usage = answer.usage
    return usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens


# --- blocks with an index, and a kind that the first frame of a block tells ---

MESSAGES = """
response:
  stream:
    codec: sse
    rules:
      - when: {type: message_start}
        meta: {id: message.id, model: message.model}
        usage: message.usage
        rules:
          - for: message.content.*
            slot: {key: index, kind: type}
            rules:
              - {when: {slot: text}, text: text}
              - {when: {slot: thinking}, reasoning: thinking, carry: {signature: signature}}
              - {when: {slot: redacted_thinking}, carry: {data: data}}
              - {when: {slot: tool_use}, tool_call: {id: id, name: name, arguments: input}}
          - finish: message.stop_reason
      - when: {type: content_block_start}
        slot: {key: index, kind: content_block.type}
        rules:
          - {when: {slot: text}, text: content_block.text}
          - {when: {slot: thinking}, reasoning: content_block.thinking, carry: {signature: content_block.signature}}
          - {when: {slot: redacted_thinking}, carry: {data: content_block.data}}
          - when: {slot: tool_use}
            tool_call: {id: content_block.id, name: content_block.name, arguments: content_block.input}
      - when: {type: content_block_delta}
        slot: {key: index}
        text: delta.text
        reasoning: delta.thinking
        carry: {signature: delta.signature}
        rules:
          - {when: {slot: tool_use}, tool_call: {arguments: delta.partial_json}}
      - {when: {type: message_delta}, usage: usage, finish: delta.stop_reason}
    end: {type: message_stop}
  finish: {end_turn: stop, stop_sequence: stop, max_tokens: length, tool_use: tool_calls, refusal: content_filter}
  usage:
    input_tokens: {sum: [input_tokens, cache_read_input_tokens, cache_creation_input_tokens]}
    output_tokens: output_tokens
    cached_input_tokens: cache_read_input_tokens
    reasoning_tokens: output_tokens_details.thinking_tokens
errors:
  - {frame: {error.type: overloaded_error}, kind: overloaded, message: error.message}
"""


def opened(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **more}}


def delta(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def started(**more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1}
    message = {"id": "msg_1", "model": "m", "content": [], "stop_reason": None, "usage": usage}
    return {"type": "message_start", "message": message | more}


def stopped(reason: str, **usage: Any) -> list[dict[str, Any]]:
    return [{"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}, {"type": "message_stop"}]


def test_messages_with_blocks_that_alternate():
    body = sse(
        started(),
        opened(0, "thinking", thinking="", signature=""),
        {"type": "ping"},
        delta(0, "thinking_delta", thinking="Ж"),
        delta(0, "thinking_delta", thinking="m"),
        delta(0, "signature_delta", signature="sig=="),
        {"type": "content_block_stop", "index": 0},
        opened(1, "redacted_thinking", data="sealed"),
        opened(2, "text", text=""),
        opened(3, "server_tool_use", id="srv", name="web_search", input={}),
        delta(3, "input_json_delta", partial_json='{"theirs": 1}'),
        delta(2, "text_delta", text="Let me "),
        opened(4, "tool_use", id="t1", name="add", input={}),
        opened(5, "tool_use", id="t2", name="now", input={}),
        delta(4, "input_json_delta", partial_json='{"a"'),
        delta(5, "input_json_delta", partial_json=""),
        delta(4, "input_json_delta", partial_json=": 1}"),
        delta(2, "text_delta", text="see."),
        *stopped("tool_use", output_tokens=30, output_tokens_details={"thinking_tokens": 20}),
        names=True,
    )
    answer = read(MESSAGES, body)
    assert (answer.text, answer.reasoning, answer.finish, answer.id) == ("Let me see.", "Жm", "tool_calls", "msg_1")
    assert answer.tool_calls == (ToolCall("t1", "add", '{"a": 1}'), ToolCall("t2", "now", "{}"))
    assert counted(answer) == (16, 30, 4, 20)
    assert blocks(answer) == [
        {"type": "reasoning", "text": "Жm", "carry": {"signature": "sig=="}},
        {"type": "reasoning", "text": "", "carry": {"data": "sealed"}},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_call", "id": "t1"},
        {"type": "tool_call", "id": "t2"},
    ]


def test_messages_with_everything_in_the_first_frame():
    content = [
        {"type": "thinking", "thinking": "a", "signature": "1"},
        {"type": "thinking", "thinking": "b", "signature": "2"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
        {"type": "server_tool_use", "id": "t2", "name": "search", "input": {"q": 1}},
    ]
    answer = read(MESSAGES, sse(started(content=content, stop_reason="tool_use"), {"type": "message_stop"}))
    assert (answer.text, answer.reasoning, answer.finish) == ("Hi", "ab", "tool_calls")
    assert answer.tool_calls == (ToolCall("t1", "add", '{"a": 1}'),)
    assert [block.get("carry") for block in blocks(answer)] == [{"signature": "1"}, {"signature": "2"}, None, None]


def test_messages_with_arguments_that_are_whole_at_the_start_of_a_block():
    frames = [opened(0, "tool_use", id="t1", name="add", input={"a": 1}), *stopped("tool_use")]
    answer = read(MESSAGES, sse(started(), *frames))
    assert answer.tool_calls == (ToolCall("t1", "add", '{"a": 1}'),)
    assert answer.replay is None


def test_messages_that_end_in_an_error():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    caught = refused(MESSAGES, sse(started(), delta(0, "text_delta", text="He"), error, names=True))
    assert (caught.kind, caught.code, caught.partial.text) == ("overloaded", "overloaded_error", "He")


# --- items whose deltas are said again when they are done ---

RESPONSES = """
response:
  stream:
    codec: sse
    rules:
      - {when: {type: response.created}, meta: {id: response.id, model: response.model}}
      - when: {type: {in: [response.output_text.delta, response.refusal.delta]}}
        slot: {key: output_index}
        rules:
          - {when: {type: response.output_text.delta}, slot: {key: content_index}, text: delta}
          - {when: {type: response.refusal.delta}, slot: {key: content_index}, refusal: delta}
      - when: {type: response.output_text.done}
        slot: {key: output_index}
        rules: [{slot: {key: content_index}, text: {path: text, mode: final}}]
      - when: {type: {in: [response.reasoning_summary_text.delta, response.reasoning_text.delta]}}
        slot: {key: output_index}
        reasoning: delta
      - when: {type: response.output_item.added, item.type: {in: [function_call, custom_tool_call]}}
        slot: {key: output_index, kind: item.type}
        rules:
          - {when: {slot: function_call}, tool_call: {id: item.call_id, name: item.name}}
          - when: {slot: custom_tool_call, item.name: {regex: "^(?:[^x]|x[^_])"}}   # x_... are run by the service
            tool_call: {id: item.call_id, name: item.name, custom: true}
      - when: {type: response.function_call_arguments.delta}
        slot: {key: output_index}
        tool_call: {arguments: delta}
      - when: {type: response.custom_tool_call_input.delta}
        slot: {key: output_index}
        tool_call: {arguments: delta, custom: true}
      - when: {type: response.output_item.done}
        slot: {key: output_index}
        rules:
          - when: {item.type: function_call}
            tool_call: {id: item.call_id, name: item.name, arguments: item.arguments, mode: final}
          - when: {item.type: reasoning}
            carry: {id: item.id, encrypted_content: item.encrypted_content}
      - when: {type: {in: [response.completed, response.incomplete, response.failed]}}
        finish: [response.incomplete_details.reason, response.status]
        usage: response.usage
        error: response.error
        end: true
      - {when: {type: error}, error: {path: [error, $], kind: unavailable}}
  finish:
    completed: stop
    max_output_tokens: length
    content_filter: content_filter
    failed: error
    with_tools: tool_calls
  usage:
    input_tokens: input_tokens
    output_tokens: output_tokens
    cached_input_tokens: input_tokens_details.cached_tokens
    reasoning_tokens: output_tokens_details.reasoning_tokens
errors:
  - frame: {response.error.code: rate_limit_exceeded}
    kind: rate_limit
    message: response.error.message
    code: response.error.code
"""


def item(kind: str, index: int, done: bool = False, **more: Any) -> dict[str, Any]:
    name = "done" if done else "added"
    return {"type": f"response.output_item.{name}", "output_index": index, "item": {"type": kind, **more}}


def said(kind: str, index: int, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, "content_index": 0, **more}


def completed(kind: str = "completed", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 5, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 4}}
    return {"type": f"response.{kind}", "response": {"status": kind, "usage": usage, "error": None, **more}}


CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "error": None}}


def test_items_and_what_is_said_twice():
    body = sse(
        CREATED,
        item("reasoning", 0, id="rs_1", summary=[]),
        said("reasoning_summary_text.delta", 0, delta="hm"),
        item("reasoning", 0, done=True, id="rs_1", encrypted_content="gAAA", summary=[{"text": "hm"}]),
        item("message", 1),
        said("output_text.delta", 1, delta="Hel"),
        item("function_call", 2, call_id="c1", name="add", arguments=""),
        item("function_call", 3, call_id="c2", name="now", arguments=""),
        said("function_call_arguments.delta", 2, delta='{"a"'),
        said("output_text.delta", 1, delta="lo"),
        said("output_text.done", 1, text="Hello, all"),
        said("output_text.delta", 1, content_index=1, delta="!"),
        said("output_text.done", 1, content_index=1, text="!"),
        item("function_call", 2, done=True, call_id="c1", name="add", arguments='{"a": 1}'),
        item("function_call", 3, done=True, call_id="c2", name="now", arguments='{"b": 2}'),
        item("custom_tool_call", 4, call_id="c3", name="sql", input=""),
        said("custom_tool_call_input.delta", 4, delta="SELECT 1"),
        item("custom_tool_call", 5, call_id="c4", name="x_search", input=""),
        said("custom_tool_call_input.delta", 5, delta="theirs"),
        completed(),
    )
    answer = read(RESPONSES, body)
    assert (answer.text, answer.reasoning, answer.finish, answer.id) == ("Hello, all!", "hm", "tool_calls", "resp_1")
    assert answer.tool_calls == (
        ToolCall("c1", "add", '{"a": 1}'),
        ToolCall("c2", "now", '{"b": 2}'),
        ToolCall("c3", "sql", "SELECT 1"),
    )
    assert counted(answer) == (5, 9, None, 4)
    assert blocks(answer) == [
        {"type": "reasoning", "text": "hm", "carry": {"id": "rs_1", "encrypted_content": "gAAA"}},
        {"type": "text", "text": "Hello, all"},
        {"type": "tool_call", "id": "c1"},
        {"type": "tool_call", "id": "c2"},
        {"type": "text", "text": "!"},
        {"type": "tool_call", "id": "c3"},
    ]


@pytest.mark.parametrize(
    ("last", "finish"),
    [
        (completed(), "stop"),
        (completed("incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (completed("incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
        (completed("failed"), "error"),
    ],
)
def test_the_last_frame_of_items_is_the_end_and_says_why(last, finish):
    frames = [CREATED, said("output_text.delta", 0, delta="Hi")]
    assert read(RESPONSES, sse(*frames, last, "[DONE]").removesuffix(b"data: [DONE]\n\n")).finish == finish
    with pytest.raises(TruncatedError):
        read(RESPONSES, sse(*frames))
    unclosed = sse(*frames, last).removesuffix(b"\n\n")  # the last event is not closed, but it is whole
    assert read(RESPONSES, unclosed).finish == finish


def test_hidden_reasoning_of_items():
    done = item("reasoning", 0, done=True, id="rs_1", encrypted_content="gAAA", summary=[])
    answer = read(RESPONSES, sse(CREATED, done, said("output_text.done", 1, text="Hi"), completed()))
    assert answer.text == "Hi"
    assert blocks(answer) == [
        {"type": "reasoning", "text": "", "carry": {"id": "rs_1", "encrypted_content": "gAAA"}},
        {"type": "text", "text": "Hi"},
    ]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            completed("failed", error={"code": "server_error", "message": "Sorry"}),
            ("protocol", "server_error", "Sorry"),
        ),
        (
            completed("failed", error={"code": "rate_limit_exceeded", "message": "Slow"}),
            ("rate_limit", "rate_limit_exceeded", "Slow"),
        ),
        ({"type": "error", "code": "E1", "message": "flat"}, ("unavailable", "E1", "flat")),
    ],
)
@pytest.mark.parametrize("last", ["\n\n", "\n", ""])
def test_errors_in_items(frame, expected, last):
    body = sse(CREATED, said("output_text.delta", 0, delta="He"), frame).removesuffix(b"\n\n")
    caught = refused(RESPONSES, body + last.encode())
    kind, code, words = expected
    assert (caught.kind, caught.code, caught.partial.text) == (kind, code, "He")
    assert words in caught.message


# --- parts that are whole, with what must stand beside them ---

PARTS = """
response:
  stream:
    codec: CODEC
    rules:
      - meta: {id: responseId, model: modelVersion}
        usage: usageMetadata
        finish: [candidates.0.finishReason, promptFeedback.blockReason]
      - for: candidates.0.content.parts.*
        carry: {thoughtSignature: thoughtSignature}
        rules:
          - {when: {thought: true}, reasoning: text}
          - {when: {thought: {in: [false, null]}}, text: text}
          - tool_call:
              id: functionCall.id
              name: functionCall.name
              arguments: functionCall.args
              mode: patch
              patches: functionCall.partialArgs
              path: jsonPath
              value: [stringValue, numberValue, boolValue]
              null_value: nullValue
    end: finish
  finish:
    STOP: stop
    "1": stop
    MAX_TOKENS: length
    SAFETY: content_filter
    MALFORMED_FUNCTION_CALL: error
    FINISH_REASON_UNSPECIFIED: null
    with_tools: tool_calls
  usage:
    input_tokens: {sum: [promptTokenCount, toolUsePromptTokenCount]}
    output_tokens: candidatesTokenCount
    cached_input_tokens: cachedContentTokenCount
    reasoning_tokens: thoughtsTokenCount
    output_excludes_reasoning: true
"""
STREAMED_PARTS = PARTS.replace("CODEC", "sse")


def parts(*parts: Any, finish: str | int | None = None, **counters: int) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}} | ({"finishReason": finish} if finish else {})
    return {"candidates": [candidate], "usageMetadata": counters, "modelVersion": "m", "responseId": "r1"}


FRAMES = [
    parts({"text": "hm", "thought": True}, promptTokenCount=5, toolUsePromptTokenCount=3, thoughtsTokenCount=7),
    parts({"text": "Hel"}),
    parts({"text": "lo"}),
    parts({"text": "", "thoughtSignature": "s1"}),
    parts(
        {"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": "s2"},
        {"functionCall": {"name": "now", "args": {}, "id": "fc9"}},
        {"executableCode": {"code": "1"}},
        finish="STOP",
        promptTokenCount=5,
        candidatesTokenCount=4,
        toolUsePromptTokenCount=3,
        thoughtsTokenCount=7,
    ),
]


@pytest.mark.parametrize("codec", ["sse", "json_array"])
def test_parts(codec):
    body = sse(*FRAMES, end="\r\n") if codec == "sse" else json.dumps(FRAMES).encode()
    answer = read(PARTS.replace("CODEC", codec), body, "text/event-stream" if codec == "sse" else "application/json")
    assert (answer.text, answer.reasoning, answer.finish) == ("Hello", "hm", "tool_calls")
    assert answer.tool_calls == (ToolCall("call_0", "add", '{"a": 1}'), ToolCall("fc9", "now", "{}"))
    assert counted(answer) == (8, 11, None, 7)
    assert blocks(answer) == [
        {"type": "reasoning", "text": "hm"},
        {"type": "text", "text": "Hello"},
        {"type": "text", "text": "", "carry": {"thoughtSignature": "s1"}},
        {"type": "tool_call", "id": "call_0", "carry": {"thoughtSignature": "s2"}},
        {"type": "tool_call", "id": "fc9"},
    ]


def patch(path: str, **value: Any) -> dict[str, Any]:
    return {"functionCall": {"partialArgs": [{"jsonPath": path, "willContinue": True, **value}], "willContinue": True}}


def test_parts_with_arguments_in_pieces():
    frames = [
        parts({"functionCall": {"name": "book", "willContinue": True}, "thoughtSignature": "s"}),
        parts(patch("$.to.city", stringValue="Par")),
        parts(patch("$.to.city", stringValue="is")),
        parts(patch("$.days[0]", numberValue=2), patch("$.days[1]", numberValue=0)),
        parts(
            patch("$.ok", boolValue=False),
            patch("$.note", stringValue=""),
            patch("$.x", nullValue=None),
            patch("$.y", nullValue="NULL_VALUE"),
        ),
        parts({"functionCall": {}}),
        parts({"functionCall": {"name": "now"}}),
        parts({"functionCall": {}}, finish="STOP"),
    ]
    answer = read(STREAMED_PARTS, sse(*frames))
    book, now = answer.tool_calls
    expected = {"to": {"city": "Paris"}, "days": [2, 0], "ok": False, "note": "", "x": None, "y": None}
    assert (book.name, json.loads(book.arguments), now.name, now.arguments) == ("book", expected, "now", "{}")
    assert blocks(answer)[0] == {"type": "tool_call", "id": "call_0", "carry": {"thoughtSignature": "s"}}
    events = [event for event in provider(STREAMED_PARTS).events(sse(*frames)) if hasattr(event, "arguments")]
    assert [(event.index, event.name) for event in events] == [(0, "book"), (1, "now"), (0, None)]


@pytest.mark.parametrize(
    ("frame", "finish"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "content_filter"),
        (parts({"text": "x"}, finish="MAX_TOKENS"), "length"),
        (parts({"text": "x"}, finish=1), "stop"),
        ({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "error"),
        ({"candidates": [{"finishReason": "SOMETHING_NEW"}]}, "unknown"),
    ],
)
def test_why_parts_end(frame, finish):
    assert read(STREAMED_PARTS, sse({"candidates": []}, frame)).finish == finish


def test_parts_that_are_not_finished_are_cut():
    with pytest.raises(TruncatedError):
        read(STREAMED_PARTS, sse(parts({"text": "x"}, finish="FINISH_REASON_UNSPECIFIED")))


# --- binary frames, named in their headers ---

CONVERSE = """
response:
  stream:
    codec: aws_eventstream
    rules:
      - when: {event: contentBlockStart}
        slot: {key: contentBlockIndex, kind: start.toolUse.type}
        rules: [{when: {slot: null}, tool_call: {id: start.toolUse.toolUseId, name: start.toolUse.name}}]
      - when: {event: contentBlockDelta}
        slot: {key: contentBlockIndex}
        text: delta.text
        reasoning: delta.reasoningContent.text
        carry: {signature: delta.reasoningContent.signature, redacted: delta.reasoningContent.redactedContent}
        rules: [{when: {slot: null}, tool_call: {arguments: delta.toolUse.input}}]
      - {when: {event: messageStop}, finish: stopReason}
      - {when: {event: metadata}, usage: usage}
      - {when: {event: {regex: "Exception$"}}, error: {path: message, kind: unavailable}}
    end: {event: messageStop}
  whole:
    codec: json
    rules:
      - for: output.message.content.*
        rules:
          - when: {reasoningContent: {exists: true}}
            reasoning: reasoningContent.reasoningText.text
            carry: {signature: reasoningContent.reasoningText.signature}
          - text: text
          - {for: citationsContent.content.*, text: text}
          - when: {toolUse: {exists: true}, toolUse.type: null}
            tool_call: {id: toolUse.toolUseId, name: toolUse.name, arguments: toolUse.input}
      - {finish: stopReason, usage: usage}
  finish: {end_turn: stop, tool_use: tool_calls, guardrail_intervened: content_filter}
  usage:
    input_tokens: {sum: [inputTokens, cacheReadInputTokens, cacheWriteInputTokens]}
    output_tokens: outputTokens
    cached_input_tokens: cacheReadInputTokens
errors:
  - {frame: throttlingException, kind: rate_limit, message: message}
"""
BINARY = "application/vnd.amazon.eventstream"


def binary_delta(index: int, **more: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": more, "p": "abc"}


def test_binary_frames():
    body = aws(
        ("messageStart", {"role": "assistant"}),
        binary_delta(0, reasoningContent={"text": "hm"}),
        binary_delta(0, reasoningContent={"signature": "sig"}),
        binary_delta(1, text="Hi"),
        ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "add"}}}),
        (
            "contentBlockStart",
            {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t", "name": "s", "type": "server_tool_use"}}},
        ),
        binary_delta(2, toolUse={"input": '{"a"'}),
        binary_delta(3, toolUse={"input": '{"theirs": 1}'}),
        binary_delta(2, toolUse={"input": ": 1}"}),
        ("messageStop", {"stopReason": "tool_use"}),
        (
            "metadata",
            {"usage": {"inputTokens": 5, "outputTokens": 9, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 2}},
        ),
    )
    answer = read(CONVERSE, body, BINARY)
    assert (answer.text, answer.reasoning, answer.finish) == ("Hi", "hm", "tool_calls")
    assert answer.tool_calls == (ToolCall("t1", "add", '{"a": 1}'),)
    assert counted(answer) == (10, 9, 3, None)
    assert blocks(answer) == [
        {"type": "reasoning", "text": "hm", "carry": {"signature": "sig"}},
        {"type": "text", "text": "Hi"},
        {"type": "tool_call", "id": "t1"},
    ]


def test_binary_frames_that_are_exceptions():
    start = binary_delta(0, text="He")
    known = refused(CONVERSE, aws(start, ("throttlingException", {"message": "Slow down"})), BINARY)
    other = refused(CONVERSE, aws(start, ("modelStreamErrorException", {"message": "Sorry"})), BINARY)
    assert (known.kind, other.kind) == ("rate_limit", "unavailable")
    assert "Sorry" in other.message


def test_the_same_answer_whole():
    content = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"text": "Hi"},
        {"citationsContent": {"content": [{"text": " (1)"}, {"text": " (2)"}]}},
        {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}},
    ]
    body = {"output": {"message": {"content": content}}, "stopReason": "tool_use", "usage": {"inputTokens": 5}}
    answer = read(CONVERSE, json.dumps(body).encode(), "application/json")
    assert (answer.text, answer.finish, len(answer.tool_calls)) == ("Hi (1) (2)", "tool_calls", 1)
    assert blocks(answer) == [
        {"type": "reasoning", "text": "hm", "carry": {"signature": "sig"}},
        {"type": "text", "text": "Hi (1) (2)"},
        {"type": "tool_call", "id": "t1"},
    ]


# --- a call as an object, and arguments "null" ---

COHERE = """
response:
  codec: sse
  rules:
    - {when: {type: message-start}, meta: {id: id}}
    - {when: {type: content-delta}, text: delta.message.content.text, reasoning: delta.message.content.thinking}
    - {when: {type: tool-plan-delta}, reasoning: delta.message.tool_plan}
    - when: {type: {in: [tool-call-start, tool-call-delta]}}
      slot: {key: index}
      tool_call:
        id: delta.message.tool_calls.id
        name: delta.message.tool_calls.function.name
        arguments: delta.message.tool_calls.function.arguments
    - {when: {type: message-end}, finish: delta.finish_reason, usage: delta.usage}
  end: ["[DONE]", {type: message-end}]
  finish: {COMPLETE: stop, TOOL_CALL: tool_calls, ERROR: error}
  usage: {input_tokens: tokens.input_tokens, output_tokens: tokens.output_tokens, cached_input_tokens: cached_tokens}
"""


def cohere_call(kind: str, index: int, **call: Any) -> dict[str, Any]:
    return {"type": f"tool-call-{kind}", "index": index, "delta": {"message": {"tool_calls": call}}}


def test_calls_that_are_objects():
    plan = {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will add."}}}
    end = {
        "finish_reason": "TOOL_CALL",
        "usage": {"tokens": {"input_tokens": 5, "output_tokens": 3}, "cached_tokens": 1},
    }
    body = sse(
        {"type": "message-start", "id": "x", "delta": {"message": {"content": []}}},
        plan,
        cohere_call("start", 0, id="a", type="function", function={"name": "add", "arguments": ""}),
        cohere_call("start", 1, id="b", type="function", function={"name": "now", "arguments": ""}),
        cohere_call("delta", 0, function={"arguments": '{"a":'}),
        cohere_call("delta", 0, function={"arguments": " 1}"}),
        cohere_call("delta", 1, function={"arguments": "null"}),
        {"type": "message-end", "delta": end},
        names=True,
    )
    answer = read(COHERE, body + b"data: [DONE]\n\n")
    assert answer.tool_calls == (ToolCall("a", "add", '{"a": 1}'), ToolCall("b", "now", "{}"))
    assert (answer.reasoning, answer.finish, counted(answer)) == ("I will add.", "tool_calls", (5, 3, 1, None))


# --- lines, counters among other things ---

OLLAMA = """
response:
  codec: ndjson
  rules:
    - meta: {model: model}
      reasoning: message.thinking
      text: message.content
    - for: message.tool_calls.*
      tool_call: {id: id, name: function.name, arguments: function.arguments}
    - when: {done: true}
      finish: done_reason
      usage: {prompt_eval_count: prompt_eval_count, eval_count: eval_count}
  end: {done: true}
  finish: {stop: stop, length: length, with_tools: tool_calls}
  usage: {input_tokens: prompt_eval_count, output_tokens: eval_count}
errors: [{body: {error: {contains: not found}}, kind: not_found, message: error}]
"""


def test_lines():
    calls = [{"function": {"name": "add", "arguments": {"a": 1}}}, {"function": {"name": "add", "arguments": {"a": 2}}}]
    body = ndjson(
        {"model": "m", "message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {"model": "m", "message": {"content": "Hi"}, "done": False},
        {"model": "m", "message": {"content": "", "tool_calls": calls}, "done": False},
        {"model": "m", "message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 7},
    )
    answer = read(OLLAMA, body, "application/x-ndjson")
    assert (answer.text, answer.reasoning, answer.finish) == ("Hi", "hm", "tool_calls")
    assert [call.arguments for call in answer.tool_calls] == ['{"a": 1}', '{"a": 2}']
    assert (counted(answer), answer.usage.raw) == ((None, 7, None, None), {"eval_count": 7})
    caught = refused(
        OLLAMA, ndjson({"message": {"content": "He"}}, {"error": "model not found"}), "application/x-ndjson"
    )
    assert (caught.kind, caught.partial.text) == ("not_found", "He")


# --- habits of services on one protocol ---

CHAT = """
response:
  codec: sse
  rules:
    - usage: [usage, choices.0.usage]
    - text: choices.0.delta.content
      reasoning: choices.0.delta.reasoning
      finish: choices.0.finish_reason
    - for: choices.0.delta.content.*
      rules:
        - {when: {type: text}, text: text}
        - {when: {type: thinking}, for: thinking.*, reasoning: text}
    - text: {path: choices.0.message.content, mode: final}
    - carry: {state: choices.0.delta.functions_state_id}
    - carry:
        reasoning_details: {path: choices.0.delta.reasoning_details, by: index, append: [text, data]}
  end: "[DONE]"
  usage: {input_tokens: prompt_tokens, output_tokens: completion_tokens}
  think: {open: <think>, close: </think>}
"""


def chunk(content: Any = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content} | more.pop("delta", {}), **more}]}


def chat(*chunks: Any) -> ChatResponse:
    return read(CHAT, sse(*chunks, "[DONE]"))


def test_content_that_is_text_or_a_list():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}
    answer = chat(
        chunk([thinking]), chunk([{"type": "text", "text": "Hel"}, {"type": "other"}, "x", None]), chunk("lo")
    )
    assert (answer.text, answer.reasoning) == ("Hello", "hm")


def test_a_last_chunk_that_says_all_of_it_again():
    whole = {"index": 0, "message": {"content": "<think>hm</think>Hello you"}, "finish_reason": "stop"}
    answer = chat(chunk("<think>h"), chunk("m</think>Hel"), chunk("lo"), {"choices": [whole]})
    assert (answer.text, answer.reasoning) == ("Hello you", "hm")
    other = chat(chunk("Hello"), {"choices": [{"message": {"content": "Other words"}}]})
    assert other.text == "Hello"


def test_details_in_pieces_and_a_state_go_back_as_they_came():
    def details(**item: Any) -> dict[str, Any]:
        return chunk(delta={"reasoning": item.get("text"), "reasoning_details": [item]})

    answer = chat(
        details(index=0, type="reasoning.text", text="h", format="f1"),
        details(index=0, type="reasoning.text", text="m", format="f1"),
        details(index=0, type="reasoning.text", signature="s"),
        details(index=1, type="reasoning.encrypted", data="d"),
        chunk("Hi", delta={"functions_state_id": "st-1"}),
    )
    joined = [
        {"index": 0, "type": "reasoning.text", "text": "hm", "format": "f1", "signature": "s"},
        {"index": 1, "type": "reasoning.encrypted", "data": "d"},
    ]
    assert blocks(answer) == [
        {"type": "reasoning", "text": "hm"},
        {"type": "text", "text": "Hi"},
        {"type": "message", "carry": {"reasoning_details": joined, "state": "st-1"}},
    ]


def test_usage_that_stands_in_a_choice_and_counters_that_are_told_once():
    first = chunk("a") | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}
    then = chunk("b", usage={"prompt_tokens": 0, "completion_tokens": 2})
    assert counted(chat(first, then)) == (5, 2, None, None)


def test_an_answer_without_anything_to_say_again():
    assert chat(chunk("Hi")).replay is None


STATUS = """
response:
  codec: json
  rules:
    - error: {path: base.status, kind: bad_request, message: base.words, code: base.status}
    - text: reply
errors: [{body: {base.status: 1004}, kind: auth, message: base.words, code: base.status}]
"""


@pytest.mark.parametrize(("code", "kind"), [(1004, "auth"), (2013, "bad_request")])
def test_a_status_inside_the_body(code, kind):
    fine = {"reply": "Hi", "base": {"status": 0, "words": "success"}}
    assert read(STATUS, json.dumps(fine).encode(), "application/json").text == "Hi"
    bad = {"base": {"status": code, "words": "no such thing"}}
    caught = refused(STATUS, json.dumps(bad).encode(), "application/json")
    assert (caught.kind, caught.code) == (kind, str(code))
    assert "no such thing" in caught.message
