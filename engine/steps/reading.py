"""The reply to a step or to a poll: collected whole, judged by the file's error rules, and read for values.

A StepReply has the face of a Reply (reply.py), so that an exchange need not know which of the two it feeds; it never
gives an event. What it took is in `head` and `body` when it has finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..compression import decompressor
from ..errors import EngineError, LimitError, ProviderError, StreamError
from ..events import Event
from ..json_text import read_json
from ..masked_errors import without_secrets
from ..messages import ChatResponse
from ..paths import MISSING, first_of
from ..readers import Readers
from ..redaction import redact
from ..redirects import redirected
from ..regex import compile_search
from ..reply import MAX_REFUSAL_BYTES, Reply
from ..secrets import Secret
from ..spec import Read
from ..wire import Headers, ResponseHead
from .cookies import cookie_in

MAX_BODY = 1024 * 1024
"""How large the reply to a step may be; that of a poll that is the answer may be what `limits.body_bytes` says."""


class StepReply:
    """One reply before the answer's. `what` names it in messages, `limit` bounds its body in bytes."""

    has_given_events = False
    has_ended = False
    fault: EngineError | None = None

    def __init__(self, what: str, readers: Readers, secrets: tuple[Secret, ...], limit: int = MAX_BODY) -> None:
        self._what = what
        self._readers = readers
        self._secrets = secrets
        self._limit = limit
        self._body = bytearray()
        self.head_taken = ResponseHead(0)

    @property
    def response(self) -> ChatResponse:
        """Nothing of the answer has come."""
        return Reply(self._readers).response

    @property
    def is_settled(self) -> bool:
        """Whether only the words of a refusal may still come."""
        return self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether this is a refusal, and only its words may still come."""
        return self.head_taken.status >= 400

    @property
    def held(self) -> int:
        """How many bytes have come."""
        return len(self._body)

    def takes_long(self, data: bytes = b"") -> bool:
        """Whether to take the next bytes, or without any the end, takes long where what is held is large."""
        return not data

    @property
    def body(self) -> bytes:
        """What has come of the body, decompressed."""
        return bytes(self._body)

    def head(self, head: ResponseHead) -> None:
        """Take status and headers. Raises ProviderError for a redirect: it is not followed."""
        self.head_taken = head
        if 300 <= head.status < 400:
            raise self.failed(redirected(head, self._hide))
        with self._refusing():
            self._decompressor = decompressor(head.headers.get("content-encoding", ""), self._limit)

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes. Raises ProviderError for a refusal that is longer than anyone will read."""
        with self._refusing():
            self._body += self._decompressor.feed(data)
        if self.is_refused and len(self._body) >= MAX_REFUSAL_BYTES:
            raise self._refusal()
        if len(self._body) > self._limit:
            raise LimitError(f"the reply to {self._what} is larger than {self._limit} bytes")
        return []

    def finish(self) -> list[Event]:
        """Say that the body has ended. Raises ProviderError for a refusal, also for one inside a 200."""
        if self.is_refused:
            raise self._refusal()
        self._decompressor.finish()
        head, failures = self.head_taken, self._readers.failures
        refusal = failures.in_body(head, None, self.data, self._hide, in_stream=False)
        if refusal is not None:
            raise self._named(refusal)
        return []

    def failed(self, error: EngineError) -> EngineError:
        """An error, without secrets."""
        error.partial = self.response
        return without_secrets(error, self._secrets)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """A refusal whose words cannot be read is still that refusal."""
        try:
            yield
        except StreamError:
            if not self.is_refused:
                raise
            raise self._refusal() from None

    def _refusal(self) -> EngineError:
        failures = self._readers.failures
        return self._named(failures.refusal(self.head_taken, self.body[:MAX_REFUSAL_BYTES], self._hide))

    def _named(self, error: ProviderError) -> EngineError:
        error.message = f"{self._what}: {error.message}"
        return self.failed(error)

    def _hide(self, text: str) -> str:
        return redact(text, self._secrets)

    @property
    def plain_head(self) -> ResponseHead:
        """The head of the body as it is here: decompressed."""
        pairs = self.head_taken.headers.pairs
        return ResponseHead(
            self.head_taken.status, Headers(pair for pair in pairs if pair[0].lower() != "content-encoding")
        )

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def data(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return read_json(self.text)
        except ValueError:
            return None


def refused(words: str, reply: StepReply, kind: str = "protocol") -> ProviderError:
    """The error for a reply that does not bring what it should."""
    head = reply.head_taken
    return ProviderError(words, kind=kind, status=head.status, headers=dict(head.headers))


def values_in(read: Mapping[str, Read], reply: StepReply) -> dict[str, Any]:
    """The values that a step reads out of its reply, as far as they are there."""
    values = {name: SOURCES[place.source](reply, place.where) for name, place in read.items()}
    return {name: value for name, value in values.items() if value not in (MISSING, None, "")}


def values_of(what: str, read: Mapping[str, Read], reply: StepReply) -> dict[str, Any]:
    """The same values when all are there. Raises ProviderError for one that is not."""
    values = values_in(read, reply)
    for name, place in read.items():
        if name not in values:
            where = f"{place.source} {place.where!r}"
            raise refused(f"{what}: its reply has no value for '{name}' ({where}); the file's `read` may be old", reply)
    return values


def _cookie(reply: StepReply, name: str) -> Any:
    return cookie_in(set_cookies(reply.head_taken), name)


def _pattern(reply: StepReply, pattern: str) -> Any:
    match = compile_search(pattern)(reply.text)
    return MISSING if match is None else match[1] if match.re.groups else match[0]


SOURCES = {
    "json": lambda reply, path: first_of(path)(reply.data),
    "header": lambda reply, name: reply.head_taken.headers.get(name, MISSING),
    "cookie": _cookie,
    "regex": _pattern,
}
"""Where a value is looked for, and how it is found there."""


def set_cookies(head: ResponseHead) -> list[str]:
    """The `set-cookie` fields of a response, one by one."""
    return [value for name, value in head.headers.pairs if name.lower() == "set-cookie"]


def seconds_in(value: Any) -> float | None:
    """A number of seconds, or of a moment, as a reply says it: a number, or text that is one.

    >>> seconds_in("3600"), seconds_in(True), seconds_in("soon")
    (3600.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value if not isinstance(value, str) else value.strip()[:30])
    except (ValueError, OverflowError):
        return None
    return number if -1e15 < number < 1e15 else None
