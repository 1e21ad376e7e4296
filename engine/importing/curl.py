"""A curl command -> the request that it sends. The options are a table; one that is not in it is noted, not fatal.

Nothing is read but the command: `@file` is refused with the way to put the file's text into the command.
https://curl.se/docs/manpage.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from ..errors import UsageError
from .capture import CapturedRequest
from .options import IGNORED_FLAGS, IGNORED_VALUES, LETTERS
from .words import split

MAX_COMMAND = 4 * 1024 * 1024


def request_of(command: str) -> CapturedRequest:
    """The request of a curl command. Raises UsageError for what is no curl command, or sends more than it says.

    >>> request_of("curl -sSd '{}' https://api.example.com/chat").method
    'POST'
    """
    if len(command) > MAX_COMMAND:
        raise UsageError(f"the command is larger than {MAX_COMMAND} characters; shorten what it sends")
    words = split(command.strip().removeprefix("$ "))
    name = words[0].lower() if words else ""
    if name in ("invoke-webrequest", "invoke-restmethod", "fetch(", "fetch", "wget", "http", "https"):
        raise UsageError(f"the command is for {words[0]}, not for curl; copy it as cURL (bash)")
    if not re.fullmatch(r"(?:.*[/\\])?curl(?:\.exe)?", name):
        raise UsageError("the command does not begin with curl; copy the request as cURL (bash), and quote all of it")
    state = _Command()
    state.take(words[1:])
    return state.request()


@dataclass
class _Command:
    """What the options have said so far."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    has_fields: bool = False
    is_get: bool = False
    is_head: bool = False
    user: str | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, words: list[str]) -> None:
        """Read all words."""
        rest = list(reversed(words))
        while rest:
            word = rest.pop()
            if word.startswith("--") and len(word) > 2:
                self._long(word, rest)
            elif word.startswith("-") and len(word) > 1:
                self._short(word[1:], rest)
            elif word:
                self.urls.append(word)

    def _long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        if name in ("next", "config"):
            raise UsageError(f"--{name} is more than one request in the command; give one request with all it sends")
        option = _LONG.get(name)
        if option is not None and option.has_value:
            self._apply(option, f"--{name}", value if equals else _next(rest, f"--{name}"))
        elif option is not None:
            self._apply(option, f"--{name}", "")
        else:
            self.notes.append(f"the option --{name} is not known here, and was left out")
            self._skip_value(rest)

    def _skip_value(self, rest: list[str]) -> None:
        """The word behind an unknown option is its value, unless it looks like an option or like the URL."""
        if rest and not rest[-1].startswith("-") and not _is_url(rest[-1]) and (self.urls or any(map(_is_url, rest))):
            rest.pop()

    def _short(self, letters: str, rest: list[str]) -> None:
        for position, letter in enumerate(letters):
            option = _SHORT.get(letter)
            if option is None:
                self.notes.append(f"the option -{letter} is not known here, and was left out")
                return
            if option.has_value:
                self._apply(option, f"-{letter}", letters[position + 1 :] or _next(rest, f"-{letter}"))
                return
            self._apply(option, f"-{letter}", "")

    def _apply(self, option: _Option, name: str, value: str) -> None:
        if option.note:
            self.notes.append(f"{name}: {option.note}")
        if option.act is not None:
            option.act(self, value)

    # --- what the options do ---

    def on_method(self, value: str) -> None:
        self.method = value.strip().upper()

    def on_header(self, value: str) -> None:
        if value.startswith("@"):
            raise _unread("-H", value[1:], "-H 'name: value'")
        name, colon, text = value.partition(":")
        if not colon and name.rstrip().endswith(";"):
            name, colon = name.rstrip()[:-1], ":"  # a header without a value
        elif not text.strip():
            return  # curl leaves out a header of its own
        if colon and name.strip():
            self.headers.append((name.strip(), text.strip()))

    def on_data(self, value: str) -> None:
        if value.startswith("@"):
            raise _unread("-d", value[1:], "--data-raw")
        self.data.append(value)

    def on_raw(self, value: str) -> None:
        self.data.append(value)

    def on_urlencode(self, value: str) -> None:
        name, equals, content = value.partition("=")
        if "@" in (name if equals else value):
            raise _unread("--data-urlencode", value.partition("@")[2], "--data-urlencode 'name=text'")
        if not equals:
            name, content = "", name
        encoded = quote(content, safe="")
        self.data.append(f"{name}={encoded}" if name else encoded)

    def on_json(self, value: str) -> None:
        self.on_data(value)
        for name in ("content-type", "accept"):
            if not any(key.lower() == name for key, _ in self.headers):
                self.headers.append((name, "application/json"))

    def on_form(self, value: str) -> None:
        name, equals, text = value.partition("=")
        if not equals:
            raise UsageError("-F takes name=value; correct the command")
        self.has_fields = True
        if text.startswith(("@", "<")):
            self.notes.append(f"the field '{name}' of the form is a file, and was left out")
            return
        text = re.sub(r";(?:type|filename|encoder|headers)=[^;]*$", "", text)
        self.fields.append((name, text[1:-1] if re.fullmatch(r'".*"', text, re.DOTALL) else text))

    def on_form_string(self, value: str) -> None:
        name, _, text = value.partition("=")
        self.has_fields = True
        self.fields.append((name, text))

    def on_cookie(self, value: str) -> None:
        if "=" in value:
            self.headers.append(("cookie", value))
        else:
            self.notes.append("the file of cookies was not read")

    def on_user(self, value: str) -> None:
        self.user = value

    def on_token(self, value: str) -> None:
        self.headers.append(("authorization", f"Bearer {value}"))

    def on_agent(self, value: str) -> None:
        self.headers.append(("user-agent", value))

    def on_referer(self, value: str) -> None:
        self.headers.append(("referer", value))

    def on_url(self, value: str) -> None:
        self.urls.append(value)

    def on_get(self, _: str) -> None:
        self.is_get = True

    def on_head(self, _: str) -> None:
        self.is_head = True

    # --- the result ---

    def request(self) -> CapturedRequest:
        """The request that was said. Raises UsageError."""
        url, user = self._url()
        body = "&".join(self.data) if self.data else None
        if self.is_get and body is not None:
            url, body = f"{url}{'&' if '?' in url else '?'}{body}", None
        has_body = body is not None or self.has_fields
        method = self.method or ("HEAD" if self.is_head else "POST" if has_body and not self.is_get else "GET")
        if method not in ("GET", "POST"):
            raise UsageError(f"the command sends {method}; a chat request is POST or GET")
        fields = tuple(self.fields) if self.has_fields else None
        return CapturedRequest(
            url, method, tuple(self.headers), body, fields, self.user or user, tuple(dict.fromkeys(self.notes))
        )

    def _url(self) -> tuple[str, str | None]:
        """The URL without a user in it, and that user."""
        if not self.urls:
            raise UsageError("the command has no URL; copy all of it")
        if len(self.urls) > 1:
            # A word that has lost its quotes may be a key: none of them is shown.
            found = f"the command has {len(self.urls)} URLs or loose words"
            raise UsageError(f"{found}; put quotes around each value, and give one URL")
        url = self.urls[0]
        if "://" not in url:
            # curl guesses http; an API that takes a key is https.
            url = f"{'http' if re.match('localhost|127[.]', url) else 'https'}://{url}"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"the URL of the command cannot be read: {error}; correct it") from None
        if parts.scheme not in ("http", "https"):
            raise UsageError(f"the URL's scheme is '{parts.scheme[:20]}'; a provider is reached over https or http")
        if not host:
            raise UsageError("the URL of the command has no host; write https://host/path")
        user, at, place = parts.netloc.rpartition("@")
        return parts._replace(netloc=place, fragment="").geturl(), user if at else None


def _is_url(word: str) -> bool:
    return re.match(r"https?://", word) is not None


def _next(rest: list[str], name: str) -> str:
    if not rest:
        raise UsageError(f"the option {name} of the command has no value; copy all of it")
    return rest.pop()


def _unread(option: str, file: str, instead: str) -> UsageError:
    if file == "-":
        return UsageError(f"{option} @- reads standard input, which the command does not hold; write {instead} 'TEXT'")
    return UsageError(
        f"{option} @{file[:80]} reads a file, and only the command itself is read here; "
        f'write {instead} "$(cat {file[:80]})" in its place'
        if instead.startswith("--data-raw")
        else f"{option} @{file[:80]} reads a file, and only the command itself is read here; write {instead}"
    )


@dataclass(frozen=True, slots=True)
class _Option:
    """An option of curl: whether it takes a value, what it does, and what is to be said of it."""

    has_value: bool = False
    act: Callable[[_Command, str], None] | None = None
    note: str = ""


_NO_TLS = _Option(note="TLS is always verified")
_PROXY = _Option(has_value=True, note="a proxy is the caller's (chat --proxy), and stands in no file")
_CERTIFICATE = _Option(has_value=True, note="certificates are the caller's, and stand in no file")


def _takes(act: Callable[[_Command, str], None]) -> _Option:
    return _Option(has_value=True, act=act)


_LONG: dict[str, _Option] = {
    "request": _takes(_Command.on_method),
    "header": _takes(_Command.on_header),
    "data": _takes(_Command.on_data),
    "data-ascii": _takes(_Command.on_data),
    "data-binary": _takes(_Command.on_data),
    "data-raw": _takes(_Command.on_raw),
    "data-urlencode": _takes(_Command.on_urlencode),
    "json": _takes(_Command.on_json),
    "form": _takes(_Command.on_form),
    "form-string": _takes(_Command.on_form_string),
    "user": _takes(_Command.on_user),
    "oauth2-bearer": _takes(_Command.on_token),
    "cookie": _takes(_Command.on_cookie),
    "user-agent": _takes(_Command.on_agent),
    "referer": _takes(_Command.on_referer),
    "url": _takes(_Command.on_url),
    "get": _Option(act=_Command.on_get),
    "head": _Option(act=_Command.on_head),
    "insecure": _NO_TLS,
    **dict.fromkeys(("proxy", "socks5", "socks5-hostname", "proxy-user", "preproxy"), _PROXY),
    **dict.fromkeys(("cert", "key", "cacert", "capath", "pass"), _CERTIFICATE),
    **dict.fromkeys(IGNORED_FLAGS, _Option()),
    **dict.fromkeys(IGNORED_VALUES, _Option(has_value=True)),
}

_SHORT = {letter: _LONG[name] for letter, name in LETTERS.items()}
