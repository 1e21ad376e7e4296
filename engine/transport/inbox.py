"""What has come of a body and waits for its reader: given all at once, waited for with one timer, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HIGH_WATER = 256 * 1024
"""How many bytes wait for a slow reader before the other side has to wait too."""


def _nothing() -> None: ...


class Inbox:
    """One writer, one reader, one loop. `on_room` is called when a reader has taken what filled it up."""

    def __init__(self, on_room: Callable[[], None] = _nothing) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_room = on_room
        self._chunks: list[bytes] = []
        self._size = 0
        self._end: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self.has_ended = False
        """Whether all has come; it may still have to be read."""

    @property
    def is_full(self) -> bool:
        """Whether the other side should wait."""
        return self._size > HIGH_WATER

    def put(self, data: bytes) -> None:
        """The next bytes; nobody is woken."""
        self._chunks.append(data)
        self._size += len(data)

    def end(self, error: BaseException | None = None) -> None:
        """That was all; or an error, which comes behind what was put. The first word counts."""
        if not self.has_ended:
            self.has_ended, self._end = True, error
            self.wake()

    def wake(self) -> None:
        """Let the reader look."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self, seconds: float) -> bytes | None:
        """All that has come, else what comes next; None at the end. Raises TimeoutError after `seconds` of waiting."""
        while not self._chunks:
            if self._end is not None:
                raise self._end
            if self.has_ended:
                return None
            await self.wait(seconds)
        chunks, self._chunks = self._chunks, []
        if self._size > HIGH_WATER:
            self._on_room()
        self._size = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def wait(self, seconds: float) -> None:
        """Wait until something comes. The timer of the wait before is used again: it is moved when it goes off."""
        self._waiter = self._loop.create_future()
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_timer(self) -> None:
        self.stop()
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._deadline > self._loop.time():
            self._set_timer()
        else:
            self._waiter.set_exception(TimeoutError())

    def stop(self) -> None:
        """Take the timer back: nobody will read any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
