"""The pool of httpx, or a caller's client, for threads: deadlines bound a whole wait, not only each of its reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from ..spec import Timeouts
from ..wire import WireRequest
from .chunks import all_at_once
from .explain import explained
from .own import trust
from .quiet import quiet
from .request import Bare, build, head_of, proxy_of, wrap_backend
from .reuse import guarded
from .stage import Stage


class _Deadline(threading.local):
    """When the wait of this thread is over, in monotonic seconds."""

    at: float | None = None


_DEADLINE = _Deadline()


def _left(timeout: float | None) -> float | None:
    if _DEADLINE.at is None:
        return timeout
    left = max(_DEADLINE.at - time.monotonic(), 0.001)
    return left if timeout is None else min(left, timeout)


class _DeadlineStream:
    """A network stream whose every read and write ends at this thread's deadline.

    The library's own timeouts bound each read, so a server that drips a byte at a time is never too late for them.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        at = _DEADLINE.at
        if at is not None:
            # The library's own is that of idle, which must not end the wait for the first byte of a body.
            timeout = at - time.monotonic()
            if timeout <= 0:
                import httpcore

                raise httpcore.ReadTimeout("the deadline has passed")
            timeout = max(timeout, 0.001)
        return self._stream.read(max_bytes, timeout=timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> Any:
        return self._stream.write(buffer, timeout=_left(timeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        stream = self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=_left(timeout))
        return _DeadlineStream(stream)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend:
    """A network backend that opens such streams."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        return _DeadlineStream(self._backend.connect_tcp(*args, timeout=_left(timeout), **kwargs))

    def connect_unix_socket(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        return _DeadlineStream(self._backend.connect_unix_socket(*args, timeout=_left(timeout), **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def context() -> Any:
    """Whom connections trust. Sockets are closed when Ctrl-C ends their handshake: nobody else has them yet."""
    import ssl

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            try:
                super().do_handshake(block)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # it goes on
                raise
            except BaseException:
                self.close()
                raise

    made = trust()
    made.sslsocket_class = Socket
    return made


def new_client(proxy: str | None, keep: int, context: Any) -> Any:
    """An httpx client of our own; `keep` idle connections are kept."""
    import httpx

    # No limit inside the pool: ours is in front of it, has its own deadline and its own words.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=keep)
    options = {"verify": context, "trust_env": False, "follow_redirects": False}
    client = httpx.Client(limits=limits, proxy=proxy_of(proxy), **options)
    for transport in (client._transport, *client._mounts.values()):
        wrap_backend(transport, _DeadlineBackend)
    return client


def close_client(client: Any) -> None:
    """Close such a client, and its connections."""
    with quiet():
        client.close()


class Body:
    """A response that is open: its head, its raw bytes one read at a time, and its end."""

    def __init__(
        self, client: Any, wire: WireRequest, timeouts: Timeouts, seconds: float, proxied: bool = False
    ) -> None:
        self._wire = wire
        self._proxied = proxied
        # The library asks this map when it begins to wait for the head, and again when it begins to read the body.
        timeout = {
            "connect": timeouts.connect,
            "read": max(seconds, 0.001),
            "write": max(seconds, 0.001),
            "pool": None,
        }
        self._stage = Stage()
        self._response: Any = None
        at = _DEADLINE.at = time.monotonic() + seconds
        try:
            request = build(client, wire, timeout, self._stage.note)
            self._response = _sent(client, request, self._stage)
            self.head = head_of(self._response, wire, proxied)
        except Exception as error:  # noqa: BLE001  whatever the library raises becomes ours, or goes on as it is
            late = time.monotonic() >= at
            if self._response is not None:
                self._response.close()
            raise explained(error, wire, in_body=False, proxied=proxied, stage=self._stage, late=late) from None
        finally:
            _DEADLINE.at = None
        timeout["read"] = timeouts.idle
        self._chunks: Iterator[bytes] = self._response.iter_raw()

    def read(self, seconds: float) -> bytes | None:
        """The next bytes; None at the end of the body. Raises TimeoutError after `seconds`."""
        if seconds <= 0:
            raise TimeoutError
        _DEADLINE.at = time.monotonic() + seconds
        try:
            with quiet():
                return next(self._chunks, None)
        except Exception as error:  # noqa: BLE001
            raise explained(error, self._wire, in_body=True, proxied=self._proxied, stage=self._stage) from None
        finally:
            _DEADLINE.at = None

    def close(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        with quiet():
            self._response.close()


def _sent(client: Any, request: Any, stage: Stage) -> Any:
    """The response to a request, its body unread."""
    try:
        with quiet():
            return all_at_once(guarded(client.send(request, stream=True, follow_redirects=False)))
    except Exception:
        if stage.redirect is None:
            raise
        return Bare(*stage.redirect)
