"""Cancelling calls at any moment: no slot, connection, task or request record is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections import Counter
from contextlib import asynccontextmanager, suppress

import pytest

from engine import AsyncClient, Catalog, EngineError
from engine.events import TextDelta

PLAIN = """
spec_version: 1
name: storm
url: http://127.0.0.1
path: /chat
payload: {messages: "{{ messages }}"}
response: {codec: text}
retry: {max: 0}
examples:
  - {name: plain, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
"""
CANCELS = int(os.environ.get("WIREFILE_STORM", "3000"))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"


class StormServer:
    """An HTTP server on the test's own loop whose answers stall in every phase; it counts what is open."""

    def __init__(self) -> None:
        self.open = 0
        self.opened = 0
        self.calm = False
        self.url = ""
        self._random = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> StormServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        self.opened += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    await self._answer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        await self._pause(reader)
        writer.write(HEAD)
        for _ in range(3):
            await self._pause(reader)
            writer.write(b"5\r\nhello\r\n")
        await self._pause(reader)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _pause(self, reader: asyncio.StreamReader) -> None:
        """Wait a little, or for good: until the client goes."""
        luck = self._random.random()
        if self.calm or luck < 0.4:
            return
        if luck < 0.9:
            await asyncio.sleep(luck * 0.004)
            return
        if not await reader.read(1):
            raise asyncio.IncompleteReadError(b"", 1)


@asynccontextmanager
async def storm_client(tmp_path, server, **options):
    (tmp_path / "storm.yaml").write_text(PLAIN)
    async with AsyncClient(Catalog(tmp_path), base_urls={"storm": server.url}, **options) as client:
        yield client


async def settle(condition) -> bool:
    for _ in range(400):
        if condition():
            return True
        await asyncio.sleep(0.005)
    return condition()


def others() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def one_call(client: AsyncClient, luck: random.Random) -> str:
    if luck.random() < 0.5:
        await client.chat("storm", "hi")
        return "done"
    async with client.stream("storm", "hi") as stream:
        async for _ in stream:
            if luck.random() < 0.2:
                return "left"
    return "done"


async def cancelled_at_random(client: AsyncClient, luck: random.Random) -> str:
    task = asyncio.ensure_future(one_call(client, luck))
    phase = luck.random()
    if phase < 0.5:
        for _ in range(luck.randrange(40)):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(luck.random() * 0.012)
    if task.done():
        return "ended before"
    task.cancel()
    for _ in range(luck.choice([0, 0, 0, 1, 1, 2])):
        for _ in range(luck.randrange(4)):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return "cancelled"
    except EngineError as error:
        return f"error {error.kind}"


def test_a_storm_of_cancels_leaves_nothing_behind(tmp_path):
    """The pool of httpx 0.28 alone loses connections here within some hundred cancels (encode/httpcore#1093)."""

    async def storm() -> Counter[str]:
        luck = random.Random(11)
        outcomes: Counter[str] = Counter()
        async with StormServer() as server, storm_client(tmp_path, server, max_connections=5) as client:
            start = others()
            while outcomes["cancelled"] < CANCELS:
                outcomes.update(await asyncio.gather(*(cancelled_at_random(client, luck) for _ in range(50))))
            assert await settle(lambda: others() - start == server._tasks - start)
            idle = server.open
            assert idle <= 5, f"{idle} connections are open, nobody uses them"
            server.calm = True
            answers = await asyncio.gather(*(client.chat("storm", "hi") for _ in range(20)))
            assert [answer.text for answer in answers] == ["hello" * 3] * 20
            assert client._slots._value == 5
            assert server.open <= 5
            lines = client._lines
            assert {line for _, _, line in lines._idle} == lines._open, "a connection is neither used nor kept"
            pools = [repr(line.client._transport._pool) for line in lines._open]
            assert all("Requests: 0 active, 0 queued | Connections: 0 active" in pool for pool in pools), pools
            await client.aclose()
            assert await settle(lambda: server.open == 0), f"{server.open} connections were never closed"
            assert await settle(lambda: others() == start)
            return outcomes

    outcomes = asyncio.run(storm())
    gc.collect()
    if CANCELS > 10_000:
        print(dict(outcomes))
    assert outcomes["cancelled"] >= CANCELS
    assert not [name for name in outcomes if name.startswith("error")], outcomes


# --- one at a time ---------------------------------------------------------------------------------------------------


class ScriptServer(StormServer):
    """The same, but every answer stalls in one place: before its head, before its body, or in its middle."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.arrived = asyncio.Event()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self.place != "head":
            writer.write(HEAD)
        if self.place == "middle":
            writer.write(b"5\r\nhello\r\n")
        await asyncio.sleep(0.01)
        self.arrived.set()
        while await reader.read(65536):
            pass
        raise asyncio.IncompleteReadError(b"", 1)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("place", ["head", "body", "middle"])
def test_a_cancel_closes_the_connection_and_passes_unchanged(tmp_path, place, times):
    async def run() -> None:
        async with ScriptServer(place) as server, storm_client(tmp_path, server, max_connections=1) as client:
            start = others()
            task = asyncio.ensure_future(client.chat("storm", "hi"))
            await server.arrived.wait()
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await settle(lambda: server.open == 0)
            assert await settle(lambda: others() == start)
            assert client._slots._value == 1

    asyncio.run(run())


def test_a_cancel_while_waiting_for_a_slot_takes_none(tmp_path):
    async def run() -> None:
        async with ScriptServer("head") as server, storm_client(tmp_path, server, max_connections=1) as client:
            holder = asyncio.ensure_future(client.chat("storm", "hi"))
            await server.arrived.wait()
            waiting = [asyncio.ensure_future(client.chat("storm", "hi")) for _ in range(5)]
            await asyncio.sleep(0)
            for task in (*waiting, holder):
                task.cancel()
            outcomes = await asyncio.gather(*waiting, holder, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
            assert client._slots._value == 1
            assert server.opened == 1

    asyncio.run(run())


def test_a_cancel_during_a_back_off_ends_at_once(tmp_path):
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()
        refused.set()

    async def run() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        (tmp_path / "storm.yaml").write_text(PLAIN.replace("retry: {max: 0}", "retry: {max: 2}"))
        async with server, AsyncClient(Catalog(tmp_path), base_urls={"storm": url}) as client:
            task = asyncio.ensure_future(client.chat("storm", "hi"))
            await refused.wait()
            await asyncio.sleep(0.05)
            before = asyncio.get_running_loop().time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.get_running_loop().time() - before < 0.05

    refused = asyncio.Event()
    asyncio.run(run())


def test_leaving_early_waits_until_the_connection_is_closed(tmp_path):
    async def run() -> None:
        async with ScriptServer("middle") as server, storm_client(tmp_path, server) as client:
            start = others()
            for _ in range(20):
                async with client.stream("storm", "hi") as stream:
                    async for event in stream:
                        assert event == TextDelta("hello")
                        break
                assert stream.partial.text == "hello"
                assert not client._lines._open
                assert not client._lines._closing
            assert await settle(lambda: server.open == 0)
            assert await settle(lambda: others() == start)
            assert server.opened == 20

    asyncio.run(run())


def test_a_timeout_of_the_caller_is_his_own(tmp_path):
    async def run() -> None:
        async with ScriptServer("body") as server, storm_client(tmp_path, server, max_connections=1) as client:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await client.chat("storm", "hi")
            assert await settle(lambda: server.open == 0)

    asyncio.run(run())


def test_aclose_during_a_storm_closes_everything(tmp_path):
    async def run() -> None:
        async with StormServer() as server, storm_client(tmp_path, server, max_connections=5) as client:
            start = others()
            luck = random.Random(3)
            tasks = [asyncio.ensure_future(one_call(client, luck)) for _ in range(40)]
            await asyncio.sleep(0.02)
            await client.aclose()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            known = (str, EngineError, asyncio.CancelledError)
            assert all(isinstance(outcome, known) for outcome in outcomes), outcomes
            assert await settle(lambda: server.open == 0)
            assert await settle(lambda: others() == start)

    asyncio.run(run())
