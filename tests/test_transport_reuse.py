"""A connection is used again only where it is sure that the next bytes on it are the next answer's."""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace

import httpx
import pytest

from engine import AsyncClient, Client
from engine.errors import EngineError
from engine.testing import LAST, Again, FaultServer, Request, Send, Step, Tls, chunk, head, lie, sse, whole
from engine.transport.reuse import is_spent
from tests.callers import Caller
from tests.certificates import Authority
from tests.faults import fault
from tests.faultserver import DONE, STOP, delta
from tests.test_client import EVENT_STREAM
from tests.test_client import FILES as FILES

OTHERS = whole(b"another's").data
"""A second answer that nobody asked for."""
DROPPED = "the answer is given, the connection dropped: what is left on it answers no other call"

SPENT: dict[str, tuple[str, bytes, str]] = {
    "a second answer in the same packet": ("text", whole(b"one").data + OTHERS, "one"),
    "half of a second answer": ("text", whole(b"one").data + OTHERS[:20], "one"),
    "more than the length": ("text", lie(b"one and more", length=3).data, "one"),
    "a second answer behind chunks": ("text", head(transfer_encoding="chunked") + chunk(b"one") + LAST + OTHERS, "one"),
    "a second answer behind events": ("sse", sse(delta("one"), STOP, DONE).data + OTHERS, "one"),
    "a body that 204 cannot have": ("text", head(204, None) + OTHERS, "empty"),
    "a second answer behind a refusal": ("text", whole(b"no", 401).data + OTHERS, "auth"),
    "an empty line too much": ("text", whole(b"one").data + b"\r\n", "one"),
    "a length and chunks": (
        "text",
        head(content_length="3", transfer_encoding="chunked") + chunk(b"one") + LAST,
        "one",
    ),
}


def two(call: Caller, server: FaultServer, *providers: str) -> list[str]:
    """What two calls one after the other come to, all with one client: a text each, or the kind of an error."""
    options = {"base_urls": dict.fromkeys(providers, server.url)}
    said: list[str] = []
    if call.kind == "sync":
        with Client(call.catalog, **options) as client:
            for provider in providers:
                try:
                    said.append(client.chat(provider, "hi").text)
                except EngineError as error:
                    said.append(error.kind)
        return said

    async def run() -> None:
        async with AsyncClient(call.catalog, **options) as client:
            for provider in providers:
                try:
                    said.append((await client.chat(provider, "hi")).text)
                except EngineError as error:
                    said.append(error.kind)

    asyncio.run(run())
    return said


@pytest.mark.parametrize("name", [pytest.param(name, marks=fault("HTTP framing", name, DROPPED)) for name in SPENT])
def test_what_is_left_on_a_connection_answers_no_other_call(call, name):
    provider, first, said = SPENT[name]
    with FaultServer([Send(first), Request(), whole(b"never")], [whole(b"two")]) as server:
        assert two(call, server, provider, "text") == [said, "two"]
        assert server.journal.opened == 2
        assert server.wait_for(lambda journal: journal.open == 0)


def with_own(call: Caller, server: FaultServer, trusted: ssl.SSLContext | None) -> list[str]:
    """The ends of two answers by a client of the caller's own, which trusts this certificate, or speaks no TLS."""
    url = server.url.replace("http:", "https:") if trusted else server.url
    options = {"base_urls": {"text": url}}
    verify = trusted or False
    if call.kind == "sync":
        with httpx.Client(verify=verify, trust_env=False) as own:
            client = Client(call.catalog, http_client=own, **options)
            return [client.chat("text", "hi").text[-3:] for _ in range(2)]

    async def run() -> list[str]:
        async with httpx.AsyncClient(verify=verify, trust_env=False) as own:
            client = AsyncClient(call.catalog, http_client=own, **options)
            return [(await client.chat("text", "hi")).text[-3:] for _ in range(2)]

    return asyncio.run(run())


@fault("HTTP framing", "a second answer, with a client of the caller's own, plain or under TLS", DROPPED)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_same_with_a_client_of_ones_own(call, tmp_path, tls):
    authority = Authority(tmp_path) if tls else None
    start: list[Step] = [Tls(authority.server())] if authority else []
    trusted = ssl.create_default_context(cafile=authority.bundle) if authority else None
    full = whole(b"x" * 16_300).data.ljust(16_384, b"x")  # a TLS record, so that the rest is in another one
    first = full.replace(b"length: 16300", b"length: %d" % (len(full) - full.index(b"\r\n\r\n") - 4))
    with FaultServer([*start, Request(), Send(first + OTHERS)], [*start, Request(), whole(b"two")]) as server:
        assert with_own(call, server, trusted) == ["xxx", "two"]
        assert server.journal.opened == 2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_of_which_nothing_is_left_is_kept(call, tmp_path, tls):
    authority = Authority(tmp_path) if tls else None
    start: list[Step] = [Tls(authority.server())] if authority else []
    trusted = ssl.create_default_context(cafile=authority.bundle) if authority else None
    with FaultServer([*start, Request(), whole(b"x" * 20_000), Request(), whole(b"two")]) as server:
        assert with_own(call, server, trusted) == ["xxx", "two"]
        assert server.journal.opened == 1


def test_the_connection_of_many_streams_is_left_alone():
    """Of HTTP/2, more bytes are what others wait for."""
    undecrypted = SimpleNamespace(_stream=SimpleNamespace(_read_bio=SimpleNamespace(pending=5)))
    connection = SimpleNamespace(_connection=SimpleNamespace(_network_stream=undecrypted))
    stream = SimpleNamespace(_stream=SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=connection)))
    response = SimpleNamespace(stream=stream, headers={"content-length": "3"})
    assert not is_spent(response)
    connection._connection._h11_state = SimpleNamespace(trailing_data=(b"", False))
    assert is_spent(response)


@fault("HTTP framing", "data behind the mark of the end, within the body", "passed over, and the connection is kept")
def test_what_stands_between_the_mark_and_the_end_of_the_body_is_read(call):
    body = f"data: {delta('one')}\n\ndata: {STOP}\n\ndata: [DONE]\n\n".encode()
    answer = Send(EVENT_STREAM + chunk(body) + chunk(b": bye\n\ndata: whatever\n\n") + LAST)
    with FaultServer([answer, Again()]) as server:
        assert two(call, server, "sse", "sse") == ["one", "one"]
        assert server.journal.opened == 1
