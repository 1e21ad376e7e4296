"""Load: many streams, slow readers, large messages and events, and few descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import engine.async_client
from engine import AsyncClient, Catalog, Client
from engine.errors import TransportError
from engine.events import TextDelta
from engine.rules import unwrap
from engine.testing import FIN, LAST, Again, FaultServer, Send, Stall, chunk, head, sse, whole
from tests.doors import KINDS, catalog_of, sse_file, text_file
from tests.faults import fault
from tests.faultserver import DONE, STOP, delta

LOAD = "Load"
EVENTS = head(kind="text/event-stream", transfer_encoding="chunked")
STREAMS = int(os.environ.get("WIREFILE_STREAMS", "60"))
"""How many streams at once: 1,000 by hand, and `-s` shows what they cost."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    large = "limits: {event_bytes: 16777216, body_bytes: 67108864}"
    whole_json = "response: {codec: json, rules: [{text: text}]}\nexamples:"
    other = text_file("whole", large).replace("response: {codec: text}\n", "").replace("examples:", whole_json)
    other = other.replace("reply: {text: hello}", "reply: {json: {text: hello}}")
    made = tmp_path_factory.mktemp("load")
    catalog_of(made, text_file("text"), sse_file("sse", large), other)
    return made


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Catalog:
    return Catalog(folder)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


# --- the event loop --------------------------------------------------------------------------------------------------


class Loop:
    """How long the loop's own thread worked at most between two of its turns, in seconds of that thread's CPU time.

    Not by the clock on the wall: that also counts what other processes do.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def __aenter__(self) -> Loop:
        self._task = asyncio.ensure_future(self._beat())
        await asyncio.sleep(0.01)
        self.longest = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.01)
        self._task.cancel()

    async def _beat(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.thread_time() - before)


def longest_turn(folder: Path, server: FaultServer, provider: str, messages: Any = "hi") -> float:
    """That of one call, for which the file is read first."""

    async def run() -> float:
        async with AsyncClient(Catalog(folder), base_urls={provider: server.url}) as client, Loop() as loop:
            assert (await client.chat(provider, messages)).text
        return loop.longest

    return asyncio.run(run())


NODES = json.dumps({"choices": [{"delta": {"content": "hi"}}], "x": [{"a": number} for number in range(500_000)]})
LONG = delta("дом " * 1_500_000)


@fault(
    LOAD,
    "a message of 10 MB, 10,000 messages, an event or a JSON answer of 8 MB, or a first call, which reads a file",
    "asyncio's loop works at most 50 ms at a time: the rest is done in a thread",
)
@pytest.mark.parametrize("what", ["ten megabytes", "ten thousand messages", "nodes", "text", "json"])
def test_the_event_loop_is_not_held_up(folder, what):
    messages: Any = "hi"
    provider, script = "sse", [sse(delta("hi"), STOP, DONE), Again()]
    if what == "ten megabytes":
        messages = 'д\n"' * 2_500_000
    elif what == "ten thousand messages":
        messages = [{"role": "user", "content": f"hello {number}"} for number in range(10_000)]
    elif what == "json":
        provider, script = "whole", [whole(f'{{"text": "x", "more": {NODES}}}'.encode(), kind="application/json")]
    else:
        script = [sse(NODES if what == "nodes" else LONG, STOP, DONE)]
    with FaultServer(script) as server:
        # A processor that two programs share is slow now and then: once in three times it is not.
        assert any(longest_turn(folder, server, provider, messages) < 0.05 for _ in range(3))


@fault(
    LOAD,
    "a message of 10 MB, 10,000 messages, an event or a JSON answer of 8 MB, or a first call, which reads a file",
    "asyncio's loop works at most 50 ms at a time: the rest is done in a thread",
)
def test_what_takes_long_is_done_in_another_thread(catalog, monkeypatch, tmp_path):
    did: dict[str, set[bool]] = {"make": set(), "read": set(), "load": set()}
    here = threading.get_ident()

    def noted(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            did[what].add(threading.get_ident() == here)
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(Catalog, "provider", noted("load", Catalog.provider))
    monkeypatch.setattr(engine.async_client.Caller, "exchange", noted("make", engine.async_client.Caller.exchange))
    monkeypatch.setattr(unwrap, "read_json", noted("read", unwrap.read_json))
    fresh = catalog_of(tmp_path, sse_file("sse"))

    async def run(server: FaultServer) -> None:
        async with AsyncClient(fresh, base_urls={"sse": server.url}) as client:
            await client.chat("sse", "hi")
            assert (did["load"], did["make"]) == ({False}, {False}), "the first call reads a file"
            did["make"].clear()
            await client.chat("sse", "hi")
            assert did["make"] == {True}, "a small call is not worth a thread"
            did["make"].clear()
            await client.chat("sse", "x" * 10_000_000)
            assert did["make"] == {False}

    with FaultServer([sse(delta("x" * 1_000_000), STOP, DONE), Again()]) as server:
        asyncio.run(run(server))
    assert did["read"] == {False}, "the large event is read aside; the small one is not read so"


@fault(
    LOAD,
    "an answer that arrives faster than it is read, as thousands of small events",
    "other tasks of the loop have their turns in between",
)
def test_other_tasks_have_their_turns_during_a_fast_answer(folder):
    body = b"".join(chunk(f"data: {delta('word ')}\n\n".encode()) for _ in range(3_000))
    script = [Send(EVENTS + body + chunk(f"data: {STOP}\n\ndata: [DONE]\n\n".encode()) + LAST)]
    with FaultServer(script) as server:
        assert longest_turn(folder, server, "sse") < 0.1


# --- slow readers ----------------------------------------------------------------------------------------------------

PIECE = 64 * 1024


def pour(listener: socket.socket, took: list[int]) -> None:
    """Send 64 MB of events, or as many as the network takes; `took` counts them."""
    event = chunk(b"data: " + delta("x" * 4000).encode() + b"\n\n")
    sock, _ = listener.accept()
    with sock, contextlib.suppress(OSError):
        sock.recv(65536)
        sock.settimeout(3)
        sock.sendall(EVENTS)
        for _ in range(16_000):
            sock.sendall(event)
            took[0] += len(event)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


@fault(
    LOAD,
    "a reader far slower than the server",
    "TCP slows the server down: less than 1 MB waits in the engine, and no deadline of the network runs meanwhile",
)
def test_a_slow_reader_slows_the_server_down(kind, catalog, listener):
    """The server would send 64 MB; it counts what the network took off its hands."""
    took, sizes = [0], []
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
    thread = threading.Thread(target=pour, args=(listener, took), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options: dict[str, Any] = {"base_urls": {"sse": url}, "timeout": {"idle": 0.2}}

    def looked_at() -> None:
        time.sleep(0.25)  # longer than that deadline
        sizes.append(took[0])

    if kind == "sync":
        with Client(catalog, **options) as client, client.stream("sse", "hi") as stream:
            for number, _ in enumerate(stream):
                if number in (0, 1):
                    looked_at()
                if number == 20:
                    break
    else:

        async def run() -> None:
            async with AsyncClient(catalog, **options) as client, client.stream("sse", "hi") as stream:
                number = 0
                async for _ in stream:
                    if number in (0, 1):
                        await asyncio.to_thread(looked_at)
                    number += 1
                    if number == 20:
                        break

        asyncio.run(run())
    thread.join(5)
    assert sizes[1] - sizes[0] < PIECE * 16, "what is not read is not taken from the network"
    assert took[0] < 16 * 1024 * 1024, "buffers of the kernel, and what the engine holds"


@fault(LOAD, "a stream of 10 MB whose events are read and let go", "memory grows by less than 8 MB")
def test_memory_does_not_grow_with_what_was_not_kept(kind, tmp_path):
    """Events that say nothing new (keepalives, empty deltas): the answer itself is kept, as it must be."""
    script = f"""
        import asyncio, json, resource, sys
        from engine import AsyncClient, Catalog, Client
        from engine.testing import *
        EMPTY = json.dumps({{"choices": [], "pad": "y" * 3000}})
        EVENT = chunk((": " + "x" * 1000 + "\\n\\ndata: " + EMPTY + "\\n\\n").encode())
        END = chunk(b"data: [DONE]\\n\\n") + LAST
        START = Send(head(kind="text/event-stream", transfer_encoding="chunked"))
        script = [START, *[Send(EVENT * 16)] * 155, Send(END)]
        def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        catalog = Catalog({str(tmp_path)!r})
        async def run(url):
            async with AsyncClient(catalog, base_urls={{"sse": url}}) as client:
                await client.chat("sse", "hi")
        def call(url):
            if {kind!r} == "async":
                asyncio.run(run(url))
            else:
                with Client(catalog, base_urls={{"sse": url}}) as client:
                    client.chat("sse", "hi")
        with FaultServer([script[0], script[1], script[-1]], script) as server:
            call(server.url)
            before = peak()
            call(server.url)
            print(peak() - before)
    """
    catalog_of(tmp_path, sse_file("sse"))
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8


# --- many ------------------------------------------------------------------------------------------------------------

SERVER = """
import asyncio, sys
HEAD = b"HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n"
def chunk(data): return b"%x\\r\\n%s\\r\\n" % (len(data), data)
EVENT = chunk(b'data: {"choices": [{"delta": {"content": "word "}}]}\\n\\n')
END = chunk(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\\n\\ndata: [DONE]\\n\\n') + b"0\\r\\n\\r\\n"
async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            # All of it: what is left unread when the server closes makes a reset of the end.
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0]))
            writer.write(HEAD)
            for _ in range(int(sys.argv[1])):
                writer.write(EVENT)
                await asyncio.sleep(0.02)
            writer.write(END)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@pytest.fixture
def busy_server() -> Iterator[str]:
    """A server in a process of its own, so that its work is not ours; it ends with its standard input."""
    command = [sys.executable, "-c", SERVER, "10"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@fault(LOAD, "1,000 streams at once through one client", "all end whole, also where they wait for a slot")
@pytest.mark.parametrize("slots", [20, 1000])
def test_many_streams_at_once(catalog, busy_server, slots):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))

    async def run() -> tuple[list[str], float]:
        async with (
            AsyncClient(catalog, base_urls={"sse": busy_server}, max_connections=slots) as client,
            Loop() as loop,
        ):

            async def one() -> str:
                async with client.stream("sse", "hi") as stream:
                    return "".join([event.text async for event in stream if isinstance(event, TextDelta)])

            return await asyncio.gather(*(one() for _ in range(STREAMS))), loop.longest

    before = time.monotonic()
    texts, longest = asyncio.run(run())
    assert texts == ["word " * 10] * STREAMS
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    wall = time.monotonic() - before
    print(
        f"{STREAMS} streams, {slots} slots: {wall:.1f} s, {rss} MB at most, longest turn {longest * 1000:.0f} ms of CPU"
    )


@fault(
    LOAD, "more calls than `max_connections`", "the others wait; after `timeout.pool` a `timeout` with the phase `pool`"
)
def test_waiting_for_a_slot_has_a_bound_and_words_of_its_own(kind, catalog):
    options: dict[str, Any] = {"max_connections": 1, "timeout": {"pool": 0.1}}
    with FaultServer([Send(EVENTS + chunk(f"data: {delta('one')}\n\n".encode())), Stall()]) as server:
        options["base_urls"] = {"sse": server.url}
        if kind == "sync":
            with Client(catalog, **options) as client, client.stream("sse", "hi") as stream:
                next(iter(stream))
                with pytest.raises(TransportError) as caught:
                    client.chat("sse", "hi")
        else:

            async def run() -> None:
                async with AsyncClient(catalog, **options) as client, client.stream("sse", "hi") as stream:
                    await anext(aiter(stream))
                    await client.chat("sse", "hi")

            with pytest.raises(TransportError) as caught:
                asyncio.run(run())
    assert (caught.value.kind, caught.value.phase) == ("timeout", "pool")
    assert "max_connections" in caught.value.message


@fault(LOAD, "64 threads with one `Client`", "all answers arrive, each whole")
def test_a_client_in_64_threads(catalog):
    with (
        FaultServer([sse(delta("one "), delta("two"), STOP, DONE), Again()]) as server,
        Client(catalog, base_urls={"sse": server.url}) as client,
        ThreadPoolExecutor(64) as threads,
    ):
        assert list(threads.map(lambda _: client.chat("sse", "hi").text, range(256))) == ["one two"] * 256
        assert len(server.requests) == 256
        assert server.journal.opened <= 64


# --- clients where they do not belong --------------------------------------------------------------------------------


@fault(
    LOAD, "a `Client` inside a running event loop, as in a notebook", "works; it holds up that loop, as any such call"
)
def test_a_sync_client_in_a_running_loop(catalog):
    async def run(client: Client) -> str:
        with client.stream("text", "hi") as stream:
            pieces = [event.text for event in stream if isinstance(event, TextDelta)]
        return "".join(pieces) + client.chat("text", "hi").text

    with FaultServer([whole(b"hello"), Again()]) as server, Client(catalog, base_urls={"text": server.url}) as client:
        assert asyncio.run(run(client)) == "hellohello"


@fault(LOAD, "a child forked from a process that has used a client", "its calls have connections of their own")
def test_a_client_after_a_fork(kind, tmp_path):
    """Parent and child would read each other's bytes from one connection."""
    script = f"""
        import asyncio, os, sys
        from engine import AsyncClient, Catalog, Client
        url, catalog = sys.argv[1], Catalog({str(tmp_path)!r})
        options = {{"base_urls": {{"text": url}}}}
        if {kind!r} == "sync":
            client = Client(catalog, **options)
            call = lambda: client.chat("text", "hi").text
        else:
            client = AsyncClient(catalog, **options)
            runner = asyncio.Runner()
            call = lambda: runner.run(client.chat("text", "hi")).text
        first = call()
        child = os.fork()
        if child == 0:
            if {kind!r} == "async":
                runner = asyncio.Runner()  # a loop is not used on both sides of a fork either
            print(sorted({{call() for _ in range(3)}}), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(sorted({{first, *(call() for _ in range(3))}}), flush=True)
    """
    catalog_of(tmp_path, text_file("text"))
    with FaultServer([whole(b"hello"), Again()]) as server:
        command = [sys.executable, "-c", textwrap.dedent(script), server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout.splitlines() == ["['hello']", "['hello']"], done.stderr
        assert server.journal.opened >= 2


@fault(LOAD, "no file descriptor is left (EMFILE)", "`TransportError`, kind `connect`; the next call works again")
def test_no_descriptor_is_left(kind, tmp_path):
    script = f"""
        import asyncio, os, resource, sys
        from engine import AsyncClient, Catalog, Client
        from engine.errors import EngineError
        options = {{"base_urls": {{"text": sys.argv[1]}}, "max_connections": 5}}
        def outcome(call):
            try:
                return call()
            except EngineError as error:
                return f"{{type(error).__name__}} {{error.kind}}"
        if {kind!r} == "sync":
            client = Client(Catalog({str(tmp_path)!r}), **options)
            call = lambda: client.chat("text", "hi").text
        else:
            client = AsyncClient(Catalog({str(tmp_path)!r}), **options)
            runner = asyncio.Runner()
            call = lambda: runner.run(client.chat("text", "hi")).text
        print(outcome(call))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        held = []
        try:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
        print(outcome(call), outcome(call))
        for one in held:
            os.close(one)
        print(outcome(call))
    """
    catalog_of(tmp_path, text_file("text", "retry: {max: 0}"))
    with FaultServer([whole(b"hello", connection="close"), FIN()]) as server:
        command = [sys.executable, "-c", textwrap.dedent(script), server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines() == ["hello", "TransportError connect TransportError connect", "hello"], done.stderr
