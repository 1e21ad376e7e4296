"""The chunks of a body are read as the library's own parser reads them, all that have come at once."""

from __future__ import annotations

from typing import Any

import h11
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import Catalog, Client
from engine.testing import LAST, FaultServer, Send, chunk, head
from engine.transport.chunks import Chunks, all_at_once

from . import test_client

FILES = test_client.FILES

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def read(pieces: list[bytes], *, at_once: bool) -> tuple[bytes, Any, int]:
    """The data, what came after it (an event, or the words of an error), and how many events the data took."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(HEAD)
    assert isinstance(parser.next_event(), h11.Response)
    if at_once:
        parser._reader = Chunks(parser._reader)
    data, count = bytearray(), 0
    try:
        for piece in [*pieces, b""]:
            parser.receive_data(piece)
            while (event := parser.next_event()) is not h11.NEED_DATA:
                if not isinstance(event, h11.Data):
                    return bytes(data), (event, parser.trailing_data[0]), count
                data += event.data
                count += 1
    except h11.RemoteProtocolError as error:
        return bytes(data), type(error), count
    raise AssertionError("the end says something")


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places} - {0, len(body)})
    return [body[begin:end] for begin, end in zip([0, *ends], [*ends, len(body)], strict=True) if begin < end]


USUAL = [b"1\r\na\r\n", b"7\r\nhe\r\nllo\r\n", b"00A\r\n0123456789\r\n", b"0\r\n\r\n", b"0\r\nx-sum: 1\r\n\r\n"]
UNUSUAL = [
    b"2;x=1\r\nab\r\n",
    b"3 \r\nabc\r\n",
    b"1\nx\n",
    b"0x1\r\na\r\n",
    b"2\r\nabc\r\n",
    b"+1\r\na\r\n",
    b"\r\n",
    b"f" * 99,
]
BODIES = st.lists(st.sampled_from(USUAL) | st.sampled_from(UNUSUAL), max_size=6).map(b"".join)


@given(BODIES, st.lists(st.integers(0, 200), max_size=8))
@example(b"5\r\nhello\r\n0\r\n\r\nmore", [])
@example(b"5\r\nhello!!", [3, 9])
@example(b"5\r\nhello!!", [8])
@example(b"5\r\nhel", [])
@example(b"2\r\nab\r\n2;x\r\ncd\r\n1\r\ne\r\n0\r\n\r\n", list(range(40)))
def test_they_say_what_they_say_one_by_one(body: bytes, places: list[int]) -> None:
    pieces = cut(body, places)
    data, end, _ = read(pieces, at_once=True)
    assert (data, end) == read(pieces, at_once=False)[:2]


def test_all_that_have_come_are_one_event() -> None:
    body = b"".join(chunk(b"word %d" % number) for number in range(1000)) + LAST
    data, _, count = read([body[:5000], body[5000:]], at_once=True)
    assert data == read([body], at_once=False)[0]
    assert count <= 4  # with a chunk that is cut, and goes on


def test_a_long_chunk_is_given_as_it_comes() -> None:
    pieces = [b"186a0\r\n", *[b"x" * 1000] * 100, b"\r\n" + LAST]
    data, _, count = read(pieces, at_once=True)
    assert (len(data), count) == (100_000, 100)


@pytest.mark.parametrize("is_lent", [False, True])
def test_a_client_reads_them_so(catalog: Catalog, is_lent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[bytes] = []
    take = Chunks._take
    monkeypatch.setattr("engine.transport.own.is_there", lambda: False)
    monkeypatch.setattr(Chunks, "_take", lambda *args: reads.append(args[1]) or take(*args))
    script = [Send(head(transfer_encoding="chunked") + chunk(b"a") * 500 + LAST)]
    with FaultServer(script) as server, httpx.Client() as http_client:
        own = {"http_client": http_client} if is_lent else {}
        with Client(catalog, base_urls={"text": server.url}, **own) as client:
            assert client.chat("text", "hi").text == "a" * 500
    assert 1 <= len(reads) <= 10


def test_what_is_no_http_1_is_left_alone() -> None:
    response = httpx.Response(200, text="whole")
    assert all_at_once(response) is response
