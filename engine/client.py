"""Client: the synchronous driver of an Exchange. It opens, loops and closes; everything else is decided below it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Hashable, Iterator
from contextlib import suppress
from typing import Any, Self
from weakref import WeakValueDictionary

from .caller import Caller, whole_answer
from .errors import EngineError, UsageError
from .events import Event
from .exchange import CLEANUP_SECONDS, Exchange
from .messages import ChatResponse, Messages
from .spec import Timeouts
from .transport import sync as transport
from .wire import WireRequest


class ChatStream:
    """One streamed call: a context manager to iterate over. Leaving it, early or not, closes the connection.

    The request is sent when the iteration begins. `response` is the whole answer once it has ended.
    """

    def __init__(self, exchange: Exchange, run: Generator[Event, None, None]) -> None:
        self._exchange = exchange
        self._run = run
        self._entered = False

    def __enter__(self) -> Self:
        self._entered = True
        return self

    def __exit__(self, *_: object) -> None:
        self._run.close()

    def __iter__(self) -> Iterator[Event]:
        if not self._entered:
            raise UsageError("a stream is read inside `with`: with client.stream(...) as stream")
        return self._run

    @property
    def response(self) -> ChatResponse:
        """The whole answer. Raises UsageError while it has not ended: a part is never given as an answer."""
        return whole_answer(self._exchange)

    @property
    def partial(self) -> ChatResponse:
        """What has been read so far."""
        return self._exchange.response


class Client(Caller):
    """Calls any provider file, synchronously. Safe to share between threads; works with or without `with`.

    `base_urls` maps provider names to URLs that replace the files' own, `settings` and `secrets` provider names to
    values that go before the environment's. `max_connections` bounds calls in flight, `timeout` is the total in
    seconds or a mapping of the file's deadlines. `http_client` is your own httpx.Client; it is not closed by us.
    `allow_env` is that of Catalog, for a client without a catalog of its own. `strict` refuses calls whose parameters
    would be dropped, clamped, or forwarded to an API whose file does not know them. `recorder` keeps what goes over the
    wire, so that a call becomes an example of its file.

    >>> from engine import Client
    >>> Client().chat("no-such-provider", "Hi")
    Traceback (most recent call last):
    ...
    engine.errors.UnknownProviderError: there is no provider 'no-such-provider'; see `wirefile list`
    """

    def _prepare(self) -> None:
        self._slots = threading.BoundedSemaphore(self._max_connections)
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._process = os.getpid()
        self._lines: transport.Lines | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chat(self, provider: str, /, messages: Messages, model: str | None = None, **params: Any) -> ChatResponse:
        """The whole answer; it is asked for in one piece where the API offers that. Raises EngineError.

        Beside the file's params: `tools`, `extra_body` (merged over the finished payload), `extra_headers`.
        """
        with self._stream(provider, messages, model, False, params) as stream:
            for event in stream:
                del event  # it holds words of the answer, and a traceback may show what is in its frames
            return stream.response

    def stream(self, provider: str, /, messages: Messages, model: str | None = None, **params: Any) -> ChatStream:
        """The answer as events, inside `with`. Raises UsageError at once, other errors while it is read."""
        return self._stream(provider, messages, model, True, params)

    def _stream(
        self, provider: str, messages: Messages, model: str | None, stream: bool, params: dict[str, Any]
    ) -> ChatStream:
        exchange = self.exchange(provider, messages, model, stream, params)
        return ChatStream(exchange, self._run(exchange))

    def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        with self._lock:
            self._closed = True
            lines, self._lines = self._lines, None
        if lines is not None:
            lines.close()

    def _notice_fork(self) -> None:
        """Begin anew in a child process: with its parent's connections each would read what is for the other."""
        if self._process != os.getpid():
            self._inherited = self._lines  # kept: the sockets are the parent's
            self._prepare()

    def _open(self, wire: WireRequest, timeouts: Timeouts, seconds: float) -> transport.Body:
        with self._lock:
            if self._closed:
                raise UsageError("this client is closed; make a new one")
            if self._lines is None:
                self._lines = transport.Lines(self._proxy, self._max_connections, self._http_client)
            lines = self._lines
        return lines.open(wire, timeouts, seconds)

    def _run(self, exchange: Exchange) -> Generator[Event, None, None]:
        self._notice_fork()
        if not self._slots.acquire(timeout=exchange.timeouts.pool):
            raise self.no_slot(exchange.timeouts)
        try:
            while exchange.has_request:
                key = exchange.turn()
                if key is not None:
                    self._take_turn(exchange, key)
                else:
                    yield from self._tried(exchange)
        finally:
            try:
                self._clean_up(exchange)
            finally:
                self._slots.release()

    def _take_turn(self, exchange: Exchange, key: Hashable) -> None:
        """Ask for what calls share: one at a time, and who has waited looks again whether it is there by now."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        if not turn.acquire(timeout=max(exchange.time_left(), 0.0)):
            exchange.late_for_turn()
        try:
            while exchange.turn() == key:
                for _ in self._tried(exchange):
                    pass
        finally:
            turn.release()

    def _tried(self, exchange: Exchange) -> Generator[Event, None, None]:
        try:
            yield from self._attempt(exchange)
            wait = exchange.pause
        except EngineError as error:
            wait = exchange.failed(error)
        if wait:
            time.sleep(wait)

    def _clean_up(self, exchange: Exchange) -> None:
        """Take back what an unfinished call has begun. It says nothing of its own: the call's outcome stands."""
        until = time.monotonic() + CLEANUP_SECONDS
        for wire in exchange.cleanup():
            with suppress(Exception):
                self._open(wire, exchange.timeouts, until - time.monotonic()).close()

    def _attempt(self, exchange: Exchange) -> Generator[Event, None, None]:
        wire = exchange.start()
        self.refuse_open_proxy(wire)
        patience = exchange.patience()
        try:
            body = self._open(wire, exchange.timeouts, patience.seconds)
        except TimeoutError:
            exchange.timed_out(patience.phase)
            raise
        try:
            exchange.head(body.head)
            while (chunk := self._read(exchange, body)) is not None:
                yield from exchange.feed(chunk)
            yield from exchange.finish()
            if exchange.fault is not None:
                raise exchange.fault
        finally:
            body.close()

    def _read(self, exchange: Exchange, body: transport.Body) -> bytes | None:
        patience = exchange.patience()
        try:
            return body.read(patience.seconds)
        except TimeoutError:
            exchange.timed_out(patience.phase)
        except EngineError as error:
            exchange.broke_off(error)
        return None
