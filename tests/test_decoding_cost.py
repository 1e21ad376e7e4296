"""What a delta costs, counted: calls of functions are exact where times are not."""

from __future__ import annotations

import cProfile
import json
import pstats
from typing import Any

import pytest

from engine import Catalog

from .conftest import ROOT

DELTAS = 2_000
PIECE = 64 * 1024
"""What a network gives at a time when the other side is quick."""


def event(data: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def openai(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return event({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], "usage": None})


def anthropic(text: str) -> bytes:
    name = "content_block_delta"
    return event({"type": name, "index": 0, "delta": {"type": "text_delta", "text": text}}, name)


def responses(text: str) -> bytes:
    name = "response.output_text.delta"
    return event({"type": name, "item_id": "m1", "output_index": 0, "content_index": 0, "delta": text}, name)


def gemini(text: str) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return event({"candidates": [candidate], "modelVersion": "g"})


def ollama(text: str) -> bytes:
    return json.dumps({"model": "l", "message": {"role": "assistant", "content": text}, "done": False}).encode() + b"\n"


STREAMS = {
    "openai": (b"", openai, event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})),
    "anthropic": (
        event(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            "content_block_start",
        ),
        anthropic,
        event({"type": "message_stop"}, "message_stop"),
    ),
    "openai-responses": (
        b"",
        responses,
        event({"type": "response.completed", "response": {"status": "completed", "output": []}}, "response.completed"),
    ),
    "gemini": (b"", gemini, event({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]})),
    "ollama": (b"", ollama, b'{"done": true, "done_reason": "stop"}\n'),
}


def body_of(name: str) -> list[bytes]:
    begin, delta, end = STREAMS[name]
    return [begin] * bool(begin) + [delta(f" word{number}") for number in range(DELTAS)] + [end]


def calls_a_delta(name: str, pieces: list[bytes]) -> float:
    provider = Catalog(ROOT / "providers").provider(name)
    assert provider.decode(pieces).text.endswith(f" word{DELTAS - 1}")
    profile = cProfile.Profile()
    count = profile.runcall(lambda: sum(1 for _ in provider.events(pieces)))
    assert count > DELTAS
    return pstats.Stats(profile).total_calls / DELTAS  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", STREAMS)
def test_a_delta_takes_few_calls(name: str) -> None:
    body = b"".join(body_of(name))
    assert calls_a_delta(name, [body[at : at + PIECE] for at in range(0, len(body), PIECE)]) <= 12


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
def test_one_that_differs_in_its_text_alone_is_not_read(name: str) -> None:
    pytest.importorskip("msgspec")
    body = b"".join(body_of(name))
    assert calls_a_delta(name, [body[at : at + PIECE] for at in range(0, len(body), PIECE)]) <= 6


@pytest.mark.parametrize("name", STREAMS)
def test_a_delta_that_comes_alone_takes_few_calls(name: str) -> None:
    assert calls_a_delta(name, body_of(name)) <= 40
