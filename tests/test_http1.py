"""Our own HTTP/1.1: what is sent is what httpx sends, what comes is read as its parser h11 reads it, however cut."""

from __future__ import annotations

import asyncio
import random

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spec import Timeouts
from engine.testing import LAST, FaultServer, chunk, head, whole
from engine.transport import aio, own, sync
from engine.transport.http1 import Address, Answer, RemoteProtocolError, request_bytes
from engine.wire import Headers, WireRequest

PIECES = [
    "/",
    ".",
    "..",
    "a",
    "%2F",
    "%zz",
    "é",
    "?",
    "&",
    "=",
    "+",
    " ",
    '"',
    "#",
    "@",
    "[",
    "]",
    ":",
    "~",
    "\\",
    "\n",
]
HOSTS = ["example.org", "127.0.0.1:8080", "[::1]:81", "a.b:80", "a.b:443", "A.b", "a_b", "a.b:", "a.b:99999", "u@a.b"]


@given(st.sampled_from(["http", "https"]), st.sampled_from(HOSTS), st.lists(st.sampled_from(PIECES), max_size=6))
def test_an_address_is_what_the_library_makes_of_the_url(scheme: str, host: str, pieces: list[str]) -> None:
    url = f"{scheme}://{host}/{''.join(pieces)}"
    address = Address.of(url)
    if address is None:
        return
    library = httpx.Request("POST", url)
    assert address.target.encode() == library.url.raw_path
    assert address.written == library.headers["host"]
    assert (address.host, address.port) == (library.url.host, library.url.port or {"http": 80, "https": 443}[scheme])


def test_usual_urls_need_no_library() -> None:
    for url in ("http://127.0.0.1:8/v1/chat", "https://a.example.org/v1beta/models/gemini-2.5:gen?alt=sse&key=a%2Fb"):
        assert Address.of(url) is not None


def ask_in_a_thread(wire: WireRequest) -> None:
    lines = sync.Lines(None, 1)
    body = lines.open(wire, PATIENCE, 5)
    while body.read(5) is not None:
        pass
    body.close()
    lines.close()


async def ask_in_a_task(wire: WireRequest) -> None:
    lines = aio.AsyncLines(None, 1)
    await lines.ready()
    body = await aio.AsyncBody.open(lines, wire, PATIENCE, 5)
    while await body.read(5) is not None:
        pass
    await body.aclose()
    await lines.aclose()


PATIENCE = Timeouts(5, 5, 5, 5, 5)
ASKS = {"sync": ask_in_a_thread, "async": lambda wire: asyncio.run(ask_in_a_task(wire))}


@pytest.mark.parametrize("kind", ASKS)
@pytest.mark.parametrize(
    "wire",
    [
        WireRequest("POST", "/v1/chat?a=b%20c", Headers([("X-Key", "k"), ("accept", "*/*")]), b"{}"),
        WireRequest("POST", "/", Headers(), b""),
        WireRequest("GET", "", Headers([("a", "1"), ("a", "2")])),
        WireRequest("DELETE", "/jobs/1", Headers()),
    ],
)
def test_the_same_bytes_are_sent_as_by_the_library(
    kind: str, wire: WireRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not own.is_there():
        pytest.skip("the tests are run with httpx's connections")
    written: list[WireRequest] = []

    def noted(wire: WireRequest) -> bytes:
        written.append(wire)
        return request_bytes(wire)

    for module in ("blocking", "direct"):
        monkeypatch.setattr(f"engine.transport.{module}.request_bytes", noted)
    with FaultServer([whole(b"hi")]) as server:
        sent = WireRequest(wire.method, server.url + wire.url, wire.headers, wire.content)
        ASKS[kind](sent)
        assert written == [sent]
        monkeypatch.setattr(own, "is_there", lambda: False)
        ASKS[kind](sent)
        assert written == [sent]
        ours, theirs = (request.raw for request in server.requests)
    assert ours == theirs


CHUNKED = head(transfer_encoding="chunked")
ANSWERS = [
    whole(b"hello").data,
    whole(b"", 204).data,
    whole(b"no", 503, retry_after="1", x_two="a, b").data,
    CHUNKED + chunk(b"one") + chunk(b"two") + LAST,
    CHUNKED + b"3;name=value\r\none\r\n0\r\nx-trailer: 1\r\n\r\n",
    head() + b"until the end",
    b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"hello").data,
    b"HTTP/1.1 200 OK\ncontent-length: 2\n\nhi",
    b"HTTP/1.1 200 OK\r\nx-long: one\r\n two\r\ncontent-length: 2, 2\r\ncontent-length: 2\r\n\r\nhi",
    b"HTTP/1.0 200 OK\r\n\r\nold",
    "HTTP/1.1 200 Okay\r\nx: é\r\ncontent-length: 0\r\n\r\n".encode("latin-1"),
]


def ours(pieces: list[bytes]) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Status, headers and body; None for what is no answer, or none that is whole."""
    chunks: list[bytes] = []
    answer = Answer(chunks)
    try:
        for piece in pieces:
            answer.feed(piece)
        answer.close()
    except RemoteProtocolError:
        return None
    assert answer.head is not None
    pairs = [(name.encode(), value.encode()) for name, value in answer.head.headers.pairs]
    return answer.head.status, pairs, b"".join(chunks)


def theirs(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """The same by h11."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, pairs, body = 0, [], b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status, pairs = event.status_code, [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, [(name, _utf8(value)) for name, value in pairs], body
            elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return None
    except h11.RemoteProtocolError:
        return None


def _utf8(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_an_answer_is_read_as_h11_reads_it_at_every_cut(number: int) -> None:
    data = ANSWERS[number]
    due = theirs(data)
    assert due is not None
    for at in range(len(data)):
        assert ours([data[:at], data[at:]]) == due, at
    assert ours([data[at : at + 1] for at in range(len(data))]) == due


@given(st.sampled_from(ANSWERS), st.randoms(use_true_random=False))
def test_a_mangled_answer_is_never_read_as_another_one(data: bytes, luck: random.Random) -> None:
    mangled = bytearray(data)
    for _ in range(luck.randint(1, 3)):
        at = luck.randrange(len(mangled))
        mangled[at : at + luck.randint(0, 3)] = luck.choice([b"", b"\r\n", b"\n", b" ", b":", b"0", b"9", b"\0", b"x"])
    at = luck.randrange(len(mangled) + 1)
    read, due = ours([bytes(mangled[:at]), bytes(mangled[at:])]), theirs(bytes(mangled))
    if read is not None and due is not None:
        assert read[0] == due[0]
        assert read[2] == due[2]
