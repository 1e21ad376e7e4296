"""A server on loopback that an SDK takes for the service: it keeps what was sent, or gives a recorded answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from engine.testing import FIN, FaultServer, whole

REFUSAL = whole(b'{"error": {"message": "captured", "type": "invalid_request_error"}, "message": "captured"}', 400,
                "application/json", connection="close")  # fmt: skip
"""What ends a call whose request is all that we want: no SDK takes it for an answer, and none tries again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as plain data. The path is as sent (escapes and all), header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        place = urlsplit(url)
        lower = {name.lower(): value for name, value in headers.items()}
        return cls(method, place.path, dict(parse_qsl(place.query)), lower, json.loads(body))


def captured(send: Callable[[str], None], prefix: str = "") -> Sent:
    """What `send(url)` sends; it is refused. `prefix` is the path of the base URL."""
    with FaultServer([REFUSAL, FIN()]) as server:
        with contextlib.suppress(Exception):  # every SDK has its own way to say that it was refused
            send(server.url + prefix)
        [request] = server.requests
    method, target, _ = request.line.split(" ")
    return Sent.of(method, target, dict(request.headers), request.body)


@contextlib.contextmanager
def answering(body: bytes, kind: str) -> Iterator[str]:
    """The URL of a server that gives this answer to whatever is asked."""
    with FaultServer([whole(body, 200, kind, connection="close"), FIN()]) as server:
        yield server.url


def same_path(left: str, right: str) -> bool:
    """Whether two paths name the same thing: which characters are escaped beyond the needed ones is free."""
    return left == right or (unquote(left) == unquote(right) and left.count("/") == right.count("/"))
