"""The server of the measurements, in a process of its own: it writes bytes that are prepared, and does nothing else.

`python -m benchmarks.origin` prints its URL and ends with its input. The first part of a request's path names the
answer (`benchmarks.answers`); what follows is the client's own. All streams that are due at one moment are written in
one turn.
"""

from __future__ import annotations

import asyncio
import gc
import re
import sys
from collections.abc import Iterator
from typing import Any

from .answers import Answer, answer
from .machine import raise_open_files

TICK = 0.001
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LOST = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


class Wheel:
    """The paced streams, by the tick in which each is due."""

    def __init__(self) -> None:
        self._due: dict[int, list[_Paced]] = {}

    def add(self, stream: _Paced) -> None:
        """Write this stream's next bytes when it is due."""
        tick = int(stream.due / TICK)
        streams = self._due.get(tick)
        if streams is None:
            streams = self._due[tick] = []
            asyncio.get_running_loop().call_at(stream.due, self._turn, tick)
        streams.append(stream)

    def _turn(self, tick: int) -> None:
        for stream in self._due.pop(tick):
            if stream.write():
                self.add(stream)


class _Paced:
    """One answer on its way. It keeps to its plan: what was late makes nothing after it later."""

    def __init__(self, transport: Any, answer: Answer) -> None:
        self._transport = transport
        self._writes: Iterator[bytes] = iter(answer.writes)
        self._pause = answer.pause
        self._left = len(answer.writes)
        self.due = asyncio.get_running_loop().time()

    def write(self) -> bool:
        """Write what is due; whether there is more to come."""
        self._transport.write(next(self._writes))
        self._left -= 1
        self.due += self._pause
        return self._left > 0 and not self._transport.is_closing()


class Origin(asyncio.Protocol):
    """One connection, kept alive: each request that is complete gets the answer that its path names."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; asyncio has set TCP_NODELAY."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        held = self._held + data
        while (end := held.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(held, 0, end)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(held) < size:
                break
            self._reply(held[: held.index(b"\r\n")].split(b" ")[1].decode())
            held = held[size:]
        self._held = held

    def _reply(self, path: str) -> None:
        try:
            found = answer(path.split("/")[1])
        except (KeyError, ValueError, TypeError):
            self._transport.write(_LOST)
            return
        if found.pause:
            self._wheel.add(_Paced(self._transport, found))
            return
        for data in found.writes:
            self._transport.write(data)


async def listening() -> tuple[asyncio.Server, str]:
    """The server and its URL."""
    wheel = Wheel()
    server = await asyncio.get_running_loop().create_server(lambda: Origin(wheel), "127.0.0.1", 0, backlog=4096)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def serve() -> None:
    """Print the URL, and serve until the input ends."""
    server, url = await listening()
    print(url, flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    raise_open_files()
    gc.disable()  # what it makes is freed by its counts, and a pause of its own is nobody's cost
    asyncio.run(serve())
