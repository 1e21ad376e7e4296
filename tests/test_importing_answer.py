# ruff: noqa: E501  (replies are as they were recorded)
"""Captured replies -> how they are read: framing, text, end, usage; each is an example that passes at every cut."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.examples import run_example
from engine.importing.capture import CapturedReply, reply_from
from engine.importing.curl import request_of
from engine.importing.draft import draft
from engine.loader import load_text
from engine.provider import Provider
from engine.spec import ProviderSpec

from .conftest import ROOT
from .curls import CANARY

PLAIN = """curl https://c.acme.example/t --json '{"prompt":"Hi","stream":true}'"""
CHAT = """curl https://c.acme.example/v1/chat/completions --json '{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}'"""


def sse(*data: Any, event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    texts = (item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in data)
    return "".join(f"{head}data: {text}\n\n" for text in texts).encode()


def lines(*data: Any) -> bytes:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in data).encode()


@dataclass(frozen=True)
class Captured:
    """A reply, and what must be read out of it; `codec` None: by the protocol that fits."""

    name: str
    body: bytes
    codec: str | None
    text: str
    kind: str = ""
    expect: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    command: str = PLAIN


def deltas(*texts: str) -> list[dict[str, Any]]:
    return [{"id": "c1", "object": "chunk", "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]


CAPTURED = (
    Captured("plain text", "Привет, друг!\nHow are you?".encode(), "text", "Привет, друг!\nHow are you?"),
    Captured(
        "chat completions at another path",
        sse(*deltas("Hel", "lo"), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]"),
        None,
        "Hello",
        expect={"finish": "stop"},
        says=("extends: openai-chat\n", "path: /chat\n"),
        command=CHAT.replace("/v1/chat/completions", "/chat"),
    ),
    Captured(
        "frames of chat completions for another body",
        sse(*deltas("Hel", "lo"), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]"),
        "sse",
        "Hello",
        expect={"finish": "stop"},
        says=("choices.0.delta.content", 'end: "[DONE]"'),
    ),
    Captured(
        "events with names, and usage",
        sse({"v": ""}, event="start")
        + sse({"v": "Hel"}, {"v": "lo!"}, event="delta")
        + sse({"usage": {"prompt_tokens": 3, "completion_tokens": 2}}, event="finish"),
        "sse",
        "Hello!",
        expect={"usage": {"input_tokens": 3, "output_tokens": 2}, "finish": "stop"},
        says=("end: {event: finish}",),
    ),
    Captured(
        "cumulative texts",
        sse(*[{"id": "x", "answer": "Hello, friend"[: n + 1]} for n in range(13)], {"id": "x", "done": True}),
        "sse",
        "Hello, friend",
        says=("mode: cumulative", "path: done, equals: true"),
    ),
    Captured(
        "types in the data, thinking apart, and the whole text once more",
        sse(
            {"type": "think", "text": "Hmm, let me see."},
            {"type": "think", "text": " A greeting."},
            {"type": "answer", "text": "Hello"},
            {"type": "answer", "text": " there"},
            {"type": "final", "text": "Hello there"},
        ),
        "sse",
        "Hello there",
        says=("when: {type: answer}", "path: type, equals: final"),
    ),
    Captured("text in events", sse("Hel", "lo", "[DONE]"), "sse", "Hello", says=("unwrap: [text]", 'end: "[DONE]"')),
    Captured("JSON texts in events", sse('"Hel"', '"lo\\n"', "[DONE]"), "sse", "Hello\n", says=("text: $",)),
    Captured(
        "lines of JSON",
        lines(
            {
                "model": "m",
                "created_at": "2026-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": "Hel"},
                "done": False,
            },
            {
                "model": "m",
                "created_at": "2026-01-01T00:00:01Z",
                "message": {"role": "assistant", "content": "lo"},
                "done": False,
            },
            {
                "model": "m",
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": 5,
                "eval_count": 2,
            },
        ),
        "ndjson",
        "Hello",
        expect={"finish": "stop", "usage": {"input_tokens": 5, "output_tokens": 2}},
        says=("message.content",),
    ),
    Captured(
        "one JSON array",
        json.dumps([{"out": {"parts": [{"text": t}]}} for t in ("Hel", "lo ", "you")]).encode(),
        "json_array",
        "Hello you",
        "application/json",
        says=("out.parts.0.text",),
    ),
    Captured(
        "one JSON object",
        json.dumps(
            {
                "id": "r-1",
                "model": "m",
                "result": {"response": "Hello there", "lang": "en"},
                "success": True,
                "usage": {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6},
            }
        ).encode(),
        "json",
        "Hello there",
        expect={"usage": {"input_tokens": 4, "output_tokens": 2}},
        says=("result.response",),
    ),
    Captured(
        "an answer of several parts in JSON",
        json.dumps({"output": [{"kind": "a", "text": "Hello "}, {"kind": "b", "text": "there"}]}).encode(),
        "json",
        "Hello there",
        says=("for: output.*",),
    ),
    Captured(
        "JSON inside the events",
        sse(
            *[{"seq": n, "payload": json.dumps({"chunk": {"text": t}})} for n, t in enumerate(("Hel", "lo", "!"))],
            "[DONE]",
        ),
        "sse",
        "Hello!",
        says=("unwrap: [json, {at: payload}, json]",),
    ),
    Captured(
        "base64 inside the events",
        sse(*[{"bytes": base64.b64encode(json.dumps({"delta": t}).encode()).decode()} for t in ("Hel", "lo", "!")]),
        "sse",
        "Hello!",
        says=("unwrap: [json, {at: bytes}, base64, json]",),
    ),
    Captured(
        "CRLF, comments and ids",
        b': hi\r\n\r\nid: 1\r\ndata: {"token": "Hel"}\r\n\r\nid: 2\r\ndata: {"token": "lo"}\r\n\r\ndata: {"token": "", "is_end": true}\r\n\r\n',
        "sse",
        "Hello",
        says=("is_end",),
    ),
    Captured(
        "the head that curl -i shows",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nset-cookie: a="
        + CANARY.encode()
        + b"\r\n\r\n"
        + sse({"text": "Hello"}, {"text": " you"}, "[DONE]"),
        "sse",
        "Hello you",
    ),
    Captured(
        "prefixed lines that the language does not know",
        b'0:"Hel"\n0:"lo"\nd:{"finishReason":"stop"}\n',
        "text",
        '0:"Hel"\n0:"lo"\nd:{"finishReason":"stop"}\n',
        says=("TODO: each line of the reply begins with a number",),
    ),
    Captured(
        "messages, recorded",
        (ROOT / "tests/recordings/messages-stream.sse").read_bytes(),
        None,
        "",
        says=("extends: anthropic-messages\n",),
        command="""curl https://c.acme.example/v1/messages -d '{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}'""",
    ),
    Captured(
        "responses, recorded",
        (ROOT / "tests/recordings/responses-stream.sse").read_bytes(),
        None,
        "",
        says=("extends: responses\n",),
        command="""curl https://c.acme.example/v1/responses -d '{"model":"m","input":"Hi","stream":true}'""",
    ),
    Captured(
        "chat completions, recorded whole",
        (ROOT / "tests/recordings/chat-whole.json").read_bytes(),
        None,
        "",
        says=("extends: openai-chat\n",),
        command=CHAT.replace('"stream":true,', ""),
    ),
)


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured.name)
def test_a_reply_is_read(captured: Captured) -> None:
    reply = reply_from(captured.body)
    if captured.kind:
        reply = CapturedReply(reply.body, reply.status, captured.kind)
    made = draft("acme-test", request_of(captured.command), reply)
    assert made.problems == ()
    spec = load_text(made.text)
    assert spec.response.stream or spec.response.whole
    if captured.codec is not None:
        assert codec_of(spec) == captured.codec
    example = spec.examples[0]
    assert run_example(Provider(spec), example) == []
    assert "error" not in example.expect
    assert example.expect["text"] == (captured.text or example.expect["text"] or None)
    for key, value in captured.expect.items():
        assert example.expect[key] == value
    for words in captured.says:
        assert words in made.text
    assert CANARY not in made.text


def codec_of(spec: ProviderSpec) -> str:
    reading = spec.response.stream or spec.response.whole
    assert reading is not None
    return reading.codec


def test_a_refusal_that_was_captured_is_an_example_of_one() -> None:
    made = draft(
        "acme-test",
        request_of(CHAT),
        reply_from(b'HTTP/2 429 \r\ncontent-type: application/json\r\n\r\n{"error": {"message": "slow"}}'),
    )
    assert made.is_sound
    first, second, *_ = load_text(made.text).examples
    assert (first.reply.status, first.expect) == (429, {"error": "rate_limit"})
    assert second.expect["text"]


def test_a_reply_that_breaks_off_is_said() -> None:
    whole = sse(*deltas("Hel", "lo"), "[DONE]").removesuffix(b"data: [DONE]\n\n")
    made = draft("acme-test", request_of(PLAIN), reply_from(whole))
    assert made.is_sound
    assert "TODO: nothing in the reply says that it is whole" in made.text


def test_a_web_page_is_no_answer() -> None:
    made = draft("acme-test", request_of(PLAIN), CapturedReply(b"<!DOCTYPE html><html></html>", 200, "text/html"))
    assert made.is_sound
    assert "TODO: the captured reply is a web page" in made.text


def test_secrets_in_a_reply_are_not_written() -> None:
    body = sse(
        {"text": "Your key is sk-" + CANARY, "session_token": CANARY + "9"},
        {"text": "!", "session_token": CANARY + "9"},
    )
    made = draft("acme-test", request_of(PLAIN), reply_from(body))
    assert CANARY not in made.text
    assert "<REDACTED>" in made.text


def test_a_long_reply_is_shortened() -> None:
    body = sse(*[{"text": f"word {number} " * 20} for number in range(2000)], "[DONE]")
    made = draft("acme-test", request_of(PLAIN), reply_from(body))
    assert made.is_sound
    assert len(made.text) < 64 * 1024
    assert "shortened" in made.text


@pytest.mark.parametrize("command", [PLAIN, CHAT])
def test_tags_around_reasoning_are_declared(command: str) -> None:
    body = sse(
        *deltas("<think>", "Hm.</think>", "Hello"),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        "[DONE]",
    )
    made = draft("acme-test", request_of(command), reply_from(body))
    assert made.is_sound
    expect = load_text(made.text).examples[0].expect
    assert (expect["text"], expect["reasoning"]) == ("Hello", "Hm.")
    assert "think: {open: <think>, close: </think>}" in made.text


def test_two_texts_that_grow() -> None:
    made = draft("acme-test", request_of(PLAIN), reply_from(lines({"text": "Hel"}, {"text": "Hello"})))
    assert made.is_sound
    assert load_text(made.text).examples[0].expect["text"] == "Hello"
    assert "is a guess" in made.text
