"""HTTP/1.1 on one connection of asyncio, parsed by httptools: the network of the extra `fast`.

It does what our requests need and no more: one request at a time, a body of known or unknown length or in chunks. All
pieces that arrive together are given together, which is where its speed comes from; a reader that is slow holds the
other side back. Proxies and what else is rare go the way of the library.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import TransportError, TruncatedError
from ..wire import Headers, ResponseHead, WireRequest
from .inbox import Inbox

MAX_HEAD = 100 * 1024
"""How large the heads of a response may be, all of them together."""

_PORTS = {"http": 80, "https": 443}


def speaks(url: str) -> bool:
    """Whether a URL is one that needs nothing but this."""
    parts = urlsplit(url)
    return parts.scheme in _PORTS and bool(parts.hostname) and url.isascii() and "@" not in parts.netloc


class Connection(asyncio.Protocol):
    """One connection; `send` a request, await its `head`, then `read` until None. Then it may be used again.

    Raises TransportError and TruncatedError in our words, and TimeoutError for a deadline, which the exchange knows.
    """

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser: Any = None
        self._where = ""
        self._closed = asyncio.get_running_loop().create_future()
        self._keeps_alive = False
        self._begin()
        self._inbox.end()

    def _begin(self) -> None:
        self._inbox = Inbox(self._resume)
        self._head: ResponseHead | None = None
        self._headers: list[tuple[str, str]] = []
        self._head_size = 0

    # --- opening and closing ---

    @classmethod
    async def open(cls, url: str, context: Callable[[], ssl.SSLContext], timeout: float) -> Connection:
        """Connect. Raises TransportError where that cannot be done within `timeout` seconds."""
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}"
        is_tls = parts.scheme == "https"
        words: dict[str, Any] = {"ssl": context(), "server_hostname": parts.hostname} if is_tls else {}
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout) as scope:
                port = parts.port or _PORTS[parts.scheme]
                _, connection = await loop.create_connection(
                    cls, parts.hostname or "", port, happy_eyeballs_delay=0.25, **words
                )
        except ssl.SSLError as error:
            raise untrusted(where, error) from None
        except TimeoutError:
            if not scope.expired():
                raise
            message = f"{where} did not accept a connection in time; is it up?"
            raise TransportError(message, kind="timeout", phase="connect") from None
        except OSError as error:
            raise unreachable(where, error) from None
        connection._where = where
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: the connection is there."""
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio's: the connection is gone."""
        self._transport = None
        self._stop(error or ConnectionResetError())
        self._inbox.stop()
        if not self._closed.done():
            self._closed.set_result(None)

    def eof_received(self) -> bool:
        """Asyncio's: the other side has closed; so do we."""
        self._stop(None if self._ends_with_connection else EOFError())
        return False

    def _stop(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self._keeps_alive = False
        self._inbox.end(None if error is None else self._broken(error))

    @property
    def _ends_with_connection(self) -> bool:
        """Whether the end of the connection is the end of the body: it has no length and is in no chunks."""
        if self._head is None:
            return False
        names = self._head.headers
        return "content-length" not in names and "chunked" not in names.get("transfer-encoding", "").lower()

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: nothing but silence has come since the answer's end."""
        return self._keeps_alive and self._transport is not None and not self._transport.is_closing()

    async def aclose(self) -> None:
        """Close at once, and wait until that is done."""
        if self._transport is not None:
            self._transport.abort()
        await asyncio.shield(self._closed)

    # --- a request ---

    def send(self, wire: WireRequest) -> None:
        """Send a request; the answer to it is what comes next."""
        import httptools

        if self._transport is None:
            raise self._broken(ConnectionResetError())
        self._begin()
        self._keeps_alive = False
        self._parser = httptools.HttpResponseParser(self)
        # A length beside chunks is a mistake that the chunks outweigh.
        self._parser.set_dangerous_leniencies(lenient_chunked_length=True)
        self._transport.write(request_head(wire))
        if wire.content:
            self._transport.write(wire.content)

    async def head(self, seconds: float) -> ResponseHead:
        """Wait for the head of the answer. Raises TimeoutError after `seconds` without it."""
        until = asyncio.get_running_loop().time() + seconds
        while self._head is None:
            if self._inbox.has_ended:
                await self._inbox.read(0.0)  # raises what has ended it
            await self._inbox.wait(until - asyncio.get_running_loop().time())
        return self._head

    async def read(self, seconds: float) -> bytes | None:
        """What has come of the body, None at its end. Raises TimeoutError after `seconds` without any."""
        return await self._inbox.read(seconds)

    def _resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def _broken(self, error: Exception) -> Exception:
        if isinstance(error, ssl.SSLError):
            return untrusted(self._where, error)
        in_body, is_malformed = self._head is not None, isinstance(error, _Malformed)
        if in_body and (is_malformed or isinstance(error, EOFError)):
            return TruncatedError(f"the answer broke off: {self._where} closed the connection in the middle; try again")
        if is_malformed or isinstance(error, EOFError):
            detail = str(error) or "it ended before the answer"
            return TransportError(f"{self._where} closed the connection or spoke no HTTP: {detail}", kind="lost")
        return TransportError(f"the connection to {self._where} was lost; try again", kind="lost")

    # --- what comes ---

    def data_received(self, data: bytes) -> None:
        """Asyncio's: bytes have come."""
        if self._inbox.has_ended:
            self._refuse("it sent more than the answer")
            return
        if self._head is None:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except Exception as error:  # noqa: BLE001  the parser's, or one of ours that it wraps
            self._refuse(_words(error))
            return
        if self._head is None and self._head_size > MAX_HEAD:
            self._refuse("its headers have no end")
        if self._inbox.is_full and self._transport is not None:
            self._transport.pause_reading()
        self._inbox.wake()

    def _refuse(self, why: str) -> None:
        self._stop(_Malformed(why))
        if self._transport is not None:
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's: a field of the head, or behind the body."""
        if self._head is None:
            if b"\0" in value:
                raise ValueError("a header with a zero byte")
            self._headers.append((name.decode("ascii", "replace"), value.decode("utf-8", "replace").strip(" \t")))

    def on_headers_complete(self) -> None:
        """The parser's: a head is whole; those of informational answers are passed over."""
        status = self._parser.get_status_code()
        if self._head is not None:
            raise ValueError("a second answer")
        if status >= 200 or status == 101:
            self._head = ResponseHead(status, Headers(self._headers))
        self._headers = []

    def on_body(self, data: bytes) -> None:
        """The parser's: a piece of the body."""
        self._inbox.put(data)

    def on_message_begin(self) -> None:
        """The parser's: an answer begins."""
        if self._inbox.has_ended:
            raise ValueError("a second answer")

    def on_message_complete(self) -> None:
        """The parser's: an answer has ended."""
        if self._head is not None:
            self._keeps_alive = self._parser.should_keep_alive()
            self._inbox.end()


class _Malformed(Exception):
    """What came is no HTTP, or more than was asked for."""


def request_head(wire: WireRequest) -> bytes:
    """The bytes before the body: our headers and what frames them, nothing else."""
    url = str.__str__(wire.url)
    parts = urlsplit(url)
    pairs = [("host", _host(parts))]
    if wire.content or wire.method in ("POST", "PUT", "PATCH"):
        pairs.append(("content-length", str(len(wire.content))))
    pairs += [(name, str.__str__(value)) for name, value in wire.headers.pairs]
    target = parts.path or "/"
    lines = [f"{wire.method} {target}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in pairs]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _host(parts: SplitResult) -> str:
    host = parts.netloc
    return host.removesuffix(f":{_PORTS[parts.scheme]}")


def untrusted(where: str, error: ssl.SSLError) -> TransportError:
    """The error for a server whose certificate or TLS is not right."""
    detail = getattr(error, "verify_message", "") or error.reason or "no TLS"
    return TransportError(f"{where} cannot be trusted: {detail}; check the certificate and the host's name", kind="tls")


def unreachable(where: str, error: OSError) -> TransportError:
    """The error for a server to which there is no connection."""
    detail = (error.strerror or str(error)).partition(" (")[0]
    return TransportError(f"{where} cannot be reached: {detail}; check the host and the network", kind="connect")


def _words(error: BaseException) -> str:
    cause = error.__context__ if error.__context__ is not None else error
    return " ".join(str(cause).split())[:120] or type(error).__name__
