"""Targets for the bytes of a body before any rule reads them: framings, compression, reasoning in the text."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from functools import partial
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from engine.compression import decompressor
from engine.errors import EngineError, StreamError
from engine.framing import FRAMINGS, Frame
from engine.framing.aws_eventstream import encode_message
from engine.spec import Think
from engine.think import ThinkSplitter

from .target import Target, cuts

LIMIT = 64
"""A bound on frames so small that short inputs meet it."""


def frames(codec: str, data: bytes) -> None:
    """Any cut gives the same frames and the same fault; a fault stays; no frame is larger than the bound."""
    for limit in (None, LIMIT):
        whole = _framed(codec, [data], limit)
        for pieces in cuts(data):
            assert _framed(codec, pieces, limit) == whole
        largest = max((len(frame.data) for frame in whole[0]), default=0)
        assert limit is None or codec == "text" or largest <= limit
        assert sum(len(frame.data) for frame in whole[0]) <= len(data)


def _framed(codec: str, pieces: list[bytes], limit: int | None) -> tuple[list[Frame], Any]:
    decoder = FRAMINGS[codec]()
    if limit is not None:
        decoder.max_frame_bytes = limit
    found: list[Frame] = []
    try:
        for piece in pieces:
            found += decoder.feed(piece)
        found += decoder.finish()
    except EngineError as fault:
        assert isinstance(fault, StreamError)
        for again in (lambda: decoder.feed(b"x"), decoder.finish):
            try:
                again()
            except StreamError as same:
                assert same is fault
            else:
                raise AssertionError("a decoder goes on behind a fault") from None
        end: Any = (type(fault), fault.message)
    else:
        end = (decoder.unfinished, decoder.replaced)
    if codec == "text":
        found = [Frame(None, "".join(frame.data for frame in found))]
    return found, end


JSONS = (
    b'{"a": [1, 2.5e3, -0], "b": {"c": "x\\n\\u00e9\\ud83d\\ude00"}}',
    '{"text": "Привет, 世界 🎉"}'.encode(),
    b'[{"t": "a,]}\\""}, 1 , "b",\n [[]] ]',
    b"null",
)
FRAME_SEEDS: dict[str, tuple[bytes, ...]] = {
    "text": ("Привет 🎉".encode(), b"a\xff\xf0\x9f\x8e", b"\xef\xbb\xbfa"),
    "sse": (
        b": ping\r\nevent: a\r\nid: 1\r\nretry: 9\r\ndata: {}\r\ndata\r\ndata:x\r\n\r\n",
        b"\xef\xbb\xbfdata: a\n\ndata: b\r\rdata: [DONE]\n\n",
        "data: \u2028\x0b\x85Привет\n\ndata: broken off".encode(),
    ),
    "json": JSONS,
    "ndjson": (b"\xef\xbb\xbf" + b"\r\n".join(JSONS[:2]), b"{}\r{}\n\n \n{"),
    "json_array": (*JSONS, b'\xef\xbb\xbf [ {"a": 1}\n, {"a": "\\\\"} ] \n {"b": 2}', b"[1,,}2,"),
    "aws_eventstream": (encode_message(Frame("chunk", '{"a": 1}')) * 2, encode_message(Frame("xException", "{}"))),
}
FRAME_TOKENS: dict[str, tuple[bytes, ...]] = {
    "text": ("é".encode(), "🎉".encode(), b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f"),
    "sse": (b"data:", b"data: ", b"event:", b"id: ", b"retry: ", b":", b"\r\n", b"\n\n", b"\r", b"\xef\xbb\xbf", b"\0"),
    "json": (b"{", b"}", b'"', b"\\u", b"null", b"\xef\xbb\xbf", b" "),
    "ndjson": (b"{}", b"\r\n", b"\r", b"\n", b"\xef\xbb\xbf", b"\x0b", b"\x1c"),
    "json_array": (b"[", b"]", b"{", b"}", b",", b'"', b"\\", b'\\"', b"\r\n", b"\xef\xbb\xbf", b" "),
    "aws_eventstream": tuple(b":event-type :exception-type :error-code :error-message :message-type \x07".split(b" ")),
}


# fmt: off
HEADER_VALUES = (
    (7, b"\0\5event"), (7, b"\0\5error"), (7, b"\0\0"), (6, b"\0\1\xff"), (0, b""), (1, b""), (2, b"1"),
    (3, b"12"), (4, b"1234"), (5, b"12345678"), (8, b"12345678"), (9, b"1" * 16), (10, b""),
)
# fmt: on


def message(random: random.Random) -> bytes:
    """Messages of an AWS event stream with all types of headers, sums right, as far as the dice let them."""
    out = b""
    for _ in range(random.randint(1, 3)):
        headers = b""
        for _ in range(random.randint(0, 4)):
            name = random.choice((*FRAME_TOKENS["aws_eventstream"][:5], b"x", b"\xff"))
            kind, value = random.choice(HEADER_VALUES)
            headers += bytes([len(name)]) + name + bytes([kind]) + value
        payload = random.choice((*JSONS, b"", b"\xff"))
        head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers) + random.choice((0, 0, 0, 0, 1)))
        body = head + zlib.crc32(head).to_bytes(4, "big") + headers + payload
        out += body + (zlib.crc32(body) ^ random.choice((0, 0, 0, 0, 1))).to_bytes(4, "big")
    return out[: len(out) - random.choice((0, 0, 0, 1, 5))]


def _framing(codec: str) -> Target:
    name, grow = f"framing-{codec.replace('_', '-')}", message if codec == "aws_eventstream" else None
    return Target(name, partial(frames, codec), lambda: FRAME_SEEDS[codec], FRAME_TOKENS[codec], grow)


BODY_LIMIT = 1 << 16


@patch.multiple("engine.compression", STEP=2048, FREE_BYTES=4096, TAKEN=512)
def compression(data: bytes) -> None:
    """Any cut gives the same bytes and the same fault, never more than the bound; what is cut short is an error."""
    for coding in ("gzip", "deflate"):
        whole = _inflated(coding, [data])
        assert len(whole[0]) <= BODY_LIMIT
        for pieces in cuts(data):
            assert _inflated(coding, pieces) == whole
    for coding, packed in (("gzip", gzip.compress(data, 6, mtime=0)), ("deflate", zlib.compress(data))):
        kept, fault = _inflated(coding, [packed])
        assert data.startswith(kept)
        assert (kept == data) == (fault is None)
        place = 1 + zlib.crc32(data) % (len(packed) - 1)
        kept, fault = _inflated(coding, [packed[:place]])
        assert fault is not None
        assert data.startswith(kept)


def _inflated(coding: str, pieces: list[bytes]) -> tuple[bytes, Any]:
    inner = decompressor(coding, BODY_LIMIT)
    out = b""
    try:
        for piece in pieces:
            out += inner.feed(piece)
        inner.finish()
    except StreamError as fault:
        return out, (type(fault), fault.message)
    return out, None


def bodies() -> list[bytes]:
    return [b"Hello " * 9, gzip.compress(b"a" * 99, mtime=0), zlib.compress(b"b")]


def bombs(random: random.Random) -> bytes:
    """What is small, and large when it is read; members, stored blocks, cuts and rubbish behind them."""
    body = random.choice((b"", b"a" * random.randint(1, 200_000), random.randbytes(200), b"Hello " * 50))
    level = random.choice((0, 1, 9))
    packed = [gzip.compress(body, level, mtime=0), zlib.compress(body, level), gzip.compress(b"")]
    out = b"".join(random.choice(packed) for _ in range(random.randint(1, 4)))
    return out[: len(out) - random.choice((0, 0, 3, 9))] + random.choice((b"", b"\0", b"rubbish"))


THINKS = (Think("<think>", "</think>"), Think("<think>", "</think>", anywhere=True), Think("\n<a>", "a>"))


def think(data: bytes) -> None:
    """Any cut gives the same reasoning and the same text."""
    text = data.decode("utf-8", "replace")
    for tags in THINKS:
        whole = _split(tags, [text])
        assert _split(tags, list(text)) == whole
        for pieces in cuts(data):
            starts = [len(b"".join(pieces[:number])) % (len(text) + 1) for number in range(len(pieces))]
            places = [0, *sorted(starts), len(text)]
            assert _split(tags, [text[a:b] for a, b in pairwise(places)]) == whole


def _split(tags: Think, pieces: list[str]) -> list[str]:
    splitter = ThinkSplitter(tags)
    said = [pair for piece in pieces for pair in splitter.feed(piece)] + splitter.finish()
    return ["".join(text for kind, text in said if kind == wanted) for wanted in ("reasoning", "text")]


THOUGHTS = (b" <think>a</think>\n\nb<think>c", b"\n<a>xa>y")


TARGETS = (
    *map(_framing, FRAMINGS),
    Target(
        "compression",
        compression,
        bodies,
        (b"\x1f\x8b\x08\0", b"\x78\x9c", b"\0\0\xff\xff", b"\x03\0"),
        bombs,
        seconds=0.2,
    ),
    Target("think", think, lambda: THOUGHTS, (b"<think>", b"</think>", b"\n", b" ", b"<", b"\n<a>", b"a>")),
)
