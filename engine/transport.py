"""The only home of httpx: open a request, read raw bytes, close, and say what went wrong in our words.

It also takes a caller's own client (httpx, or a library with the same API such as httpx2): nothing but
`build_request`, `send`, `iter_raw` / `aiter_raw` and `close` / `aclose` is asked of it. Redirects are never followed,
environment proxies never used, and what httpx logs never holds a secret.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from .errors import TransportError, TruncatedError, UsageError
from .secrets import Sensitive, shown
from .spec import Timeouts
from .wire import Headers, ResponseHead, WireRequest


def _build(client: Any, wire: WireRequest, timeouts: Timeouts, read: float | None) -> Any:
    """The library's request: our headers and nothing else, our URL as it is."""
    timeout = {"connect": timeouts.connect, "read": read, "write": read, "pool": None}
    request = client.build_request(wire.method, str.__str__(wire.url), content=wire.content)
    own = [(name, str.__str__(value)) for name, value in wire.headers.pairs]
    framing = [pair for pair in request.headers.items() if pair[0].lower() in ("host", "content-length")]
    request.headers = type(request.headers)(framing + own)
    request.extensions = {**request.extensions, "timeout": timeout}
    if isinstance(wire.url, Sensitive):
        request.url = _masked_url(type(request.url), str.__str__(wire.url), shown(wire.url))
    return request


def _masked_url(kind: type[Any], url: str, masked: str) -> Any:
    """A URL that is sent whole and logged masked: httpx logs every URL at INFO."""
    return type("MaskedURL", (kind,), {"__str__": lambda self: masked, "__repr__": lambda self: repr(masked)})(url)


def _head(response: Any) -> ResponseHead:
    return ResponseHead(response.status_code, Headers(response.headers.multi_items()))


def _explain(error: Exception, wire: WireRequest, *, in_body: bool) -> Exception:
    """An exception of the library in our words, by the name of its class: httpx and its kin share those names.

    An error that is not the library's own comes back unchanged.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    where = wire.origin
    detail = _detail(error)
    if "ConnectTimeout" in names:
        return TransportError(
            f"{where} did not accept a connection in time; is it up?", kind="timeout", phase="connect"
        )
    if "TimeoutException" in names:
        return _Timeout()
    if "ProxyError" in names:
        return TransportError(f"the proxy refused ({detail}); check the proxy", kind="proxy")
    if "ConnectError" in names:
        if _is_tls(error):
            message = f"{where} cannot be trusted: {detail}; check the certificate and the host's name"
            return TransportError(message, kind="tls")
        return TransportError(f"{where} cannot be reached: {detail}; check the host and the network", kind="connect")
    if "RemoteProtocolError" in names and in_body:
        return TruncatedError(f"the answer broke off: {where} closed the connection in the middle; try again")
    if "RemoteProtocolError" in names:
        return TransportError(f"{where} closed the connection or spoke no HTTP: {detail}", kind="lost")
    if "LocalProtocolError" in names or "InvalidURL" in names or "UnsupportedProtocol" in names:
        return UsageError(f"the request to {where} cannot be sent: {detail}")
    if names & {"TransportError", "RequestError", "StreamError"}:
        return TransportError(f"the connection to {where} was lost; try again", kind="lost")
    return error


class _Timeout(Exception):
    """A wait that the library ended; which deadline that was, the exchange knows."""


def _detail(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return text or type(error).__name__


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE" in str(error).upper()


# --- sync ------------------------------------------------------------------------------------------------------------


class _Deadline(threading.local):
    """When the wait of this thread is over, in monotonic seconds."""

    at: float | None = None


_DEADLINE = _Deadline()


class _DeadlineStream:
    """A network stream whose every read and write ends at this thread's deadline.

    The library's own timeouts bound each read, so a server that drips a byte at a time is never too late for them.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def _left(self, timeout: float | None) -> float | None:
        if _DEADLINE.at is None:
            return timeout
        left = max(_DEADLINE.at - time.monotonic(), 0.001)
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        if _DEADLINE.at is not None and _DEADLINE.at <= time.monotonic():
            import httpcore

            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, timeout=self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> Any:
        return self._stream.write(buffer, timeout=self._left(timeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        stream = self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=self._left(timeout))
        return _DeadlineStream(stream)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend:
    """A network backend that opens such streams."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        return _DeadlineStream(self._backend.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> Any:
        return _DeadlineStream(self._backend.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def new_client(proxy: str | None, keep: int) -> Any:
    """An httpx client of our own; `keep` idle connections are kept."""
    import httpx

    # No limit inside the pool: a request that waits there and is cancelled leaks its slot (httpcore 1.0). Ours is in
    # front of it, so nothing ever waits inside.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=keep)
    client = httpx.Client(limits=limits, proxy=_proxy(proxy), trust_env=False, follow_redirects=False)
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None and hasattr(pool, "_network_backend"):
            pool._network_backend = _DeadlineBackend(pool._network_backend)
    return client


def new_async_client(proxy: str | None, keep: int) -> Any:
    """The same, async."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=keep)
    return httpx.AsyncClient(limits=limits, proxy=_proxy(proxy), trust_env=False, follow_redirects=False)


def _proxy(proxy: str | None) -> Any:
    if proxy is None:
        return None
    import httpx

    try:
        return httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL):
        raise UsageError("the proxy's URL cannot be used; write http://host:port") from None


class Body:
    """A response that is open: its head, its raw bytes one read at a time, and its end."""

    def __init__(self, client: Any, wire: WireRequest, timeouts: Timeouts, seconds: float) -> None:
        self._wire = wire
        _DEADLINE.at = time.monotonic() + seconds
        try:
            request = _build(client, wire, timeouts, min(timeouts.idle, seconds))
            self._response = client.send(request, stream=True, follow_redirects=False)
        except Exception as error:  # noqa: BLE001  whatever the library raises becomes ours, or goes on as it is
            raise _explained(error, wire, in_body=False) from None
        finally:
            _DEADLINE.at = None
        self.head = _head(self._response)
        self._chunks: Iterator[bytes] = self._response.iter_raw()

    def read(self, seconds: float) -> bytes | None:
        """The next bytes; None at the end of the body. Raises TimeoutError after `seconds`."""
        _DEADLINE.at = time.monotonic() + seconds
        try:
            return next(self._chunks, None)
        except Exception as error:  # noqa: BLE001
            raise _explained(error, self._wire, in_body=True) from None
        finally:
            _DEADLINE.at = None

    def close(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        self._response.close()


def _explained(error: Exception, wire: WireRequest, *, in_body: bool) -> Exception:
    ours = _explain(error, wire, in_body=in_body)
    return TimeoutError() if isinstance(ours, _Timeout) else ours


# --- async -----------------------------------------------------------------------------------------------------------


class AsyncBody:
    """The same, async. `open` makes one."""

    def __init__(self, response: Any, wire: WireRequest) -> None:
        self._wire = wire
        self._response = response
        self.head = _head(response)
        self._chunks: AsyncIterator[bytes] = response.aiter_raw()

    @classmethod
    async def open(cls, client: Any, wire: WireRequest, timeouts: Timeouts, seconds: float) -> AsyncBody:
        """Send the request and wait for the head. Raises TimeoutError after `seconds`."""
        request = _build(client, wire, timeouts, None)
        try:
            async with asyncio.timeout(seconds):
                return cls(await client.send(request, stream=True, follow_redirects=False), wire)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001
            raise _explained(error, wire, in_body=False) from None

    async def read(self, seconds: float) -> bytes | None:
        """The next bytes; None at the end of the body. Raises TimeoutError after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                return await anext(self._chunks, None)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001
            raise _explained(error, self._wire, in_body=True) from None

    async def aclose(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        await self._response.aclose()
