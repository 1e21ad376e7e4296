"""Where a file's requests go: its URLs with their settings filled in, and URLs that a reply names.

What a setting puts into a URL is checked when it is known; a URL out of a reply is believed only as far as the file
declares its host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .characters import quoted
from .deployment import Deployment
from .errors import ParameterError, ProviderError
from .expressions import Rendered, compile_text, names_in_tree
from .hosts import is_loopback, is_too_long, private_host, same_site
from .spec import Host

MAX_URL = 8192

_HOST_SLOT = re.compile(r"[A-Za-z0-9-]+")
_LABEL = r"(?:[A-Za-z0-9-]|<[^<>/@:?#\\]*>)+"
_MADE_SLOT = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
"""What an expression may put into a URL: words with dots between them. A placeholder leads to no host."""
_PLACEHOLDER = re.compile(r"<[^<>]*>")
_ONE_SETTING = re.compile(r"\{\{\s*\w+\s*\}\}")
_BREAKS_URL = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_USER = re.compile(r"[^/?#]*//[^/?#]*@|[^/]*@")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+")
_AUTHORITY = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*)(?::[0-9]*)?")
"""A host and perhaps a port: of anything else, this library and the HTTP client may make different hosts or ports."""
_PORTS = {"http": 80, "https": 443}


class BaseUrl:
    """A URL of a file, compiled: the part that only settings may vary. `owner` is whose it is, for messages."""

    def __init__(self, text: str, owner: str) -> None:
        self._text = text
        self._owner = owner
        self._is_whole = _ONE_SETTING.fullmatch(text) is not None
        self._render: Rendered = compile_text(text, str if self._is_whole else self._word)
        self._names = names_in_tree(text)

    @property
    def literal(self) -> str:
        """The URL where no setting varies it, else nothing."""
        return "" if "{{" in self._text else self._text

    def of(self, settings: Mapping[str, Any], deployment: Deployment) -> str:
        """The URL for these settings. Raises ParameterError."""
        if self._is_whole:
            return self._filled(settings, deployment, "the setting for url")
        for name in self._names & settings.keys():
            value = str(settings[name])
            allowed = deployment.placeholders and _PLACEHOLDER.fullmatch(value)
            if not allowed and not _HOST_SLOT.fullmatch(value):
                raise ParameterError(
                    f"the setting '{name}' is part of a URL: letters, digits and hyphens, not {value[:60]!r}"
                )
        url = self._filled(settings, deployment, "the URL that the settings make")
        # Each setting is harmless by itself; four of them could spell a private address.
        if "<" not in url and private_host(urlsplit(url).hostname or ""):
            raise ParameterError(f"{self._owner}: the settings make a private host of the URL; give a base URL")
        return url

    def _word(self, value: str) -> str:
        """What an expression gives for its slot: whatever the file makes of settings, it does not end the host."""
        if not _MADE_SLOT.fullmatch(value):
            raise ParameterError(
                f"{self._owner}: an expression in the URL gives {value[:60]!r}, which is no word of it"
            )
        return value

    def _filled(self, settings: Mapping[str, Any], deployment: Deployment, what: str) -> str:
        url = str(self._render(settings))
        return url if deployment.placeholders and _PLACEHOLDER.search(url) else checked_url(url, what)


def checked_url(url: str, what: str) -> str:
    """A URL from the caller: http or https, a host, and nothing behind the path. Raises ParameterError."""
    if not isinstance(url, str):
        raise ParameterError(f"{what} is text, not a value of type {type(url).__name__}")
    # It may hold a password, or be one by mistake: it is taken apart when it holds none, and never shown.
    if _USER.match(url) or "?" in url or "#" in url or _BREAKS_URL.search(url):
        raise ParameterError(
            f"{what} has a user, a query, a fragment, a space or a backslash in it; write https://host/path"
        )
    if not _WEB.match(url):
        raise ParameterError(f"{what} does not begin so; write http://host or https://host")
    host = _host_of(url)
    if not host:
        raise ParameterError(f"{what} has no host, or a port that is none; write https://host/path")
    if "<" not in host and is_too_long(host):
        raise ParameterError(f"{what} has a host whose name is too long; write https://host")
    return url


def _host_of(url: str) -> str:
    """The host of a URL; empty where there is none that everybody reads alike, or a port that is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    is_name = _AUTHORITY.fullmatch(parts.netloc) and (_HOST.fullmatch(host) if host.isascii() else True)
    return host if is_name and port != 0 else ""


@dataclass(frozen=True, slots=True)
class Territory:
    """Where the requests of one call may go, and where its credentials may: `own` is the base of the main request.

    A base URL on loopback that the caller named stands in for the whole service, as a mock does: what would go to any
    host of the file goes there, with the same path. `home` is then the file's own URL, as far as it is known.
    """

    owner: str
    own: str
    hosts: tuple[Host, ...] = ()
    stands_in: bool = False
    home: str = ""

    def place(self, url: str) -> str:
        """Where a URL that the file itself names leads here."""
        parts = urlsplit(url)
        if not self.stands_in or _origin(parts) == _origin(urlsplit(self.own)):
            return url
        base = urlsplit(self.own)
        query = f"?{parts.query}" if parts.query else ""
        return f"{base.scheme}://{base.netloc}{parts.path}{query}"

    def followed(self, url: Any, what: str) -> str:
        """A URL out of a reply, checked. Raises ProviderError for one that the file gives no leave to go to."""
        parts = self._read(url, what)
        host = parts.hostname or ""
        if _origin(parts) == _origin(urlsplit(self.own)):
            return str(url)
        if self._declared(parts) is None and _origin(parts) != _origin(urlsplit(self.home)):
            message = f"{self.owner}: {what} leads to the host {quoted(host)}, which is not among the file's `hosts`"
            raise ProviderError(f"{message}; it is not followed", kind="protocol")
        local = is_loopback(host) and is_loopback(urlsplit(self.own).hostname)
        if parts.scheme != "https" and not local:
            raise self._refusal(what, "is no https URL")
        if private_host(host) or (is_loopback(host) and not local):
            raise self._refusal(what, "leads into the caller's own network")
        return self.place(str(url))

    def _read(self, url: Any, what: str) -> SplitResult:
        if not isinstance(url, str) or not url or len(url) > MAX_URL:
            raise self._refusal(what, "is no URL")
        if _BREAKS_URL.search(url) or not url.isascii():
            raise self._refusal(what, "holds a character that no URL has")
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018  raises for a port that is none
        except ValueError:
            raise self._refusal(what, "is no URL") from None
        if "@" in parts.netloc or "#" in url:
            raise self._refusal(what, "holds a user or a fragment")
        if parts.scheme not in _PORTS or not parts.hostname or not _AUTHORITY.fullmatch(parts.netloc):
            raise self._refusal(what, "is no https URL")
        if not _HOST.fullmatch(parts.hostname) or parts.port == 0:  # clients differ in what they make of it
            raise self._refusal(what, "has a host that no name is spelt like")
        return parts

    def _refusal(self, what: str, why: str) -> ProviderError:
        return ProviderError(f"{self.owner}: {what} {why}; it is not followed", kind="protocol")

    def _declared(self, parts: SplitResult) -> Host | None:
        return next((host for host in self.hosts if _fits(host.name, parts)), None)

    def takes_credentials(self, url: str) -> bool:
        """Whether credentials may go along: to the file's own host, and to one that is declared to take them."""
        parts, own = urlsplit(url), urlsplit(self.own)
        if _origin(parts) == _origin(own):
            return True
        declared = self._declared(parts) if parts.scheme in _PORTS else None
        return declared is not None and declared.auth and same_site(parts.hostname or "", own.hostname or "")


def _fits(name: str, parts: SplitResult) -> bool:
    wanted, _, port = name.partition(":")
    host = (parts.hostname or "").rstrip(".")
    if (parts.port or _PORTS[parts.scheme]) != (int(port) if port else _PORTS[parts.scheme]):
        return False
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
