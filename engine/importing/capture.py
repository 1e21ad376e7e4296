"""What was captured: one request and, perhaps, its reply, as values. Their reprs show no header, query or body."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ..encoding import read_multipart
from ..wire import Headers

Pairs = tuple[tuple[str, str], ...]

MAX_DEPTH: Final = 24
"""How deep a body is looked into; a file's payload may not be much deeper."""


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """A request. `fields` is a multipart form, `body` any other body; `notes` are what was left out, and why."""

    url: str = field(repr=False)
    method: str
    headers: Pairs = field(default=(), repr=False)
    body: str | None = field(default=None, repr=False)
    fields: Pairs | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def query(self) -> Pairs:
        """The parameters in the URL."""
        return tuple(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class CapturedReply:
    """A reply: status, the headers that matter, and the body's bytes."""

    body: bytes = field(repr=False)
    status: int = 200
    content_type: str = ""


def reply_from(data: bytes) -> CapturedReply:
    """A reply from a file: its body alone, or with the head before it that `curl -i` shows.

    >>> reply_from(b"HTTP/2 429 \\r\\ncontent-type: text/plain\\r\\n\\r\\nbusy")
    CapturedReply(status=429, content_type='text/plain')
    """
    status, content_type = 200, ""
    while head := re.match(rb"HTTP/[0-9.]+ ([0-9]{3})[^\n]*\n((?:[^\r\n]+\r?\n)*)\r?\n", data):
        status = int(head[1])
        said = Headers(_split(line) for line in head[2].decode("latin-1").splitlines())
        content_type = said.get("content-type", "") or ""
        data = data[head.end() :]
    return CapturedReply(data, status, content_type)


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


@dataclass(frozen=True, slots=True)
class Body:
    """A body as a tree, and how it is encoded; `tree` is None where there is none."""

    encoding: str
    tree: Any = field(repr=False)
    notes: tuple[str, ...] = ()


def body_of(request: CapturedRequest) -> Body:
    """The request's body, read by what it is rather than by what it is said to be."""
    kind = request.header("content-type").lower()
    if request.fields is not None:
        return Body("multipart", dict(request.fields))
    text = request.body
    if not text:
        return Body("json", None)
    if "multipart/form-data" in kind and (fields := read_multipart(request.header("content-type"), _crlf(text))):
        return Body("multipart", fields)
    value = json_or_none(text)
    if isinstance(value, dict | list):
        return Body("json", value)
    pairs = parse_qsl(text, keep_blank_values=True)
    if pairs and ("urlencoded" in kind or not kind) and re.match(r"[^\s=&]+=", text):
        fields = dict(pairs)
        twice = len(fields) < len(pairs)
        return Body("form", fields, ("a field of the form is given twice; the last is kept",) if twice else ())
    return Body("text", text)


def _crlf(text: str) -> str:
    return re.sub(r"\r?\n", "\r\n", text)


def json_or_none(text: str) -> Any:
    """The text as JSON; None when it is none, or deeper than a file could say."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_shallow(value, MAX_DEPTH) else None


def _is_shallow(value: Any, depth: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in items)
