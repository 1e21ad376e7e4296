"""A call on the library's client: its request is sent, and its body read ahead by a task of its own.

A reader that takes all that has come at once has less to do for each piece of it, and one timer is enough for its
deadlines; a caller's client needs one task for a body then, not one for each read (see lent.py).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Coroutine
from typing import Any

from ..aside import Turns
from ..spec import Timeouts
from ..wire import ResponseHead, WireRequest
from .chunks import all_at_once
from .explain import explained
from .inbox import Inbox
from .quiet import quiet
from .request import Bare, build, head_of
from .reuse import aguarded, is_spent
from .stage import Stage


class Library:
    """One call after the other on one client: `send` a request, then `read` until None.

    What differs is whose task the library works in: `_sent` gives the response to a request, `_begin` reads a body.
    """

    PATIENCE: float | None = None
    """How many seconds a caller waits until what he left is closed."""

    def __init__(self, client: Any, turns: Turns, is_proxied: bool) -> None:
        self.client = client
        self.stage = Stage()
        self.kept_at = -math.inf
        """Since when nobody uses it, in monotonic seconds."""
        self._turns = turns
        self._is_proxied = is_proxied
        self._wire: WireRequest | None = None
        self._response: Any = None
        self._inbox: Inbox | None = None
        self._chunks: Any = None
        """Kept until the response is closed: generators of the library that are dropped close it in their own order."""
        self._room: asyncio.Future[None] | None = None

    async def _sent(self, request: Any) -> Any:
        raise NotImplementedError

    def _begin(self, reading: Coroutine[Any, Any, None]) -> None:
        raise NotImplementedError

    async def send(self, wire: WireRequest, timeouts: Timeouts, seconds: float) -> ResponseHead:
        """Send a request and wait for the head of its answer. Raises TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds):
            return await self._send_now(wire, timeouts)

    async def _send_now(self, wire: WireRequest, timeouts: Timeouts) -> ResponseHead:
        self._wire, self.stage, self._inbox, self._chunks = wire, Stage(), None, None
        timeout = {"connect": timeouts.connect, "read": None, "write": None, "pool": None}
        request = build(self.client, wire, timeout, self.stage.anote)
        try:
            with quiet():
                self._response = all_at_once(aguarded(await self._sent(request)))
        except Exception:
            if self.stage.redirect is None:
                raise
            self._response = Bare(*self.stage.redirect)
        return head_of(self._response, wire, self._is_proxied)

    def read(self, seconds: float) -> Awaitable[bytes | None]:
        """The next bytes of its body; None at the end. Raises TimeoutError after `seconds` without any."""
        if seconds <= 0:
            raise TimeoutError
        if self._inbox is None:
            self._inbox = Inbox(self)
            self._chunks = aiter(self._response.stream)
            self._begin(self._fill(self._inbox))
        return self._inbox.read(seconds)

    async def _fill(self, inbox: Inbox) -> None:
        chunks, turns = inbox.chunks, self._turns
        try:
            with quiet():
                async for chunk in self._chunks:
                    if not chunk:
                        continue
                    chunks.append(chunk)
                    inbox.came(len(chunk))
                    if inbox.is_full:
                        await self._emptied()
                    if turns.are_due(len(chunk)):
                        await turns.own()
                await self._response.aclose()
        except Exception as error:  # noqa: BLE001  the reader's to tell
            inbox.end(error)
        except BaseException:
            inbox.end(ConnectionAbortedError())
            raise
        else:
            inbox.end()

    async def _emptied(self) -> None:
        self._room = asyncio.get_running_loop().create_future()
        await self._room

    def resume(self) -> None:
        """Let more come."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def told(self, error: BaseException) -> BaseException:
        """An error in our words."""
        if self._wire is None or not isinstance(error, Exception):
            return error
        return explained(error, self._wire, in_body=True, proxied=self._is_proxied, stage=self.stage)

    was_streamed = False
    """Nobody asks: the library's connections do not rest."""
    is_silent = True
    """Whether nothing has come since: the library looks for itself."""

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: the answer was read to its end, and nothing is left behind it."""
        return self._inbox is not None and self._inbox.was_read and not is_spent(self._response)

    async def aclose(self) -> None:
        """End the call in the middle of whatever it does."""
        if self._inbox is not None:
            self._inbox.stop()
