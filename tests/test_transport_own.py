"""Connections of our own, those of tasks and those of threads: how they come about, are shared, and end."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import select
import socket
import subprocess
import sys
import textwrap
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpcore
import httpx
import pytest

from engine import Client
from engine.errors import EngineError, ProviderError, TransportError
from engine.spec import Timeouts
from engine.testing import (
    FIN,
    LAST,
    Again,
    FaultServer,
    Hello,
    Pause,
    Request,
    Send,
    Stall,
    Step,
    Tls,
    chunk,
    head,
    whole,
)
from engine.transport import own, sync
from engine.transport.shelf import NEW_SECONDS, REST_SECONDS, Shelf
from engine.wire import Headers, WireRequest
from tests import test_faults_connections
from tests.conftest import environment
from tests.doors import KINDS, Door, catalog_of, text_file
from tests.faults import fault
from tests.stormserver import deaf_listener
from tests.test_request_cost import counted

PART = "Connections, TLS and proxies"
NAMED = "http://api.invalid"

authority, trusted = test_faults_connections.authority, test_faults_connections.trusted


@pytest.fixture(autouse=True)
def _are_used() -> None:
    if not own.is_there():
        pytest.skip("the tests are run with httpx's connections")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    catalog_of(tmp_path, text_file("text", "retry: {max: 0}"))
    return tmp_path


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@contextlib.contextmanager
def door(kind: str, folder: Path, url: str, **options: Any) -> Iterator[Door]:
    with Door(kind, catalog_of(folder), base_urls={"text": url}, **options) as made:
        yield made


def kind_of_error(door: Door, words: Any = "hi") -> tuple[str, str | None]:
    with pytest.raises(EngineError) as caught:
        door.chat("text", words)
    return caught.value.kind, getattr(caught.value, "phase", None)


# --- several addresses -----------------------------------------------------------------------------------------------


def leads_to(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """Every name has these addresses, which are tried soon one after the other."""
    ports = [int(url.rpartition(":")[2]) for url in urls]
    infos = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)
    for module in ("connect", "dial"):
        monkeypatch.setattr(f"engine.transport.{module}.NEXT_SECONDS", 0.02)


def nobody() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@fault(PART, "a host whose first address is silent or refuses", "its next one is used, after a quarter of a second")
def test_the_next_address_is_used(kind, folder, monkeypatch):
    with deaf_listener() as deaf, FaultServer([whole(b"hi"), Again()]) as server, door(kind, folder, NAMED) as client:
        leads_to(monkeypatch, deaf, nobody(), server.url)
        assert client.chat("text").text == "hi"
        assert server.journal.opened == 1


@fault(PART, "a host of which no address can be reached", "`TransportError` of kind `connect`")
def test_no_address_can_be_reached(kind, folder, monkeypatch):
    leads_to(monkeypatch, nobody(), nobody())
    with door(kind, folder, NAMED) as client, pytest.raises(TransportError, match="it refuses connections") as caught:
        client.chat("text")
    assert caught.value.kind == "connect"


def test_all_addresses_have_one_time(kind, folder, monkeypatch):
    began = time.monotonic()
    with deaf_listener() as deaf, door(kind, folder, NAMED, timeout={"connect": 0.1}) as client:
        leads_to(monkeypatch, deaf, deaf, deaf)
        assert kind_of_error(client) == ("timeout", "connect")
    assert time.monotonic() - began < 1


def test_a_wait_of_the_kernel_is_none_of_ours(kind, folder, monkeypatch):
    """Its ETIMEDOUT is a TimeoutError too; no deadline has passed."""

    def failing(*_: Any) -> Any:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")

    async def afailing(*_: Any) -> Any:
        failing()

    monkeypatch.setattr("engine.transport.blocking.connect", failing)
    monkeypatch.setattr("engine.transport.direct.dial", afailing)
    with door(kind, folder, "http://127.0.0.1:9") as client:
        assert kind_of_error(client) == ("connect", None)


# --- sending and receiving -------------------------------------------------------------------------------------------

LARGE = "x" * 8_000_000


@fault("HTTP framing", "an answer before all of a request was sent", "it is taken; the connection is not used again")
def test_an_answer_before_the_end_of_the_request(kind, folder):
    refused = whole(b'{"error": {"message": "too large"}}', 413, kind="application/json")
    with FaultServer([Hello(), refused, Pause()], [whole(b"two")]) as server, door(kind, folder, server.url) as client:
        with pytest.raises(ProviderError, match="too large"):
            client.chat("text", LARGE)
        assert client.chat("text").text == "two"
        assert server.journal.opened == 2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_much_is_sent_and_much_comes(kind, folder, trusted, tls):
    start: list[Step] = [Tls(trusted.server())] if tls else []
    answers = [Request(), whole(b"y" * 3_000_000), Request(), whole(b"two")]
    with FaultServer([*start, *answers]) as server:
        url = server.url.replace("http:", "https:") if tls else server.url
        with door(kind, folder, url) as client:
            assert client.chat("text", LARGE).text == "y" * 3_000_000
            assert client.chat("text").text == "two"
        assert LARGE.encode() in server.requests[0].body
        assert server.journal.opened == 1


def test_they_wait_where_there_is_no_poll(kind, folder, monkeypatch):
    monkeypatch.delattr(select, "poll")
    with FaultServer([whole(b"hi"), Again()]) as server, door(kind, folder, server.url) as client:
        assert [client.chat("text", words).text for words in ("hi", LARGE)] == ["hi", "hi"]
        assert server.journal.opened == 1


def test_what_was_asked_is_logged_without_its_key(kind, folder, caplog):
    key = "secrets: {k: {env: [TEXT_KEY]}}\nauth: {type: query, name: key, secret: k}"
    catalog_of(folder, text_file("text", key))
    caplog.set_level(logging.INFO, "engine")
    with FaultServer([whole(b"hi", 201)]) as server, door(kind, folder, server.url) as client:
        options = {"secrets": {"text": {"k": "sk-of-a-test"}}}
        assert client.chat("text", options=options).text == "hi"
    (record,) = caplog.records
    assert record.name == "engine.transport"
    assert record.getMessage().startswith(f"HTTP Request: POST {server.url}/chat?key=")
    assert record.getMessage().endswith(' "201"')
    assert "sk-of-a-test" not in record.getMessage()


# --- ends ------------------------------------------------------------------------------------------------------------

READING = {
    "before the head": [Stall()],
    "in the body": [Send(head(transfer_encoding="chunked") + chunk(b"one")), Stall()],
    "in a body that ends with its connection": [Send(head() + b"one"), Stall()],
    "in a TLS handshake": [Hello(), Stall()],
    "while it sends": [Hello(), Stall()],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault("Cancelling and leaving early", what, "`TransportError`, kind `lost`, at once"))
        for name, what in ((name, f"a `Client` that another thread closes {name}") for name in READING)
    ],
)
def test_another_thread_closes_the_client(name, folder):
    with FaultServer(READING[name]) as server, ThreadPoolExecutor(1) as threads:
        url = server.url.replace("http:", "https:") if "TLS" in name else server.url
        client = Client(catalog_of(folder), base_urls={"text": url})
        asked: Future[Any] = threads.submit(client.chat, "text", LARGE if "sends" in name else "hi")
        assert server.wait_for(lambda journal: journal.opened == 1)
        time.sleep(0.05)
        client.close()
        with pytest.raises(TransportError) as caught:
            asked.result(2)
        assert caught.value.kind == "lost"
        assert caught.value.partial is not None
        assert caught.value.partial.text == ("one" if "body" in name else "")
        assert server.wait_for(lambda journal: journal.open == 0)


def test_a_stream_that_is_open_is_closed_with_its_client(folder):
    with FaultServer([Send(head(transfer_encoding="chunked") + chunk(b"one")), Stall()]) as server:
        client = Client(catalog_of(folder), base_urls={"text": server.url})
        with client.stream("text", "hi") as stream:
            assert next(iter(stream)).text == "one"
            client.close()
            assert server.wait_for(lambda journal: journal.open == 0)


def test_one_that_the_server_has_closed_is_closed_and_another_one_opened(kind, folder):
    with FaultServer([whole(b"one"), FIN()], [whole(b"two")]) as server, door(kind, folder, server.url) as client:
        assert client.chat("text").text == "one"
        time.sleep(0.02)
        assert client.chat("text").text == "two"
        assert server.wait_for(lambda journal: (journal.opened, journal.open) == (2, 1))


def test_nothing_is_kept_behind_the_end_of_a_client():
    lines = sync.Lines(None, 1)
    lines.close()
    with FaultServer([whole(b"hi")]) as server:
        body = lines.open(WireRequest("GET", server.url, Headers()), Timeouts(5, 5, 5, 5, 5), 5)
        assert [body.read(5), body.read(5)] == [b"hi", None]
        body.close()
        assert server.wait_for(lambda journal: (journal.opened, journal.open) == (1, 0))


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long those that were taken have rested."""
    rested: list[float] = []

    def rest(*args: Any, **kwargs: Any) -> float:
        left = ruled(*args, **kwargs)
        rested.extend([left] if left else [])
        return left

    ruled = Shelf.rest
    monkeypatch.setattr(Shelf, "rest", rest)
    return rested


def test_one_that_was_just_given_back_rests_beside_other_calls(folder, rests):
    piece = [Send(head(transfer_encoding="chunked") + chunk(b"one")), Stall()]
    with FaultServer(piece, [whole(b"hi"), Again()]) as server:
        with Client(catalog_of(folder), base_urls={"text": server.url}) as client:
            with client.stream("text", "hi") as stream:
                assert next(iter(stream)).text == "one"
                assert [client.chat("text", "hi").text for _ in range(2)] == ["hi", "hi"]
                assert 0 < max(rests) <= REST_SECONDS
                rests.clear()
            assert client.chat("text", "hi").text == "hi"
            assert not rests
        assert server.journal.opened == 2


STREAMED = Send(head(transfer_encoding="chunked") + chunk(b"one") + LAST)


def test_one_that_is_closed_behind_a_stream_without_a_word_is_not_used_again(kind, folder):
    steps = [STREAMED, Pause(0.005), FIN()]
    with FaultServer(steps, [whole(b"two")]) as server, door(kind, folder, server.url) as client:
        assert client.chat("text").text == "one"
        assert client.chat("text").text == "two"


def test_one_that_has_outlasted_a_stream_is_used_at_once_from_then_on(kind, folder, rests):
    with FaultServer([STREAMED, Again()]) as server, door(kind, folder, server.url) as client:
        assert [client.chat("text").text for _ in range(2)] == ["one", "one"]
        assert REST_SECONDS < max(rests) <= NEW_SECONDS
        rests.clear()
        assert client.chat("text").text == "one"
        assert not rests
        assert server.journal.opened == 1


# --- what is kept ----------------------------------------------------------------------------------------------------


def lines(*numbers: float) -> list[Any]:
    return [SimpleNamespace(number=number, kept_at=0.0) for number in numbers]


def test_the_one_used_last_is_taken_first():
    kept: Shelf[Any] = Shelf(5)
    one, two, other = lines(1, 2, 3)
    for origin, line in (("a", one), ("a", two), ("b", other)):
        kept.put(origin, line)
    assert [kept.take("a"), kept.take("a", int), kept.take("a"), kept.take("a")] == [two, None, one, None]
    assert list(kept) == [other]
    assert (kept.all(), len(kept)) == ([other], 0)


def test_few_are_kept_and_not_for_long():
    kept: Shelf[Any] = Shelf(2)
    one, two, three = lines(1, 2, 3)
    for line in (one, two, three):
        kept.put("a", line)
    assert list(kept.stale()) == [one]
    two.kept_at -= Shelf.IDLE_SECONDS
    assert list(kept.stale()) == [two]
    assert list(kept.stale()) == []


# --- where they are used ---------------------------------------------------------------------------------------------


def test_an_odd_url_is_left_to_the_library(folder):
    with FaultServer([whole(b"hi"), Again()]) as server:
        url = server.url.replace("127.0.0.1", "LOCALHOST")
        with Client(catalog_of(folder), base_urls={"text": url}) as client:
            assert client.chat("text", "hi").text == "hi"
            assert client._lines is not None
            assert client._lines._pool is not None
            assert not client._lines._open


def test_a_plain_url_needs_no_library(folder):
    code = f"""
        import sys
        from engine import Catalog, Client
        print(Client(Catalog({str(folder)!r}), base_urls={{"text": sys.argv[1]}}).chat("text", "hi").text)
        print({{"httpx", "asyncio", "ssl"}} & set(sys.modules))
    """
    with FaultServer([whole(b"hi", connection="close")]) as server:
        command = [sys.executable, "-c", textwrap.dedent(code), server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.split() == ["hi", "set()"]


class Observer:
    """What observes a method from around it: no function, and like one in all that can be asked of it."""

    def __init__(self, around: Any, urls: list[str]) -> None:
        self._around = around
        self._urls = urls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._around, name)

    def __get__(self, it: Any, kind: type) -> Any:
        return self if it is None else partial(self, it)

    def __call__(self, it: Any, request: httpx.Request) -> Any:
        self._urls.append(str(request.url))
        return self._around(it, request)


@pytest.mark.parametrize("of", [(httpx, "HTTPTransport"), (httpcore, "ConnectionPool")], ids=["httpx", "httpcore"])
def test_what_observes_the_librarys_network_sees_each_request(kind, folder, monkeypatch, of):
    urls: list[str] = []
    room, name = of
    owner = getattr(room, name if kind == "sync" else f"Async{name}")
    method = "handle_request" if kind == "sync" else "handle_async_request"
    with FaultServer([whole(b"hi"), Again()]) as server, door(kind, folder, server.url) as client:
        assert client.chat("text").text == "hi"
        monkeypatch.setattr(owner, method, Observer(getattr(owner, method), urls))
        assert client.chat("text").text == "hi"
        assert len(urls) == 1
        monkeypatch.undo()
        assert client.chat("text").text == "hi"
        assert len(urls) == 1


def test_what_stood_in_for_the_librarys_network_is_not_kept(monkeypatch):
    """A stand-in may hold what it was asked, credentials too."""

    def stand_in(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", stand_in)
    assert not own.is_there()
    monkeypatch.undo()
    left = weakref.ref(stand_in)
    del stand_in
    gc.collect()
    assert own.is_there()
    assert left() is None


MOST_OF_A_CALL = 560
"""Calls of functions of one call of a thread, the network's too: what was counted when this was written, and a few."""


def test_a_call_of_a_thread_takes_few_calls(folder):
    with FaultServer([whole(b"hi"), Again()]) as server, door("sync", folder, server.url) as client:
        assert counted(lambda: client.chat("text")) <= MOST_OF_A_CALL
