"""The network for threads: connections of our own where they can be used, else httpx's pool or a caller's client."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from ..spec import Timeouts
from ..wire import WireRequest
from . import own, pooled
from .explain import explained
from .http1 import Address
from .shelf import Shelf
from .waiting import TooLate

if TYPE_CHECKING:
    from .blocking import Blocking


class Lines:
    """The connections of a client for its threads: taken for a call, kept when its answer was read to its end."""

    def __init__(self, proxy: str | None, keep: int, lent: Any = None) -> None:
        self._proxy = proxy
        self._most = keep
        self._lent = lent
        self._pool: Any = None
        self._context: Any = None
        self._idle: Shelf[Blocking] = Shelf(keep)
        self._open: set[Blocking] = set()
        self._lock = threading.RLock()  # a call that is garbage may be closed in the middle of another one
        self._is_closed = False

    def open(self, wire: WireRequest, timeouts: Timeouts, seconds: float) -> Body:
        """Send a request and wait for the head of its answer. Raises TimeoutError after `seconds`."""
        address = Address.of(wire.url) if self._is_direct() else None
        if address is None:
            return pooled.Body(self._client(), wire, timeouts, seconds, self._proxy is not None)
        return OwnBody(self, address, wire, timeouts, seconds)

    def _is_direct(self) -> bool:
        """Whether connections may be our own: no proxy is on the way, and the extra `fast` is installed."""
        return self._proxy is None and self._lent is None and own.is_there()

    def _client(self) -> Any:
        if self._lent is not None:
            return self._lent
        with self._lock:
            self._pool = self._pool or pooled.new_client(self._proxy, self._most, self._trust())
            return self._pool

    def _trust(self) -> Any:
        with self._lock:
            self._context = self._context or pooled.context()
            return self._context

    def take(self, origin: str, address: Address) -> Blocking:
        """A connection that was kept, and has rested if it must; else a new one that will be opened."""
        while True:
            line = self._taken(origin) or self._opened(address)
            try:
                while left := self._idle.rest(origin, line, is_busy=len(self._open) - len(self._idle) > 1):
                    if not line.stays_silent(left):
                        break
                else:
                    return line
            except BaseException:
                self.drop(line)
                raise
            self.drop(line)

    def _taken(self, origin: str) -> Blocking | None:
        with self._lock:
            self._drop_stale()
            while (line := self._idle.take(origin)) is not None:
                if line.is_silent:
                    return line
                self.drop(line)
        return None

    def _opened(self, address: Address) -> Blocking:
        from .blocking import Blocking  # what it needs of the standard library is not needed to make a client

        line = Blocking(address, self._trust() if address.is_tls else None)
        with self._lock:
            self._open.add(line)
        return line

    def keep(self, origin: str, line: Blocking) -> None:
        """Keep a connection whose answer was read to its end."""
        with self._lock:
            if self._is_closed:
                self.drop(line)
            else:
                self._idle.put(origin, line)
                self._drop_stale()

    def _drop_stale(self) -> None:
        for line in self._idle.stale():
            self.drop(line)

    def drop(self, line: Blocking) -> None:
        """Close a connection in the middle of whatever it does."""
        with self._lock:
            self._open.discard(line)
        line.close()

    def close(self) -> None:
        """Close every connection; those in use end what they do, and are closed by who does it."""
        with self._lock:
            self._is_closed = True
            for line in self._idle.all():
                self.drop(line)
            for line in list(self._open):
                line.stop()
            pool, self._pool = self._pool, None
        if pool is not None:
            pooled.close_client(pool)


class OwnBody:
    """The same as pooled.Body, on a connection of our own."""

    __slots__ = ("_line", "_lines", "_origin", "head", "read")

    def __init__(self, lines: Lines, address: Address, wire: WireRequest, timeouts: Timeouts, seconds: float) -> None:
        self._lines = lines
        self._origin = wire.origin
        self._line = line = lines.take(wire.origin, address)
        self.read = line.read
        try:
            self.head = line.send(wire, timeouts, time.monotonic() + seconds)
        except BaseException as error:
            lines.drop(line)
            if isinstance(error, TooLate) or not isinstance(error, Exception):
                raise
            raise explained(error, wire, in_body=False, proxied=False, stage=line.stage) from None

    def close(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        if self._line.is_usable:
            self._lines.keep(self._origin, self._line)
        else:
            self._lines.drop(self._line)


Body = pooled.Body | OwnBody
