"""The network for tasks: connections that no cancel can lose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..aside import Turns, aside
from ..spec import Timeouts
from ..wire import ResponseHead, WireRequest
from . import own
from .alone import Alone
from .direct import Direct
from .explain import explained
from .http1 import Address
from .lent import Lent
from .own import BUFFER, trust
from .quiet import quiet
from .request import proxy_of
from .shelf import Shelf

if TYPE_CHECKING:
    import ssl

Line = Alone | Lent | Direct


class AsyncLines:
    """The connections of one event loop: taken for a call, kept when its answer was read to its end, else dropped.

    Why not httpx's pool: a task that is cancelled between connecting and sending, or twice, leaves it with a
    connection that is neither used nor idle nor closed, for good (httpcore 1.0.9; encode/httpcore#1093,
    encode/httpx#3782). No shield from outside covers all of those places. So each connection has a pool to itself,
    and a call that ends in any way but a clean one takes its whole pool with it. What is closed is closed in a task
    of its own, which a second cancel cannot reach.
    """

    def __init__(self, proxy: str | None, keep: int, lent: Any = None) -> None:
        self._lent = lent
        self._telling: set[str] = set()
        self._proxy = proxy_of(proxy)
        self._context: ssl.SSLContext | None = None
        self._idle: Shelf[Line] = Shelf(keep)
        self._open: set[Line] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()
        self._buffer: memoryview | None = None
        self._is_direct = False  # whether new connections are our own
        self.is_proxied = proxy is not None
        self.turns = Turns()

    async def ready(self) -> None:
        """Prepare what new connections need; to be awaited before the first, and before any deadline runs."""
        if self._lent is None:
            self._is_direct = self._proxy is None and own.is_there()
            if not self._is_direct and self._context is None:
                await self.trust()

    async def trust(self) -> None:
        """Learn whom TLS trusts, which takes a while: it is not done before it is needed."""
        self._context = self._context or await aside(trust)

    def take(self, wire: WireRequest) -> Line:
        """A connection that was kept, else a new one that will be opened."""
        origin = wire.origin
        if self._lent is not None:
            return Lent(self._lent, self.turns, origin, self._telling)
        self._drop_stale()
        address = Address.of(wire.url) if self._is_direct else None
        kind = Alone if address is None else Direct
        while (line := self._idle.take(origin, kind)) is not None:
            if line.is_usable and line.is_silent:
                return line
            self._start_closing(line)
        line = self._opened(address)
        self._open.add(line)
        return line

    async def rested(self, wire: WireRequest) -> Line:
        """The same, when it has rested if it must."""
        while True:
            line = self.take(wire)
            if not isinstance(line, Direct):
                return line
            try:
                while left := self._idle.rest(wire.origin, line, is_busy=len(self._open) > 1):
                    await asyncio.sleep(left)
                    if not line.is_usable or not line.is_silent:
                        break
                else:
                    return line
            except BaseException:
                self._start_closing(line)
                raise
            self._start_closing(line)

    def _opened(self, address: Address | None) -> Line:
        if address is None:
            return Alone(self._proxy, self._context or trust(), self.turns)
        self._buffer = self._buffer or memoryview(bytearray(BUFFER))
        return Direct(address, (self._context or trust()) if address.is_tls else None, self._buffer)

    def keep(self, origin: str, line: Line) -> None:
        """Keep a connection whose answer was read to its end."""
        if line in self._open:
            self._idle.put(origin, line)
            self._drop_stale()

    def _drop_stale(self) -> None:
        for line in self._idle.stale():
            self._start_closing(line)

    async def drop(self, line: Line) -> None:
        """Close a connection in the middle of whatever it does. Closing goes on when the caller is cancelled."""
        await asyncio.wait([self._start_closing(line)], timeout=line.PATIENCE)

    def _start_closing(self, line: Line) -> asyncio.Task[None]:
        self._open.discard(line)
        task = asyncio.ensure_future(_close(line))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def aside(self, errand: Coroutine[Any, Any, None]) -> None:
        """Do something in a task of its own and wait for it; it goes on when the caller is cancelled."""
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        await asyncio.shield(task)

    async def aclose(self) -> None:
        """Close every connection, those in use too; errands, which are short, come to their end first."""
        while self._errands:
            await asyncio.wait(list(self._errands))
        self._idle.all()
        for line in list(self._open):
            self._start_closing(line)
        while self._closing:
            await asyncio.wait(list(self._closing))


async def _close(line: Line) -> None:
    with quiet(), suppress(Exception):
        await line.aclose()


class AsyncBody:
    """The same as sync.OwnBody, async. `open` makes one."""

    __slots__ = ("_line", "_lines", "_wire", "head", "read")

    def __init__(self, lines: AsyncLines, line: Line, wire: WireRequest, head: ResponseHead) -> None:
        self._lines = lines
        self._line = line
        self._wire = wire
        self.head = head
        self.read: Callable[[float], Awaitable[bytes | None]] = line.read
        """All that has come, else what comes next; None at the end of the body. Raises TimeoutError after `seconds`."""

    @classmethod
    async def open(cls, lines: AsyncLines, wire: WireRequest, timeouts: Timeouts, seconds: float) -> AsyncBody:
        """Send the request and wait for the head. Raises TimeoutError after `seconds`."""
        if wire.url.startswith("https:"):
            await lines.trust()
        line = await lines.rested(wire)
        try:
            return cls(lines, line, wire, await line.send(wire, timeouts, seconds))
        except BaseException as error:
            await lines.drop(line)
            if isinstance(error, TimeoutError) or not isinstance(error, Exception):
                raise
            raise explained(error, wire, in_body=False, proxied=lines.is_proxied, stage=line.stage) from None

    async def aclose(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        if self._line.is_usable:
            self._lines.keep(self._wire.origin, self._line)
        else:
            await self._lines.drop(self._line)
