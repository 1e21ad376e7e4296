"""The error tree. Its first level says who must act; every error is one readable line::

    EngineError
    |- UsageError       the caller: UnknownProviderError, MissingSecretError, ParameterError, UnsupportedError
    |- SpecError        the file's author: every problem of the file, each with line and column
    |- TransportError   the network
    |- ProviderError    the provider
    `- StreamError      the answer: TruncatedError, DecodeError, LimitError

No exception of a library below crosses the API, and no secret enters a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .messages import ChatResponse

KINDS = (
    "auth",
    "permission",
    "rate_limit",
    "quota",
    "context_length",
    "content_filter",
    "bad_request",
    "not_found",
    "overloaded",
    "unavailable",
    "timeout",
    "truncated",
    "protocol",
    "empty",
)
"""What a `ProviderError.kind` can be, and what a file's `errors[].kind` and `expect.error` may name."""


class EngineError(Exception):
    """The root: catching it catches every failure of this package.

    `message` is one line without control characters and without secrets. `kind` is one word for programs. `partial` is
    what had arrived of the answer when the failure came after the request was sent, else None. Of a call that was
    begun, `provider` names the file, `attempts` counts the requests, `elapsed` is the seconds since the first of them,
    and `request_id` is what the last response called itself, if it did: the provider's support asks for it.

    >>> from engine import Catalog
    >>> try:
    ...     Catalog().provider("openai").decode(b'data: {"choices": [{"delta": {"content": "He"}}]}\\n\\n')
    ... except EngineError as error:
    ...     print(error.kind, error.partial.text)
    truncated He
    """

    kind: str = "error"

    def __init__(self, message: str, *, kind: str | None = None, partial: ChatResponse | None = None) -> None:
        self.message = _one_line(message)
        super().__init__(self.message)
        if kind is not None:
            self.kind = kind
        self.partial = partial
        self.provider: str | None = None
        self.attempts = 0
        self.elapsed = 0.0
        self.request_id: str | None = None

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__)


def _one_line(text: str) -> str:
    # Names and values of the caller and of files stand in messages; none of them may break a line or drive a terminal.
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _rebuild(cls: type[EngineError], message: str, state: dict[str, Any]) -> EngineError:
    error = cls.__new__(cls, message)
    error.__dict__.update(state)
    return error


class UsageError(EngineError):
    """The call's words are off; nothing was sent."""

    kind = "usage"


class UnknownProviderError(UsageError):
    """No file of that name in the catalog's folders."""

    kind = "unknown_provider"


class MissingSecretError(UsageError):
    """A secret that the file needs is not set, or holds what no header can carry. The message names the variable."""

    kind = "missing_secret"


class ParameterError(UsageError):
    """A parameter, setting, model or message that the file does not take."""

    kind = "parameter"


class UnsupportedError(UsageError):
    """The file says that this API cannot do what was asked."""

    kind = "unsupported"


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one provider file. `line` and `column` count from 1, in code points.

    >>> print(Problem("acme.yaml", 14, 13, "unknown-key", "'ulr' is no key of a provider file", "did you mean 'url'?"))
    acme.yaml:14:13: unknown-key: 'ulr' is no key of a provider file; did you mean 'url'?
    """

    file: str
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    path: str = ""

    def __str__(self) -> str:
        words = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {words}"


class SpecError(EngineError):
    """A provider file is not valid. `problems` holds all that is wrong with it, in the order of the file.

    `message` is the first of them and how many there are; as text the error is all of them, a line each.
    """

    kind = "spec"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first, others = str(self.problems[0]) if self.problems else "the file is not valid", self.problems[1:]
        super().__init__(f"{first} (and {len(others)} more)" if others else first)

    def __str__(self) -> str:
        return "\n".join(_one_line(str(problem)) for problem in self.problems) or self.message


TransportKind = Literal["connect", "tls", "proxy", "timeout", "lost"]
Phase = Literal["pool", "connect", "first_byte", "idle", "total"]


class TransportError(EngineError):
    """The network failed. `kind` is connect, tls, proxy, timeout or lost; `phase` says which deadline passed.

    `status` is that of a proxy which refused.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: TransportKind,
        phase: Phase | None = None,
        status: int | None = None,
        partial: ChatResponse | None = None,
    ) -> None:
        super().__init__(message, kind=kind, partial=partial)
        self.phase = phase
        self.status = status


class ProviderError(EngineError):
    """The provider refused, or answered with something that is no answer.

    `kind` is one of `KINDS`. `status` is the HTTP status, `code` the provider's own code, `retry_after` seconds.
    `headers` are the response's, `body` at most 2,000 characters of it.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        partial: ChatResponse | None = None,
    ) -> None:
        super().__init__(message, kind=kind, partial=partial)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.body = body


class StreamError(EngineError):
    """The answer broke off, or broke the rules of its own file. `partial` holds what had arrived."""

    kind = "protocol"


class TruncatedError(StreamError):
    """The body ended before the answer did."""

    kind = "truncated"


class DecodeError(StreamError):
    """Something in the body cannot be read as the file says it should."""


class LimitError(StreamError):
    """The answer is larger than the file's `limits` allow."""


@dataclass(slots=True)
class Problems:
    """Collects the problems of one file; `raise_if_any` ends the collection."""

    found: list[Problem] = field(default_factory=list)

    def raise_if_any(self) -> None:
        """Raise SpecError when an error (not only a warning) was found."""
        if any(problem.severity == "error" for problem in self.found):
            raise SpecError(sorted(self.found, key=lambda p: (p.file, p.line, p.column)))
