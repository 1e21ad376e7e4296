"""Responses as bytes: honest ones, and lies."""

from __future__ import annotations

import gzip
import zlib

from .steps import Send

LAST = b"0\r\n\r\n"
"""The chunk that ends a chunked body."""


def head(status: int = 200, kind: str | None = "text/plain", **headers: str) -> bytes:
    """The head of a response; `_` in a header's name is a hyphen. `kind` is its content type.

    >>> head(204, None, x_request_id="1")
    b'HTTP/1.1 204 Some Reason\\r\\nx-request-id: 1\\r\\n\\r\\n'
    """
    lines = [f"HTTP/1.1 {status} Some Reason"]
    if kind is not None:
        lines.append(f"content-type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: bytes, status: int = 200, kind: str | None = "text/plain", **headers: str) -> Send:
    """A whole response with a content-length."""
    return Send(head(status, kind, content_length=str(len(body)), **headers) + body)


def lie(
    body: bytes, *, length: int | None = None, kind: str | None = "text/plain", encoding: str | None = None
) -> Send:
    """A response whose head says of the body what does not hold: its length, its type or its encoding.

    >>> lie(b"Hi", length=100).data
    b'HTTP/1.1 200 Some Reason\\r\\ncontent-type: text/plain\\r\\ncontent-length: 100\\r\\n\\r\\nHi'
    """
    said = {"content_length": str(len(body) if length is None else length)}
    if encoding is not None:
        said["content_encoding"] = encoding
    return Send(head(200, kind, **said) + body)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(*pieces: bytes, status: int = 200, kind: str | None = "text/plain", **headers: str) -> Send:
    """A whole chunked response."""
    start = head(status, kind, transfer_encoding="chunked", **headers)
    return Send(start + b"".join(map(chunk, pieces)) + LAST)


def sse(*datas: str, kind: str = "text/event-stream", **headers: str) -> Send:
    """A whole stream of events, a chunk an event."""
    events = (f"data: {data}\n\n".encode() for data in datas)
    return chunked(*events, status=200, kind=kind, **headers)


def gzipped(body: bytes, *, cut: int = 0, kind: str | None = "text/plain") -> Send:
    """A response compressed with gzip, whose last `cut` bytes are missing: HTTP itself sees nothing wrong."""
    return _encoded(gzip.compress(body), cut, kind, "gzip")


def deflated(body: bytes, *, cut: int = 0, kind: str | None = "text/plain") -> Send:
    """The same with deflate, as RFC 9110 means it: in the format of zlib."""
    return _encoded(zlib.compress(body), cut, kind, "deflate")


def _encoded(data: bytes, cut: int, kind: str | None, encoding: str) -> Send:
    return whole(data[: len(data) - cut], kind=kind, content_encoding=encoding)
