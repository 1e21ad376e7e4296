"""Clients under rules that hypothesis draws: open, read, leave, cancel, chat, close; the server fails in between.

After each step the slots, the connections on both sides and the tasks are what the open streams account for, and a text
that was given is the beginning of the one that was sent. WIREFILE_STATEFUL=50000 takes so many steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError
from engine.events import Event, Finish, TextDelta
from engine.transport import own
from tests.faults import fault
from tests.faultserver import DONE, STOP, delta
from tests.stormserver import descriptors

STEPS = int(os.environ.get("WIREFILE_STATEFUL", "0"))
SLOTS = 3
WORDS = tuple(f"word {number} ✓ " for number in range(6))
TEXT = "".join(WORDS)
FILE = """
spec_version: 1
name: machine
url: http://127.0.0.1
path: /chat
payload: {messages: "{{ messages }}"}
response: {codec: sse, rules: [{text: choices.0.delta.content, finish: choices.0.finish_reason}], end: '[DONE]'}
retry: {max: 1, base: 0.001, cap: 0.002}
timeout: {connect: 10, first_byte: 10, idle: 10, total: 60, pool: 0.01}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - name: streamed
    call: {messages: hi}
    reply: {headers: {content-type: text/event-stream}, chunks: [
      "data: {\\"choices\\": [{\\"delta\\": {\\"content\\": \\"hi\\"}, \\"finish_reason\\": \\"stop\\"}]}\\n\\n",
      "data: [DONE]\\n\\n"]}
    expect: {text: hi}
"""


# --- the server: a request says what shall become of it ---


def chunks(*datas: str) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(data), data) for data in (f"data: {text}\n\n".encode() for text in datas))


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HALF = HEAD + chunks(*map(delta, WORDS[:3]))
WHOLE = HEAD + chunks(*map(delta, WORDS), STOP, DONE) + b"0\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """What is sent, how the connection goes on (kept, silent, ended, reset), and what a call comes to."""

    sent: bytes
    then: str = "keep"
    comes_to: str = ""


PLANS = {
    "whole": Plan(WHOLE),
    "silent": Plan(HALF, "silence", "TransportError timeout"),
    "cut": Plan(HALF, "end", "TruncatedError truncated"),
    "reset": Plan(HALF, "reset", "TransportError lost"),
    "no end": Plan(HALF + b"0\r\n\r\n", "keep", "TruncatedError truncated"),
    "broken": Plan(HALF + chunks("{"), "keep", "DecodeError protocol"),
    "error": Plan(HALF + chunks('{"error": {"message": "no"}}') + b"0\r\n\r\n", "keep", "ProviderError protocol"),
    "no head": Plan(b"", "end", "TransportError lost"),
    "busy": Plan(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy", "keep", "ProviderError unavailable"),
    "refused": Plan(b"HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno", "keep", "ProviderError auth"),
}
NAMES = st.sampled_from(sorted(PLANS))


class PlannedServer:
    """Serves plans in a loop of its own thread. `open` counts the connections that the client has not ended."""

    def __init__(self) -> None:
        self.open = 0
        self._idle: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    def __enter__(self) -> PlannedServer:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _main(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answered(reader, writer):
                    pass
        finally:
            self.open -= 1
            self._idle.discard(writer)
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self._idle.add(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        self._idle.discard(writer)
        body = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        plan = PLANS[json.loads(body)["messages"][0]["content"]]
        writer.write(plan.sent)
        await writer.drain()
        if plan.then == "reset":
            await asyncio.sleep(0.005)  # what was sent before a reset may be lost with it
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif plan.then == "end":
            writer.write_eof()
        if plan.then != "keep":
            await reader.read()
        return plan.then == "keep"

    def drop_idle(self) -> None:
        """End every connection on which no request is being answered."""

        async def drop() -> None:
            for writer in list(self._idle):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(10)


# --- the clients, in the same words ---


class OfThreads:
    """A Client, driven by this thread."""

    def __init__(self, catalog: Catalog, url: str) -> None:
        self.client = Client(catalog, base_urls={"machine": url}, max_connections=SLOTS)

    def enter(self, name: str) -> Any:
        return self.client.stream("machine", name).__enter__()

    def read(self, stream: Any) -> Event | None:
        return next(iter(stream), None)

    def leave(self, stream: Any, error: BaseException | None) -> None:
        stream.__exit__(type(error), error, None)

    def chat(self, name: str) -> str:
        return self.client.chat("machine", name).text

    def free_slots(self) -> int:
        return self.client._slots._value

    def connections(self) -> tuple[int, int]:
        """In use, and kept."""
        lines = self.client._lines
        if lines is None:
            return 0, 0
        if lines._pool is not None:
            idle = [connection.is_idle() for connection in lines._pool._transport._pool.connections]
            return idle.count(False), idle.count(True)
        return len(lines._open) - len(lines._idle), len(lines._idle)

    def rest(self) -> None:
        time.sleep(0.002)

    def tasks(self) -> int:
        return 0

    def close(self) -> None:
        self.client.close()

    def end(self) -> None:
        pass


class OfTasks:
    """An AsyncClient, in a loop that runs as long as a step takes."""

    def __init__(self, catalog: Catalog, url: str) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(catalog, base_urls={"machine": url}, max_connections=SLOTS)
        self.runner.run(asyncio.sleep(0))

    def enter(self, name: str) -> Any:
        return self.runner.run(self.client.stream("machine", name).__aenter__())

    def read(self, stream: Any) -> Event | None:
        async def step() -> Event | None:
            return await anext(aiter(stream), None)

        return self.runner.run(step())

    def cancel(self, stream: Any, turns: int, times: int) -> BaseException | Event | None:
        """Read on, and cancel that: what comes of it."""

        async def step() -> Any:
            async def read() -> Event | None:
                return await anext(aiter(stream), None)

            task = asyncio.ensure_future(read())
            for _ in range(turns):
                await asyncio.sleep(0)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            return (await asyncio.gather(task, return_exceptions=True))[0]

        return self.runner.run(step())

    def leave(self, stream: Any, error: BaseException | None) -> None:
        self.runner.run(stream.__aexit__(type(error), error, None))

    def chat(self, name: str) -> str:
        async def step() -> str:
            return (await self.client.chat("machine", name)).text

        return self.runner.run(step())

    def free_slots(self) -> int:
        slots = getattr(self.client, "_slots", None)  # there from the first call on
        return SLOTS if slots is None else slots._value

    def connections(self) -> tuple[int, int]:
        lines = self.client._lines
        if lines is None:
            return 0, 0
        return len(lines._open) - len(lines._idle), len(lines._idle)

    def rest(self) -> None:
        self.runner.run(asyncio.sleep(0.002))

    def tasks(self) -> int:
        return len(asyncio.all_tasks(self.runner.get_loop()))

    def close(self) -> None:
        self.runner.run(self.client.aclose())

    def end(self) -> None:
        self.runner.close()


@dataclass
class Open:
    """A stream as the machine knows it. It holds a slot and a connection from the first read to its end."""

    stream: Any
    plan: str
    text: str = ""
    is_settled: bool = False
    has_begun: bool = False
    is_over: bool = False

    @property
    def holds(self) -> bool:
        return self.has_begun and not self.is_over


@dataclass
class World:
    """What all machines of a test share."""

    catalog: Catalog
    server: PlannedServer
    steps: Counter[str] = field(default_factory=Counter)


class Machine(RuleBasedStateMachine):
    """The rules; `driver` is one of the two."""

    world: ClassVar[World]
    driver: ClassVar[Callable[[Catalog, str], Any]]

    @initialize()
    def begin(self) -> None:
        self.before = descriptors(), threading.active_count()
        self.streams: list[Open] = []
        self.open_client()

    def open_client(self) -> None:
        self.calls = type(self).driver(self.world.catalog, self.world.server.url)
        self.tasks = self.calls.tasks()

    @property
    def held(self) -> int:
        return sum(stream.holds for stream in self.streams)

    def count(self, what: str) -> None:
        self.world.steps[what] += 1

    # --- the rules ---

    @precondition(lambda self: len(self.streams) < 6)
    @rule(plan=NAMES)
    def enter(self, plan: str) -> None:
        self.count("enter")
        # What stays silent is not waited for long.
        self.calls.client._timeout = {"idle": 0.05} if PLANS[plan].then == "silence" else {}
        self.streams.append(Open(self.calls.enter(plan), plan))
        self.calls.client._timeout = {}

    def chosen(self, number: int) -> Open:
        return self.streams[number % len(self.streams)]

    @precondition(lambda self: self.streams)
    @rule(number=st.integers(0, 5), most=st.integers(1, 12))
    def read(self, number: int, most: int) -> None:
        self.count("read")
        stream = self.chosen(number)
        for _ in range(most):
            if not self.read_one(stream):
                break

    def read_one(self, stream: Open) -> bool:
        """Whether there may be more."""
        has_slot = stream.holds or self.held < SLOTS
        stream.has_begun = True
        try:
            event = self.calls.read(stream.stream)
        except EngineError as error:
            self.fail(stream, error, has_slot)
            return False
        if event is None:
            assert stream.is_over or not PLANS[stream.plan].comes_to, "an answer that was cut is no answer"
            assert stream.is_over or stream.stream.response.text == stream.text == TEXT
            stream.is_over = True
            return False
        self.take(stream, event)
        return True

    def fail(self, stream: Open, error: EngineError, has_slot: bool) -> None:
        assert not stream.is_over, "an end comes once"
        stream.is_over = True
        said = f"{type(error).__name__} {error.kind}"
        if not has_slot:
            assert (said, error.phase) == ("TransportError timeout", "pool")
            return
        assert said == PLANS[stream.plan].comes_to
        assert error.partial is not None
        assert error.partial.text == stream.text, "all that was given, and nothing else"

    def take(self, stream: Open, event: Event) -> None:
        if isinstance(event, TextDelta):
            stream.text += event.text
        stream.is_settled = stream.is_settled or isinstance(event, Finish)
        assert TEXT.startswith(stream.text)

    @precondition(lambda self: self.streams)
    @rule(number=st.integers(0, 5), raises=st.booleans())
    def leave(self, number: int, raises: bool) -> None:
        """Leave the `with`, in peace or with an exception of its body."""
        self.count("leave")
        stream = self.streams.pop(number % len(self.streams))
        self.calls.leave(stream.stream, ZeroDivisionError() if raises else None)
        assert stream.stream.partial.text.startswith(stream.text)

    @precondition(lambda self: self.streams and isinstance(self.calls, OfTasks))
    @rule(number=st.integers(0, 5), turns=st.integers(0, 25), times=st.integers(1, 3))
    def cancel(self, number: int, turns: int, times: int) -> None:
        self.count("cancel")
        stream = self.chosen(number)
        outcome = self.calls.cancel(stream.stream, turns, times)
        if isinstance(outcome, Event):
            self.take(stream, outcome)
            stream.has_begun = True
        elif outcome is None or isinstance(outcome, BaseException):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError | EngineError)
            if turns > 0:  # else the task ended before it did anything
                stream.has_begun = stream.is_over = True

    @rule(plan=NAMES)
    def chat(self, plan: str) -> None:
        self.count("chat")
        wanted = PLANS[plan].comes_to or TEXT
        if self.held == SLOTS:
            wanted = "TransportError timeout"
        self.calls.client._timeout = {"idle": 0.05} if PLANS[plan].then == "silence" else {}
        try:
            got = self.calls.chat(plan)
        except EngineError as error:
            got = f"{type(error).__name__} {error.kind}"
        self.calls.client._timeout = {}
        assert got == wanted

    @rule()
    def server_drops_idle(self) -> None:
        """Also where nothing is idle: whether anything is, time decides, and no rule may be drawn by that."""
        self.count("the server drops what is idle")
        self.world.server.drop_idle()

    @rule(sure=st.integers(0, 9))
    def close_client(self, sure: int) -> None:
        """Close the client under its streams, one time in ten, and go on with another."""
        if sure:
            return
        self.count("close the client")
        self.close()
        self.open_client()

    def close(self) -> None:
        self.calls.close()
        for stream in self.streams:
            if stream.holds:
                with contextlib.suppress(EngineError):  # lost; what had come already may still be read
                    while (event := self.calls.read(stream.stream)) is not None:
                        self.take(stream, event)
            self.calls.leave(stream.stream, None)
        self.streams.clear()
        assert self.settled(lambda: self.world.server.open == 0), f"{self.world.server.open} are open at the server"
        assert self.calls.free_slots() == SLOTS
        assert self.settled(lambda: self.calls.tasks() == 0)
        self.calls.end()

    # --- what holds after each ---

    def settled(self, condition: Callable[[], bool]) -> bool:
        until = time.monotonic() + 3
        while not condition() and time.monotonic() < until:
            self.calls.rest()
        return condition()

    @invariant()
    def all_is_accounted_for(self) -> None:
        if not hasattr(self, "calls"):
            return
        assert self.calls.free_slots() == SLOTS - self.held
        reading = 0 if own.is_there() else self.held  # through the library's connections a task reads ahead
        assert self.settled(lambda: self.tasks <= self.calls.tasks() <= self.tasks + reading), "a task is left"
        in_use, kept = self.calls.connections()
        # An answer that has come to its end may have given its connection back before that is asked for.
        least = self.held - sum(stream.is_settled for stream in self.streams if stream.holds)
        assert least <= in_use <= self.held, f"{in_use} connections are in use, {self.held} streams are read"
        assert kept <= SLOTS
        assert self.settled(lambda: self.world.server.open <= in_use + kept), "a connection that nobody knows is open"

    def teardown(self) -> None:
        if not hasattr(self, "calls"):
            return
        self.close()
        self.calls = None
        gc.collect()
        until = time.monotonic() + 3  # the server, which is in this process, closes its ends in its own time
        while not self.is_back() and time.monotonic() < until:
            time.sleep(0.005)
        assert self.is_back(), (self.before, descriptors(), threading.active_count())

    def is_back(self) -> bool:
        """Whether no more is held than at the start; of what came before that, something may still have closed."""
        return descriptors() <= self.before[0] and threading.active_count() <= self.before[1]


class ThreadsMachine(Machine):
    driver = OfThreads


class TasksMachine(Machine):
    driver = OfTasks


@fault(
    "Load",
    "calls opened, read, left, cancelled and closed in any order, with a server that fails in between",
    "slots, connections and tasks are those of the open streams; a text is the beginning of the one that was sent",
)
@pytest.mark.parametrize("machine", [ThreadsMachine, TasksMachine], ids=["threads", "tasks"])
def test_any_order_of_events_leaves_what_it_should(tmp_path, machine):
    (tmp_path / "machine.yaml").write_text(FILE, encoding="utf-8")
    examples, steps = (100, 50) if STEPS else (8, 30)
    options = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=not STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with PlannedServer() as server:
        machine.world = World(Catalog(tmp_path), server)
        while True:
            run_machine(machine, settings=options)
            done = sum(machine.world.steps.values())
            if STEPS:
                print(machine.__name__, done, dict(machine.world.steps), flush=True)
            if done >= STEPS // 2:
                break
