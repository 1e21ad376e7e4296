"""FaultServer: serves a script, a thread a connection, and keeps a journal of what clients did."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from .steps import FIN, RST, Again, Drip, Each, Hello, Pause, Request, Send, Slice, Stall, Step, Tls

LONG = 5.0
"""Seconds; longer than any deadline that a test waits for."""


@dataclass
class Received:
    """One request as it came: the bytes, and what they say. Its repr shows no more than where it went."""

    raw: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"Received({self.line.partition('?')[0]!r}, {len(self.raw)} bytes)"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a request that was received is not pickled: a key may be in it")

    @property
    def head(self) -> str:
        """The request line and the headers, as they came."""
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        """What came behind the head."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.partition("\r\n")[0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers in their order, names in lower case."""
        pairs = (line.split(": ", 1) for line in self.head.split("\r\n")[1:])
        return [(name.lower(), value) for name, value in pairs]

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass
class Journal:
    """What happened. `open` is the number of connections that the client has not ended."""

    requests: list[Received] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    stray: bytes = field(default=b"", repr=False)

    @property
    def open(self) -> int:
        """Connections that are not ended."""
        return self.opened - self.closed


class _Gone(Exception):
    """The client closed its end, or the test is over."""


class FaultServer:
    """Serves a script; a context manager that stops every thread and closes every socket.

    A connection's steps begin with an implicit Request(), so `[whole(b"hi")]` answers one call. The last connection of
    the script serves every later one as well, unless `loop_last` is false. `seed` is that of `Slice`.
    """

    def __init__(self, *connections: Sequence[Step], loop_last: bool = True, seed: int = 0) -> None:
        self._script = [list(steps) for steps in connections]
        self._loop_last = loop_last
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._waker, self._woken = socket.socketpair()  # readable once the test is over, so that nothing need poll
        self._released = threading.Event()
        self._changed = threading.Condition()
        self._acceptor = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._threads: set[threading.Thread] = set()
        self._sockets: set[socket.socket] = set()
        self.journal = Journal()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._waker.send(b"!")
        self._released.set()
        self._acceptor.join(LONG)  # first: until it has ended, it begins more threads
        for thread in (self._acceptor, *self._threads):
            thread.join(LONG)
            assert not thread.is_alive(), "a server thread does not stop"
        self._listener.close()
        for sock in (*self._sockets, self._waker, self._woken):
            sock.close()

    def release(self) -> None:
        """Let every `Pause()` go on."""
        self._released.set()

    def wait_for(self, condition: Callable[[Journal], bool], seconds: float = 2.0) -> bool:
        """Wait until `condition(journal)` holds; whether it came to hold."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.journal), seconds)

    @property
    def requests(self) -> list[Received]:
        """What came so far."""
        return self.journal.requests

    # --- threads ---

    def _accept(self) -> None:
        while not self._stop.is_set():
            if self._listener not in select.select([self._listener, self._woken], [], [])[0]:
                continue
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.add(sock)
            index = self.journal.opened
            self._note("opened", 1)
            thread = threading.Thread(target=self._serve, args=(sock, index), daemon=True)
            self._threads.add(thread)
            thread.start()

    def _note(self, name: str, more: Any) -> None:
        with self._changed:
            setattr(self.journal, name, getattr(self.journal, name) + more)
            self._changed.notify_all()

    def steps_of(self, index: int) -> list[Step]:
        """What the connection of this number does; a subclass may have other ideas than its script."""
        is_scripted = index < len(self._script) or self._loop_last
        return self._script[min(index, len(self._script) - 1)] if is_scripted else [FIN()]

    def _serve(self, accepted: socket.socket, index: int) -> None:
        sock, steps = accepted, self.steps_of(index)
        if not steps or not isinstance(steps[0], Request | Hello | Tls):
            steps = [Request(), *steps]
        with contextlib.suppress(_Gone, OSError):
            for step in itertools.chain.from_iterable(itertools.repeat(steps, 1_000_000 if Again() in steps else 1)):
                sock = self._take(sock, step) or sock
            if not isinstance(steps[-1], RST | FIN):
                self._until_gone(sock)
        self._note("closed", 1)
        with contextlib.suppress(OSError):
            sock.close()
        # What has ended is not kept: a server may run for hours.
        self._sockets -= {accepted, sock}
        self._threads.discard(threading.current_thread())

    def _take(self, sock: socket.socket, step: Step) -> socket.socket | None:
        """Take one step; TLS goes on with another socket in place of the one before."""
        return _TAKE[type(step)](self, sock, step)

    def _send(self, sock: socket.socket, step: Send) -> None:
        sock.sendall(step.data)

    def _slice(self, sock: socket.socket, step: Slice) -> None:
        at = 0
        while at < len(step.data):
            size = self._random.randint(1, step.most)
            sock.sendall(step.data[at : at + size])
            at += size
            self._sleep(step.pause)

    def _tls(self, sock: socket.socket, step: Tls) -> socket.socket:
        under = step.context.wrap_socket(sock, server_side=True)
        self._sockets.add(under)
        return under

    def _send_each(self, sock: socket.socket, step: Each) -> None:
        for byte in step.data:
            sock.sendall(bytes([byte]))
            self._sleep(step.pause)

    def _drip(self, sock: socket.socket, step: Drip) -> None:
        while True:
            self._send_each(sock, Each(step.data, step.pause))
            self._check(sock)

    def _pause(self, sock: socket.socket, step: Pause) -> None:
        if step.seconds is None:
            self._released.wait(LONG)
        else:
            self._sleep(step.seconds)

    def _reset(self, sock: socket.socket, step: RST) -> None:
        # Linger of zero seconds: the kernel answers with a reset instead of the polite end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def _end(self, sock: socket.socket, step: FIN) -> None:
        sock.shutdown(socket.SHUT_WR)
        self._until_gone(sock)

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Gone

    def _check(self, sock: socket.socket) -> None:
        if select.select([sock], [], [], 0)[0] and not sock.recv(65536):
            raise _Gone

    def _until_gone(self, sock: socket.socket) -> None:
        while data := self._recv(sock):
            self._note("stray", data)

    def _recv(self, sock: socket.socket) -> bytes:
        if sock in select.select([sock, self._woken], [], [], 2 * LONG)[0]:
            return sock.recv(65536)
        raise _Gone

    def _take_request(self, sock: socket.socket) -> None:
        self._note("requests", [Received(self._read_request(sock))])

    def _hello(self, sock: socket.socket) -> None:
        self._more(sock)

    def _read_request(self, sock: socket.socket) -> bytes:
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(sock)
        lengths = [line for line in data[:end].lower().split(b"\r\n") if line.startswith(b"content-length:")]
        size = end + 4 + (int(lengths[0].split(b":")[1]) if lengths else 0)
        while len(data) < size:
            data += self._more(sock)
        return bytes(data)

    def _more(self, sock: socket.socket) -> bytes:
        data = self._recv(sock)
        if not data:
            raise _Gone
        return data


_TAKE: Mapping[type, Callable[[FaultServer, Any, Any], socket.socket | None]] = {
    Send: FaultServer._send,
    Slice: FaultServer._slice,
    Tls: FaultServer._tls,
    Each: FaultServer._send_each,
    Drip: FaultServer._drip,
    Request: lambda server, sock, _: server._take_request(sock),
    Hello: lambda server, sock, _: server._hello(sock),
    Pause: FaultServer._pause,
    RST: FaultServer._reset,
    FIN: FaultServer._end,
    Stall: lambda server, sock, _: server._until_gone(sock),
    Again: lambda server, sock, _: None,  # _serve begins anew
}
