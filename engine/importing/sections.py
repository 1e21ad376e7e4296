"""The sections of a drafted file, as data: where the API is, what its headers are, which variables hold its secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from ..headers import CONTROL, FORBIDDEN_HEADERS
from ..hosts import is_loopback, private_host
from ..loader.bound import is_bound_elsewhere
from ..loader.trust import PROTECTED_VARIABLES
from .capture import CapturedRequest
from .leaves import written
from .template import UUID

_NOISE = re.compile(
    r"sec-.*|user-agent|accept-language|origin|referer|cookie|priority|dnt|pragma|cache-control|authorization|if-.*"
    r"|upgrade-insecure-requests|x-forwarded-.*|traceparent|tracestate|baggage|.*-trace(?:-id)?|:.*|save-data",
    re.IGNORECASE,
)
"""Headers of a browser, which say nothing about the API."""

_DEFAULT_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}
_MASKED = re.compile(r".*<[A-Za-z_][A-Za-z0-9_]*>.*", re.DOTALL)


def variable_name(name: str, host: str) -> Callable[[str, str], str]:
    """Names of environment variables for a file: its own, unless the command has said one that it may use."""
    stem = name.upper().replace("-", "_")
    stem = stem if stem[0].isalpha() else f"API_{stem}"

    def variable(suffix: str, named: str) -> str:
        wanted = (named, f"{stem}_{suffix}", f"MY_{stem}_{suffix}")
        free = (one for one in wanted if one and not PROTECTED_VARIABLES.fullmatch(one))
        return next((one for one in free if not is_bound_elsewhere(one, {host})), wanted[-1])

    return variable


def place_of(url: str) -> tuple[str, str]:
    """A URL as `url` and `path`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", "" if parts.path == "/" else unquote_safely(parts.path)


def is_for_caller(url: str) -> bool:
    """Whether only the caller may name the host of a URL: it is private, or would get a secret over plain http."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return private_host(host) or (parts.scheme == "http" and not is_loopback(host))


def unquote_safely(path: str) -> str:
    """A path as a file writes it: as it was sent."""
    return path if re.fullmatch(r"[\x21-\x7e]*", path) else unquote(path)


def headers_of(request: CapturedRequest, encoding: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The headers that the file sends, those that were sent as they are, and what is to be said of the others."""
    kept: dict[str, str] = {}
    plain: dict[str, str] = {}
    dropped: list[str] = []
    notes: list[str] = []
    for name, value in request.headers:
        lower = name.lower()
        if _MASKED.fullmatch(value):
            continue  # `auth` sends it, or a note speaks of it
        if lower in ("origin", "referer"):
            origin = "/".join(value.split("/")[:3]) if lower == "referer" else value
            note = f"the browser also sent {lower}: {origin[:100]}; add it to `headers` if the service refuses calls"
            if not any(origin in one for one in notes):
                notes.append(note)
        elif lower in FORBIDDEN_HEADERS or _NOISE.fullmatch(name):
            dropped.append(lower)
        elif _is_default(lower, value, encoding):
            continue
        elif CONTROL.search(value) or not value.isascii() or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            notes.append(f"the header '{lower[:60]}' cannot be written in a file, and was left out")
        elif UUID.fullmatch(value):
            kept[lower] = "{{ uuid4() }}"
        else:
            kept[lower] = written(value)
            plain[lower] = value
    if dropped:
        notes.insert(0, f"headers of the browser or of the connection were left out: {', '.join(sorted(set(dropped)))}")
    return kept, plain, notes


def _is_default(name: str, value: str, encoding: str) -> bool:
    if name == "accept":
        return value == "*/*"
    if name != "content-type":
        return False
    return encoding == "multipart" or value.lower() == _DEFAULT_TYPES.get(encoding)


def query_of(request: CapturedRequest) -> dict[str, str]:
    """The parameters in the URL, without secrets."""
    return {name: value for name, value in request.query if name and not _MASKED.fullmatch(value)}
