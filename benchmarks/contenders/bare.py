"""The measures: httpx with nothing parsed, whose cost is 1 H, and a bare socket, which shows what the server can do."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx

from ..answers import answer
from .ask import HEADERS, PATH, body
from .order import Order
from .tally import Tally

PATIENCE = 300.0
"""Seconds; httpx's own five would end the slowest of many streams."""


class Httpx:
    """H: `httpx.AsyncClient().stream(...).aiter_raw()`, its deadlines as long as a thousand streams at once need."""

    def __init__(self, order: Order) -> None:
        self._url = order.url + PATH
        limits = httpx.Limits(max_connections=order.most, max_keepalive_connections=order.most)
        self._client = httpx.AsyncClient(limits=limits, timeout=PATIENCE)
        self._contents = {stream: body(stream=stream) for stream in (False, True)}

    async def stream(self, tally: Tally) -> None:
        """The raw bytes of a stream."""
        await self._read(tally, self._contents[True])

    async def chat(self, tally: Tally) -> None:
        """The raw bytes of a whole answer."""
        await self._read(tally, self._contents[False])

    async def _read(self, tally: Tally, content: bytes) -> None:
        async with self._client.stream("POST", self._url, headers=HEADERS, content=content) as response:
            async for piece in response.aiter_raw():
                tally.add(piece)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class HttpxSync:
    """The same without a loop: `httpx.Client().stream(...).iter_raw()`."""

    def __init__(self, order: Order) -> None:
        self._url = order.url + PATH
        self._client = httpx.Client(timeout=PATIENCE)
        self._contents = {stream: body(stream=stream) for stream in (False, True)}

    async def stream(self, tally: Tally) -> None:
        """The raw bytes of a stream."""
        self._read(tally, self._contents[True])

    async def chat(self, tally: Tally) -> None:
        """The raw bytes of a whole answer."""
        self._read(tally, self._contents[False])

    def _read(self, tally: Tally, content: bytes) -> None:
        with self._client.stream("POST", self._url, headers=HEADERS, content=content) as response:
            for piece in response.iter_raw():
                tally.add(piece)

    async def aclose(self) -> None:
        """Close the connections."""
        self._client.close()


class Socket:
    """What the server sends, read as fast as a loop can. A connection serves one answer."""

    def __init__(self, order: Order) -> None:
        parts = urlsplit(order.url)
        self._place = parts.hostname, parts.port
        self._size = answer(order.answer).wire_bytes
        content = body(stream=True)
        head = f"POST {parts.path}{PATH} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(content)}\r\n\r\n"
        self._request = head.encode() + content

    async def stream(self, tally: Tally) -> None:
        """All bytes of the reply, its head too."""
        loop = asyncio.get_running_loop()
        transport, reader = await loop.create_connection(lambda: _Reader(tally, self._size), *self._place)
        transport.write(self._request)
        await reader.ended
        transport.close()

    chat = stream

    async def aclose(self) -> None:
        """Nothing is kept."""


class _Reader(asyncio.Protocol):
    def __init__(self, tally: Tally, size: int) -> None:
        self._tally = tally
        self._size = size
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._tally.add(data)
        if self._tally.size >= self._size and not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server has ended the connection"))
