"""What a header's name and value may be, for those that a file names and for those that a caller adds to one call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from .errors import ParameterError
from .secrets import MASK, Secret, Sensitive

FORBIDDEN_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "accept-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "proxy-authorization", "proxy-connection", "expect"),
    }
)
"""Headers that the engine or the HTTP client decides: they describe the connection, not the request."""

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What would end a header's line, or has no place in it; a tab has."""

CREDENTIAL_NAME = re.compile(r"authorization|cookie|(?:.*[-_])?(?:api[-_]?key|token|secret|password)", re.IGNORECASE)
"""Names whose values are secrets, whoever wrote them."""

_ALSO = re.compile(
    r"(?:.*[-_])?(?:auth|(?:subscription|access|secret|private|client|auth|master|functions?)[-_]?key|credentials?"
    r"|session(?:[-_]?id)?|sid|ticket|nonce|csrf|xsrf|jwt|signature)",
    re.IGNORECASE,
)
"""Names that mostly are those of a credential, in a request of a caller's or in the reply to a step."""
_SCHEME = re.compile(r"(?:bearer|basic|token|digest|negotiate|apikey|api-key)\s+\S", re.IGNORECASE)

MIN_COOKIE = 8
"""A cookie's value that is shorter is no session's."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2

Pairs = tuple[tuple[str, str], ...]


def veil(params: dict[str, Any]) -> None:
    """Mask the credentials among the `extra_headers` of a call: its parameters stand in the frames of every error."""
    given = params.get("extra_headers")
    if isinstance(given, Mapping):
        with suppress(Exception):  # of a mapping that fails, the call says so
            params["extra_headers"] = {name: _veiled(name, value) for name, value in given.items()}


def _veiled(name: Any, value: Any) -> Any:
    is_text = isinstance(name, str) and isinstance(value, str)
    return Sensitive(value, MASK) if is_text and (is_credential_name(name) or _SCHEME.match(value)) else value


def is_credential_name(name: str) -> bool:
    """Whether a name is mostly that of a credential."""
    return bool(CREDENTIAL_NAME.fullmatch(name) or _ALSO.fullmatch(name))


def caller_headers(given: Mapping[str, str]) -> Pairs:
    """The headers that a caller adds to a call, those with a credential masked. Raises ParameterError."""
    given = {name: _veiled(name, value) for name, value in given.items()}
    pairs: dict[str, tuple[str, str]] = {}
    for name, value in given.items():
        if not _TOKEN.fullmatch(name):
            raise ParameterError(f"extra_headers: {name[:60]!r} is no name of a header")
        if name.lower() in FORBIDDEN_HEADERS:
            raise ParameterError(f"extra_headers: '{name}' is the engine's to set; leave it out")
        if CONTROL.search(value) or not value.isascii():
            raise ParameterError(f"extra_headers: '{name}' would hold a line break or a character beyond ASCII")
        if name.lower() in pairs:
            raise ParameterError(f"extra_headers: '{name}' is given twice, in two spellings; keep one")
        pairs[name.lower()] = (name, _veiled(name, value.strip()))
    return tuple(pairs.values())


def secrets_in(pairs: Iterable[tuple[str, str]]) -> tuple[Secret, ...]:
    """What must not be shown of a caller's headers: a credential whole, without its scheme, and each cookie's value."""
    found = []
    for name, value in pairs:
        if isinstance(value, Sensitive):
            text = str.__str__(value)
            cookies = [pair.partition("=")[2] for pair in text.split("; ")] if name.lower() == "cookie" else []
            words = dict.fromkeys((text, text.rpartition(" ")[2], *(one for one in cookies if len(one) >= MIN_COOKIE)))
            found += [Secret(word, name=name) for word in words if word]
    return tuple(found)


def overlaid(pairs: Pairs, extra: Pairs) -> tuple[Pairs, Pairs]:
    """The headers with the caller's in place of those of the same name, and the ones that gave way."""
    named = {name.lower() for name, _ in extra}
    return (
        (*(pair for pair in pairs if pair[0].lower() not in named), *extra),
        tuple(pair for pair in pairs if pair[0].lower() in named),
    )
