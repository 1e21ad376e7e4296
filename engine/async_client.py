"""AsyncClient: the asynchronous driver of an Exchange, the twin of client.py."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

from .aside import CALL, PIECE, aside, is_heavy, pieces
from .caller import NOT_ENDED, Caller, whole_answer
from .errors import EngineError, UsageError
from .events import Event
from .exchange import CLEANUP_SECONDS, Exchange
from .messages import ChatResponse, Messages
from .transport import aio as transport
from .wire import WireRequest


class AsyncChatStream:
    """The async twin of ChatStream."""

    __slots__ = ("_exchange", "_make", "_run", "_start")

    def __init__(
        self, make: Callable[[], Awaitable[Exchange]], run: Callable[[Exchange], AsyncGenerator[Event, None]]
    ) -> None:
        self._make: Callable[[], Awaitable[Exchange]] | None = make
        self._start = run
        self._exchange: Exchange | None = None
        self._run: AsyncGenerator[Event, None] | None = None

    async def __aenter__(self) -> Self:
        if self._make is not None:
            self._exchange, self._make = await self._make(), None
            self._run = self._start(self._exchange)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._run is not None:
            await self._run.aclose()

    def __aiter__(self) -> AsyncIterator[Event]:
        if self._run is None:
            raise UsageError("a stream is read inside `async with`: async with client.stream(...) as stream")
        return self._run

    @property
    def response(self) -> ChatResponse:
        """The whole answer. Raises UsageError while it has not ended: a part is never given as an answer."""
        if self._exchange is None:
            raise UsageError(NOT_ENDED)
        return whole_answer(self._exchange)

    @property
    def partial(self) -> ChatResponse:
        """What has been read so far."""
        return self._exchange.response if self._exchange is not None else ChatResponse()


class AsyncClient(Caller):
    """The async twin of Client: the same words with `async`. It binds its event loop at first use.

    When that loop has ended, or in a child process, the client starts anew; close it before, or the connections that it
    kept are only closed by the garbage collector.

    >>> import asyncio
    >>> from engine import Catalog
    >>> from engine.mock import MockServer
    >>> async def main(url: str) -> str:
    ...     async with AsyncClient(base_urls={"acytoo": url}) as client:
    ...         return (await client.chat("acytoo", "Hi")).text
    >>> with MockServer(Catalog().provider("acytoo")) as mock:
    ...     asyncio.run(main(mock.url))
    'This is a mock of Acytoo; no model has answered. You said: «Hi»'
    """

    def _prepare(self) -> None:
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lines: transport.AsyncLines | None = None
        self._loaded: set[str] = set()  # providers whose file has been read

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def chat(self, provider: str, /, messages: Messages, model: str | None = None, **params: Any) -> ChatResponse:
        """The whole answer; it is asked for in one piece where the API offers that. Raises EngineError."""
        async with self._stream(provider, messages, model, False, params) as stream:
            async for event in stream:
                del event  # it holds words of the answer, and a traceback may show what is in its frames
            return stream.response

    def stream(self, provider: str, /, messages: Messages, model: str | None = None, **params: Any) -> AsyncChatStream:
        """The answer as events, inside `async with`. Raises UsageError when it is entered, others while it is read.

        What takes long is done in a thread: the first call of a provider, which reads its file, and large ones.
        """
        return self._stream(provider, messages, model, True, params)

    def _stream(
        self, provider: str, messages: Messages, model: str | None, stream: bool, params: dict[str, Any]
    ) -> AsyncChatStream:
        name = self.refuse_unusable(provider, params)

        async def make() -> Exchange:
            work = partial(self.exchange, provider, messages, model, stream, params)
            if name in self._loaded and not is_heavy(messages, params):
                turns = self._bind().turns
                if turns.are_due(CALL):
                    await turns.own()
                return work()
            exchange = await aside(work)
            self._loaded.add(name)
            return exchange

        return AsyncChatStream(make, self._run)

    async def aclose(self) -> None:
        """Close all connections. Calling it again does nothing."""
        self._closed = True
        lines, self._lines = self._lines, None
        if lines is not None and self._loop is asyncio.get_running_loop():
            await lines.aclose()

    def _bind(self) -> transport.AsyncLines:
        """The connections of the running loop. A client whose loop has ended starts anew on the next one."""
        if self._closed:
            raise UsageError("this client is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._lines is None or self._loop is not loop:
            if self._process != os.getpid():
                self._inherited = self._lines  # kept: the sockets are those of the parent process
            elif self._loop is not None and not self._loop.is_closed():
                raise UsageError("this client belongs to another event loop; make one for each loop")
            self._lines = transport.AsyncLines(self._proxy, self._max_connections, self._http_client)
            self._loop, self._process = loop, os.getpid()
            self._slots = asyncio.Semaphore(self._max_connections)
            self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        return self._lines

    async def _run(self, exchange: Exchange) -> AsyncGenerator[Event, None]:
        lines = self._bind()
        slots = self._slots
        if slots.locked():
            await self._wait_for(slots, exchange)
        else:
            await slots.acquire()  # it is there at once, and needs no deadline
        try:
            while exchange.has_request:
                key = exchange.turn()
                if key is not None:
                    await self._take_turn(exchange, lines, key)
                    continue
                # Not a generator inside this one: where both are garbage at once, asyncio closes each by itself.
                attempt = _Attempt(exchange, lines, self.refuse_open_proxy)
                try:
                    while await attempt.has_more():
                        while attempt.events:  # no event has a name here: a traceback would show it
                            yield attempt.events.pop()
                finally:
                    await attempt.aclose()
                if exchange.has_request:
                    await asyncio.sleep(attempt.pause)
        finally:
            try:
                await self._clean_up(exchange, lines)
            finally:
                slots.release()

    async def _wait_for(self, slots: asyncio.Semaphore, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(exchange.timeouts.pool):
                await slots.acquire()
        except TimeoutError:
            raise self.no_slot(exchange.timeouts) from None

    async def _take_turn(self, exchange: Exchange, lines: transport.AsyncLines, key: Hashable) -> None:
        """Ask for what calls share: one at a time, and who has waited looks again whether it is there by now."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(max(exchange.time_left(), 0.0)):
                await turn.acquire()
        except TimeoutError:
            exchange.late_for_turn()
        try:
            while exchange.turn() == key:
                attempt = _Attempt(exchange, lines, self.refuse_open_proxy)
                try:
                    while await attempt.has_more():
                        pass
                finally:
                    await attempt.aclose()
                await asyncio.sleep(attempt.pause)
        finally:
            turn.release()

    async def _clean_up(self, exchange: Exchange, lines: transport.AsyncLines) -> None:
        """Take back what an unfinished call has begun. It says nothing of its own: the call's outcome stands."""
        if wires := exchange.cleanup():
            await lines.aside(self._send_all(exchange, lines, wires))

    async def _send_all(self, exchange: Exchange, lines: transport.AsyncLines, wires: list[WireRequest]) -> None:
        until = time.monotonic() + CLEANUP_SECONDS
        for wire in wires:
            with suppress(Exception):
                left = until - time.monotonic()
                body = await transport.AsyncBody.open(lines, wire, exchange.timeouts, left)
                await body.aclose()


class _Attempt:
    """One request and the reading of its reply. `events` are at hand, backwards; `pause` is the wait behind it."""

    __slots__ = ("_body", "_ended", "_exchange", "_lines", "_pieces", "_refuse", "_turns", "events", "pause")

    def __init__(self, exchange: Exchange, lines: transport.AsyncLines, refuse: Callable[[WireRequest], None]) -> None:
        self._exchange = exchange
        self._lines = lines
        self._turns = lines.turns
        self._refuse = refuse
        self._body: transport.AsyncBody | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._ended = False
        self.events: list[Event] = []
        self.pause = 0.0

    async def has_more(self) -> bool:
        """Get the next events, if there are any. Raises the error of the call, unless it is to be tried again."""
        exchange = self._exchange
        try:
            body = self._body or await self._opened()
            if self._ended:
                self._end()
                return False
            piece = next(self._pieces, None)
            if piece is None:
                patience = exchange.patience()
                try:
                    piece = await body.read(patience.seconds)
                except TimeoutError:
                    exchange.timed_out(patience.phase)
                except EngineError as error:
                    exchange.broke_off(error)
            if piece is None or len(piece) > PIECE or self._turns.are_due(len(piece)) or exchange.takes_long(piece):
                self.events = await self._carefully(piece)
            else:
                self.events = exchange.feed(piece)
        except EngineError as error:
            piece = None  # a traceback may show what is in its frames
            await self.aclose()
            self.pause = exchange.failed(error)
            return False
        self.events.reverse()
        return True

    async def aclose(self) -> None:
        """Close the connection, or give it back; calling it again does nothing."""
        body, self._body = self._body, None
        if body is not None:
            await body.aclose()

    async def _opened(self) -> transport.AsyncBody:
        exchange = self._exchange
        await self._lines.ready()
        if self._turns.are_due(CALL):
            await self._turns.own()
        wire = exchange.start()
        self._refuse(wire)
        patience = exchange.patience()
        try:
            body = self._body = await transport.AsyncBody.open(self._lines, wire, exchange.timeouts, patience.seconds)
        except TimeoutError:
            exchange.timed_out(patience.phase)
            raise
        exchange.head(body.head)
        return body

    async def _carefully(self, piece: bytes | None) -> list[Event]:
        """The events of the end, of the first of much, and of what takes long or waits for its turn."""
        exchange = self._exchange
        if piece is None:
            self._ended = True
            return await aside(exchange.finish) if exchange.takes_long() else exchange.finish()
        if len(piece) > PIECE:
            self._pieces = pieces(piece)
            piece = next(self._pieces)
        await self._turns.own()
        return await aside(exchange.feed, piece) if exchange.takes_long(piece) else exchange.feed(piece)

    def _end(self) -> None:
        if self._exchange.fault is not None:
            raise self._exchange.fault
        self.pause = self._exchange.pause
