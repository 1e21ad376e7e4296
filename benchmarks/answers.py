"""What the origin server sends: answers that are prepared whole, as bytes of HTTP, each under a name such as
`deltas-20000` or `paced-100-20`: a shape and its numbers.

Nothing here knows who reads them. What must be found in each is counted while it is made, so that a contender that
skips its work is told from one that is quick.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .dialect import Dialect

PIECE = 64 * 1024
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of one answer. Each of `writes` is given to the network by itself, `pause` seconds behind the last."""

    writes: tuple[bytes, ...]
    body_bytes: int
    characters: int
    """Of the model: its text, or the arguments of its tool calls."""
    pause: float = 0.0

    @property
    def wire_bytes(self) -> int:
        """All of it, the head of the reply included."""
        return sum(map(len, self.writes))


@lru_cache(maxsize=32)
def answer(name: str) -> Answer:
    """The answer with this name. Raises KeyError or ValueError for a name of none."""
    shape, *numbers = name.split("-")
    return SHAPES[shape](*map(int, numbers))


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def _chat_chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    """One event of chat completions, with the keys that come from that API's own service."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event(
        {
            "id": "chatcmpl-B7vJ2mXq0sYfLr3kTzN8aPdWc5GhE",
            "object": "chat.completion.chunk",
            "created": 1764201600,
            "model": "gpt-4.1-mini-2025-04-14",
            "service_tier": "default",
            "system_fingerprint": "fp_6f2eabb9a5",
            "choices": [choice],
            "usage": None,
        }
    )


ENDING = (_chat_chunk({}, "stop"), b"data: [DONE]\n\n")


def words(count: int) -> list[str]:
    """The texts of `count` deltas, of the length that tokens have; no blank is at either end, where some strip it."""
    return ["A", *(f" word{number % 1000}" for number in range(1, count))]


def _events(texts: Iterable[str]) -> list[bytes]:
    return [*(_chat_chunk({"content": text}) for text in texts), *ENDING]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stream(chunks: Iterable[bytes], *, kind: str = "text/event-stream") -> Iterator[bytes]:
    """A reply in HTTP chunks: its head, then each chunk, the end with the last."""
    yield f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    yield from map(_chunk, chunks)
    yield b"0\r\n\r\n"


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def _at_once(chunks: list[bytes], characters: int, *, kind: str = "text/event-stream") -> Answer:
    return Answer((b"".join(_stream(chunks, kind=kind)),), sum(map(len, chunks)), characters)


def deltas(count: int) -> Answer:
    """Each delta is an HTTP chunk; the network gets them as fast as it takes them."""
    return _at_once(_events(words(count)), sum(map(len, words(count))))


def packed(count: int) -> Answer:
    """HTTP chunks of 64 KB, each with as many deltas as fit, cut wherever it is full."""
    return _at_once(_pieces(b"".join(_events(words(count)))), sum(map(len, words(count))))


def writes(count: int) -> Answer:
    """Each delta is an HTTP chunk and a write of its own, without a pause."""
    return _written(count, 0.0)


def paced(count: int, milliseconds: int) -> Answer:
    """Each delta is an HTTP chunk and a write of its own, this long behind the last."""
    return _written(count, milliseconds / 1000)


def _written(count: int, pause: float) -> Answer:
    events = _events(words(count))
    head, *rest = _stream(events)
    # The head goes out with the first delta; the finish, the end mark and the last chunk with the last one.
    own = [head + rest[0], *rest[1:count]]
    return Answer(
        (*own[:-1], own[-1] + b"".join(rest[count:])), sum(map(len, events)), sum(map(len, words(count))), pause
    )


def tiny() -> Answer:
    """A whole answer of one word."""
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    message = {"role": "assistant", "content": "Hello", "refusal": None}
    return _whole(message, usage)


def whole(megabytes: int) -> Answer:
    """A whole answer whose text is this long."""
    return _whole({"role": "assistant", "content": " word" * (megabytes * MEGABYTE // 5)}, None)


def _whole(message: Mapping[str, Any], usage: Mapping[str, int] | None) -> Answer:
    body = json.dumps(
        {
            "id": "chatcmpl-B7vJ2mXq0sYfLr3kTzN8aPdWc5GhE",
            "object": "chat.completion",
            "created": 1764201600,
            "model": "gpt-4.1-mini-2025-04-14",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": usage,
        },
        separators=(",", ":"),
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    return Answer((head + body,), len(body), len(message["content"]))


def frames(count: int) -> Answer:
    """Events of 1 MB of text each, in HTTP chunks of 64 KB."""
    text = "word " * (MEGABYTE // 5)
    return _at_once(_pieces(b"".join(_events([text] * count))), count * len(text))


def fragments(count: int) -> Answer:
    """One tool call whose arguments come in this many pieces."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "note", "arguments": ""}}
    texts = ['{"words":[0', *(f",{number % 1000}" for number in range(count - 2)), "]}"]
    pieces = [_chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}) for text in texts]
    chunks = [_chat_chunk({"tool_calls": [call]}), *pieces, _chat_chunk({}, "tool_calls"), ENDING[-1]]
    return _at_once(chunks, sum(map(len, texts)))


def invented(seed: int, count: int) -> Answer:
    """The dialect that this seed gives; each delta is an HTTP chunk."""
    dialect = Dialect.invent(seed)
    return _at_once(dialect.frames(words(count)), sum(map(len, words(count))), kind=dialect.content_type)


SHAPES: Mapping[str, Callable[..., Answer]] = {
    shape.__name__: shape for shape in (deltas, packed, writes, paced, tiny, whole, frames, fragments, invented)
}
