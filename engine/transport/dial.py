"""A connected socket of asyncio; whatever happens to the task that waits for it, none is left open.

Asyncio's own way to several addresses loses the socket that has just been connected when it is cancelled (3.11).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from .addresses import NEXT_SECONDS, in_turns, unreachable


async def dial(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers. Raises OSError, or a group of them for a host with several."""
    loop = asyncio.get_running_loop()
    found = await _addresses(host, port)
    if len(found) == 1:
        return await _connected(loop, *found[0])
    ahead = in_turns(found)
    tries: dict[asyncio.Task[None], socket.socket] = {}
    errors: list[OSError] = []
    try:
        while ahead or tries:
            if ahead:
                family, kind, protocol, _, address = ahead.popleft()
                try:
                    own = socket.socket(family, kind, protocol)
                except OSError as error:
                    errors.append(error)
                    continue
                own.setblocking(False)
                tries[asyncio.ensure_future(loop.sock_connect(own, address))] = own
            seconds = NEXT_SECONDS if ahead else None
            done, _ = await asyncio.wait(tries, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception()
                if failure is None:
                    return tries.pop(task)
                if not isinstance(failure, OSError):
                    raise failure
                errors.append(failure)
                tries.pop(task).close()
    finally:
        for task, own in tries.items():
            _give_up(task, own)
    raise unreachable(errors)


async def _connected(
    loop: asyncio.AbstractEventLoop, family: int, kind: int, protocol: int, _: str, address: Any
) -> socket.socket:
    own = socket.socket(family, kind, protocol)
    try:
        own.setblocking(False)
        await loop.sock_connect(own, address)
    except BaseException:
        own.close()  # the loop has let go of it: it hears of a cancel first
        raise
    return own


def _give_up(task: asyncio.Task[None], own: socket.socket) -> None:
    """Close a socket when the loop has let go of it."""

    def close(done: asyncio.Task[None]) -> None:
        own.close()
        if not done.cancelled():
            done.exception()  # looked at, so that nobody complains that it was not

    task.cancel()
    task.add_done_callback(close)


async def _addresses(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
