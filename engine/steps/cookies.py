"""The cookies of one call: set by the replies of its steps, sent to the same host on its later requests.

A part of RFC 6265, on the safe side: every cookie is the host's alone, whatever `Domain` it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ..hosts import is_loopback

MAX_COOKIES = 50
MAX_COOKIE = 4096
"""How many characters a cookie's name and value may have together (RFC 6265 6.1 asks for at least that many)."""


@dataclass(frozen=True, slots=True)
class _Cookie:
    name: str
    value: str
    host: str
    path: str
    secure: bool


class CookieJar:
    """What one call has been told to remember.

    >>> jar = CookieJar()
    >>> jar.take("https://a.example/login", ["sid=1; Path=/; Secure; HttpOnly"])
    >>> jar.header("https://a.example/chat"), jar.header("https://b.example/chat")
    ('sid=1', '')
    """

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}

    def take(self, url: str, fields: Iterable[str]) -> None:
        """Remember what the `set-cookie` fields of a reply from `url` say; what is no cookie is ignored."""
        for field in fields:
            cookie, is_over = _parse(url, field)
            if cookie is None:
                continue
            key = (cookie.host, cookie.path, cookie.name)
            self._cookies.pop(key, None)
            if not is_over:
                self._cookies[key] = cookie
                while len(self._cookies) > MAX_COOKIES:
                    del self._cookies[next(iter(self._cookies))]

    def header(self, url: str) -> str:
        """The value of the `cookie` header for a request to `url`; empty when there is none to send."""
        parts = urlsplit(url)
        path = parts.path or "/"
        is_safe = parts.scheme == "https" or is_loopback(parts.hostname)
        fitting = [
            cookie
            for cookie in self._cookies.values()
            if cookie.host == parts.hostname and _covers(cookie.path, path) and (is_safe or not cookie.secure)
        ]
        # RFC 6265 5.4: longer paths first; sorting keeps the order of arrival otherwise.
        return "; ".join(f"{c.name}={c.value}" for c in sorted(fitting, key=lambda cookie: -len(cookie.path)))

    @property
    def values(self) -> list[str]:
        """The values that are remembered: they may open a session."""
        return [cookie.value for cookie in self._cookies.values()]


def cookie_in(fields: Iterable[str], name: str) -> str | None:
    """The value of a cookie that `set-cookie` fields set.

    >>> cookie_in(["sid=1; Path=/"], "sid")
    '1'
    """
    for field in fields:
        cookie, _ = _parse("https://any.invalid/", field)
        if cookie is not None and cookie.name == name:
            return cookie.value
    return None


def _parse(url: str, field: str) -> tuple[_Cookie | None, bool]:
    """The cookie that a field sets, and whether it is over already."""
    pair, *rest = field.split(";")
    name, equals, value = (piece.strip() for piece in pair.partition("="))
    if not name or not equals or len(name) + len(value) > MAX_COOKIE or not (name + value).isprintable():
        return None, False
    if not (name + value).isascii():
        return None, False
    says = {key.strip().lower(): word.strip() for key, _, word in (item.partition("=") for item in rest)}
    parts = urlsplit(url)
    path = says.get("path", "")
    if not path.startswith("/"):
        path = parts.path.rpartition("/")[0] or "/"
    return _Cookie(name, value, parts.hostname or "", path, "secure" in says), _is_over(says)


def _is_over(says: dict[str, str]) -> bool:
    if "max-age" in says:
        seconds = re.fullmatch("(-?)([0-9]+)", says["max-age"])
        return seconds is not None and (seconds[1] == "-" or not seconds[2].strip("0"))
    if "expires" not in says:
        return False
    from email.utils import parsedate_to_datetime  # which every client would pay for, and few services need

    try:
        then = parsedate_to_datetime(says["expires"])
    except (ValueError, OverflowError):
        return False
    # Only what is meant as a deletion: a call is over before any other date.
    return then.replace(tzinfo=then.tzinfo or UTC) < datetime(2000, 1, 1, tzinfo=UTC)


def _covers(cookie_path: str, path: str) -> bool:
    """RFC 6265 5.1.4."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")
