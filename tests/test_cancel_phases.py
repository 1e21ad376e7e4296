"""A call that is cancelled, or interrupted by Ctrl-C, in each of its phases: at once, unchanged, and nothing is left.

The same phases for tasks (once, twice, three times; our connections, and a client of the caller's own) and for threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from engine import AsyncClient, Catalog, Client
from engine.testing import FaultServer, Hello, Pause, Request, Send, Stall, Step, chunk, chunked, head, whole
from tests.faults import fault
from tests.stormserver import deaf_listener, descriptors, others, settle, storm_catalog

PART = "Cancelling and leaving early"
PROMISE = "the cancel passes on unchanged and at once; the connection is closed, the client goes on"
PROMPT = 2.0  # seconds; a hundredth of one is the rule, and the machine may be busy
LARGE = "x" * 8_000_000
JOB = b'{"id": "1", "access_token": "token-1", "expires_in": 3600}'
BODY = head(transfer_encoding="chunked") + chunk(b"one")


@dataclass(frozen=True)
class Phase:
    """How a call gets into it. The script's last connection serves the call after it."""

    first: Sequence[Step]
    requests: int = 1  # that have come when the phase is reached
    connections: int = 1
    provider: str = "storm"
    says: str = "hi"
    then: Sequence[Step] = (whole(b"fine"),)

    def is_reached(self, server: FaultServer) -> bool:
        """Whether a call is there, or on the last step to it."""
        enough = self.requests, self.connections
        return server.wait_for(lambda journal: (len(journal.requests), journal.opened) >= enough, 5)


PHASES = {
    "in a TLS handshake": Phase([Hello(), Stall()], 0, provider="tls", then=[Hello(), Stall()]),
    "while a large body is sent": Phase([Hello(), Pause()], 0, says=LARGE),
    "before the head": Phase([Stall()]),
    "in the head": Phase([Send(BODY[:20]), Stall()]),
    "before the body": Phase([Send(head(transfer_encoding="chunked")), Stall()]),
    "in the body": Phase([Send(BODY), Stall()]),
    "in the words of a refusal": Phase([Send(head(401, content_length="99") + b"who are"), Stall()]),
    "in a back-off": Phase([whole(b"busy", 503, retry_after="20"), Request(), whole(b"fine")], provider="refusing"),
    "in an earlier step": Phase([Stall()], provider="job", then=[whole(JOB), Request(), whole(b"fine")]),
    "while a token is fetched": Phase([Stall()], provider="guarded", then=[whole(JOB), Request(), whole(b"fine")]),
}


def phases(only: Callable[[str], bool] = lambda name: True) -> list[Any]:
    rows = ((name, fault(PART, f"a cancel or Ctrl-C {name}", PROMISE)) for name in PHASES if only(name))
    return [pytest.param(name, marks=mark, id=name) for name, mark in rows]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Catalog:
    return storm_catalog(tmp_path_factory.mktemp("phases"), refusing="retry: {max: 2, max_wait: 60}")


def options(server: FaultServer, *, refusing: str | None = None, **more: Any) -> dict[str, Any]:
    """What a client is made with; `refusing` is that provider's URL where it is another server's."""
    urls = dict.fromkeys(("storm", "job", "guarded"), server.url) | {"refusing": refusing or server.url}
    urls["tls"] = server.url.replace("http:", "https:")
    secrets = {"guarded": {"key": "key-of-the-storm"}}
    return {"base_urls": urls, "secrets": secrets, "max_connections": 1, **more}


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No file, socket or thread more than before, and no warning of one that was never closed."""
    gc.collect()
    before = descriptors(), threading.active_count()
    yield
    gc.collect()
    assert (descriptors(), threading.active_count()) == before


# --- tasks ---


@contextlib.asynccontextmanager
async def clients(catalog: Catalog, server: FaultServer, is_own: bool, **more: Any):
    async with contextlib.AsyncExitStack() as stack:
        own = None
        if is_own:
            limits = httpx.Limits(max_connections=1)
            own = await stack.enter_async_context(httpx.AsyncClient(limits=limits, trust_env=False))
        yield await stack.enter_async_context(AsyncClient(catalog, **options(server, http_client=own, **more)))


async def cancelled(task: asyncio.Task[Any], times: int = 1) -> None:
    """Cancel it so often; it ends at once and in no other way."""
    began = time.monotonic()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < PROMPT


@pytest.mark.parametrize(
    ("is_own", "times"),
    [(False, 1), (False, 2), (False, 3), (True, 1), (True, 3)]
    if os.environ.get("WIREFILE_STORM")
    else [(False, 1), (True, 3)],
)
@pytest.mark.parametrize("name", phases())
def test_a_task_is_cancelled(catalog, name, is_own, times):
    phase = PHASES[name]

    async def run(server: FaultServer) -> None:
        async with clients(catalog, server, is_own) as client:
            start = others()
            task = asyncio.ensure_future(client.chat(phase.provider, phase.says))
            assert await asyncio.to_thread(phase.is_reached, server)
            await asyncio.sleep(0.02)
            await cancelled(task, times)
            server.release()
            assert client._slots._value == 1
            assert await settle(lambda: others() == start)
            assert await asyncio.to_thread(server.wait_for, lambda journal: journal.open == (name == "in a back-off"))
            if name != "in a TLS handshake":
                assert (await asyncio.wait_for(client.chat(phase.provider, "hi"), 5)).text.startswith("fine")

    with FaultServer(phase.first, phase.then) as server:
        run_async(run(server))


def run_async(work: Any) -> None:
    """Run it, and end the threads of its loop."""
    with asyncio.Runner() as runner:
        runner.run(work)


@fault(PART, "a cancel while a call waits for a connection slot", "passed on unchanged; nothing was sent")
@pytest.mark.parametrize("is_own", [False, True])
def test_a_task_is_cancelled_while_it_waits_for_a_slot(catalog, is_own):
    async def run(server: FaultServer) -> None:
        async with clients(catalog, server, is_own) as client:
            async with client.stream("storm", "hi") as stream:
                await anext(aiter(stream))
                waiting = asyncio.ensure_future(client.chat("storm", "hi"))
                await asyncio.sleep(0.02)
                await cancelled(waiting, 2)
            assert client._slots._value == 1
            assert (await client.chat("storm", "hi")).text == "fine"
            assert len(server.requests) == 2

    with FaultServer([Send(BODY), Stall()], [whole(b"fine")]) as server:
        run_async(run(server))


@fault(PART, "a cancel while a server does not accept the connection", PROMISE)
@pytest.mark.parametrize("is_own", [False, True])
def test_a_task_is_cancelled_while_it_connects(catalog, is_own):
    async def run(server: FaultServer) -> None:
        with deaf_listener() as url:
            async with clients(catalog, server, is_own, refusing=url) as client:
                start = others()
                task = asyncio.ensure_future(client.chat("refusing", "hi"))
                await asyncio.sleep(0.1)
                await cancelled(task, 2)
                assert await settle(lambda: others() == start)
                assert (await client.chat("storm", "hi")).text == "fine"

    with FaultServer([whole(b"fine")]) as server:
        run_async(run(server))


@fault(PART, "a cancel before a call has begun", "passed on unchanged; nothing was sent")
def test_a_task_is_cancelled_before_it_begins(catalog):
    async def run(server: FaultServer) -> None:
        async with clients(catalog, server, False) as client:
            for turns in range(3):
                task = asyncio.ensure_future(client.chat("storm", LARGE))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await cancelled(task)
            assert (await client.chat("storm", "hi")).text == "fine"
            assert client._slots._value == 1

    with FaultServer([whole(b"fine")]) as server:
        run_async(run(server))
        assert len(server.requests) == 1


@fault(PART, "a cancel while a stream is entered or left", "passed on unchanged; the connection is closed")
@pytest.mark.parametrize("is_own", [False, True])
def test_a_task_is_cancelled_while_it_leaves_a_stream(catalog, is_own):
    """At every turn of the loop that leaving takes, and once more at the next one."""

    async def leave(client: AsyncClient, leaving: asyncio.Event) -> None:
        async with client.stream("storm", "hi") as stream:
            await anext(aiter(stream))
            leaving.set()

    async def run(server: FaultServer) -> None:
        async with clients(catalog, server, is_own) as client:
            start = others()
            for turns in range(8):
                leaving = asyncio.Event()
                task = asyncio.ensure_future(leave(client, leaving))
                await leaving.wait()
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert client._slots._value == 1
            assert await settle(lambda: others() == start)
            assert await asyncio.to_thread(server.wait_for, lambda journal: journal.open == 0)

    with FaultServer([Send(BODY), Stall()]) as server:
        run_async(run(server))


@fault(PART, "a cancel of the one call that fetches a token for several", "the others fetch it and go on")
@pytest.mark.parametrize("is_own", [False, True])
def test_the_task_that_fetches_a_token_is_cancelled(catalog, is_own):
    script = [[Stall()], [whole(JOB), *[Request(), whole(b"fine")] * 4]]

    async def run(server: FaultServer) -> None:
        async with clients(catalog, server, is_own, max_connections=5) as client:
            start = others()
            tasks = [asyncio.ensure_future(client.chat("guarded", "hi"))]  # the one that fetches it
            assert await asyncio.to_thread(server.wait_for, lambda journal: len(journal.requests) == 1)
            tasks += [asyncio.ensure_future(client.chat("guarded", "hi")) for _ in range(3)]
            await asyncio.sleep(0.02)
            await cancelled(tasks[0], 2)
            await cancelled(tasks[2])
            answers = await asyncio.wait_for(asyncio.gather(tasks[1], tasks[3]), 5)
            assert [answer.text for answer in answers] == ["fine", "fine"]
            assert client._slots._value == 5
            assert await settle(lambda: others() == start)

    with FaultServer(*script, [whole(b"fine"), Request(), whole(b"fine")]) as server:
        run_async(run(server))
        assert [request.line for request in server.requests].count("POST /token HTTP/1.1") == 2


# --- threads ---


@contextlib.contextmanager
def interrupted(is_reached: Callable[[], bool]) -> Iterator[None]:
    """Ctrl-C in this thread, once that says so; KeyboardInterrupt leaves the block soon after."""
    at: list[float] = []

    def press() -> None:
        is_reached()
        time.sleep(0.05)
        at.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            yield
        assert time.monotonic() - at[0] < PROMPT
    finally:
        thread.join()
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("name", phases())
def test_a_thread_is_interrupted(catalog, name):
    phase = PHASES[name]
    with FaultServer(phase.first, phase.then) as server, Client(catalog, **options(server)) as client:
        with interrupted(lambda: phase.is_reached(server)):
            client.chat(phase.provider, phase.says)
        server.release()
        assert server.wait_for(lambda journal: journal.open == (name == "in a back-off"))
        assert client._slots._value == 1
        if name != "in a TLS handshake":
            assert client.chat(phase.provider, "hi").text.startswith("fine")


def test_a_thread_is_interrupted_while_it_waits_for_a_slot(catalog):
    with FaultServer([Send(BODY), Stall()], [whole(b"fine")]) as server, Client(catalog, **options(server)) as client:
        with client.stream("storm", "hi") as stream:
            next(iter(stream))
            with interrupted(lambda: True):
                client.chat("storm", "hi")
        assert client._slots._value == 1
        assert client.chat("storm", "hi").text == "fine"


# Python's own create_connection leaves its socket to the garbage collector, which says so, and closes it at once.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_thread_is_interrupted_while_it_connects(catalog):
    with (
        deaf_listener() as url,
        FaultServer([whole(b"fine")]) as server,
        Client(catalog, **options(server, refusing=url)) as client,
    ):
        with interrupted(lambda: True):
            client.chat("refusing", "hi")
        assert client._slots._value == 1
        assert client.chat("storm", "hi").text == "fine"


@fault(PART, "Ctrl-C while an unfinished job is taken back", "passed on; the connection slot is free again")
def test_a_thread_is_interrupted_while_it_takes_a_job_back(catalog):
    script = [[whole(JOB), Request(), Send(BODY), Stall()], [Stall()], [whole(JOB), Request(), chunked(b"fine")]]
    with FaultServer(*script) as server, Client(catalog, **options(server)) as client:
        reached = interrupted(lambda: server.wait_for(lambda journal: len(journal.requests) == 3))
        with reached, client.stream("job", "hi") as stream:
            next(iter(stream))
        assert server.requests[2].line == "DELETE /begin/1 HTTP/1.1"
        assert client._slots._value == 1
        assert server.wait_for(lambda journal: journal.open == 0)
        assert client.chat("job", "hi").text == "fine"


@fault(PART, "Ctrl-C while a template is rendered", "passed on; nothing was sent")
def test_a_thread_is_interrupted_while_it_renders(catalog, monkeypatch):
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with FaultServer([whole(b"fine")]) as server, Client(catalog, **options(server)) as client:
        with monkeypatch.context() as patch:
            patch.setattr("engine.provider.Provider.call", press)
            with pytest.raises(KeyboardInterrupt):
                client.chat("storm", "hi")
        assert client._slots._value == 1
        assert client.chat("storm", "hi").text == "fine"
        assert len(server.requests) == 1


def test_a_thread_is_interrupted_in_the_body_of_with(catalog):
    with FaultServer([Send(BODY), Stall()], [whole(b"fine")]) as server, Client(catalog, **options(server)) as client:
        reached = interrupted(lambda: server.wait_for(lambda journal: len(journal.requests) == 1))
        with reached, client.stream("storm", "hi") as stream:
            next(iter(stream))
            time.sleep(5)
        assert server.wait_for(lambda journal: journal.open == 0)
        assert client.chat("storm", "hi").text == "fine"
