"""The network for tasks: connections that no cancel can lose."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..aside import Turns, aside
from ..spec import Timeouts
from ..wire import WireRequest
from .explain import explained
from .lent import Lent
from .quiet import quiet
from .request import Bare, build, head_of, proxy_of, wrap_backend
from .reuse import aguarded, is_spent
from .stage import Stage

if TYPE_CHECKING:
    import ssl


class _Backend:
    """A network backend that remembers the stream that it opened last, so that it can be closed whatever happens."""

    def __init__(self, backend: Any, turns: Turns) -> None:
        self._backend = backend
        self._turns = turns
        self.stream: Any = None

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        return await self._opened(partial(self._backend.connect_tcp, *args, **kwargs))

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> Any:
        return await self._opened(partial(self._backend.connect_unix_socket, *args, **kwargs))

    async def _opened(self, connect: Callable[[], Awaitable[Any]]) -> Any:
        await self._turns.own()
        self.stream = await connect()
        await self._turns.own()
        return _Stream(self.stream, self._turns)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Stream:
    """A network stream whose bytes are handed on when it is their turn."""

    def __init__(self, stream: Any, turns: Turns) -> None:
        self._stream = stream
        self._turns = turns

    async def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        data = await self._stream.read(max_bytes, timeout)
        await self._turns.own()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._turns)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Line:
    """One connection, alone in an httpx client of its own."""

    PATIENCE: float | None = None
    """How many seconds a caller waits until what he left is closed."""

    def __init__(self, proxy: Any, context: ssl.SSLContext, turns: Turns) -> None:
        import httpx

        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
        self._network = wrap_backend(transport, lambda backend: _Backend(backend, turns))
        self.client = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)
        self._response: Any = None

    async def send(self, request: Any) -> Any:
        """The response to a request, with its body unread."""
        self._response = await self.client.send(request, stream=True, follow_redirects=False)
        return self._response

    def read(self, chunks: AsyncIterator[bytes]) -> Awaitable[bytes | None]:
        """The next bytes of its body; None at the end."""
        return anext(chunks, None)

    def rest(self) -> None:
        """Forget the call whose answer was read to its end."""
        self._response = None

    async def aclose(self) -> None:
        """Close the connection, whatever its pool believes of it."""
        if self._response is not None:
            with suppress(Exception):
                await self._response.aclose()
        if self._network is not None and self._network.stream is not None:
            with suppress(Exception):
                await self._network.stream.aclose()
        await self.client.aclose()


class AsyncLines:
    """The connections of one event loop: taken for a call, kept when its answer was read to its end, else dropped.

    Why not httpx's pool: a task that is cancelled between connecting and sending, or twice, leaves it with a
    connection that is neither used nor idle nor closed, for good (httpcore 1.0.9; encode/httpcore#1093,
    encode/httpx#3782). No shield from outside covers all of those places. So each connection has a pool to itself,
    and a call that ends in any way but a clean one takes its whole pool with it. What is closed is closed in a task
    of its own, which a second cancel cannot reach.
    """

    IDLE_SECONDS = 5.0
    """How long a connection is kept for the next call; httpx's own figure."""

    def __init__(self, proxy: str | None, keep: int, lent: Any = None) -> None:
        self._lent = lent
        self._telling: set[str] = set()
        self._proxy = proxy_of(proxy)
        self._most = keep
        self._context: ssl.SSLContext | None = None
        self._idle: deque[tuple[float, str, _Line]] = deque()
        self._open: set[_Line] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()
        self.is_proxied = proxy is not None
        self.turns = Turns()

    async def ready(self) -> None:
        """Prepare what new connections need; to be awaited before the first, and before any deadline runs."""
        if self._context is None and self._lent is None:
            self._context = await aside(_trust)

    def take(self, origin: str) -> _Line | Lent:
        """A connection to `origin` that was kept, else a new one that will be opened."""
        if self._lent is not None:
            return Lent(self._lent, origin, self._telling)
        self._drop_stale()
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index][1] == origin:
                line = self._idle[index][2]
                del self._idle[index]
                return line
        line = _Line(self._proxy, self._context or _trust(), self.turns)
        self._open.add(line)
        return line

    def keep(self, origin: str, line: _Line | Lent) -> None:
        """Keep a connection whose answer was read to its end."""
        if isinstance(line, _Line) and line in self._open:
            line.rest()
            self._idle.append((time.monotonic(), origin, line))
            self._drop_stale()

    def _drop_stale(self) -> None:
        oldest = time.monotonic() - self.IDLE_SECONDS
        while self._idle and (self._idle[0][0] < oldest or len(self._idle) > self._most):
            self._start_closing(self._idle.popleft()[2])

    async def drop(self, line: _Line | Lent) -> None:
        """Close a connection in the middle of whatever it does. Closing goes on when the caller is cancelled."""
        await asyncio.wait([self._start_closing(line)], timeout=line.PATIENCE)

    def _start_closing(self, line: _Line | Lent) -> asyncio.Task[None]:
        if isinstance(line, _Line):
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
        self._idle.clear()
        for line in list(self._open):
            self._start_closing(line)
        while self._closing:
            await asyncio.wait(list(self._closing))


def _trust() -> ssl.SSLContext:
    """Whom connections trust; to read all those certificates takes a while."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


async def _close(line: _Line | Lent) -> None:
    with quiet(), suppress(Exception):
        await line.aclose()


class AsyncBody:
    """The same as Body, async. `open` makes one."""

    def __init__(self, lines: AsyncLines, line: _Line | Lent, response: Any, wire: WireRequest, stage: Stage) -> None:
        self._lines = lines
        self._line = line
        self._response = response
        self._wire = wire
        self._stage = stage
        self._ended = False
        self.head = head_of(response, wire, lines.is_proxied)
        self._chunks: AsyncIterator[bytes] = response.aiter_raw()

    @classmethod
    async def open(cls, lines: AsyncLines, wire: WireRequest, timeouts: Timeouts, seconds: float) -> AsyncBody:
        """Send the request and wait for the head. Raises TimeoutError after `seconds`."""
        timeout = {"connect": timeouts.connect, "read": None, "write": None, "pool": None}
        line, stage = lines.take(wire.origin), Stage()
        try:
            async with asyncio.timeout(seconds):
                response = await _sent(line, build(line.client, wire, timeout, stage.anote), stage)
                return cls(lines, line, response, wire, stage)
        except BaseException as error:
            await lines.drop(line)
            if isinstance(error, TimeoutError) or not isinstance(error, Exception):
                raise
            raise explained(error, wire, in_body=False, proxied=lines.is_proxied, stage=stage) from None

    async def read(self, seconds: float) -> bytes | None:
        """The next bytes; None at the end of the body. Raises TimeoutError after `seconds`."""
        if seconds <= 0:
            raise TimeoutError
        try:
            async with asyncio.timeout(seconds):
                with quiet():
                    chunk = await self._line.read(self._chunks)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001
            raise explained(
                error, self._wire, in_body=True, proxied=self._lines.is_proxied, stage=self._stage
            ) from None
        self._ended = chunk is None
        return chunk

    async def aclose(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        if self._ended and not is_spent(self._response):
            self._lines.keep(self._wire.origin, self._line)
        else:
            await self._lines.drop(self._line)


async def _sent(line: _Line | Lent, request: Any, stage: Stage) -> Any:
    """The response to a request, its body unread."""
    try:
        with quiet():
            return aguarded(await line.send(request))
    except Exception:
        if stage.redirect is None:
            raise
        return Bare(*stage.redirect)
