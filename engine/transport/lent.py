"""A caller's own client: what is asked of it is never interrupted where its pool would lose a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..aside import Turns
from .library import Library

if TYPE_CHECKING:
    import anyio

SILENT_SECONDS = 0.05
"""How long a call that was left is waited for where no call has told what it does: a stand-in for a network, mostly."""
QUEUE_SECONDS = 5.0
"""How long a call that was left may stand in the queue of the library's pool."""


class Lent(Library):
    """One call on a client that is not ours.

    httpx's pool loses a connection when a task is cancelled while it waits for one, between connecting and sending, or
    a second time while it closes (encode/httpcore#1093). So the library works in a task that nobody else can cancel,
    and a caller who is cancelled leaves that task behind. It is ended by a cancel scope of anyio, which the library is
    written for: unlike `task.cancel()`, that waits behind the library's own shields. Where the scope would do harm too
    (in the pool's queue, with a connection just made, behind a proxy) the task goes on to the next event that the
    library tells the `trace` extension of its request (https://www.python-httpx.org/advanced/extensions/#trace).

    `telling` are the origins whose requests have told an event.
    """

    PATIENCE = 0.05
    """In the pool's queue it may take longer to close it."""

    def __init__(self, client: Any, turns: Turns, origin: str, telling: set[str]) -> None:
        super().__init__(client, turns, is_proxied=False)
        self._origin = origin
        self._telling = telling
        self._scope: anyio.CancelScope | None = None
        self._work: asyncio.Task[None] | None = None
        self._made: Any = None  # the network stream that this call has opened
        self._note: Any = None  # who else hears what the library tells
        self._may_be_ended = False
        self._is_left = False

    async def _sent(self, request: Any) -> Any:
        self._note = request.extensions.get("trace")
        request.extensions = {**request.extensions, "trace": self._told}
        self._begin(self._send(request))
        await asyncio.shield(self._work)  # type: ignore[arg-type]  # it has just begun
        return self._response

    async def _send(self, request: Any) -> None:
        self._response = await self.client.send(request, stream=True, follow_redirects=False)
        self._may_be_ended = True

    def _begin(self, reading: Coroutine[Any, Any, None]) -> None:
        import anyio  # httpx's own way to run; with httpx, not before

        self._scope = anyio.CancelScope()
        self._work = asyncio.ensure_future(_within(self._scope, reading))

    async def _told(self, event: str, info: Mapping[str, Any]) -> None:
        self._telling.add(self._origin)
        if self._note is not None:
            await self._note(event, info)
        self._may_be_ended = not event.startswith(("proxy.", "socks."))
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._made = info["return_value"]
        if self._is_left and self._may_be_ended:
            if event.startswith("connection."):
                raise asyncio.CancelledError
            self._end()

    def _end(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    async def aclose(self) -> None:
        """End the call in the middle of whatever it does. The client stays open: it is not ours."""
        await super().aclose()
        self._is_left = True
        if self._work is not None:
            if not self._may_be_ended:
                await asyncio.wait([self._work], timeout=SILENT_SECONDS)
            if not self._may_be_ended and self._origin in self._telling:
                await asyncio.wait([self._work], timeout=QUEUE_SECONDS)
            self._end()
            await asyncio.wait([self._work])
            if not self._work.cancelled():
                self._work.exception()  # the caller has it, or has gone
        # A connection that was opened for nothing may be unknown to the pool.
        for left in (self._response, self._made if self._response is None else None):
            if left is not None:
                with suppress(Exception):
                    await left.aclose()


async def _within(scope: anyio.CancelScope, work: Coroutine[Any, Any, None]) -> None:
    with scope:
        return await work
    raise asyncio.CancelledError
