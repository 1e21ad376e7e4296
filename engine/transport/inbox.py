"""What has come of a body and waits for its reader: taken all at once, waited for with one timer, and bounded."""

from __future__ import annotations

import asyncio
from typing import Protocol

HIGH_WATER = 256 * 1024
"""How many bytes wait for a slow reader before the other side has to wait too."""


class Owner(Protocol):
    """The connection that an inbox belongs to."""

    def resume(self) -> None:
        """Go on: a reader has taken what had filled the inbox."""

    def told(self, error: BaseException) -> BaseException:
        """What is raised for an error that ended it."""


class Inbox:
    """One writer, one reader, one event loop. The writer puts bytes into `chunks`, and says how many with `came`."""

    __slots__ = (
        "_deadline",
        "_error",
        "_loop",
        "_owner",
        "_size",
        "_timer",
        "_waiter",
        "chunks",
        "has_ended",
        "is_full",
        "was_read",
    )

    def __init__(self, owner: Owner) -> None:
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        self._size = 0
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self.chunks: list[bytes] = []
        self.has_ended = False
        """Whether all has come; some of it may still have to be read."""
        self.was_read = False
        """Whether the reader was told the end."""
        self.is_full = False
        """Whether the other side should wait."""

    def came(self, size: int) -> None:
        """So many bytes have come; the reader, if one waits, takes them."""
        self._size += size
        if self._size > HIGH_WATER:
            self.is_full = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self, error: BaseException | None = None) -> None:
        """That was all; or an error, which is raised behind what has come. The first word counts."""
        if not self.has_ended:
            self.has_ended, self._error = True, error
            self.came(0)

    async def read(self, seconds: float) -> bytes | None:
        """All that has come, else what comes next; None at the end. Raises TimeoutError after `seconds` of waiting."""
        if seconds <= 0:
            raise TimeoutError
        chunks = self.chunks
        while not chunks:
            self.refuse_error()
            if self.has_ended:
                self.was_read = True
                self.stop()
                return None
            await self.arrival(self._loop.time() + seconds)
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self.is_full:
            self.is_full = False
            self._owner.resume()
        return data

    def refuse_error(self) -> None:
        """Raise the error that ended it, if one did."""
        if self._error is not None:
            raise self._owner.told(self._error)

    def arrival(self, until: float) -> asyncio.Future[None]:
        """Done when something comes; fails at `until`, by the loop's clock. One timer serves all and moves late."""
        self._waiter = waiter = self._loop.create_future()
        self._deadline = until
        if self._timer is None or self._timer.when() > until:
            self._set_timer()
        return waiter

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
        """Take the timer back: nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
