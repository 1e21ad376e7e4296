"""A scripted TCP server on loopback, for the faults that no HTTP library would commit. Standard library only.

A script is a list of connections, each a list of steps that the server takes in order:

    Send(bytes)       send them as they are
    Each(bytes)       send each byte by itself, with a short pause in between
    Drip(bytes, s)    the same, but for as long as the client listens
    Request()         read one request: its head, and as much body as content-length says
    Hello()           read whatever comes first, once: the start of a TLS handshake, say
    Pause(s)          wait; `Pause()` waits for `server.release()` or the end of the test
    RST(), FIN()      end the connection, the hard way or the polite one
    Stall()           send nothing more, until the client goes
    Again()           begin with the first step again

A connection's steps begin with an implicit Request(), so `[ok(b"hi")]` answers one call. The last connection of the
script serves every later one as well. What clients sent, and what was opened and closed, is in the journal.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import select
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

LONG = 5.0
"""Longer than any deadline of a test; what waits for so long has failed."""


@dataclass(frozen=True)
class Send:
    data: bytes


@dataclass(frozen=True)
class Each:
    data: bytes
    pause: float = 0.0005


@dataclass(frozen=True)
class Drip:
    data: bytes
    pause: float = 0.02


@dataclass(frozen=True)
class Request:
    pass


@dataclass(frozen=True)
class Hello:
    pass


@dataclass(frozen=True)
class Pause:
    seconds: float | None = None


@dataclass(frozen=True)
class RST:
    pass


@dataclass(frozen=True)
class FIN:
    pass


@dataclass(frozen=True)
class Stall:
    pass


@dataclass(frozen=True)
class Again:
    pass


Step = Send | Each | Drip | Request | Hello | Pause | RST | FIN | Stall | Again


@dataclass
class Received:
    """One request as it came: the bytes, and what they say."""

    raw: bytes

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def line(self) -> str:
        return self.head.partition("\r\n")[0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        pairs = (line.split(": ", 1) for line in self.head.split("\r\n")[1:])
        return [(name.lower(), value) for name, value in pairs]

    @property
    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class Journal:
    """What happened. `open` is the number of connections that the client has not ended."""

    requests: list[Received] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    stray: bytes = b""

    @property
    def open(self) -> int:
        return self.opened - self.closed


class _Gone(Exception):
    """The client closed its end, or the test is over."""


class FaultServer:
    """Serves a script; a context manager that stops every thread and closes every socket."""

    def __init__(self, *connections: Sequence[Step], loop_last: bool = True) -> None:
        self._script = [list(steps) for steps in connections]
        self._loop_last = loop_last
        self._stop = threading.Event()
        self._waker, self._woken = socket.socketpair()  # readable once the test is over, so that nothing need poll
        self._released = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.journal = Journal()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> FaultServer:
        thread = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._waker.send(b"!")
        self._released.set()
        for thread in list(self._threads):
            thread.join(LONG)
            assert not thread.is_alive(), "a server thread does not stop"
        self._listener.close()
        for sock in (*self._sockets, self._waker, self._woken):
            sock.close()

    def release(self) -> None:
        """Let every `Pause()` go on."""
        self._released.set()

    def wait_for(self, condition, seconds: float = 2.0) -> bool:
        """Wait until `condition(journal)` holds; whether it came to hold."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.journal), seconds)

    @property
    def requests(self) -> list[Received]:
        return self.journal.requests

    # --- threads ---

    def _accept(self) -> None:
        while not self._stop.is_set():
            if self._listener not in select.select([self._listener, self._woken], [], [])[0]:
                continue
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
            index = self.journal.opened
            self._note("opened", 1)
            thread = threading.Thread(target=self._serve, args=(sock, index), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _note(self, name: str, more: object) -> None:
        with self._changed:
            setattr(self.journal, name, getattr(self.journal, name) + more)
            self._changed.notify_all()

    def _serve(self, sock: socket.socket, index: int) -> None:
        is_scripted = index < len(self._script) or self._loop_last
        steps = self._script[min(index, len(self._script) - 1)] if is_scripted else [FIN()]
        if not steps or not isinstance(steps[0], Request | Hello):
            steps = [Request(), *steps]
        with contextlib.suppress(_Gone, OSError):
            for step in itertools.chain.from_iterable(itertools.repeat(steps, 1_000_000 if Again() in steps else 1)):
                self._take(sock, step)
            if not isinstance(steps[-1], RST | FIN):
                self._until_gone(sock)
        self._note("closed", 1)
        with contextlib.suppress(OSError):
            sock.close()

    def _take(self, sock: socket.socket, step: Step) -> None:
        _TAKE[type(step)](self, sock, step)

    def _send(self, sock: socket.socket, step: Send) -> None:
        sock.sendall(step.data)

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

    def _read_request(self, sock: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(sock)
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < length:
            more = self._more(sock)
            data, body = data + more, body + more
        return data

    def _more(self, sock: socket.socket) -> bytes:
        data = self._recv(sock)
        if not data:
            raise _Gone
        return data


_TAKE = {
    Send: FaultServer._send,
    Each: FaultServer._send_each,
    Drip: FaultServer._drip,
    Request: lambda server, sock, _: server._note("requests", [Received(server._read_request(sock))]),
    Hello: lambda server, sock, _: server._more(sock),
    Pause: FaultServer._pause,
    RST: FaultServer._reset,
    FIN: FaultServer._end,
    Stall: lambda server, sock, _: server._until_gone(sock),
    Again: lambda server, sock, _: None,  # _serve begins anew
}

# --- responses as bytes ----------------------------------------------------------------------------------------------


def head(status: int = 200, kind: str | None = "text/plain", **headers: str) -> bytes:
    """The head of a response; `_` in a header's name is a hyphen."""
    lines = [f"HTTP/1.1 {status} Some Reason"]
    if kind is not None:
        lines.append(f"content-type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: bytes, status: int = 200, kind: str | None = "text/plain", **headers: str) -> Send:
    """A whole response with a content-length."""
    return Send(head(status, kind, content_length=str(len(body)), **headers) + body)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST = b"0\r\n\r\n"


def chunked(*pieces: bytes, status: int = 200, kind: str | None = "text/plain", **headers: str) -> Send:
    """A whole chunked response."""
    start = head(status, kind, transfer_encoding="chunked", **headers)
    return Send(start + b"".join(map(chunk, pieces)) + LAST)


def sse(*datas: str, kind: str = "text/event-stream", **headers: str) -> Send:
    """A whole SSE response, a chunk an event."""
    return chunked(*(f"data: {data}\n\n".encode() for data in datas), kind=kind, **headers)


def delta(text: str) -> str:
    """An OpenAI-shaped delta."""
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)


STOP = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
USAGE = '{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}'
DONE = "[DONE]"
