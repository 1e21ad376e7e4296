"""The mock's HTTP server: a thread on loopback that sends what answers.py says, in pieces, or misbehaves on request."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self

from ..errors import UsageError
from ..provider import Provider
from . import FAULTS, Fault
from .answers import Answers, Served, error

MAX_BODY = 32 * 1024 * 1024
CUT_EVERY = 5
"""Bodies are sent in pieces of 1 to this many bytes, so that characters and frames are cut."""

PAUSE = 0.004
"""Seconds between pieces: enough to see a stream arrive."""

PAUSES = 100
"""After how many pieces the mock stops pausing: long answers are not slow."""


class MockServer:
    """A provider's wire format on 127.0.0.1, in a thread of its own; a context manager.

    `port` 0 takes a free one. `fault` makes every answer misbehave: `busy` refuses with the file's error example, else
    with 503, `cut` closes in the middle, `stall` stops in the middle, `reset` resets there. `log` is called with one
    line for each request.

    >>> from engine import Catalog, Client
    >>> with MockServer(Catalog().provider("acytoo")) as mock, Client(base_urls={"acytoo": mock.url}) as client:
    ...     print(client.chat("acytoo", "Hi").text)
    This is a mock of Acytoo; no model has answered. You said: «Hi»
    """

    def __init__(
        self,
        provider: Provider,
        *,
        port: int = 0,
        fault: Fault | None = None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        if fault is not None and fault not in FAULTS:
            raise UsageError(f"the mock has no fault '{fault}'; its faults: {', '.join(FAULTS)}")
        self.provider = provider
        self.fault = fault
        self.log = log
        self.stopped = threading.Event()
        try:
            self._server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"mock": self}))
        except (OSError, OverflowError) as failure:
            raise UsageError(f"the mock cannot listen on port {port}: {failure}; choose another with --port") from None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @cached_property
    def _answers(self) -> Answers:
        return Answers(self.provider, self.url, is_busy=self.fault == "busy")

    @property
    def url(self) -> str:
        """Where it listens; give it as the provider's base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Served:
        """What to send for a request."""
        return self._answers.to(method, target, headers, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The threads of answers that stall end by themselves when the mock stops; waiting for clients would not.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is no error of the mock."""


class _Handler(BaseHTTPRequestHandler):
    mock: MockServer
    protocol_version = "HTTP/1.1"
    server_version = "wirefile-mock"
    timeout = 30
    disable_nagle_algorithm = True  # else a piece waits until the one before it is acknowledged, which takes 40 ms

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            length = -1
        if 0 <= length <= MAX_BODY:
            served = self.mock.answer(self.command, self.path, headers, self.rfile.read(length))
        else:
            served = error(413, "the body is too large, or its length is not given")
        path = self.path.partition("?")[0]  # a key may stand in the query
        self.mock.log(f"{self.command} {path} -> {served.status}, {served.because}")
        self._send_head(served)
        breaks = self.mock.fault in ("cut", "stall", "reset")
        self._send_body(served.body[: len(served.body) // 2] if breaks else served.body)
        self._end(breaks)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815  the names are http.server's

    def _send_head(self, served: Served) -> None:
        self.send_response(served.status)
        for name, value in served.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _send_body(self, body: bytes) -> None:
        sent = 0
        for number in count():
            piece = body[sent : sent + 1 + (number * 3) % CUT_EVERY]
            if not piece:
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            sent += len(piece)
            if number < PAUSES:
                time.sleep(PAUSE)

    def _end(self, breaks: bool) -> None:
        if not breaks:
            self.wfile.write(b"0\r\n\r\n")
            return
        self.close_connection = True
        if self.mock.fault == "stall":
            self.mock.stopped.wait(600)
        elif self.mock.fault == "reset":
            # A zero linger time makes close() send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing here: the mock logs by itself."""
