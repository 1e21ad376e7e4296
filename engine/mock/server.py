"""The mock's HTTP server: a thread on loopback that answers as the file's examples say, or misbehaves on request."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from ..comparison import same
from ..deployment import Deployment
from ..display import body_data, request_data
from ..errors import EngineError, UsageError
from ..examples import request_of
from ..failures import kind_of
from ..provider import Provider
from ..spec import Example
from . import FAULTS, Fault
from .reencode import content_type, reencode
from .shape import body_faults, path_fits, prompt_of, slot_in
from .steps import Rehearsed

MAX_BODY = 32 * 1024 * 1024
CUT_EVERY = 5
"""Bodies are sent in pieces of 1 to this many bytes, so that characters and frames are cut."""

PAUSE = 0.004
"""Seconds between pieces: enough to see a stream arrive."""

PAUSES = 100
"""After how many pieces the mock stops pausing: long answers are not slow."""


@dataclass(frozen=True, slots=True)
class Served:
    """What is sent for a request, and in a word why."""

    status: int
    headers: dict[str, str]
    body: bytes
    because: str


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
        except (OSError, OverflowError) as error:
            raise UsageError(f"the mock cannot listen on port {port}: {error}; choose another with --port") from None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @cached_property
    def _rehearsed(self) -> Rehearsed | None:
        """What the examples say about requests before the main one; None for a file of one request."""
        spec = self.provider.spec
        has_more = bool(spec.steps) or any(auth.token is not None for auth in spec.auth)
        return Rehearsed(self.provider, self.url) if has_more else None

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
        observed = _observed(method, target, headers, body)
        if self._rehearsed is not None and self.fault != "busy":
            step = self._rehearsed.reply_to(observed, _body_of(observed))
            if step is not None:
                return Served(step[0].status, dict(step[0].headers), step[0].body, step[1])
        refusal = self._refusal(observed, headers)
        if refusal is not None:
            return refusal
        if self.fault == "busy":
            return self._busy()
        example = self._matching(observed)
        if example is not None:
            return _served(example, f"the example '{example.name}'")
        return self._spoken(observed)

    def _refusal(self, observed: dict[str, Any], headers: dict[str, str]) -> Served | None:
        spec = self._provider_for(observed).spec
        if spec.follow is not None:
            is_known = self._rehearsed is not None and self._rehearsed.is_main(observed)
            return None if is_known else _error(404, f"no example of {spec.name} has a step that leads here")
        if not path_fits(spec, observed["path"]):
            return _error(404, f"this mock of {spec.title} has {spec.path or '/'}, not {observed['path'][:200]}")
        if observed["method"] != spec.method:
            return _error(405, f"this mock of {spec.title} takes {spec.method}, not {observed['method']}")
        missing = [name for name in self._credential_headers() if name not in headers]
        if missing:
            return _error(401, f"the header {missing[0]} is missing")
        body = _body_of(observed)
        if spec.encoding != "text" and spec.payload is not None:
            if not isinstance(body, dict | list) and not isinstance(spec.payload, str):
                return _error(400, f"the body is no {spec.encoding}")
            faults = body_faults(spec, body)
            if faults:
                return _error(400, f"the body does not fit the file's payload: {'; '.join(faults[:3])}")
        return None

    def _provider_for(self, observed: dict[str, Any]) -> Provider:
        """The provider as it is for the model that a request names in its body, or in its path."""
        spec = self.provider.spec
        model = _said_for("model", spec.payload, _body_of(observed)) or slot_in(spec.path, observed["path"], "model")
        try:
            return self.provider.for_model(model) if isinstance(model, str) else self.provider
        except EngineError:  # a model that the file does not allow, or patches that do not go together
            return self.provider

    def _credential_headers(self) -> list[str]:
        auth = self.provider.spec.auth[:1]
        if not auth or any(self.provider.spec.secrets[name].optional for name in auth[0].secrets):
            return []
        header = auth[0].header if len(self.provider.spec.auth) == 1 else None
        return [header] if header else []

    def _matching(self, observed: dict[str, Any]) -> Example | None:
        """The first answer among the examples whose request this is; errors are for `fault`."""
        for example in self.provider.spec.examples:
            if "error" not in example.expect and self._is_request_of(example, observed):
                return example
        return None

    def _is_request_of(self, example: Example, observed: dict[str, Any]) -> bool:
        wire = self._main_of(example)
        return (
            wire is not None
            and (self._rehearsed is None or self._rehearsed.prompt is None)
            and urlsplit(wire["url"]).path == observed["path"]
            and self._without_key(wire["query"]) == self._without_key(observed["query"])
            and same(_body_of(wire), _body_of(observed))
        )

    def _main_of(self, example: Example) -> dict[str, Any] | None:
        if self._rehearsed is not None:
            return self._rehearsed.main_of(example)
        try:
            deployment = Deployment(base_url=self.url, settings=example.settings, placeholders=True)
            return request_data(self.provider.call(request_of(example), deployment).wire)
        except EngineError:
            return None

    def _without_key(self, query: dict[str, str]) -> dict[str, str]:
        """A query without what authentication adds to it: an example has a placeholder there."""
        keys = {auth.options["name"] for auth in self.provider.spec.auth if auth.type == "query"}
        keys |= {auth.options.get("send", {}).get("query", "") for auth in self.provider.spec.auth}
        return {name: value for name, value in query.items() if name not in keys}

    def _busy(self) -> Served:
        for example in self.provider.spec.examples:
            if example.reply.status in (429, 503, 529) or kind_of(example.reply.status) == "unavailable":
                return _served(example, f"the example '{example.name}'")
        return _error(503, "this mock was told to be busy")

    def _spoken(self, observed: dict[str, Any]) -> Served:
        """An answer that says that it is a mock, in the wire format of the first example that can carry it."""
        provider = self._provider_for(observed)
        spec = provider.spec
        body = _body_of(observed)
        prompt = prompt_of(spec, body, observed["query"]) or (self._rehearsed and self._rehearsed.prompt) or ""
        text = f"This is a mock of {spec.title}; no model has answered. You said: «{prompt}»"
        answers = [example for example in spec.examples if "error" not in example.expect]
        streamed = _asks_for_stream(spec.payload, body)
        for example in sorted(answers, key=lambda example: streamed not in (None, example.stream)):
            spoken = reencode(provider, example, text)
            if spoken is not None:
                codec, content = spoken
                return Served(200, {"content-type": content_type(codec)}, content, f"a text like '{example.name}'")
        return _error(501, f"no example of {spec.name} shows how it answers with text; add one")


def _said_for(name: str, template: Any, value: Any) -> Any:
    """What the body says where the payload says `name` and no more; None when it says nothing."""
    if isinstance(template, dict) and isinstance(value, dict):
        for key, leaf in template.items():
            found = _said_for(name, leaf, value.get(key))
            if found is not None:
                return found
    return value if isinstance(template, str) and template.replace(" ", "") == f"{{{{{name}}}}}" else None


def _asks_for_stream(template: Any, body: Any) -> bool | None:
    """Whether the body asks for a stream; None when it does not say."""
    said = _said_for("stream", template, body)
    return said if isinstance(said, bool) else None


def _observed(method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    parts = urlsplit(target)
    observed = {"method": method, "path": parts.path, "query": dict(parse_qsl(parts.query, keep_blank_values=True))}
    return observed | body_data(headers.get("content-type", ""), body)


def _body_of(request: dict[str, Any]) -> Any:
    """A request's body as plain data; None when it has none."""
    return next((request[key] for key in ("json", "form", "text") if key in request), None)


def _served(example: Example, because: str) -> Served:
    return Served(example.reply.status, dict(example.reply.headers), example.reply.body, because)


def _error(status: int, message: str) -> Served:
    body = json.dumps({"error": {"message": message, "type": "mock"}}, ensure_ascii=False).encode()
    return Served(status, {"content-type": "application/json"}, body, message)


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

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            length = -1
        if 0 <= length <= MAX_BODY:
            served = self.mock.answer(self.command, self.path, headers, self.rfile.read(length))
        else:
            served = _error(413, "the body is too large, or its length is not given")
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
