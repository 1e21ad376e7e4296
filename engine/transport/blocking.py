"""One connection of a thread for requests one after the other: the twin of direct.py, without a loop.

The socket itself never blocks: what is waited for is that it is ready, and each wait has its own end.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..spec import Timeouts
from ..wire import ResponseHead, WireRequest
from .connect import connect
from .explain import explained
from .http1 import Address, Answer, RemoteProtocolError, request_bytes
from .own import BUFFER, ConnectError, ConnectTimeout, log
from .stage import Stage
from .waiting import READ, WRITE, TooLate, reader, wait

if TYPE_CHECKING:
    import ssl


class Blocking:
    """One connection: `send` a request, then `read` until None; then it may be used again, if it `is_usable`.

    `send` raises what explain.py has words for, `read` what that says. One thread at a time has it, and closes it;
    `stop` is for any other.
    """

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        self._address = address
        self._context = context
        self._socket: Any = None
        self._comes: Callable[[float], Any] = bool
        """Whether something comes within so many milliseconds."""
        self._is_stopped = False
        self._wire: WireRequest | None = None
        self._answer: Answer | None = None
        self._chunks: list[bytes] = []
        self._error: Exception | None = None  # raised behind what has come
        self._was_sent = self._was_read = False
        self.stage = Stage()
        self.kept_at = -math.inf
        """Since when nobody uses it, in monotonic seconds."""

    def send(self, wire: WireRequest, timeouts: Timeouts, until: float) -> ResponseHead:
        """Send a request and wait for the head of its answer. Raises TooLate when that moment has passed."""
        self._wire = wire
        if self._socket is None:
            self._connect(timeouts.connect, until)
        self._chunks, self._was_sent, self._was_read = [], False, False
        self._answer = answer = Answer(self._chunks)
        self._put(memoryview(request_bytes(wire)), answer, until)  # what is in frames may be shown: a view says nothing
        while answer.head is None:
            if self._error is not None:
                raise self._error
            self._take(answer, until)
        log(wire, answer.head.status)
        return answer.head

    def read(self, seconds: float) -> bytes | None:
        """The next bytes of its body; None at the end. Raises TooLate after `seconds` without any."""
        chunks, answer, wire = self._chunks, self._answer, self._wire
        if answer is None or wire is None:
            raise RuntimeError("what was not asked for is not read")
        if seconds <= 0:
            raise TooLate
        until = time.monotonic() + seconds
        while not chunks:
            if self._error is not None:
                raise explained(self._error, wire, in_body=True, proxied=False, stage=self.stage) from None
            if answer.has_ended:
                self._was_read = True
                return None
            self._take(answer, until)
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return data

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: all of the last one was, and its answer was read to its end."""
        is_at_end = self._was_read and self._was_sent and not self._is_stopped
        return is_at_end and self._answer is not None and self._answer.keeps_alive

    @property
    def was_streamed(self) -> bool:
        """Whether its last answer came in chunks."""
        return self._answer is not None and self._answer.is_chunked

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come behind that: the end of the connection, mostly."""
        return self.stays_silent(0)

    def stays_silent(self, seconds: float) -> bool:
        """The same for so many seconds; less when something comes."""
        return not self._comes(seconds * 1000)

    def close(self) -> None:
        """Close at once."""
        self._error = None
        if self._socket is not None:
            self._socket.close()

    def stop(self) -> None:
        """End what its thread does with it, which then closes it."""
        self._is_stopped = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # TLS's own would let it be read undecrypted

    def _connect(self, seconds: float, until: float) -> None:
        own = min(until, time.monotonic() + seconds)
        try:
            self._open(own)
        except TooLate as error:
            if own == until:
                raise
            raise ConnectTimeout from error
        except (OSError, ExceptionGroup) as error:
            if self._is_stopped:
                raise ConnectionAbortedError from error
            raise ConnectError(str(error)) from error
        self.stage.note("http11.send_request_headers.started", {})

    def _open(self, until: float) -> None:
        to = self._address
        self.stage.note("connection.connect_tcp.started", {})
        self._socket = connect(to.host, to.port, until)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._comes = reader(self._socket)
        if self._context is not None:
            self.stage.note("connection.start_tls.started", {})
            self._socket = self._context.wrap_socket(
                self._socket, server_hostname=to.host, do_handshake_on_connect=False
            )
            while wanted := self._left_to_agree():
                wait(self._socket, wanted, until)
        if self._is_stopped:
            raise ConnectionAbortedError

    def _left_to_agree(self) -> int:
        """Go on to agree on TLS; what to wait for then, 0 when it is agreed on."""
        try:
            self._socket.do_handshake()
        except OSError as error:
            wanted = _wanted(error, 0)
            if not wanted:
                raise
            return wanted
        return 0

    def _put(self, view: memoryview, answer: Answer, until: float) -> None:
        """Send all of it; less where an answer comes, or the connection ends, before that."""
        while view and answer.head is None and self._error is None:
            try:
                view = view[self._socket.send(view) :]
            except OSError as error:
                wanted = _wanted(error, WRITE)
                if not wanted:
                    return  # what the other side has said before that is there to be read
                if wait(self._socket, wanted | READ, until) & ~WRITE:
                    self._take(answer, until)
        self._was_sent = not view

    def _take(self, answer: Answer, until: float) -> None:
        """Take what comes next; nothing, at times, under TLS."""
        left = until - time.monotonic()
        if left <= 0 or not self._comes(left * 1000):
            raise TooLate
        try:
            data = self._socket.recv(BUFFER)
            if self._is_stopped:
                raise ConnectionAbortedError
            if data:
                answer.feed(data)
            else:
                answer.close()
        except RemoteProtocolError as error:
            answer.keeps_alive = False
            if not answer.has_ended:
                self._error = error
        except OSError as error:
            wanted = _wanted(error, READ)
            if not wanted:
                self._error = error
            elif wanted == WRITE:
                wait(self._socket, WRITE, until)


def _wanted(error: OSError, plain: int) -> int:
    """What is waited for before something is tried again, without TLS that is `plain`; 0 for what has failed."""
    return {"BlockingIOError": plain, "SSLWantReadError": READ, "SSLWantWriteError": WRITE}.get(type(error).__name__, 0)
