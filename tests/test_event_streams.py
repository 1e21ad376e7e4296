"""Event streams by the WHATWG's rules, case by case: by the decoder at every cut, and by both clients over a socket.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream (and the section behind it).
Every expectation is worked out from those rules by hand.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path

import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import LimitError
from engine.events import TextDelta
from engine.framing import FRAMINGS, Decoder, Frame
from engine.testing import LAST, FaultServer, Request, Send, Slice, chunk, head
from tests.faults import fault

PART = "Bytes and event streams"
BOM = "\ufeff"


def event(data: str, name: str | None = None) -> Frame:
    return Frame(name, data)


GROUPS: dict[tuple[str, str], dict[str, tuple[str | bytes, list[Frame]]]] = {
    ("byte order marks at the start, twice, later and in values", "one at the start is dropped, any other is text"): {
        "a byte order mark at the start": (f"{BOM}data: a\n\n", [event("a")]),
        "two byte order marks at the start": (f"{BOM}{BOM}data: a\n\ndata: b\n\n", [event("b")]),
        "a byte order mark before a later event": (f"data: a\n\n{BOM}data: b\n\ndata: c\n\n", [event("a"), event("c")]),
        "a byte order mark in a value": (f"data: {BOM}a{BOM}\n\n", [event(f"{BOM}a{BOM}")]),
        "a byte order mark behind a blank line": (f"\n{BOM}data: a\n\ndata: b\n\n", [event("b")]),
        "a byte order mark and nothing more": (BOM, []),
        "a byte order mark before a comment": (f"{BOM}: hello\n\ndata: a\n\n", [event("a")]),
    },
    (
        "lines that end in CR, LF, CRLF and all mixes of them",
        "each of the three ends a line, wherever the bytes are cut",
    ): {
        "lines that end in CR": ("data: a\rdata: b\r\r", [event("a\nb")]),
        "lines that end in LF": ("data: a\ndata: b\n\n", [event("a\nb")]),
        "lines that end in CRLF": ("data: a\r\ndata: b\r\n\r\n", [event("a\nb")]),
        "lines that end in all three": ("data: a\rdata: b\ndata: c\r\n\n", [event("a\nb\nc")]),
        "LF and CR are two line ends": ("data: a\n\rdata: b\n\r", [event("a"), event("b")]),
        "CR, CRLF and LF as blank lines": (
            "data: a\r\r\ndata: b\n\ndata: c\r\n\r\n",
            [event("a"), event("b"), event("c")],
        ),
        "CRLF and CR": ("data: a\r\n\rdata: b\n\n", [event("a"), event("b")]),
        "CR CR LF LF": ("data: a\r\r\n\ndata: b\n\n", [event("a"), event("b")]),
        "a stream that begins with line ends": ("\r\n\n\r\rdata: a\n\n", [event("a")]),
        "many blank lines between events": ("data: a\n\n\n\n\r\n\r\n\rdata: b\n\n", [event("a"), event("b")]),
        **{
            f"U+{ord(char):04X} is no line end": (f"data: a{char}b\n\n", [event(f"a{char}b")])
            for char in "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
        },
    },
    (
        "names of fields with blanks, NUL, other letters; colons and blanks in values",
        "only the exact name is a field; one blank is dropped",
    ): {
        "no blank behind the colon": ("data:a\n\n", [event("a")]),
        "one blank behind the colon is dropped, no more": ("data:  a \n\n", [event(" a ")]),
        "a tab behind the colon is kept": ("data:\ta\n\n", [event("\ta")]),
        "a no-break space behind the colon is kept": ("data:\u00a0a\n\n", [event("\u00a0a")]),
        "colons in a value": ("data: a:b: c\n\n", [event("a:b: c")]),
        "a value that is one colon": ("data::\n\n", [event(":")]),
        "a field name that begins with a blank": (" data: a\n\ndata: b\n\n", [event("b")]),
        "a blank before the colon": ("data : a\n\ndata: b\n\n", [event("b")]),
        "field names in other letters": ("Data: a\nDATA: b\ndata: c\n\n", [event("c")]),
        "a NUL in a field name": ("da\0ta: a\ndata\0: b\ndata: c\n\n", [event("c")]),
        "a NUL in a value": ("data: a\0b\n\n", [event("a\0b")]),
        "fields that nobody knows": ("x: 1\ndata: a\nfoo\n: \ndatas: b\ndat: c\n\n", [event("a")]),
        "a line of JSON without a name": ('data: a\n\n{"a": 1}\n\ndata: b\n\n', [event("a"), event("b")]),
    },
    ("data without a colon, without a value, in many lines", "events as the rules say, empty ones too"): {
        "data without a colon": ("data\n\n", [event("")]),
        "data without a value": ("data:\n\n", [event("")]),
        "data of one blank": ("data: \n\n", [event("")]),
        "data without a colon, twice": ("data\ndata\n\n", [event("\n")]),
        "data empty, then something": ("data:\ndata: a\n\n", [event("\na")]),
        "something, then empty data": ("data: a\ndata\n\n", [event("a\n")]),
        "many lines of data": (
            "".join(f"data: {n}\n" for n in range(50)) + "\n",
            [event("\n".join(map(str, range(50))))],
        ),
        "lines of data with other fields between": ("data: a\nid: 1\n: x\nfoo: y\ndata: b\n\n", [event("a\nb")]),
    },
    ("comments anywhere, of any size", "never reach the caller, and end nothing"): {
        "a comment": (": hello\n\ndata: a\n\n", [event("a")]),
        "a comment that is a colon": (":\ndata: a\n:\n\n", [event("a")]),
        "a comment with a colon in it": (":data: a\n\ndata: b\n\n", [event("b")]),
        "a comment of 100 KB": (":" + "x" * 100_000 + "\n\ndata: a\n\n", [event("a")]),
        "a comment does not end an event": ("data: a\n: x\ndata: b\n\n", [event("a\nb")]),
    },
    (
        "names of events, behind the data, twice, empty, or alone",
        "a name is of one event; without data there is none",
    ): {
        "a name": ("event: e\ndata: a\n\n", [event("a", "e")]),
        "a name behind the data": ("data: a\nevent: e\n\n", [event("a", "e")]),
        "two names, the last counts": ("event: e\nevent: f\ndata: a\n\n", [event("a", "f")]),
        "a name is of one event": ("event: e\ndata: a\n\ndata: b\n\n", [event("a", "e"), event("b")]),
        "a name without data is dropped": ("event: e\n\ndata: a\n\n", [event("a")]),
        "an empty name is none": ("event: e\nevent:\ndata: a\n\n", [event("a")]),
        "a name without a colon is none": ("event: e\nevent\ndata: a\n\n", [event("a")]),
        "a name with blanks": ("event:  e f \ndata: a\n\n", [event("a", " e f ")]),
        "a name with empty data": ("event: e\ndata\n\n", [event("", "e")]),
        "a name in another script": ("event: Ж✓\ndata: a\n\n", [event("a", "Ж✓")]),
    },
    ("id and retry, with nonsense in them, or alone", "are read over; without data there is no event"): {
        "an id": ("id: 1\ndata: a\n\n", [event("a")]),
        "an id alone": ("id: 1\n\ndata: a\n\n", [event("a")]),
        "an id with a NUL": ("id: 1\x002\ndata: a\n\n", [event("a")]),
        "an id without a colon": ("id\ndata: a\n\n", [event("a")]),
        "a retry": ("retry: 1000\ndata: a\n\n", [event("a")]),
        "a retry alone": ("retry: 1000\n\ndata: a\n\n", [event("a")]),
        "a retry that is no number": ("retry: 1000x\nretry: -1\nretry:\nretry\ndata: a\n\n", [event("a")]),
        "id, retry and a name, but no data": ("id: 1\nretry: 5\nevent: e\n\ndata: a\n\n", [event("a")]),
    },
    ("streams that end without a blank line, in a field, or are empty", "what is not closed is no event"): {
        "no blank line at the end": ("data: a\n\ndata: b\n", [event("a")]),
        "no line end at the end": ("data: a\n\ndata: b", [event("a")]),
        "a name of a field at the end": ("data: a\n\ndata", [event("a")]),
        "CR at the end": ("data: a\r\n\r", [event("a")]),
        "nothing at all": ("", []),
        "only blank lines": ("\n\r\n\r", []),
    },
    ("bytes that are no UTF-8, in values, names and fields", "U+FFFD in their place, never an exception"): {
        "characters of two, three and four bytes": ("data: Ж€😀\n\n", [event("Ж€😀")]),
        "a lone byte that is no UTF-8": (b"data: a\xffb\n\n", [event("a\ufffdb")]),
        "a character that a line end breaks off": (b"data: \xf0\x9f\n\ndata: b\n\n", [event("\ufffd"), event("b")]),
        "a character that another one breaks off": (b"data: \xe2\x82\xd0\x96\n\n", [event("\ufffdЖ")]),
        "an overlong form": (b"data: \xc0\x8a\n\n", [event("\ufffd\ufffd")]),
        "half of a surrogate pair": (b"data: \xed\xa0\xbd\n\n", [event("\ufffd\ufffd\ufffd")]),
        "beyond the last code point": (b"data: \xf4\x90\x80\x80\n\n", [event("\ufffd\ufffd\ufffd\ufffd")]),
        "bytes that are no UTF-8 in a name": (b"event: \xff\ndata: a\n\n", [event("a", "\ufffd")]),
        "bytes that are no UTF-8 in the name of a field": (b"dat\xff: a\n\ndata: b\n\n", [event("b")]),
        "a stream in UTF-16": ("data: a\n\n".encode("utf-16-le"), []),
        "U+FFFD as it is sent": ("data: \ufffd\n\n", [event("\ufffd")]),
    },
}
"""The cases of a row of the table of faults, each with the events that it is."""
CASES = {name: case for cases in GROUPS.values() for name, case in cases.items()}


def body_of(name: str) -> bytes:
    body = CASES[name][0]
    return body.encode() if isinstance(body, str) else body


def cuts(body: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and in two pieces at every place (of a long body, at both ends)."""
    yield [body]
    yield [body[at : at + 1] for at in range(len(body))]
    places = range(1, len(body)) if len(body) < 1000 else [*range(1, 50), *range(len(body) - 50, len(body))]
    yield from ([body[:place], b"", body[place:]] for place in places)


def read_all(decoder: Decoder, pieces: Iterable[bytes]) -> list[Frame]:
    return [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.finish()


def read(pieces: Iterable[bytes]) -> list[Frame]:
    return read_all(FRAMINGS["sse"](), pieces)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=fault(PART, *row)) for row, cases in GROUPS.items() for name in cases]
)
def test_a_case_at_every_cut(name):
    expected = CASES[name][1]
    for pieces in cuts(body_of(name)):
        assert read(pieces) == expected


# --- the same over a socket ------------------------------------------------------------------------------------------

FILE = """
spec_version: 1
name: lines
url: http://127.0.0.1
payload: {m: "{{ messages }}"}
response:
  codec: sse
  unwrap: [text]
  rules: [{text: $}]
  end: {event: the-end}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - name: text
    call: {messages: hi}
    reply: {headers: {content-type: text/event-stream}, text: "data: hi\\n\\nevent: the-end\\ndata\\n\\n"}
    expect: {text: hi}
"""
END = b"\n\nevent: the-end\ndata\n\n"
STREAM = head(kind="text/event-stream", transfer_encoding="chunked")


def scripts(body: bytes) -> Iterator[Send | Slice]:
    """A body behind a head: in one chunk, and each byte in a chunk of its own, the packets cut anywhere."""
    yield Send(STREAM + chunk(body) + LAST)
    if len(body) < 1000:
        yield Slice(STREAM + b"".join(chunk(body[at : at + 1]) for at in range(len(body))) + LAST, most=400)


def texts(client: Client) -> list[str]:
    with client.stream("lines", "hi") as stream:
        return [each.text for each in stream if isinstance(each, TextDelta)]


async def async_texts(client: AsyncClient, calls: int) -> list[list[str]]:
    said = []
    async with client:
        for _ in range(calls):
            async with client.stream("lines", "hi") as stream:
                said.append([each.text async for each in stream if isinstance(each, TextDelta)])
    return said


@fault(PART, "each of these streams over a socket, in one chunk and byte by byte", "the same events")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_case_over_a_socket(tmp_path: Path, kind: str):
    (tmp_path / "lines.yaml").write_text(FILE, encoding="utf-8")
    sent = [(name, script) for name in CASES for script in scripts(body_of(name) + END)]
    # The end closes the event that a case has left open.
    expected = {name: [each.data for each in read([body_of(name) + END])[:-1] if each.data] for name in CASES}
    with FaultServer([step for _, script in sent for step in (Request(), script)]) as server:
        catalog, urls = Catalog(tmp_path), {"lines": server.url}
        if kind == "sync":
            with Client(catalog, base_urls=urls) as client:
                said = [texts(client) for _ in sent]
        else:
            said = asyncio.run(async_texts(AsyncClient(catalog, base_urls=urls), len(sent)))
        names = [name for name, _ in sent]
        assert list(zip(names, said, strict=True)) == [(name, expected[name]) for name in names]
        assert server.journal.opened == 1


# --- sizes -----------------------------------------------------------------------------------------------------------


@fault(PART, "a line without end, piece by piece", "memory of twice `limits.event_bytes` at most, and 16 MB")
def test_a_line_without_end_takes_a_bounded_memory():
    decoder = FRAMINGS["sse"]()
    tracemalloc.start()
    try:
        with pytest.raises(LimitError):
            read_all(decoder, repeat(b"x" * 65_536, 10_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * decoder.max_frame_bytes + 16 * 2**20
