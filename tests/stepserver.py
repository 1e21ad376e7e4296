"""A loopback service of several requests for the tests of steps: a function answers, and everything asked is kept."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from engine import AsyncClient, Catalog, Client
from engine.messages import ChatResponse


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """What is sent back: bytes or a JSON value. Half-way, `hold` waits for an event and `is_lost` resets."""

    body: Any = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    hold: threading.Event | None = None
    is_lost: bool = False


@dataclass
class StepServer:
    """Answers with what `answer` makes of a request; `asked` holds all requests in the order they came."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    open: int = 0

    def __enter__(self) -> Self:
        server = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with lock:
                    server.open += 1

            def finish(self) -> None:
                with lock:
                    server.open -= 1
                super().finish()

            def _handle(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, self.rfile.read(length))
                with lock:
                    server.asked.append(asked)
                self._send(server.answer(asked))

            def _send(self, answer: Answer) -> None:
                is_json = not isinstance(answer.body, bytes)
                body = json.dumps(answer.body).encode() if is_json else answer.body
                self.send_response(answer.status)
                names = [name.lower() for name, _ in answer.headers]
                if "content-type" not in names:
                    self.send_header("content-type", "application/json" if is_json else "text/plain")
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                half = len(body) // 2
                self.wfile.write(body[:half])
                self.wfile.flush()
                _half_way(self, answer)
                self.wfile.write(body[half:])

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def said(self) -> list[str]:
        """The requests, each as method and path."""
        return [str(asked) for asked in self.asked]


def _half_way(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.hold is not None:
        answer.hold.wait(20)
    if answer.is_lost:
        # A linger time of zero makes close() send RST instead of FIN.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        raise ConnectionAbortedError


def folder_of(tmp_path: Path, text: str) -> Catalog:
    """A catalog of one file, named as the file says."""
    name = text.split("name: ")[1].split("\n")[0]
    (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Catalog(tmp_path)


Ask = Callable[..., ChatResponse]


def sync_ask(catalog: Catalog, provider: str, **options: Any) -> ChatResponse:
    """One call, synchronously."""
    with Client(catalog, **options) as client:
        return client.chat(provider, "hi")


def async_ask(catalog: Catalog, provider: str, **options: Any) -> ChatResponse:
    """One call, in a loop of its own."""

    async def run() -> ChatResponse:
        async with AsyncClient(catalog, **options) as client:
            return await client.chat(provider, "hi")

    return asyncio.run(run())


ASKS = [sync_ask, async_ask]
