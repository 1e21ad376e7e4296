from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Catalog
from engine.drift import KINDS, Drift, drift
from engine.folders import builtin_folder
from engine.framing import FRAMINGS
from engine.loader import load_text
from engine.mock.reencode import encode_frame
from engine.provider import Provider
from engine.spec import Example

from .conftest import CHIRP, shipped

FILES = sorted(builtin_folder().rglob("*.yaml"))
chirp = Provider(load_text(CHIRP, "chirp.yaml"))

HELLO = {"id": "c1", "model": "chirp-1", "delta": {"text": "Hello"}}
END = {"delta": {}, "stop_reason": "end"}
USED = {"usage": {"in": 1, "out": 2}}


def sse(*frames: Any, done: bool = True) -> bytes:
    body = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames)
    return (body + "data: [DONE]\n\n" * done).encode()


def kinds(found: tuple[Drift, ...]) -> list[str]:
    return [f"{item.kind} {item.path}".strip() for item in found]


def of(body: bytes, status: int = 200, **headers: str) -> list[str]:
    return kinds(drift(chirp, body, status, headers))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_the_examples_of_a_file_show_is_no_drift(path: Path) -> None:
    provider = Provider(shipped(path))
    for example in provider.spec.examples:
        reply = example.reply
        found = drift(_for(provider, example), reply.body, reply.status, reply.headers)
        assert not found, (example.name, [str(item) for item in found])


def _for(provider: Provider, example: Example) -> Provider:
    return provider if provider.spec.is_abstract else provider.for_model(example.model)


def test_an_answer_like_those_of_the_examples_is_no_drift() -> None:
    assert of(sse(HELLO, HELLO, {"delta": {}, "stop_reason": "max"}, USED)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sse({**HELLO, "mood": {"now": "good", "then": 1}}, END, USED), ["unknown-field mood"]),
        (sse({"delta": {"text": "Hi", "tone": [1, 2]}}, END, USED), ["unknown-field delta.tone"]),
        (sse(HELLO, {"delta": {}, "stop_reason": "sulk"}, USED), ["unknown-finish finish"]),
        (sse(HELLO, {"delta": {}}, USED), ["missing-finish finish"]),
        (sse(HELLO, END), ["missing-usage usage.input_tokens", "missing-usage usage.output_tokens"]),
        (sse(HELLO, END, {"usage": {"in": 1, "out": 2, "cached": 0}}), ["unknown-counter usage.cached"]),
        (sse(HELLO, END, {"usage": {"in": 1}}), ["missing-usage usage.output_tokens"]),
        (sse(HELLO, END, USED, done=False), ["no-end"]),
        (b"event: news\n" + sse(HELLO, END, USED), ["unknown-event event"]),
        (sse(HELLO, {"weather": {"sky": "rain"}}, END, USED), ["unread-frame frame"]),
        (sse(HELLO, {"delta": {"text": ["a", "list"]}}, END, USED), ["changed-type delta.text"]),
        (sse({"id": "c1"}, END, USED), ["no-answer"]),
        (sse(HELLO) + b"data: {half\n\n", ["unreadable"]),
        (b"", ["empty"]),
        (b"<html><body>Sign in</body></html>", ["unknown-error HTTP 200"]),
        (sse(HELLO, {"error": {"code": 7, "message": "ouch"}}), ["unknown-error HTTP 200"]),
    ],
)
def test_each_kind_of_drift(body: bytes, expected: list[str]) -> None:
    kind = "text/html" if body.startswith(b"<") else "text/event-stream"
    assert of(body, **{"content-type": kind}) == expected


def test_every_kind_has_been_seen_to_drift() -> None:
    """The table of KINDS, and the cases above, hold each other."""
    cases = test_each_kind_of_drift.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {line.split()[0] for _, lines in cases for line in lines} == set(KINDS)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, b'{"error": {"code": "no_credit", "message": "x", "param": 1}}', []),  # a rule knows it
        (500, b'{"error": {"code": "other", "message": "x"}}', []),  # an example shows the shape
        (500, b'{"fault": {"name": "other"}}', ["unknown-error HTTP 500"]),
        (502, b"Bad Gateway", ["unknown-error HTTP 502"]),
        (302, b"", ["unknown-error HTTP 302"]),
    ],
)
def test_refusals(status: int, body: bytes, expected: list[str]) -> None:
    assert of(body, status) == expected


def test_how_often_and_the_first_value_are_told() -> None:
    body = sse({"delta": {"text": "a", "mood": "sk-abcdefghijklmnopqrstuvwx"}}, {"delta": {"text": "b", "mood": 2}}, END)
    found = next(item for item in drift(chirp, body) if item.kind == "unknown-field")
    assert (found.count, found.example) == (2, '"sk-a***"')
    assert str(found) == 'unknown-field: delta.mood: no rule reads it, and no example shows it (2 times): "sk-a***"'


def test_a_million_new_fields_are_a_short_report() -> None:
    body = sse({"delta": {"text": "a"}, **{f"field{number}": number for number in range(50_000)}}, END, USED)
    assert len(drift(chirp, body)) == 200


def test_names_that_could_steer_a_terminal_do_not() -> None:
    found = drift(chirp, sse({"delta": {"text": "a"}, "a\x1b[31m\nb": "\x1b[2J"}, END, USED))
    assert all(str(item).isprintable() for item in found)
    assert found


# --- planted in each protocol ---

PROTOCOLS = ["openai", "anthropic", "gemini", "openai-responses", "bedrock", "cohere", "ollama", "replicate"]


def _streams(provider: Provider) -> list[Example]:
    """Its streamed answers, those that say the most first."""
    answers = [e for e in provider.spec.examples if "error" not in e.expect and e.stream and "usage" in e.expect]
    return sorted(answers, key=lambda example: -len(example.reply.body))


def _rewritten(provider: Provider, example: Example, change: Any) -> bytes:
    """The body of an example with the JSON of each of its frames changed."""
    reading = provider.readers.choose(example.reply.headers.get("content-type", ""), example.reply.body)
    assert reading is not None
    decoder = FRAMINGS[reading.codec]()
    frames = [*decoder.feed(example.reply.body), *decoder.finish()]
    out = b""
    for frame in frames:
        try:
            data = json.loads(frame.data)
        except ValueError:
            out += encode_frame(reading.codec, frame.event, frame.data)
            continue
        event, data = change(frame.event, data)
        out += encode_frame(reading.codec, event, json.dumps(data, ensure_ascii=False))
    return out
