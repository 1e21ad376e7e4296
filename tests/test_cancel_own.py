"""Cancelling calls that go through a client of the caller's own: at once, and without a loss to that client's pool."""

from __future__ import annotations

import asyncio
import ssl
import time

import httpx
import pytest

from engine import AsyncClient
from engine.testing import FIN, FaultServer, Hello, Request, Send, Stall, Tls, whole
from tests.certificates import Authority
from tests.faults import fault
from tests.stormserver import others, settle, storm_catalog

KEY = {"guarded": {"key": "key-of-the-storm"}}
PROMPT = 2.0  # seconds; a twentieth of one is the rule, and the machine may be busy


@pytest.fixture
def catalog(tmp_path):
    return storm_catalog(tmp_path)


def pool_of(client: httpx.AsyncClient) -> str:
    transport = client._mounts.get(httpx._utils.URLPattern("all://")) or client._transport
    return repr(transport._pool)


async def cancelled(task: asyncio.Task[object]) -> float:
    """Cancel it; the seconds until it had ended."""
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


def one_connection(**options) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    return httpx.AsyncClient(limits=limits, trust_env=False, **options)


@fault(
    "Cancelling and leaving early",
    "a cancel while `httpx`, in a client of the caller's own, waits for one of its connections",
    "passed on at once; the pool goes on",
)
def test_a_cancel_in_the_queue_of_the_librarys_pool(catalog):
    async def run() -> None:
        with FaultServer([Stall()], [whole(b"one"), Request(), whole(b"two"), Request(), whole(b"two")]) as server:
            async with (
                one_connection() as own,
                AsyncClient(catalog, base_urls={"storm": server.url}, http_client=own) as client,
            ):
                start = others()
                holder = asyncio.ensure_future(client.chat("storm", "hi"))
                assert await asyncio.to_thread(server.wait_for, lambda journal: len(journal.requests) == 1)
                waiting = [asyncio.ensure_future(client.chat("storm", "hi")) for _ in range(5)]
                await asyncio.sleep(0.02)
                assert max([await cancelled(task) for task in waiting]) < PROMPT
                assert await cancelled(holder) < PROMPT
                assert await settle(lambda: others() == start)
                assert pool_of(own).endswith("[Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>")
                assert (await client.chat("storm", "hi")).text == "one"
                assert len(server.requests) == 2, "those who waited have sent nothing"
            assert await asyncio.to_thread(server.wait_for, lambda journal: journal.open == 0)

    asyncio.run(run())


def test_a_cancel_where_the_network_is_a_stand_in(catalog):
    """It tells no event, and has nothing to lose."""
    ended: list[str] = []

    asked = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return httpx.Response(200, text="late")

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as own:
            client = AsyncClient(catalog, http_client=own)
            start = others()
            task = asyncio.ensure_future(client.chat("storm", "hi"))
            await asked.wait()
            assert await cancelled(task) < PROMPT
            assert await settle(lambda: others() == start)

    asyncio.run(run())
    assert ended == ["cancelled"]


def test_a_cancel_while_a_proxy_is_asked(catalog, tmp_path):
    async def run() -> None:
        with FaultServer([Stall()], [Send(b"HTTP/1.1 200 OK\r\n\r\n"), Tls(context), Request(), whole(b"hi")]) as proxy:
            async with one_connection(proxy=proxy.url, verify=trusting) as own:
                client = AsyncClient(catalog, http_client=own)
                task = asyncio.ensure_future(client.chat("tls", "hi"))
                assert await asyncio.to_thread(proxy.wait_for, lambda journal: len(journal.requests) == 1)
                assert await cancelled(task) < PROMPT
                assert (await client.chat("tls", "hi")).text == "hi"

    authority = Authority(tmp_path)
    context = authority.server()
    trusting = ssl.create_default_context(cafile=authority.bundle)
    asyncio.run(run())


def test_a_deadline_in_the_handshake_leaves_no_connection(catalog):
    """httpcore forgets a connection whose handshake is cancelled; it would be open until the garbage is collected."""

    async def run() -> None:
        with FaultServer([Hello(), Stall()]) as server:
            async with one_connection() as own:
                url = server.url.replace("http:", "https:")
                client = AsyncClient(catalog, base_urls={"tls": url}, http_client=own)
                task = asyncio.ensure_future(client.chat("tls", "hi"))
                assert await asyncio.to_thread(server.wait_for, lambda journal: journal.opened == 1)
                await asyncio.sleep(0.05)
                assert await cancelled(task) < PROMPT
                assert await asyncio.to_thread(server.wait_for, lambda journal: journal.open == 0)

    asyncio.run(run())


def test_an_answer_that_was_read_gives_the_connection_back(catalog):
    async def run() -> None:
        with FaultServer([whole(b"one"), Request(), whole(b"two"), FIN()]) as server:
            async with one_connection() as own:
                client = AsyncClient(catalog, base_urls={"storm": server.url}, http_client=own)
                assert [(await client.chat("storm", "hi")).text for _ in range(2)] == ["one", "two"]
                assert server.journal.opened == 1

    asyncio.run(run())
