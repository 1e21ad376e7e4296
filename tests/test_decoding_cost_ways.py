"""What a delta costs, counted, where it is more than a text in an event: tool calls, tags, other framings."""

from __future__ import annotations

import cProfile
import json
import pstats
from base64 import b64encode

import pytest

from engine import Catalog
from engine.framing import MEDIA_TYPES, Frame
from engine.framing.aws_eventstream import encode_message
from engine.messages import ChatResponse
from engine.readers import Readers
from engine.reply import Reply
from engine.wire import Headers, ResponseHead

from .conftest import ROOT
from .test_decoding_cost import DELTAS, PIECE, event, openai

MOST = 12


def chunk(**delta: object) -> bytes:
    return event({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]})


def called(name: str | None, arguments: str) -> bytes:
    return chunk(tool_calls=[{"index": 0, "function": {"name": name, "arguments": arguments}}])


def block(kind: str, **more: object) -> bytes:
    return event({"type": kind, "index": 0, **more}, kind)


def item(text: str) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return json.dumps({"candidates": [candidate], "modelVersion": "g"}, indent=2).encode() + b",\n"


def message(text: str) -> bytes:
    delta = {"contentBlockIndex": 0, "delta": {"text": text}, "p": "abcdefgh"}
    return encode_message(Frame("contentBlockDelta", json.dumps(delta)))


def in_base64(**data: object) -> bytes:
    inner = b64encode(json.dumps({"index": 0, **data}).encode()).decode()
    return encode_message(Frame("chunk", json.dumps({"bytes": inner, "p": "abcdefgh"})))


STREAMS = {
    "openai, a tool's arguments": (called("f", '"'), lambda text: called(None, text)),
    "anthropic, a tool's arguments": (
        block("content_block_start", content_block={"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        lambda text: block("content_block_delta", delta={"type": "input_json_delta", "partial_json": text}),
    ),
    "deepseek, reasoning": (b"", lambda text: chunk(reasoning_content=text)),
    "minimax, between tags": (openai("<think>Hm"), openai),
    "minimax, behind tags": (openai("<think>Hm</think>Hi"), openai),
    "vertex-gemini, an array": (b"[", item),
    "bedrock": (encode_message(Frame("messageStart", '{"role": "assistant"}')), message),
    "bedrock-invoke, base64": (
        in_base64(type="content_block_start", content_block={"type": "text", "text": ""}),
        lambda text: in_base64(type="content_block_delta", delta={"type": "text_delta", "text": text}),
    ),
    "replicate, texts": (b"", lambda text: f"event: output\nid: 1\ndata: {text}\n\n".encode()),
    "openai, CRLF": (b"", lambda text: openai(text).replace(b"\n", b"\r\n")),
}
"""By a file's name and what is streamed: what comes first, and each delta."""


def read(readers: Readers, pieces: list[bytes]) -> tuple[ChatResponse, int]:
    """The answer so far, and how many events made it."""
    reply, count = Reply(readers), 0
    assert readers.stream is not None
    reply.head(ResponseHead(200, Headers([("content-type", MEDIA_TYPES[readers.stream.codec][0])])))
    for piece in pieces:
        count += len(reply.feed(piece))
    return reply.response, count


@pytest.mark.parametrize("name", STREAMS)
def test_a_delta_takes_few_calls(name: str) -> None:
    begin, delta = STREAMS[name]
    body = begin + b"".join(delta(f" word{number}") for number in range(DELTAS))
    readers = Catalog(ROOT / "providers").provider(name.partition(",")[0]).readers
    pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    read(readers, [begin + delta(" word")])  # its rules are compiled when they are first needed
    profile = cProfile.Profile()
    answer, count = profile.runcall(read, readers, pieces)
    said = answer.text + answer.reasoning + "".join(call.arguments for call in answer.tool_calls)
    assert f" word{DELTAS - 1}" in said
    assert count >= DELTAS
    assert pstats.Stats(profile).total_calls / DELTAS <= MOST  # type: ignore[attr-defined]
