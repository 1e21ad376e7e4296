"""Cancelling calls one at a time: no slot, connection or task is left behind, and the cancel passes unchanged."""

from __future__ import annotations

import asyncio

import pytest

from engine import AsyncClient, EngineError
from engine.events import TextDelta
from engine.messages import ChatResponse
from tests.stormserver import HEAD, StormServer, others, settle, storm_catalog, storm_client


@pytest.fixture
def catalog(tmp_path):
    return storm_catalog(tmp_path)


class ScriptServer(StormServer):
    """A server whose answers all stall in one place: before its head, before its body, or in its middle."""

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
def test_a_cancel_closes_the_connection_and_passes_unchanged(catalog, place, times):
    async def run() -> None:
        async with ScriptServer(place) as server, storm_client(catalog, server, max_connections=1) as client:
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


def test_a_cancel_while_waiting_for_a_slot_takes_none(catalog):
    async def run() -> None:
        async with ScriptServer("head") as server, storm_client(catalog, server, max_connections=1) as client:
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
    patient = storm_catalog(tmp_path, storm="retry: {max: 2}")

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()
        refused.set()

    async def run() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, AsyncClient(patient, base_urls={"storm": url}) as client:
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


def test_leaving_early_waits_until_the_connection_is_closed(catalog):
    async def run() -> None:
        async with ScriptServer("middle") as server, storm_client(catalog, server) as client:
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


def test_a_timeout_of_the_caller_is_his_own(catalog):
    async def run() -> None:
        async with ScriptServer("body") as server, storm_client(catalog, server, max_connections=1) as client:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await client.chat("storm", "hi")
            assert await settle(lambda: server.open == 0)

    asyncio.run(run())


def test_aclose_during_a_storm_closes_everything(catalog):
    async def run() -> None:
        async with StormServer() as server, storm_client(catalog, server, max_connections=5) as client:
            start = others()
            tasks = [asyncio.ensure_future(client.chat("storm", "hi")) for _ in range(40)]
            await asyncio.sleep(0.02)
            await client.aclose()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            known = (ChatResponse, EngineError, asyncio.CancelledError)
            assert all(isinstance(outcome, known) for outcome in outcomes), outcomes
            assert await settle(lambda: server.open == 0)
            assert await settle(lambda: others() == start)

    asyncio.run(run())
