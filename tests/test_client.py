"""Both clients over real sockets: a table of answers and one of faults, each through the sync and the async client."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import pickle
import socket
import threading
import time
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import (
    DecodeError,
    EngineError,
    LimitError,
    MissingSecretError,
    ParameterError,
    ProviderError,
    SpecError,
    StreamError,
    TransportError,
    TruncatedError,
    UnknownProviderError,
    UsageError,
)
from engine.events import Finish, TextDelta, Usage
from engine.messages import ChatResponse
from engine.testing import (
    FIN,
    LAST,
    RST,
    Again,
    Drip,
    Each,
    FaultServer,
    Hello,
    Pause,
    Request,
    Send,
    Stall,
    chunk,
    chunked,
    deflated,
    head,
    sse,
    whole,
)
from tests.callers import HELLO, Caller, Outcome
from tests.faults import fault
from tests.faultserver import DONE, STOP, USAGE, delta
from tests.quickfiles import BOTH, KEY, SECRET, SSE, TEXT
from tests.stormserver import deaf_listener

BYTES, HTTP, COMPRESSION = "Bytes and event streams", "HTTP framing", "Compression"
ERRORS_PART, TIME = "Refusals and errors in an answer", "Time"
PASSWORD = "hush-hush-1"

FAST = "retry: {base: 0.01, cap: 0.02, max_wait: 1}"

FILES = {
    "text": f"{TEXT}\n{FAST}",
    "sse": f"{SSE}\n{FAST}",
    "both": f"{BOTH}\n{FAST}",
    "once": f"{TEXT}\nretry: {{max: 0}}",
    "again": f"{TEXT}\nretry: {{base: 0.01, cap: 0.02, idempotent: true}}",
    "small": f"{TEXT}\nlimits: {{body_bytes: 1024}}",
    "narrow": f"{SSE}\nlimits: {{event_bytes: 1024}}",
    "query": f"{TEXT}\n{FAST}\n{SECRET}\nauth: {{type: query, name: key, secret: api_key}}",
    "bearer": f"{SSE}\n{FAST}\n{SECRET}\nauth: {{type: bearer, secret: api_key}}",
    "header": f"{TEXT}\n{FAST}\n{SECRET}\nauth: {{type: header, name: x-api-key, secret: api_key}}",
    "region": f"{TEXT}\nsettings: {{region: {{default: eu}}}}\nheaders: {{x-region: '{{{{ region }}}}'}}",
}


# --- answers ---------------------------------------------------------------------------------------------------------

CHUNKED = head(transfer_encoding="chunked")
EVENT_STREAM = head(kind="text/event-stream", transfer_encoding="chunked")
BOM = b"\xef\xbb\xbf"
SIZE = len(HELLO.encode())
NOTHING = ('{"role": "assistant"}', '{"content": null}', '{"content": ""}', '{"content": []}', "{}", "null")
CHUNKED_BYTES = b"".join(chunk(bytes([byte])) for byte in HELLO.encode())
EVENTS = [*(f"data: {delta(piece)}" for piece in ("При", "вет! Как", " дела?")), f"data: {STOP}", f"data: {USAGE}"]


def in_blocks(data: bytes) -> bytes:
    """The same in gzip, with the state of the coder thrown away after every byte."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(data[at : at + 1]) + packer.flush(zlib.Z_FULL_FLUSH) for at in range(len(data))]
    return b"".join(pieces) + packer.flush()


def events_of() -> list[bytes]:
    """The greeting as events, their blank lines included."""
    return [f"data: {data}\n\n".encode() for data in (delta("Привет! "), delta("Как дела?"), STOP, DONE)]


def stream_of() -> bytes:
    """The same as one body."""
    return b"".join(events_of())


ANSWERS = {
    "with a length": ("text", [whole(HELLO.encode())]),
    "chunked": ("text", [chunked("Привет! ".encode(), "Как дела?".encode())]),
    "each byte a chunk": ("text", [Send(head(transfer_encoding="chunked") + CHUNKED_BYTES + LAST)]),
    "each byte a packet": ("text", [Each(head(transfer_encoding="chunked") + chunk(HELLO.encode()) + LAST)]),
    "until the end of the connection": ("text", [Send(head() + HELLO.encode()), FIN()]),
    "a length said twice": ("text", [Send(head(content_length=f"{SIZE}, {SIZE}") + HELLO.encode())]),
    "a length and chunks": (
        "text",
        [Send(head(content_length="3", transfer_encoding="chunked") + chunk(HELLO.encode()) + LAST)],
    ),
    "by HTTP/1.0": ("text", [Send(b"HTTP/1.0 200 OK\r\n\r\n" + HELLO.encode()), FIN()]),
    "a head in lines of LF alone": ("text", [Send(b"HTTP/1.1 200 OK\ncontent-length: %d\n\n" % SIZE + HELLO.encode())]),
    "a header in two lines": ("text", [whole(HELLO.encode(), x_a="b\r\n c")]),
    "bytes beyond ASCII in a header": ("text", [whole(HELLO.encode(), x_a="\u0436")]),
    "trailers behind the chunks": ("text", [Send(CHUNKED + chunk(HELLO.encode()) + b"0\r\nx-a: b\r\n\r\n")]),
    "no content type": ("text", [whole(HELLO.encode(), kind=None)]),
    "after early hints": ("text", [Send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50), whole(HELLO.encode())]),
    "html type, no html": ("text", [whole(HELLO.encode(), kind="text/html; charset=utf-8")]),
    "gzip": ("text", [whole(gzip.compress(HELLO.encode()), content_encoding="gzip")]),
    "gzip in two members": (
        "text",
        [whole(gzip.compress("Привет! ".encode()) + gzip.compress("Как дела?".encode()), content_encoding="gzip")],
    ),
    "gzip in gzip": (
        "text",
        [whole(gzip.compress(gzip.compress(HELLO.encode())), content_encoding="gzip, gzip")],
    ),
    "gzip in a block for each byte": ("text", [whole(in_blocks(HELLO.encode()), content_encoding="gzip")]),
    "deflate": ("text", [deflated(HELLO.encode())]),
    "gzip byte by byte": ("text", [Each(whole(gzip.compress(HELLO.encode()), content_encoding="gzip").data)]),
    "sse": ("sse", [sse(delta("Привет! "), delta("Как дела?"), STOP, DONE)]),
    "sse byte by byte": ("sse", [Each(sse(delta(HELLO), STOP, DONE).data, pause=0.0001)]),
    "sse in CRLF with comments": (
        "sse",
        [
            chunked(
                ": ping\r\n\r\n".join(f"{event}\r\n\r\n" for event in [*EVENTS, "data: [DONE]"]).encode(),
                kind="text/event-stream",
            )
        ],
    ),
    "sse in CR": ("sse", [chunked("\r\r".join([*EVENTS, "data: [DONE]\r\r"]).encode(), kind="text/event-stream")]),
    "sse without a blank line at the end": (
        "sse",
        [chunked("\n\n".join([*EVENTS, "data: [DONE]"]).encode(), kind="text/event-stream")],
    ),
    "sse of no declared type": ("sse", [sse(delta(HELLO), STOP, DONE, kind="application/octet-stream")]),
    "sse behind a byte order mark": ("sse", [chunked(BOM, stream_of(), kind="text/event-stream")]),
    "sse with events of no data": (
        "sse",
        [chunked(b"id: 1\n\nretry: 9\n\nevent: ping\n\n:\n\n" + stream_of(), kind="text/event-stream")],
    ),
    "sse with heartbeats between bytes": (
        "sse",
        [Send(EVENT_STREAM + b"".join(chunk(b":\n\n") + chunk(event) for event in events_of()) + LAST)],
    ),
    "sse with deltas that say nothing": (
        "sse",
        [
            sse(
                *(f'{{"choices": [{{"delta": {nothing}}}]}}' for nothing in NOTHING),
                *("{}", "null", "[]", '{"choices": []}', '{"choices": null}', '{"choices": [{}]}'),
                delta(HELLO),
                STOP,
                DONE,
            )
        ],
    ),
    "sse with blanks around the mark of the end": ("sse", [sse(delta(HELLO), STOP, " [DONE] ")]),
    "sse with text behind the mark of the end": ("sse", [sse(delta(HELLO), STOP, DONE, delta("evil"), USAGE)]),
    "sse with broken events behind the mark of the end": ("sse", [sse(delta(HELLO), STOP, DONE, "{", "<html>")]),
    "sse in gzip": ("sse", [whole(gzip.compress(stream_of()), kind="text/event-stream", content_encoding="gzip")]),
    "sse cut behind the mark of the end": (
        "sse",
        [Send(EVENT_STREAM + chunk(stream_of()) + b"99\r\nda"), FIN()],
    ),
    "whole json where a stream was asked": (
        "both",
        [
            whole(
                json.dumps(
                    {
                        "choices": [{"message": {"content": HELLO}, "finish_reason": "stop"}],
                        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
                    }
                ).encode(),
                kind="application/json",
            )
        ],
    ),
}


ROWS = {"sse": (BYTES, "an event stream"), "gzip": (COMPRESSION, "gzip"), "deflate": (COMPRESSION, "deflate")}
"""The part of the table of faults that an answer belongs to, by the first word of its name, and what it is there."""


def marked(answer: str) -> Any:
    """An answer as a row of the table of faults."""
    first, _, rest = answer.partition(" ")
    part, what = ROWS.get(first, (HTTP, f"an answer, {first}"))
    return pytest.param(answer, marks=fault(part, f"{what} {rest}".strip(), "the whole answer"))


@pytest.mark.parametrize("name", [marked(name) for name in ANSWERS])
def test_an_answer_arrives_whole_however_it_is_framed(call, name):
    provider, script = ANSWERS[name]
    with FaultServer(script) as server:
        outcome = call(server, provider)
    assert outcome.error is None
    assert outcome.text == outcome.response.text == HELLO
    assert isinstance(outcome.events[-1], Finish)
    if provider != "text":
        assert outcome.response.finish == "stop"
    if any(b"prompt_tokens" in step.data for step in script if hasattr(step, "data")):
        assert outcome.response.usage.input_tokens == 3
        assert outcome.events[-2] == Usage(3, 5)


def test_chat_and_stream_ask_for_what_they_want(call):
    with FaultServer([whole(b"one"), Request(), whole(b"two")]) as server:
        assert [answer.text for answer in call.chat(server, "text", "text")] == ["one", "two"]
        assert [request.json["stream"] for request in server.requests] == [False, False]
    with FaultServer([whole(b"one")]) as server:
        call(server)
        assert server.requests[0].json == {"messages": [{"role": "user", "content": HELLO}], "stream": True}
        assert server.requests[0].line == "POST /chat HTTP/1.1"


def test_a_request_is_sent_as_it_was_rendered(call, catalog):
    with FaultServer([whole(b"hi", set_cookie="id=1"), Request(), whole(b"hi")]) as server:
        call.chat(server, "text", "text")
    wire = catalog.provider("text").render(HELLO, stream=False)
    for request in server.requests:
        framing = [("host", server.host), ("content-length", str(len(wire.content)))]
        assert request.headers == [*framing, *wire.headers.pairs]
        assert request.body == wire.content


def test_events_come_before_the_body_ends(call):
    with FaultServer([Send(head(transfer_encoding="chunked") + chunk(b"early")), Stall()]) as server:
        outcome = call(server, stop_after=1)
        assert outcome.events == [TextDelta("early")]
        assert outcome.seconds < 2


@fault(BYTES, "usage behind the mark of the end", "is taken")
def test_usage_after_the_end_is_taken(call):
    with FaultServer([sse(delta("hi"), STOP, DONE, USAGE)]) as server:
        outcome = call(server, "sse")
    assert outcome.response.usage.output_tokens == 5


@fault(HTTP, "a connection that is closed, reset or garbled behind the mark of the end", "the whole answer")
@pytest.mark.parametrize("after", [[FIN()], [RST()], [Send(b"garbage"), FIN()]], ids=["fin", "rst", "garbage"])
def test_a_connection_lost_after_the_end_of_the_answer_is_no_loss(call, after):
    body = f"data: {delta('hi')}\n\ndata: {STOP}\n\ndata: [DONE]\n\n".encode()
    start = Send(head(kind="text/event-stream", transfer_encoding="chunked") + chunk(body))
    with FaultServer([start, Pause(0.05), *after]) as server:
        outcome = call(server, "sse")
    assert outcome.error is None
    assert outcome.response.text == "hi"


@fault(HTTP, "a body that stalls or drips behind the mark of the end", "the whole answer, after 2 s of waiting at most")
def test_a_body_that_goes_on_after_the_end_is_read_for_a_bounded_time(call, monkeypatch):
    monkeypatch.setattr("engine.exchange.DRAIN_SECONDS", 0.2)
    body = f"data: {delta('hi')}\n\ndata: [DONE]\n\n".encode()
    start = Send(head(kind="text/event-stream", transfer_encoding="chunked") + chunk(body))
    for tail in (Stall(), Drip(chunk(b": ping\n\n"), pause=0.001)):
        with FaultServer([start, tail]) as server:
            outcome = call(server, "sse", probe=lambda server=server: server.wait_for(lambda j: j.open == 0))
            assert outcome.error is None
            assert outcome.seconds < 2
            assert outcome.probed, "a connection whose answer was not read to its end is kept"


@fault(BYTES, "heartbeats for longer than `timeout.idle`", "the whole answer; none of them reaches the caller")
def test_heartbeats_are_no_silence(call):
    first, *others = events_of()
    heartbeats = [step for _ in range(5) for step in (Pause(0.1), Send(chunk(b": ping\n\n")))]
    with FaultServer([Send(EVENT_STREAM + chunk(first)), *heartbeats, Send(chunk(b"".join(others)) + LAST)]) as server:
        outcome = call(server, "sse", timeout={"idle": 0.35})
    assert outcome.error is None
    assert outcome.events == [TextDelta("Привет! "), TextDelta("Как дела?"), Finish("stop", "stop")]
    assert outcome.seconds > 0.5


@fault(HTTP, "a flood behind the mark of the end", "the whole answer; the connection is dropped after 256 KB")
def test_a_flood_after_the_end_is_not_read(call):
    flood = chunk(b": no end\n" * 6_000)
    with FaultServer([Send(EVENT_STREAM + chunk(stream_of())), *[Send(flood)] * 2_000]) as server:
        outcome = call(server, "sse", probe=lambda: server.wait_for(lambda journal: journal.open == 0))
        assert outcome.probed
    assert outcome.response.text == HELLO
    assert outcome.seconds < 3  # all of it would take many times as long


@fault(
    "Time",
    "a reader who takes longer than `timeout.idle` over an event",
    "his time is not counted as silence",
)
def test_a_slow_reader_is_no_silent_server(catalog):
    """The deadlines measure the network: what the caller does between two events is his own time."""
    answer = sse(delta("a"), delta("b"), STOP, DONE, USAGE).data
    cut = answer.index(b"data:", answer.index(b"data:") + 1) - 4
    with FaultServer([Send(answer[:cut]), Pause(0.05), Send(answer[cut:])]) as server:
        timeout = {"idle": 0.3, "first_byte": 0.3}
        with (
            Client(catalog, base_urls={"sse": server.url}, timeout=timeout) as client,
            client.stream("sse", "hi") as stream,
        ):
            for event in stream:
                if event == TextDelta("a"):
                    time.sleep(0.4)
            assert stream.response.usage.output_tokens == 5


# --- faults ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    script: list[Any]
    error: type[EngineError]
    kind: str
    says: str = ""
    partial: str = ""
    provider: str = "text"
    phase: str | None = None
    timeout: dict[str, float] = field(default_factory=dict)
    part: str | None = None

    @property
    def promise(self) -> str:
        """What the caller gets, in words."""
        phase = f", phase `{self.phase}`" if self.phase else ""
        return f"`{self.error.__name__}` of kind `{self.kind}`{phase}{', with what came' if self.partial else ''}"


ONE = f"data: {delta('one')}\n\n".encode()
GZIPPED = gzip.compress(HELLO.encode() * 50)


def no_http(*lines: bytes) -> Fault:
    """A head that HTTP does not allow; the connection is as good as lost."""
    return Fault([Send(b"\r\n".join([*lines, b"", b"abc"])), FIN()], TransportError, "lost", "spoke no HTTP", part=HTTP)


def broken_off(body: bytes, partial: str = "one", error: type[EngineError] = TruncatedError) -> Fault:
    """A body of events behind the first one that HTTP gives whole, and that is no whole answer."""
    kind = "truncated" if error is TruncatedError else "protocol"
    script = [chunked(ONE + body, kind="text/event-stream")]
    return Fault(script, error, kind, "", partial, "sse", part=BYTES)


OK, LENGTH = b"HTTP/1.1 200 OK", b"content-length: 3"

FAULTS = {
    "a chunked body that is cut": Fault(
        [Send(CHUNKED + chunk(b"one")), FIN()], TruncatedError, "truncated", "broke off", "one", part=HTTP
    ),
    "a chunk that is cut": Fault(
        [Send(CHUNKED + b"8\r\none"), FIN()], TruncatedError, "truncated", "broke off", "one", part=HTTP
    ),
    "a short body": Fault(
        [Send(head(content_length="9") + b"one"), FIN()], TruncatedError, "truncated", "broke off", "one", part=HTTP
    ),
    "a chunk of no size": Fault(
        [Send(CHUNKED + chunk(b"one")), Pause(0.05), Send(b"zz\r\n"), FIN()],
        TruncatedError,
        "truncated",
        "",
        "one",
        part=HTTP,
    ),
    "a character that is cut": Fault(
        [Send(CHUNKED + chunk(HELLO.encode()[:3])), FIN()], TruncatedError, "truncated", "broke off", "П", part=BYTES
    ),
    "a reset before the head": Fault([RST()], TransportError, "lost", part=HTTP),
    "an end before the head": Fault([FIN()], TransportError, "lost", "closed the connection", part=HTTP),
    "half a head": Fault([Send(CHUNKED[:30]), FIN()], TransportError, "lost", part=HTTP),
    "a reset in the body": Fault(
        [Send(CHUNKED + chunk(b"one")), Pause(0.1), RST()], TransportError, "lost", "was lost", "one", part=HTTP
    ),
    "silence before the head": Fault(
        [Stall()],
        TransportError,
        "timeout",
        "timeout.first_byte",
        phase="first_byte",
        timeout={"first_byte": 0.2},
        part=TIME,
    ),
    "silence before the head, idle is shorter": Fault(
        [Stall()],
        TransportError,
        "timeout",
        "timeout.first_byte",
        phase="first_byte",
        timeout={"first_byte": 0.3, "idle": 0.1},
        part=TIME,
    ),
    "silence after the head": Fault(
        [Send(CHUNKED), Stall()],
        TransportError,
        "timeout",
        "timeout.first_byte",
        phase="first_byte",
        timeout={"first_byte": 0.2, "idle": 2},
        part=TIME,
    ),
    "silence in the body": Fault(
        [Send(CHUNKED + chunk(b"one")), Stall()],
        TransportError,
        "timeout",
        "timeout.idle",
        "one",
        phase="idle",
        timeout={"idle": 0.2},
        part=TIME,
    ),
    "silence, and a total": Fault(
        [Send(CHUNKED + chunk(b"one")), Stall()],
        TransportError,
        "timeout",
        "timeout.total",
        "one",
        phase="total",
        timeout={"total": 0.2},
        part=TIME,
    ),
    "dripping bytes of the head": Fault(
        [Send(b"HTTP/1.1 200 OK\r\n"), Drip(b"x-a: b\r\n")],
        TransportError,
        "timeout",
        "timeout.first_byte",
        phase="first_byte",
        timeout={"first_byte": 0.2},
        part=TIME,
    ),
    "dripping bytes of the head, and a total": Fault(
        [Send(b"HTTP/1.1 200 OK\r\n"), Drip(b"x-a: b\r\n")],
        TransportError,
        "timeout",
        phase="total",
        timeout={"total": 0.2},
        part=TIME,
    ),
    "early hints without end": Fault(
        [Drip(b"HTTP/1.1 103 Early Hints\r\n\r\n", pause=0.001)],
        TransportError,
        "timeout",
        phase="first_byte",
        timeout={"first_byte": 0.2},
        part=TIME,
    ),
    "dripping comments": Fault(
        [Send(EVENT_STREAM + chunk(ONE)), Drip(chunk(b":\n\n"))],
        TransportError,
        "timeout",
        "timeout.total",
        "one",
        "sse",
        phase="total",
        timeout={"total": 0.3, "idle": 0.2},
        part=TIME,
    ),
    "a head without end": Fault(
        [Send(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000), Stall()], TransportError, "lost", part=HTTP
    ),
    "a header line without end": Fault(
        [Send(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000), Stall()], TransportError, "lost", part=HTTP
    ),
    "garbage": Fault(
        [Send(b"\x00\x01 hello, I am no HTTP\r\n\r\n"), FIN()], TransportError, "lost", "spoke no HTTP", part=HTTP
    ),
    "two lengths": Fault(
        [Send(head(content_length="3", Content_Length="4") + b"abc"), FIN()], TransportError, "lost", part=HTTP
    ),
    "two lengths in one header": no_http(OK, b"content-length: 3, 4"),
    "a length that is no number": no_http(OK, b"content-length: abc"),
    "a length below zero": no_http(OK, b"content-length: -3"),
    "a length of 5000 digits": no_http(OK, b"content-length: " + b"9" * 5000),
    "a coding of the transfer that is not chunked": no_http(OK, b"transfer-encoding: gzip, chunked"),
    "a NUL in a header": no_http(OK, LENGTH, b"x-a: b\x00c"),
    "a header without a colon": no_http(OK, LENGTH, b"x-a"),
    "a blank before the colon of a header": no_http(OK, b"content-length : 3"),
    "a head of 200 KB": no_http(OK, LENGTH, b"x-a: " + b"b" * 200_000),
    "a status that is no number": no_http(b"HTTP/1.1 2xx OK", LENGTH),
    "a status of two digits": no_http(b"HTTP/1.1 99 OK", LENGTH),
    "the answer of another version of HTTP": no_http(b"HTTP/2 200 OK", LENGTH),
    "a switch to another protocol": no_http(b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket"),
    "a status that nobody knows": Fault(
        [Send(b"HTTP/1.1 999 \r\ncontent-length: 2\r\n\r\nno")],
        ProviderError,
        "unavailable",
        "HTTP 999",
        provider="once",
        part=HTTP,
    ),
    "a chunk longer than it says": Fault(
        [Send(CHUNKED + b"3\r\none and more\r\n" + LAST)], TruncatedError, "truncated", "", "one", part=HTTP
    ),
    "a chunk with 200 KB of extensions": Fault(
        [Send(CHUNKED + chunk(b"one")), Pause(0.05), Send(b"3;" + b"x" * 200_000 + b"\r\n"), Stall()],
        TruncatedError,
        "truncated",
        "",
        "one",
        part=HTTP,
    ),
    "trailers without end": Fault(
        [Send(CHUNKED + chunk(b"one")), Pause(0.05), Send(b"0\r\n" + b"x: y\r\n" * 50_000), Stall()],
        TruncatedError,
        "truncated",
        "",
        "one",
        part=HTTP,
    ),
    "a length and chunks, and the chunks are cut": Fault(
        [Send(head(content_length="3", transfer_encoding="chunked") + chunk(b"one")), FIN()],
        TruncatedError,
        "truncated",
        "broke off",
        "one",
        part=HTTP,
    ),
    "a reset in a body that ends with the connection": Fault(
        [Send(head(kind="text/event-stream") + ONE), Pause(0.1), RST()],
        TransportError,
        "lost",
        "was lost",
        "one",
        "sse",
        part=HTTP,
    ),
    "a stream cut in the middle of an event, the connection is closed": Fault(
        [Send(head(kind="text/event-stream") + ONE + ONE[:-9]), FIN()],
        TruncatedError,
        "truncated",
        "never came",
        "one",
        "sse",
        part=HTTP,
    ),
    "a stream cut in the middle of its end mark": broken_off(b"data: [DON"),
    "a stream of nothing but comments": Fault(
        [chunked(b": ping\n\n" * 9, kind="text/event-stream")],
        TruncatedError,
        "truncated",
        "never came",
        provider="sse",
        part=BYTES,
    ),
    "the end mark inside a text": broken_off(f"data: {delta('[DONE]')}\n\n".encode(), "one[DONE]"),
    "the end mark in quotes": broken_off(b'data: "[DONE]"\n\n'),
    "the end mark as a comment or a name": broken_off(b": [DONE]\n\nevent: [DONE]\n\n[DONE]\n\n"),
    "an end mark that is misspelt": broken_off(b"data: [done]\n\n", error=DecodeError),
    "more behind the end mark in one event": broken_off(b"data: [DONE]\ndata: x\n\n", error=DecodeError),
    "two values of JSON in one event": broken_off(b"data: {}{}\n\n", error=DecodeError),
    "a number that JSON does not know": broken_off(b"data: NaN\n\n", error=DecodeError),
    "a number of 5000 digits": broken_off(b"data: " + b"1" * 5000 + b"\n\n", error=DecodeError),
    "JSON that nests 100000 deep": broken_off(b"data: " + b"[" * 100_000 + b"\n\n", error=DecodeError),
    "a line without end": Fault(
        [chunked(ONE, b"data: " + b"x" * 9_000_000, kind="text/event-stream")],
        LimitError,
        "protocol",
        "limits.event_bytes",
        "one",
        "sse",
        part=BYTES,
    ),
    "an event of ever more lines": Fault(
        [Send(EVENT_STREAM + chunk(ONE) + chunk(b"data: x\n" * 50) * 3), Stall()],
        LimitError,
        "protocol",
        "limits.event_bytes",
        "one",
        "narrow",
        part=BYTES,
    ),
    "a comment without end": Fault(
        [Send(EVENT_STREAM + chunk(ONE) + chunk(b":" * 100) * 11), Stall()],
        LimitError,
        "protocol",
        "limits.event_bytes",
        "one",
        "narrow",
        part=BYTES,
    ),
    "an empty answer": Fault([whole(b"")], ProviderError, "empty", "empty answer (HTTP 200)", part=ERRORS_PART),
    "no content": Fault([Send(head(204, None))], ProviderError, "empty", "HTTP 204", part=ERRORS_PART),
    "an empty event stream": Fault([sse()], ProviderError, "empty", provider="sse", part=ERRORS_PART),
    "a page": Fault(
        [whole(b"<!doctype html><title>Sign in</title>", kind="text/html")],
        ProviderError,
        "protocol",
        "HTML page with HTTP 200): Sign in",
        part=ERRORS_PART,
    ),
    "a page where a stream was due": Fault(
        [whole(b"\n <HTML><head><title>Oops</title>", kind="text/html")],
        ProviderError,
        "protocol",
        "HTML page",
        provider="sse",
        part=ERRORS_PART,
    ),
    "json where a stream was due": Fault(
        [whole(b'{"ok": true}', kind="application/json")],
        ProviderError,
        "protocol",
        "JSON",
        provider="sse",
        part=ERRORS_PART,
    ),
    "an error where a stream was due": Fault(
        [whole(b'{"error": {"message": "no such model", "code": 7}}', kind="application/json")],
        ProviderError,
        "protocol",
        "no such model",
        provider="sse",
        part=ERRORS_PART,
    ),
    "an error as an event stream": Fault(
        [whole(b'{"error": {"message": "no such model"}}', kind="text/event-stream")],
        ProviderError,
        "protocol",
        "no such model",
        provider="both",
        part=ERRORS_PART,
    ),
    "a stream without its end": Fault(
        [sse(delta("one"), STOP)], TruncatedError, "truncated", "'[DONE]' never came", "one", "sse", part=BYTES
    ),
    "a stream that is cut at an event": Fault(
        [Send(head(kind="text/event-stream") + ONE), FIN()],
        TruncatedError,
        "truncated",
        "never came",
        "one",
        "sse",
        part=BYTES,
    ),
    "an error in the stream": Fault(
        [sse(delta("one"), '{"error": {"message": "over capacity", "type": "overloaded_error"}}')],
        ProviderError,
        "protocol",
        "over capacity",
        "one",
        "sse",
        part=ERRORS_PART,
    ),
    "an error event in the stream": Fault(
        [chunked(ONE + b'event: error\ndata: {"message": "gave up"}\n\n', kind="text/event-stream")],
        ProviderError,
        "protocol",
        "gave up",
        "one",
        "sse",
        part=ERRORS_PART,
    ),
    "broken json in the stream": Fault(
        [sse(delta("one"), '{"choices": [', DONE)], DecodeError, "protocol", "event 2", "one", "sse", part=BYTES
    ),
    "gzip that is cut": Fault(
        [whole(GZIPPED[:-8], content_encoding="gzip")],
        TruncatedError,
        "truncated",
        "broke off",
        HELLO * 50,
        part=COMPRESSION,
    ),
    "gzip that is cut, and the connection is closed": Fault(
        [Send(head(content_encoding="gzip") + GZIPPED[:-8]), FIN()],
        TruncatedError,
        "truncated",
        "broke off",
        HELLO * 50,
        part=COMPRESSION,
    ),
    "gzip in chunks, and the last ones are missing": Fault(
        [Send(head(content_encoding="gzip", transfer_encoding="chunked") + chunk(GZIPPED[:-8])), FIN()],
        TruncatedError,
        "truncated",
        "broke off",
        HELLO * 50,
        part=COMPRESSION,
    ),
    "events in gzip that is cut": Fault(
        [whole(gzip.compress(ONE + ONE)[:-8], kind="text/event-stream", content_encoding="gzip")],
        TruncatedError,
        "truncated",
        "broke off",
        "oneone",
        "sse",
        part=COMPRESSION,
    ),
    "deflate that is cut": Fault(
        [deflated(HELLO.encode(), cut=4)], TruncatedError, "truncated", "broke off", HELLO, part=COMPRESSION
    ),
    "gzip with a wrong checksum": Fault(
        [whole(GZIPPED[:-8] + b"\0" * 8, content_encoding="gzip")],
        DecodeError,
        "protocol",
        "compressed",
        HELLO * 50,
        part=COMPRESSION,
    ),
    "zstd, which nobody asked for": Fault(
        [whole(b"(\xb5/\xfd", content_encoding="zstd")], DecodeError, "protocol", "'zstd'", part=COMPRESSION
    ),
    "three codings": Fault(
        [whole(GZIPPED, content_encoding="gzip, gzip, gzip")], DecodeError, "protocol", "3 times", part=COMPRESSION
    ),
    "gzip that is none": Fault(
        [whole(b"hello", content_encoding="gzip")], DecodeError, "protocol", "compressed", part=COMPRESSION
    ),
    "an unknown coding": Fault(
        [whole(b"hello", content_encoding="br")], DecodeError, "protocol", "'br'", part=COMPRESSION
    ),
    "more than the limit": Fault(
        [whole(b"x" * 2000)], LimitError, "protocol", "limits.body_bytes", provider="small", part=BYTES
    ),
    "a bomb": Fault(
        [whole(gzip.compress(b"x" * 5_000_000), content_encoding="gzip")],
        LimitError,
        "protocol",
        "",
        "x" * 1024,
        "small",
        part=COMPRESSION,
    ),
    "a bomb in a refusal": Fault(
        [whole(gzip.compress(b"no" * 5_000_000), 403, content_encoding="gzip")],
        ProviderError,
        "permission",
        provider="small",
        part=COMPRESSION,
    ),
    "a refusal that is cut": Fault(
        [Send(head(401, content_length="99") + b"who are you"), FIN()],
        ProviderError,
        "auth",
        "who are you",
        part=ERRORS_PART,
    ),
    "a refusal that is reset": Fault(
        [Send(head(401, content_length="99") + b"who are you"), Pause(0.05), RST()],
        ProviderError,
        "auth",
        "HTTP 401",
        part=ERRORS_PART,
    ),
    "a refusal in an unknown coding": Fault(
        [whole(b"\x1f", 401, content_encoding="br")], ProviderError, "auth", "HTTP 401", part=COMPRESSION
    ),
    "a refusal in broken gzip": Fault(
        [whole(gzip.compress(b"who are you")[:-4], 401, content_encoding="gzip")],
        ProviderError,
        "auth",
        "who are you",
        part=COMPRESSION,
    ),
}


FAULT_ROWS = [
    pytest.param(name, marks=[fault(row.part, name, row.promise)] if row.part else []) for name, row in FAULTS.items()
]


@pytest.mark.parametrize("name", FAULT_ROWS)
def test_a_fault_is_one_typed_error_with_what_came_before_it(call, name):
    due = FAULTS[name]
    with FaultServer(due.script) as server:
        outcome = call(server, due.provider, timeout=due.timeout)
        assert server.wait_for(lambda journal: journal.open == 0), "the connection stays open"
        assert len(server.requests) == 1
    error = outcome.error
    assert type(error) is due.error, repr(error)
    assert (error.kind, getattr(error, "phase", None)) == (due.kind, due.phase)
    assert due.says in error.message
    assert "\n" not in error.message
    assert error.partial.text == outcome.text == due.partial
    assert (error.attempts, error.provider) == (1, due.provider)
    assert outcome.response is None
    assert outcome.seconds < 2
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize("name", ["silence in the body", "a reset in the body", "an error in the stream"])
def test_a_fault_closes_the_connection_at_once(call, name):
    fault = FAULTS[name]
    with FaultServer(fault.script) as server:
        outcome = call(
            server, fault.provider, timeout=fault.timeout, probe=lambda: server.wait_for(lambda j: j.open == 0, 1)
        )
    assert outcome.probed


def test_refused_connection(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    outcome = call(url)
    assert (type(outcome.error), outcome.error.kind) == (TransportError, "connect")
    assert outcome.error.attempts == 3
    assert url in outcome.error.message
    assert outcome.error.partial == ChatResponse()


@fault(
    "Connections, TLS and proxies",
    "a host that neither accepts nor refuses a connection",
    "`TransportError` of kind `timeout`, its phase the deadline that passed",
)
@pytest.mark.parametrize(
    ("timeout", "phase"),
    [({"connect": 0.2}, "connect"), ({"total": 0.3}, "total"), ({"first_byte": 0.3}, "first_byte")],
)
def test_a_connection_that_is_never_accepted(call, timeout, phase):
    with deaf_listener() as url:
        outcome = call(url, "once", timeout=timeout)
    assert (outcome.error.kind, outcome.error.phase) == ("timeout", phase)
    assert outcome.seconds < 2


def test_tls_that_is_none(call):
    with FaultServer([Hello(), Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), FIN()]) as server:
        outcome = call(server.url.replace("http:", "https:"))
        assert server.journal.opened == 1, "a failure of TLS is not tried again"
    assert (type(outcome.error), outcome.error.kind) == (TransportError, "tls")


@fault("Redirects", "a redirect of any kind to another host", "refused as `protocol`, nothing is sent there")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(call, status):
    with (
        FaultServer([whole(b"gotcha")]) as target,
        FaultServer([whole(b"", status, location=f"http://user:pw@{target.host}/x?key={KEY}")]) as server,
    ):
        outcome = call(server)
        assert target.journal.opened == 0
    error = outcome.error
    assert (type(error), error.kind, error.status) == (ProviderError, "protocol", status)
    assert f"to http://{target.host}/x, which" in error.message
    assert len(server.requests) == 1


@fault("Redirects", "a redirect that names no place", "refused as `protocol`")
def test_a_redirect_to_nowhere(call):
    for location, shown in (({}, "nowhere"), ({"location": "/login?x"}, "/login"), ({"location": ""}, "nowhere")):
        with FaultServer([whole(b"", 302, **location)]) as server:
            error = call(server).error
        assert f"to {shown}, which" in error.message


REFUSALS = {
    "openai": (
        400,
        b'{"error": {"message": "bad model", "code": "model_not_found"}}',
        "bad_request",
        "bad model",
        "model_not_found",
    ),
    "a string": (401, b'{"error": "who are you"}', "auth", "who are you", None),
    "fastapi": (
        422,
        b'{"detail": [{"loc": ["body"], "msg": "field required"}]}',
        "bad_request",
        "field required",
        None,
    ),
    "detail": (404, b'{"detail": "Not Found"}', "not_found", "Not Found", None),
    "message": (403, b'{"message": "no\\nrights", "code": 12}', "permission", "no rights", "12"),
    "a list": (402, b'[{"error": {"message": "pay"}}]', "quota", "HTTP 402", None),
    "html": (502, b"<html><title>502 Bad\n Gateway</title>", "unavailable", "502 Bad Gateway", None),
    "text": (503, b"busy \x1b[31m now", "unavailable", "busy [31m now", None),
    "empty": (529, b"", "overloaded", "HTTP 529", None),
    "no utf-8": (413, b"\xff\xfe too long", "context_length", "too long", None),
    "deep json": (408, b"[" * 60_000, "timeout", "[[[", None),
    "long": (418, b'{"message": "' + b"x" * 5000 + b'"}', "bad_request", "x" * 400, None),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_in_any_shape(call, name):
    status, body, kind, says, code = REFUSALS[name]
    with FaultServer([whole(body, status, kind="text/plain", x_request_id="7")]) as server:
        error = call(server, "once").error
    assert (type(error), error.status, error.kind, error.code) == (ProviderError, status, kind, code)
    assert says in error.message
    assert len(error.message) < 700
    assert error.message.isprintable()
    assert len(error.body) <= 2000
    assert error.headers["x-request-id"] == "7"
    assert error.partial == ChatResponse()


@pytest.mark.parametrize("tail", [Stall(), Drip(chunk(b"x" * 30_000), pause=0.0)], ids=["stalls", "never ends"])
def test_the_words_of_a_refusal_are_not_waited_for(call, monkeypatch, tail):
    monkeypatch.setattr("engine.exchange.REFUSAL_SECONDS", 0.2)
    with FaultServer([Send(head(401, transfer_encoding="chunked") + chunk(b"who are you")), tail]) as server:
        outcome = call(server, "once", probe=lambda: server.wait_for(lambda j: j.open == 0, 1))
        assert outcome.probed
    assert (type(outcome.error), outcome.error.kind) == (ProviderError, "auth")
    assert "who are you" in outcome.error.message
    assert outcome.seconds < 2


# --- retries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_retry_after_a_refusal(call, status):
    with FaultServer([whole(b"busy", status, connection="close"), FIN()], [whole(b"hi")]) as server:
        outcome = call(server)
        assert len(server.requests) == 2
        assert server.requests[0].raw == server.requests[1].raw
    assert outcome.response.text == "hi"
    assert outcome.text == "hi"


def test_retries_end(call):
    with FaultServer([whole(b"busy", 503, connection="close"), FIN()]) as server:
        error = call(server).error
        assert len(server.requests) == 3
    assert (error.kind, error.attempts) == ("unavailable", 3)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_a_retry_does_not_mend_is_not_tried_again(call, status):
    with FaultServer([whole(b"no", status)]) as server:
        assert call(server).error.attempts == 1
        assert len(server.requests) == 1


def test_retry_after_is_waited(call):
    busy = whole(b"busy", 429, connection="close", retry_after="0.3")
    with FaultServer([busy, FIN()], [whole(b"hi")]) as server:
        outcome = call(server)
    assert outcome.response.text == "hi"
    assert 0.3 <= outcome.seconds < 1.5


@pytest.mark.parametrize(("options", "wait"), [({}, "30"), ({"timeout": 0.5}, "0.9")], ids=["max_wait", "total"])
def test_a_retry_after_that_is_too_long_gives_up_at_once(call, options, wait):
    with FaultServer([whole(b"busy", 429, retry_after=wait)]) as server:
        outcome = call(server, **options)
        assert len(server.requests) == 1
    assert outcome.error.retry_after == float(wait)
    assert outcome.seconds < 0.5


def test_no_retry_after_the_first_event(call):
    lost = [Send(CHUNKED + chunk(b"one")), Pause(0.1), RST()]
    with FaultServer(lost, [whole(b"two")]) as server:
        outcome = call(server, "again")
        assert len(server.requests) == 1
    assert outcome.events == [TextDelta("one")]
    assert outcome.error.kind == "lost"


def test_a_loss_after_sending_is_only_tried_again_where_the_file_says_so(call):
    with FaultServer([RST()], [whole(b"hi")]) as server:
        assert call(server, "text").error.kind == "lost"
        assert len(server.requests) == 1
    with FaultServer([RST()], [whole(b"hi")]) as server:
        assert call(server, "again").response.text == "hi"
        assert len(server.requests) == 2


@fault(HTTP, "an idle connection that the server has closed or reset", "a new one is opened, nobody notices")
@pytest.mark.parametrize("end", [FIN(), RST()], ids=["closed", "reset"])
def test_an_idle_connection_that_the_server_closed_is_replaced(call, end):
    with FaultServer([whole(b"one"), end], [whole(b"two")]) as server:
        if call.kind == "sync":
            with Client(call.catalog, base_urls={"text": server.url}) as client:
                assert client.chat("text", "hi").text == "one"
                time.sleep(0.1)
                assert client.chat("text", "hi").text == "two"
            return

        async def run() -> None:
            async with AsyncClient(call.catalog, base_urls={"text": server.url}) as client:
                assert (await client.chat("text", "hi")).text == "one"
                await asyncio.sleep(0.1)
                assert (await client.chat("text", "hi")).text == "two"

        asyncio.run(run())


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_for_the_next_call(call):
    with FaultServer([whole(b"one"), Request(), chunked(b"two"), Request(), whole(b"no", 401)]) as server:
        assert [answer.text for answer in call.chat(server, "text", "text")] == ["one", "two"]
        assert server.journal.opened == 1
        assert server.wait_for(lambda journal: journal.open == 0), "closing the client closes it"


def test_a_refusal_that_was_read_leaves_the_connection_usable(call):
    with FaultServer([whole(b"busy", 503), Request(), whole(b"hi")]) as server:
        assert call(server).response.text == "hi"
        assert server.journal.opened == 1


@fault(
    "Cancelling and leaving early",
    "a stream is left by break",
    "the connection is closed within a second, the slot is free, and Python warns of nothing",
)
def test_leaving_early_closes_the_connection(call):
    script = [Send(CHUNKED + chunk(b"one")), Drip(chunk(b"more"), pause=0.005)]
    with FaultServer(script) as server:
        outcome = call(server, stop_after=2, probe=lambda: server.wait_for(lambda journal: journal.open == 0))
        assert outcome.probed
        assert len(outcome.events) == 2
        assert outcome.error is None


@fault(
    "Cancelling and leaving early",
    "a stream is left by never reading it",
    "the connection is closed within a second, the slot is free, and Python warns of nothing",
)
def test_leaving_before_the_first_event_sends_nothing(catalog):
    with FaultServer([whole(b"hi")]) as server:
        with Client(catalog, base_urls={"text": server.url}) as client, client.stream("text", "hi") as stream:
            pass
        with pytest.raises(UsageError, match="has not ended"):
            _ = stream.response
        assert stream.partial.text == ""
        assert server.journal.opened == 0


@fault(
    "Cancelling and leaving early",
    "a stream is left by an exception",
    "the connection is closed within a second, the slot is free, and Python warns of nothing",
)
def test_an_exception_in_the_body_of_with_closes_the_connection(catalog):
    script = [Send(CHUNKED + chunk(b"one")), Stall()]
    with FaultServer(script) as server, Client(catalog, base_urls={"text": server.url}) as client:
        with contextlib.suppress(ZeroDivisionError), client.stream("text", "hi") as stream:
            for _ in stream:
                _ = 1 / 0
        assert server.wait_for(lambda journal: journal.open == 0)
        assert stream.partial.text == "one"
    with FaultServer(script) as server:

        async def run() -> None:
            async with AsyncClient(catalog, base_urls={"text": server.url}) as client:
                with contextlib.suppress(ZeroDivisionError):
                    async with client.stream("text", "hi") as stream:
                        async for _ in stream:
                            _ = 1 / 0
                assert await asyncio.to_thread(server.wait_for, lambda journal: journal.open == 0)
                assert stream.partial.text == "one"

        asyncio.run(run())


@fault(
    "Cancelling and leaving early",
    "a stream that is read without `with`",
    "`UsageError`, and nothing is sent",
)
def test_a_stream_is_read_inside_with(catalog):
    client = Client(catalog, base_urls={"text": "http://127.0.0.1:9"})
    with pytest.raises(UsageError, match="inside `with`"):
        iter(client.stream("text", "hi"))
    with pytest.raises(UsageError, match="inside `async with`"):
        aiter(AsyncClient(catalog, base_urls={"text": "http://127.0.0.1:9"}).stream("text", "hi"))


@fault(
    "Load",
    "more calls than `max_connections`",
    "the others wait; after `timeout.pool` a `timeout` with the phase `pool`",
)
def test_a_call_beyond_max_connections_waits_no_longer_than_timeout_pool(catalog):
    script = [Send(CHUNKED + chunk(b"one")), Stall()]
    options = {"max_connections": 1, "timeout": {"pool": 0.2}}
    with FaultServer(script, [whole(b"two")]) as server:
        with Client(catalog, base_urls={"text": server.url}, **options) as client:
            with client.stream("text", "hi") as stream:
                next(iter(stream))
                with pytest.raises(TransportError, match=r"within 0.2 s.*max_connections") as caught:
                    client.chat("text", "hi")
            assert (caught.value.kind, caught.value.phase) == ("timeout", "pool")
            assert client.chat("text", "hi").text == "two"
        assert len(server.requests) == 2
    with FaultServer(script, [whole(b"two")]) as server:

        async def run() -> None:
            async with AsyncClient(catalog, base_urls={"text": server.url}, **options) as client:
                async with client.stream("text", "hi") as stream:
                    await anext(aiter(stream))
                    with pytest.raises(TransportError, match=r"within 0.2 s.*max_connections") as caught:
                        await client.chat("text", "hi")
                assert caught.value.phase == "pool"
                assert (await client.chat("text", "hi")).text == "two"

        asyncio.run(run())


def test_a_slot_is_given_back_after_every_outcome(call):
    script = [
        [Send(CHUNKED + chunk(b"one")), FIN()],
        [whole(b"no", 401, connection="close"), FIN()],
        [RST()],
        [whole(b"hi")],
    ]
    with FaultServer(*script) as server:
        options = {"base_urls": {"once": server.url}, "max_connections": 1, "timeout": {"pool": 0.3}}
        if call.kind == "sync":
            with Client(call.catalog, **options) as client:
                for _ in range(3):
                    with pytest.raises(EngineError):
                        client.chat("once", "hi")
                assert client.chat("once", "hi").text == "hi"
            return

        async def run() -> None:
            async with AsyncClient(call.catalog, **options) as client:
                for _ in range(3):
                    with pytest.raises(EngineError):
                        await client.chat("once", "hi")
                assert (await client.chat("once", "hi")).text == "hi"

        asyncio.run(run())


@fault(
    "Load",
    "64 threads with one `Client`",
    "all answers arrive, each whole",
)
def test_many_threads_share_a_client(catalog):
    script = [whole(HELLO.encode()), Again()]
    with FaultServer(script) as server, Client(catalog, base_urls={"text": server.url}, max_connections=8) as client:
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda _: client.chat("text", "hi").text, range(160)))
        assert answers == [HELLO] * 160
        assert len(server.requests) == 160
        assert server.journal.opened <= 20


@fault(
    "Load",
    "1,000 streams at once through one client",
    "all end whole, also where they wait for a slot",
)
def test_many_tasks_share_a_client(catalog):
    script = [whole(HELLO.encode()), Again()]
    with FaultServer(script) as server:

        async def run() -> list[str]:
            async with AsyncClient(catalog, base_urls={"text": server.url}, max_connections=8) as client:
                answers = await asyncio.gather(*(client.chat("text", "hi") for _ in range(160)))
                return [answer.text for answer in answers]

        assert asyncio.run(run()) == [HELLO] * 160
        assert server.journal.opened <= 8


# --- the life of a client --------------------------------------------------------------------------------------------


@fault(
    "Load",
    "a client used after its close",
    "`UsageError`: make a new one",
)
def test_a_client_is_not_used_after_close(catalog):
    client = Client(catalog)
    client.close()
    client.close()
    with pytest.raises(UsageError, match="closed"):
        client.chat("text", "hi")
    with pytest.raises(UsageError, match="closed"):
        client.stream("text", "hi")
    other = Client(catalog)
    stream = other.stream("text", "hi")
    other.close()
    with pytest.raises(UsageError, match="closed"), stream:
        list(stream)

    async def run() -> None:
        client = AsyncClient(catalog)
        stream = client.stream("text", "hi")
        await client.aclose()
        await client.aclose()
        with pytest.raises(UsageError, match="closed"):
            await client.chat("text", "hi")
        with pytest.raises(UsageError, match="closed"):
            async with stream:
                await anext(aiter(stream))

    asyncio.run(run())


@fault(
    "Cancelling and leaving early",
    "a client that is closed while a stream is read",
    "`TransportError`, kind `lost`, with what had come",
)
def test_aclose_ends_the_streams_that_are_open(catalog):
    with FaultServer([Send(CHUNKED + chunk(b"one")), Stall()]) as server:

        async def read(client: AsyncClient) -> None:
            async with client.stream("text", "hi") as stream:
                async for _ in stream:
                    pass

        async def run() -> None:
            client = AsyncClient(catalog, base_urls={"text": server.url})
            task = asyncio.create_task(read(client))
            assert await asyncio.to_thread(server.wait_for, lambda journal: len(journal.requests) == 1)
            await asyncio.sleep(0.05)
            await client.aclose()
            with pytest.raises(TransportError) as caught:
                await asyncio.wait_for(task, 1)
            assert caught.value.kind == "lost"
            assert caught.value.partial.text == "one"

        asyncio.run(run())
        assert server.wait_for(lambda journal: journal.open == 0)


@fault(
    "Load",
    "an `AsyncClient` used from a second loop, after the first has ended",
    "works, with new connections",
)
def test_an_async_client_starts_anew_on_a_second_loop(catalog):
    with FaultServer([whole(b"hi", connection="close"), FIN()]) as server:
        client = AsyncClient(catalog, base_urls={"text": server.url})
        assert asyncio.run(client.chat("text", "hi")).text == "hi"
        assert asyncio.run(client.chat("text", "hi")).text == "hi"
        asyncio.run(client.aclose())


@fault(
    "Load",
    "an `AsyncClient` used from a second loop while the first still lives",
    "`UsageError`: make one for each loop",
)
def test_an_async_client_belongs_to_its_loop_while_that_lives(catalog):
    with FaultServer([whole(b"hi", connection="close"), FIN()]) as server:
        client = AsyncClient(catalog, base_urls={"text": server.url})
        with asyncio.Runner() as first:
            first.run(client.chat("text", "hi"))
            with asyncio.Runner() as second, pytest.raises(UsageError, match="another event loop"):
                second.run(client.chat("text", "hi"))
            assert first.run(client.chat("text", "hi")).text == "hi"
            first.run(client.aclose())


def test_clients_are_made_and_used_without_with(catalog):
    with FaultServer([whole(b"hi", connection="close"), FIN()]) as server:
        client = Client(catalog, base_urls={"text": server.url})
        assert client.chat("text", "hi").text == "hi"
        client.close()


# --- what the caller decides -----------------------------------------------------------------------------------------


def test_base_urls_and_settings(call):
    with FaultServer([whole(b"hi")]) as server:
        urls = {"region": f"{server.url}/prefix/"}
        assert call(server, "region", base_urls=urls, settings={"region": {"region": "us"}}).text == "hi"
        assert server.requests[0].line == "POST /prefix/chat HTTP/1.1"
        assert ("x-region", "us") in server.requests[0].headers


def test_a_file_is_called_by_its_path_with_what_belongs_to_its_name(call):
    with FaultServer([whole(b"hi")]) as server:
        path = str(call.catalog.path_of("text"))
        assert call(server, path, base_urls={"text": server.url}).text == "hi"


def test_secrets_from_the_caller_and_from_the_environment(call, monkeypatch):
    monkeypatch.setenv("WIREFILE_TEST_KEY", "env-key")
    with FaultServer([whole(b"hi")]) as server:
        call(server, "header")
        call(server, "header", secrets={"header": {"api_key": "given-key"}})
        call(server, "query")
    assert ("x-api-key", "env-key") in server.requests[0].headers
    assert ("x-api-key", "given-key") in server.requests[1].headers
    assert server.requests[2].line == "POST /chat?key=env-key HTTP/1.1"


def test_what_is_wrong_before_the_call_sends_nothing(call, monkeypatch):
    monkeypatch.delenv("WIREFILE_TEST_KEY", raising=False)
    with FaultServer([whole(b"hi")]) as server:
        for provider, options, expected in (
            ("txet", {}, UnknownProviderError),
            ("header", {}, MissingSecretError),
            ("region", {"settings": {"region": {"regoin": "us"}}}, ParameterError),
            ("text", {"base_urls": {"text": "ftp://127.0.0.1"}}, ParameterError),
            ("text", {"base_urls": {"text": "http://a:b@127.0.0.1"}}, ParameterError),
        ):
            error = call(server, provider, **options).error
            assert type(error) is expected
            assert error.partial is None
        assert server.journal.opened == 0


@pytest.mark.parametrize("timeout", [0, -1, 3601, float("nan"), "5", True, {"idel": 1}, {"idle": 0}, {"idle": None}])
def test_a_timeout_that_is_none(catalog, timeout):
    for kind in (Client, AsyncClient):
        with pytest.raises(UsageError, match="timeout is seconds in"):
            kind(catalog, timeout=timeout)


@pytest.mark.parametrize("options", [{"max_connections": 0}, {"max_connections": None}])
def test_options_that_cannot_be(catalog, options):
    with pytest.raises(UsageError):
        Client(catalog, **options)


def test_a_client_of_ones_own_has_its_own_proxy(catalog):
    with httpx.Client() as own, pytest.raises(UsageError, match="proxy"):
        Client(catalog, http_client=own, proxy="http://127.0.0.1:1")


def test_a_broken_file(call, tmp_path):
    (tmp_path / "broken.yaml").write_text("spec_version: 1\nname: broken\n")
    error = Caller(call.kind, Catalog(tmp_path))("http://127.0.0.1:1", "broken").error
    assert type(error) is SpecError


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_a_proxy_gets_the_whole_url(call):
    with FaultServer([whole(b"by proxy")]) as proxy:
        outcome = call("http://api.invalid:81/v1", proxy=proxy.url)
        assert outcome.text == "by proxy"
        assert proxy.requests[0].line == "POST http://api.invalid:81/v1/chat HTTP/1.1"
        assert ("host", "api.invalid:81") in proxy.requests[0].headers


def test_a_proxy_that_is_not_there(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in ("http://api.invalid", "https://api.invalid"):
        error = call(url, "once", proxy=f"http://me:{PASSWORD}@127.0.0.1:{port}").error
        assert (type(error), error.kind) == (TransportError, "proxy")
        assert PASSWORD not in str(error)


def test_a_proxy_that_refuses(call):
    with FaultServer([Send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")]) as proxy:
        error = call("https://api.invalid", "once", proxy=f"http://me:{PASSWORD}@{proxy.host}").error
        assert proxy.requests[0].line == "CONNECT api.invalid:443 HTTP/1.1"
    assert (type(error), error.kind) == (TransportError, "proxy")
    assert "407" in error.message


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://127.0.0.1", "http://[::1", "socks5://127.0.0.1:1", 7])
def test_a_proxy_that_cannot_be(call, proxy):
    outcome = call("http://127.0.0.1:1", proxy=proxy)
    assert type(outcome.error) is UsageError


def test_the_environment_names_no_proxy(call, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with FaultServer([whole(b"direct")]) as server:
        assert call(server).text == "direct"


# --- a client of the caller's own ------------------------------------------------------------------------------------


def with_own(call: Caller, server: FaultServer, provider: str = "text", **own: Any) -> tuple[Outcome, bool]:
    """The outcome of a call through the caller's own httpx client, and whether that was closed by it."""
    if call.kind == "sync":
        with httpx.Client(**own) as client:
            outcome = call(server, provider, http_client=client, timeout={"first_byte": 0.4, "idle": 0.3, "total": 2})
            return outcome, client.is_closed
    client = httpx.AsyncClient(**own)
    outcome = Outcome()

    async def run() -> bool:
        options = {
            "base_urls": {provider: server.url},
            "http_client": client,
            "timeout": {"first_byte": 0.4, "idle": 0.2},
        }
        async with client:
            await call._async(outcome, provider, 1_000_000, lambda: None, options)
            return client.is_closed

    is_closed = asyncio.run(run())
    return outcome, is_closed


def test_a_client_of_ones_own_is_used_and_left_open(call, catalog):
    own = {
        "headers": {"x-mine": "1"},
        "cookies": {"a": "b"},
        "params": {"q": "1"},
        "base_url": "http://127.0.0.1:1/elsewhere",
        "trust_env": False,
    }
    with FaultServer([whole(b"hi")]) as server:
        outcome, is_closed = with_own(call, server, **own)
        assert outcome.text == "hi"
        assert not is_closed
    wire = catalog.provider("text").render(HELLO)
    request = server.requests[0]
    assert request.line == "POST /chat HTTP/1.1", "nothing is added to the URL"
    assert request.headers[2:] == list(wire.headers.pairs)


@fault("Redirects", "a redirect, with a client of one's own that follows them", "refused; nothing is sent there")
def test_a_client_of_ones_own_follows_no_redirects_for_us(call):
    with (
        FaultServer([whole(b"gotcha")]) as target,
        FaultServer([whole(b"", 307, location=target.url)]) as server,
    ):
        outcome, _ = with_own(call, server, follow_redirects=True, trust_env=False)
        assert (type(outcome.error), outcome.error.status) == (ProviderError, 307)
        assert target.journal.opened == 0


@pytest.mark.parametrize(
    "name", ["silence before the head", "silence in the body", "a reset in the body", "a stream without its end"]
)
def test_faults_of_a_client_of_ones_own(call, name):
    fault = FAULTS[name]
    with FaultServer(fault.script) as server:
        outcome, is_closed = with_own(call, server, fault.provider, trust_env=False)
        assert server.wait_for(lambda journal: journal.open == 0)
    assert (type(outcome.error), outcome.error.kind) == (fault.error, fault.kind)
    assert getattr(outcome.error, "phase", None) == fault.phase
    assert outcome.error.partial.text == fault.partial
    assert not is_closed


def test_the_idle_deadline_of_a_client_of_ones_own(catalog):
    """Such a client has no deadlines but those of each read, and they are not the same before and after the head."""
    timeout = {"first_byte": 5, "idle": 0.2}
    with FaultServer([Send(CHUNKED + chunk(b"one")), Stall()]) as server, httpx.Client(trust_env=False) as own:
        client = Client(catalog, base_urls={"text": server.url}, http_client=own, timeout=timeout)
        before = time.monotonic()
        with pytest.raises(TransportError, match=r"within 0.2 s \(timeout.idle\)"):
            client.chat("text", "hi")
        assert time.monotonic() - before < 2


def test_a_client_of_ones_own_that_is_closed(catalog):
    own = httpx.Client(trust_env=False)
    own.close()
    with Client(catalog, http_client=own) as client, pytest.raises(UsageError, match="closed"):
        client.chat("text", "hi")

    async def run() -> None:
        own = httpx.AsyncClient(trust_env=False)
        await own.aclose()
        async with AsyncClient(catalog, http_client=own) as client:
            with pytest.raises(UsageError, match="closed"):
                await client.chat("text", "hi")

    asyncio.run(run())


# --- secrets ---------------------------------------------------------------------------------------------------------


ECHOES = {
    "in words": ("query", [whole(f"invalid key {KEY}".encode(), 401)]),
    "in json": ("bearer", [whole(json.dumps({"error": {"message": f"bad {KEY}", "code": KEY}}).encode(), 401)]),
    "in a header": ("header", [whole(b"no", 401, x_echo=f"key={KEY}")]),
    "across the cut of a body": ("query", [whole(b"x" * (2000 - 10) + KEY.encode(), 401)]),
    "across the cut of a message": ("bearer", [whole(json.dumps({"message": "x" * 490 + KEY}).encode(), 401)]),
    "in a redirect": ("header", [whole(b"", 302, location=f"http://127.0.0.1:1/{KEY}?key={KEY}")]),
    "across the cut of a redirect": ("query", [whole(b"", 302, location="http://127.0.0.1:1/" + "x" * 170 + KEY)]),
    "in no HTTP": ("header", [Send(f"ERR {KEY}\r\n\r\n".encode()), FIN()]),
    "in a frame": ("bearer", [sse(delta("one"), json.dumps({"error": f"bad {KEY}"}))]),
    "in a broken frame": ("bearer", [sse(delta("one"), "{" + "x" * 100 + KEY)]),
    "nowhere, silence": ("query", [Stall()]),
    "nowhere, a reset": ("bearer", [RST()]),
    "nowhere, an end": ("header", [FIN()]),
    "nowhere, a reset behind a URL": ("query", [RST()]),
}


@pytest.mark.parametrize("name", ECHOES)
def test_a_secret_is_shown_nowhere(call, logged, name):
    provider, script = ECHOES[name]
    with FaultServer(script) as server:
        outcome = call(server, provider, secrets={provider: {"api_key": KEY}}, timeout={"first_byte": 0.2})
        assert any(KEY[:8] in request.raw.decode() for request in server.requests), "the key was sent"
    error = outcome.error
    assert isinstance(error, EngineError)
    # The frames of the test itself hold the key of course.
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [repr(frame.locals) for frame in frames if "/engine/" in frame.filename]
    assert ours
    places = {
        "str": str(error),
        "repr": repr(error),
        "fields": repr(vars(error)),
        "traceback": " ".join(ours),
        "plain traceback": "".join(traceback.format_exception(error)),
        "pickle": pickle.dumps(error).decode("latin-1"),
        "log": "\n".join(logged.lines),
    }
    for part in (KEY, KEY[:10]):
        shown = [place for place, text in places.items() if part in text]
        if name == "in a header" or "redirect" in name or name == "in no HTTP":
            # httpcore logs the head of a response at DEBUG; what a server puts there is not ours to keep from it.
            shown = [place for place in shown if place != "log"]
        assert not shown


def test_the_log_shows_the_url_without_the_secret(call, logged):
    with FaultServer([whole(b"hi")]) as server:
        assert call(server, "query", secrets={"query": {"api_key": KEY}}).text == "hi"
    lines = "\n".join(logged.lines)
    assert "/chat?key=<WIREFILE_TEST_KEY>" in lines
    assert KEY not in lines
    assert KEY.replace("/", "%2F") not in lines
    assert "Verysecret" not in lines


# --- nothing is left behind ------------------------------------------------------------------------------------------


def test_no_thread_and_no_task_is_left(call):
    before = threading.active_count()
    with FaultServer([whole(b"hi")]) as server:
        call(server)
    assert threading.active_count() <= before + 1  # the default executor of a loop keeps its thread a moment


def test_every_error_is_ours_and_says_so(call):
    for name, expected in FAULTS.items():
        assert issubclass(expected.error, EngineError), name
        assert issubclass(expected.error, TransportError | ProviderError | StreamError), name
