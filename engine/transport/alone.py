"""One connection, alone in an httpx client of its own: it can be closed whatever the library believes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..aside import Turns
from .library import Library
from .request import wrap_backend

if TYPE_CHECKING:
    import ssl


class Alone(Library):
    """One connection. Why not httpx's pool: see `aio.AsyncLines`."""

    def __init__(self, proxy: Any, context: ssl.SSLContext, turns: Turns) -> None:
        import httpx

        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)
        self._network = wrap_backend(transport, lambda backend: _Backend(backend, turns))
        self._reading: asyncio.Task[None] | None = None
        client = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)
        super().__init__(client, turns, proxy is not None)

    async def _sent(self, request: Any) -> Any:
        return await self.client.send(request, stream=True, follow_redirects=False)

    def _begin(self, reading: Coroutine[Any, Any, None]) -> None:
        self._reading = asyncio.ensure_future(reading)

    async def aclose(self) -> None:
        """Close the connection."""
        await super().aclose()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._response is not None and not self.is_usable:
            with suppress(Exception):
                await self._response.aclose()
        if self._network is not None and self._network.stream is not None:
            with suppress(Exception):
                await self._network.stream.aclose()
        await self.client.aclose()


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
