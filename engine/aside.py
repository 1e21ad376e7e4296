"""What would hold up an event loop, and how it is done without that: in a thread of its own, or in short turns.

Python runs one thread at a time, so this makes nothing faster; the loop's other tasks get their turns meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from .messages import Message

T = TypeVar("T")

HEAVY_WEIGHT = 8_000
"""From this weight on, a call is made aside. Each value weighs one, and text one for each `CHARACTERS`."""
CHARACTERS = 256

PIECE = 16 * 1024
STRETCH = 0.01
"""How many bytes are read at once, and after how many seconds all else gets its turn."""
SMALL = 256
CALL = 4 * 1024
"""What a few bytes cost beside themselves, and what it costs to make a call, as bytes."""


async def aside(work: Callable[..., T], *args: Any) -> T:
    """What `work(*args)` gives, done in a thread that ends with it. A cancel waits for that end."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="wirefile-aside")  # no lasting thread, as the loop's own pool has
    try:
        done = asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work, *args)
        cancelled = None
        while not done.done():
            try:
                await asyncio.wait([done])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            done.exception()  # looked at, so that nobody complains that it was not
            raise cancelled
        return done.result()
    finally:
        pool.shutdown(wait=False)


class Turns:
    """Bounds what tasks do in one turn of the loop: when it has lasted long enough, those that ask wait in a row.

    Without it, a thousand calls that begin at once would all begin before anything else is done.
    """

    AT_ONCE = 8
    """How many of the row go on in one turn; to begin a call takes a millisecond or two."""

    def __init__(self) -> None:
        self._until = 0.0
        self._debt = 0
        self._row: deque[asyncio.Future[None]] = deque()

    def are_due(self, size: int) -> bool:
        """Whether to wait for an own turn before work on so many bytes: every piece or so, for small work is quick."""
        self._debt += size + SMALL
        if self._debt < PIECE:
            return False
        self._debt = 0
        return True

    async def own(self) -> None:
        """Wait for a turn of the loop that has time left."""
        if not self._row and time.monotonic() < self._until:
            return
        loop = asyncio.get_running_loop()
        if not self._row:
            loop.call_soon(self._go_on, loop)
        mine = loop.create_future()
        self._row.append(mine)
        await mine

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._until = time.monotonic() + STRETCH
        for _ in range(min(self.AT_ONCE, len(self._row))):
            future = self._row.popleft()
            if not future.done():  # its task was cancelled
                future.set_result(None)
        if self._row:
            loop.call_soon(self._go_on, loop)


def pieces(data: bytes) -> Iterator[bytes]:
    """Some bytes in pieces that are quickly read."""
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def is_heavy(*values: Any) -> bool:
    """Whether it would take long to make a call of these values: many, or much text.

    >>> is_heavy("Hi", {"temperature": 0.5}), is_heavy("x" * 3_000_000), is_heavy([{}] * 10_000)
    (False, True, True)
    """
    weight, waiting = 0, list(values)
    while waiting and weight < HEAVY_WEIGHT:
        value = waiting.pop()
        weight += 1
        if isinstance(value, str):
            weight += str.__len__(value) // CHARACTERS
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list or type(value) is tuple:
            waiting += value
        elif type(value) is Message:
            waiting += (value.content, value.tool_calls)
    return weight >= HEAVY_WEIGHT
