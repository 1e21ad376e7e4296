"""One connection of asyncio for requests one after the other: the network of the extra `fast`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..spec import Timeouts
from ..wire import ResponseHead, WireRequest
from .dial import dial
from .explain import explained
from .http1 import Address, Answer, RemoteProtocolError, request_bytes
from .inbox import Inbox
from .own import ConnectError, ConnectTimeout, log
from .stage import Stage
from .waiting import reader

if TYPE_CHECKING:
    import ssl

CLOSING_SECONDS = 1.0
"""How long asyncio is waited for to close what was given up: a turn of the loop, mostly."""


class Direct(asyncio.BufferedProtocol):
    """One connection: `send` a request, then `read` until None; then it may be used again, if it `is_usable`.

    `send` raises what explain.py has words for, `read` what that says. The methods in the middle are asyncio's.
    """

    PATIENCE: float | None = None
    """How many seconds a caller waits until what he left is closed."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, buffer: memoryview) -> None:
        self._address = address
        self._context = context
        self._buffer = buffer
        self._transport: Any = None
        self._is_lost = False
        self._loss: asyncio.Future[None] | None = None  # when somebody waits for it
        self._wire: WireRequest | None = None
        self._answer: Answer | None = None
        self._inbox = Inbox(self)
        self.read: Callable[[float], Awaitable[bytes | None]] = self._inbox.read
        """The next bytes of the body; None at the end. Raises TimeoutError after so many seconds without any."""
        self.stage = Stage()
        self.kept_at = -math.inf
        """Since when nobody uses it, in monotonic seconds."""

    async def send(self, wire: WireRequest, timeouts: Timeouts, seconds: float) -> ResponseHead:
        """Send a request and wait for the head of its answer. Raises TimeoutError after `seconds`."""
        until = asyncio.get_running_loop().time() + seconds
        self._wire = wire
        if self._transport is None:
            await self._connect(timeouts.connect, seconds)
        if self._is_lost:
            raise ConnectionResetError
        self._transport.write(request_bytes(wire))  # under no name: what is in frames may be shown
        # What takes the answer is made while the other side works on it: nothing comes before the loop's next turn.
        self._inbox = inbox = Inbox(self)
        self.read = inbox.read
        self._answer = answer = Answer(inbox.chunks)
        while answer.head is None:
            inbox.refuse_error()
            await inbox.arrival(until)
        log(wire, answer.head.status)
        return answer.head

    async def _connect(self, seconds: float, left: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, left)) as scope:
                await self._open()
        except TimeoutError as error:
            if scope.expired() and left < seconds:
                raise
            raise (ConnectTimeout if scope.expired() else ConnectError) from error
        except (OSError, ExceptionGroup) as error:
            raise ConnectError(str(error)) from error
        self.stage.note("http11.send_request_headers.started", {})

    async def _open(self) -> None:
        loop, to = asyncio.get_running_loop(), self._address
        self.stage.note("connection.connect_tcp.started", {})
        await loop.create_connection(lambda: self, sock=await dial(to.host, to.port))
        if self._context is not None:
            self.stage.note("connection.start_tls.started", {})
            # Until it is agreed on, asyncio tells us nothing of this connection.
            raw = self._transport
            try:
                self._transport = await loop.start_tls(raw, self, self._context, server_hostname=to.host)
            except BaseException:
                raw.abort()
                self._is_lost = True
                raise

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: the answer was read to its end, and then nothing has come."""
        if self._answer is None or not self._answer.keeps_alive or not self._inbox.was_read:
            return False
        # An answer to half a request is no reason to send the other half.
        return not self._transport.is_closing() and not self._transport.get_write_buffer_size()

    @property
    def was_streamed(self) -> bool:
        """Whether its last answer came in chunks."""
        return self._answer is not None and self._answer.is_chunked

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come that the loop has not looked at yet: the end of the connection, mostly."""
        return not reader(self._transport.get_extra_info("socket"))(0)

    async def aclose(self) -> None:
        """Close at once, and wait until that is done."""
        self._inbox.stop()
        self._inbox.end(ConnectionAbortedError())
        if self._transport is None:
            return
        self._transport.abort()
        loop = asyncio.get_running_loop()
        if not self._is_lost:
            self._loss = loop.create_future()
            await asyncio.wait([self._loss], timeout=CLOSING_SECONDS)
        closed = loop.create_future()
        loop.call_soon(closed.set_result, None)  # behind asyncio's own closing of what it has given up
        await asyncio.wait([closed])

    # --- what asyncio tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        answer, inbox = self._answer, self._inbox
        if answer is None or inbox.has_ended:
            self._fail(RemoteProtocolError("it sent more than the answer"))
            return
        try:
            answer.feed(self._buffer[:nbytes])
        except RemoteProtocolError as error:
            if answer.has_ended:
                inbox.end()
            self._fail(error)
        else:
            if answer.has_ended:
                inbox.end()
        inbox.came(nbytes)
        if inbox.is_full:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The other side has closed; so do we."""
        if self._answer is not None:
            try:
                self._answer.close()
            except RemoteProtocolError as error:
                self._inbox.end(error)
            self._inbox.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; without a reason it was closed, by TLS without its farewell or by us."""
        self._is_lost = True
        if self._loss is not None and not self._loss.done():
            self._loss.set_result(None)
        if exc is None:
            self.eof_received()
        self._inbox.end(exc)

    def _fail(self, error: Exception) -> None:
        self._inbox.end(error)
        if self._answer is not None:
            self._answer.keeps_alive = False
        self._transport.abort()

    # --- what its inbox asks ---

    def resume(self) -> None:
        """Let more come."""
        if not self._is_lost:
            self._transport.resume_reading()

    def told(self, error: BaseException) -> BaseException:
        """An error in our words."""
        if self._wire is None or not isinstance(error, Exception):
            return error
        in_body = self._answer is not None and self._answer.head is not None
        return explained(error, self._wire, in_body=in_body, proxied=False, stage=self.stage)
