"""HTTP/1.1 as bytes, for the extra `fast`: a request's head is written, and an answer to it read by httptools.

Nothing here does I/O. All pieces of a body that arrive together are given together, which is where the speed comes
from: for each of them no Python is run.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..wire import Headers, ResponseHead, WireRequest

MAX_FRAMING = 100 * 1024
"""How many bytes may come that are no body: a head, or the sizes of chunks and what may be said beside them."""

_URL = re.compile(
    r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?"
    r"((?:/(?:[A-Za-z0-9~!$&()*+,;=:@_-]|%[0-9A-Fa-f]{2}|(?<!/)\.)*)*)"
    r"(\?(?:[A-Za-z0-9~!$&()*+,;=:@/?._-]|%[0-9A-Fa-f]{2})*)?"
)
"""A URL that every HTTP library sends as it stands: nothing is to be quoted, folded or taken apart."""

PORTS = {"http": 80, "https": 443}

MAX_KNOWN = 64
"""How many URLs are known apart: a program asks few, again and again."""


class Address:
    """Where a URL leads, and what is asked for there; None from `of` for one that is better left to the library."""

    __slots__ = ("host", "is_tls", "port", "target", "written")

    def __init__(self, scheme: str, host: str, port: str | None, target: str) -> None:
        self.is_tls = scheme == "https"
        self.host = host.strip("[]")
        self.port = int(port) if port else PORTS[scheme]
        self.target = target
        self.written = host if self.port == PORTS[scheme] else f"{host}:{self.port}"

    @classmethod
    def of(cls, url: str) -> Address | None:
        """Take a URL apart."""
        return _known(url) if type(url) is str else _taken_apart(str.__str__(url))  # no secret is kept


def _taken_apart(url: str) -> Address | None:
    found = _URL.fullmatch(url)
    if found is None or (found[3] and not 0 < int(found[3]) < 65536):
        return None
    return Address(found[1], found[2], found[3], f"{found[4] or '/'}{found[5] or ''}")


_known = lru_cache(MAX_KNOWN)(_taken_apart)


def request_bytes(wire: WireRequest) -> bytes:
    """What is sent: our headers and what frames the body, nothing else. Raises LocalProtocolError for no HTTP."""
    address = Address.of(wire.url)
    if address is None:
        raise LocalProtocolError("a URL that is written in an odd way")
    head = f"{wire.method} {address.target} HTTP/1.1\r\nhost: {address.written}\r\n"
    if wire.content or wire.method in ("POST", "PUT", "PATCH"):
        head += f"content-length: {len(wire.content)}\r\n"
    try:
        return b"%b%b\r\n%b" % (head.encode("ascii"), wire.headers.written(), bytes(wire.content))
    except ValueError as error:
        failure = LocalProtocolError(str(error) if type(error) is ValueError else "a header beyond ASCII")
    raise failure


class LocalProtocolError(Exception):
    """What was to be sent is no HTTP. The name is that of the library's class for this."""


class RemoteProtocolError(Exception):
    """What came is no HTTP, or not all of it. The name is that of the library's class for this."""


class Answer:
    """The answer to one request, fed as it comes; its body is put into `chunks` piece by piece.

    `on_...` are called by the parser.
    """

    __slots__ = (
        "_chunks",
        "_ends_with_connection",
        "_framing",
        "_is_ambiguous",
        "_is_odd",
        "_pairs",
        "_parser",
        "_start",
        "has_ended",
        "head",
        "is_chunked",
        "keeps_alive",
        "on_body",
    )

    def __init__(self, chunks: list[bytes]) -> None:
        self.head: ResponseHead | None = None
        self.has_ended = False
        self.keeps_alive = False
        """Whether the connection may be used again; known at the end."""
        self.on_body = chunks.append
        self._chunks = chunks
        self._pairs: list[tuple[bytes, bytes]] = []
        self._framing = 0
        self._start = b""  # what has come of a head
        self._is_odd = False
        self._ends_with_connection = False
        self.is_chunked = False
        """Whether its body comes in chunks."""
        self._is_ambiguous = False
        self._parser = self._new_parser()

    def _new_parser(self) -> Any:
        import httptools

        parser = httptools.HttpResponseParser(self)
        # What httpx, too, takes: lines that end with a line feed alone, and a length beside chunks, which outweigh it.
        parser.set_dangerous_leniencies(lenient_chunked_length=True, lenient_optional_cr_before_lf=True)
        return parser

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises RemoteProtocolError behind what could be read."""
        before = len(self._chunks)
        try:
            if self.head is None:
                self._feed_head(bytes(data))
            else:
                self._parser.feed_data(data)
        except RemoteProtocolError:
            raise
        except Exception as error:  # noqa: BLE001  the parser's own, of which it hides ours
            raise RemoteProtocolError(_said(error)) from None
        self._framing = 0 if len(self._chunks) > before else self._framing + len(data)
        if self._framing > MAX_FRAMING:
            raise RemoteProtocolError("its headers have no end")
        if self.has_ended:
            self.keeps_alive = self.keeps_alive and self._is_exact(bytes(data), before)

    def _feed_head(self, data: bytes) -> None:
        """The same while the head is not whole: what the parser refuses of it may only be written in an odd way."""
        self._start += data
        if not self._is_odd:
            try:
                self._parser.feed_data(data)
            except Exception:
                if self.head is not None or not self._start.startswith(b"HTTP/1."):
                    raise
                self._is_odd = True
        if self._is_odd and (plain := plain_head(self._start)) is not None:
            self._pairs, self._parser = [], self._new_parser()
            self._parser.feed_data(plain)
        if self.head is not None:
            self._start = b""

    def _is_exact(self, data: bytes, before: int) -> bool:
        """Whether the last bytes end with the answer: the parser takes blank lines behind it without a word."""
        if self.is_chunked or len(self._chunks) == before:
            return not data.endswith(b"\r\n\r\n\r\n")
        return data.endswith(self._chunks[-1])

    def close(self) -> None:
        """Take the end of the connection. Raises RemoteProtocolError where that is not the end of the answer."""
        if not self.has_ended and not self._ends_with_connection:
            raise RemoteProtocolError("the connection was closed before the end of the answer")
        self.has_ended = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or one behind the body."""
        if self.head is None:
            if b"\0" in value:
                raise ValueError("a header with a zero byte")
            self._pairs.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """A head is whole; those of informational answers are passed over."""
        status = self._parser.get_status_code()
        if not 100 <= status < 1000:
            raise ValueError("a status of another kind")
        pairs, self._pairs = self._pairs, []
        if status == 101:
            raise ValueError("a switch to another protocol")
        if status >= 200:
            headers = Headers([(_text(name).lower(), _text(value)) for name, value in pairs])
            self._frame(status, headers)
            self.head = ResponseHead(status, headers)
            self._framing = 0

    def _frame(self, status: int, headers: Headers) -> None:
        coding, has_length = headers.get("transfer-encoding"), "content-length" in headers
        if coding is not None and coding.lower() != "chunked":
            raise ValueError("a transfer encoding that is not chunked")
        self.is_chunked = coding is not None
        self._is_ambiguous = self.is_chunked and has_length
        self._ends_with_connection = not self.is_chunked and not has_length

    def on_message_begin(self) -> None:
        """An answer begins; what comes behind ours is nobody's."""
        if self.has_ended:
            raise ValueError("it sent more than the answer")

    def on_message_complete(self) -> None:
        """An answer has ended."""
        if self.head is not None:
            self.has_ended = True
            self.keeps_alive = self._parser.should_keep_alive() and not self._is_ambiguous


_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


def plain_head(data: bytes) -> bytes | None:
    """An answer whose head is written as RFC 9112 allows it, but as the parser does not take it; None without its end.

    A field may go on in the next line (5.2), and the same length may be said twice (6.3).
    """
    end = _HEAD_END.search(data)
    if end is None:
        return None
    lines = _FOLD.sub(b" ", data[: end.start()]).replace(b"\r\n", b"\n").split(b"\n")
    fields: list[bytes] = []
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            sizes = {size.strip() for size in value.split(b",")}
            line = b"content-length: " + b", ".join(sorted(sizes))
            if line in fields:
                continue
        fields.append(line)
    return b"\r\n".join(fields) + b"\r\n\r\n" + data[end.end() :]


def _text(data: bytes) -> str:
    """A header as text: of no certain encoding, so as httpx reads it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _said(error: BaseException) -> str:
    cause = error.__context__ if error.__context__ is not None else error
    return " ".join(str(cause).split())[:120] or type(error).__name__
