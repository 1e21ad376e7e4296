"""The secrets of a captured request: found, given a name, and replaced by `<VARIABLE>` wherever they stand.

One of them becomes the file's `auth`. What is not sure to be none is treated as one: a file that lacks a harmless
value is mended in a minute, a key that was published is not.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ..headers import CREDENTIAL_NAME
from ..loader.inline import inline_secret, is_opaque, known_secrets
from ..redaction import Finder, edited
from ..secrets import Secret
from .capture import Body, CapturedReply, CapturedRequest, Pairs, json_or_none

REDACTED = "REDACTED"
"""What stands for a secret that the file does not send."""

_NAMED = re.compile(
    r"(?!(?:stop|eos|bos|pad|sep|end|max|min|num)[-_])(?:.*[-_.])?(?:authorization|api[-_]?key|(?:access|auth|session|id|refresh|csrf|xsrf)?[-_]?token|[cx]srf|secret|password"
    r"|passwd|passphrase|jwt|bearer|cookie|auth)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r".*[a-z0-9](?:Token|Secret|Password|ApiKey|APIKey|Jwt)")
_MAYBE = re.compile(
    r"(?:.*[-_.])?(?:key|code|sig|sign|signature|hash|nonce|session(?:[-_]?id)?|sid|fingerprint|fp|uid|ticket)",
    re.IGNORECASE,
)
"""Names whose values are secrets where they look random."""

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?|%([A-Za-z_][A-Za-z0-9_]*)%|\$env:([A-Za-z_][A-Za-z0-9_]*)")
_STAND_IN = re.compile(
    r"<[^<>]*>|\{+[^{}]*\}+|\[[^\[\]]*\]|x{3,}|\*{3,}|\.{3,}|(?:your|my)[-_ ].*"
    r"|.*(?:your|my)[-_]?(?:api)?[-_]?(?:key|token).*|[A-Z]+(?:_[A-Z]+)*_(?:KEY|TOKEN|SECRET)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(Bearer|Basic|Token|Api-Key|Key|Bot|[A-Za-z-]{2,20})\s+(?=\S+\s*$)")
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_.+/=-]{16,}")
_MIN_LENGTH = 4
"""A shorter value is no secret, and to replace it everywhere would replace words."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret: its value, how a file sends it (`auth`), and how urgent that is; `where` says it to people."""

    value: str = field(repr=False)
    where: str
    rank: int
    auth: dict[str, Any]
    variable: str = ""
    names: tuple[str, ...] = ("api_key",)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was captured, without secrets; `auth` and `secrets` are the file's sections, `todos` are for its author."""

    request: CapturedRequest
    body: Body
    reply: CapturedReply | None
    auth: dict[str, Any] | None = None
    secrets: dict[str, Any] = field(default_factory=dict)
    todos: tuple[str, ...] = ()
    scrub: Callable[[str], str] = field(default=str, repr=False)

    def leaks(self, text: str) -> bool:
        """Whether a text holds one of the secrets after all."""
        return self.scrub(text) != text


def cleaned(
    request: CapturedRequest, body: Body, reply: CapturedReply | None, variable: Callable[[str, str], str]
) -> Cleaned:
    """The capture without its secrets.

    `variable` gives the environment variable for a suffix such as API_KEY, and for the name that the command has.
    """
    found = sorted(_found(request, body), key=lambda one: one.rank)
    chosen = found[0] if found else None
    secrets: dict[str, Any] = {}
    values: dict[str, str] = {}
    if chosen is not None:
        suffixes = {"api_key": "API_KEY", "user": "USER", "password": "PASSWORD", "cookie": "COOKIE"}
        for name in chosen.names:
            named = chosen.variable if len(chosen.names) == 1 else ""
            secrets[name] = {"env": [variable(suffixes[name], named)]}
        values |= _values(chosen, secrets)
    todos = tuple(
        f"{other.where} looked like another secret. A file sends one credential, so it was left out"
        for other in found[1:]
        if other.value not in values and not _is_named(chosen, other)
    )
    todos = tuple(dict.fromkeys(todos))
    for other in found[1:]:
        values.setdefault(other.value, REDACTED)
    for text in _texts(request, body, reply):
        values |= dict.fromkeys((one for one in known_secrets(text) if one not in values), REDACTED)
    for value in _told_in_reply(reply):
        values.setdefault(value, REDACTED)
    scrub = _scrubber(values)
    return Cleaned(
        _scrubbed_request(request, scrub),
        replace(body, tree=_scrubbed(body.tree, scrub)),
        None if reply is None else replace(reply, body=_scrubbed_bytes(reply.body, scrub)),
        chosen.auth if chosen else None,
        secrets,
        todos,
        scrub,
    )


def _is_named(chosen: Credential | None, other: Credential) -> bool:
    return chosen is not None and chosen.where == other.where


def _values(chosen: Credential, secrets: dict[str, Any]) -> dict[str, str]:
    """The secret texts of a credential, each with its variable."""
    variables = [secret["env"][0] for secret in secrets.values()]
    if len(variables) == 1:
        return {chosen.value: variables[0]} if chosen.value else {}
    user, _, password = chosen.value.partition(":")
    pairs = zip((user, password), variables, strict=False)
    return {text: variable for text, variable in pairs if len(text) >= _MIN_LENGTH}


# --- where they are ---


def _found(request: CapturedRequest, body: Body) -> Iterator[Credential]:
    for name, value in request.headers:
        yield from _in_header(name, value)
    if request.user:
        yield _basic(request.user, "the option -u")
    for name, value in request.query:
        if _is_secret(name, value):
            yield _single(value, f"the query parameter '{name}'", 3, {"type": "query", "name": name})
    for path, value in _leaves(body.tree, ()):
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if not _is_secret(key, value):
            continue
        place = ".".join(map(str, path))
        sendable = all(isinstance(part, str) and part and "." not in part for part in path)
        auth = {"type": "body", "key": place} if sendable else {}
        yield _single(value, f"`{place}` of the body", 4 if sendable else 9, auth)


def _in_header(name: str, value: str) -> Iterator[Credential]:
    lower = name.lower()
    if lower == "cookie":
        yield Credential(value, "the header 'cookie'", 5, {"type": "header", "name": "cookie", "secret": "cookie"},
                         names=("cookie",))  # fmt: skip
        for part in value.split(";"):
            text = part.partition("=")[2].strip()
            if len(text) >= 2 * _MIN_LENGTH:
                yield Credential(text, "the header 'cookie'", 9, {})
        return
    if lower in ("authorization", "proxy-authorization"):
        yield from _authorization(name, value)
    elif _is_secret(name, value) or (is_opaque(value) and not _UUID.fullmatch(value) and lower.startswith("x-")):
        scheme = _SCHEME.match(value)
        prefix = {"prefix": scheme[0]} if scheme else {}
        rank = 1 if re.search("api-?key|token|auth", lower) and "csrf" not in lower and "xsrf" not in lower else 6
        yield _single(value[len(scheme[0]) :] if scheme else value, f"the header '{lower}'", rank,
                      {"type": "header", "name": lower, **prefix})  # fmt: skip


_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def _authorization(name: str, value: str) -> Iterator[Credential]:
    scheme = _SCHEME.match(value)
    rest = value[scheme.end() :].strip() if scheme else value.strip()
    if not rest or name.lower() != "authorization":
        return
    word = scheme[1].lower() if scheme else ""
    if word == "bearer":
        yield _single(rest, "the header 'authorization'", 0, {"type": "bearer"})
    elif word == "basic":
        yield _basic(_decoded(rest) or rest, "the header 'authorization'")
        yield Credential(rest, "the header 'authorization'", 9, {})
    else:
        prefix = {"prefix": scheme[0]} if scheme else {}
        yield _single(rest, "the header 'authorization'", 0, {"type": "header", "name": "authorization", **prefix})


def _basic(user: str, where: str) -> Credential:
    auth = {"type": "basic", "user": "user", "password": "password"}
    return Credential(user, where, 0, auth, names=("user", "password"))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _single(value: str, where: str, rank: int, auth: dict[str, Any]) -> Credential:
    """A credential of one secret; a shell variable in its place already says what it is called."""
    value = value.strip()
    variable = _VARIABLE.fullmatch(value)
    named = next((name for name in variable.groups() if name), "") if variable else ""
    return Credential(value, where, rank, auth | {"secret": "api_key"} if auth else {}, named)


def _is_secret(name: str, value: str) -> bool:
    value = value.strip()
    if not value or (" " in value and not _SCHEME.match(value)):
        return False
    if inline_secret(value, name) is not None:
        return True
    if _NAMED.fullmatch(name) or _CAMEL.fullmatch(name):
        return len(value) >= _MIN_LENGTH and not re.fullmatch(r"(?i)true|false|null|none|auto|[0-9]{1,6}", value)
    if name.lower() == "key" and (_VARIABLE.fullmatch(value) or _STAND_IN.fullmatch(value)):
        return True
    # An id of a conversation is written like this, too, and is none.
    return bool(_MAYBE.fullmatch(name) and _RANDOM.fullmatch(value)) and not _UUID.fullmatch(value)


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in a tree that a name stands over, with its path. What is said in messages is no field."""
    if isinstance(value, str):
        yield path, value
        inner = json_or_none(value) if value[:1] in ("{", "[") else None
        if isinstance(inner, dict | list):
            yield from _leaves(inner, (*path, 0))  # JSON in a text: no path leads there
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _leaves(item, (*path, key))


def _texts(request: CapturedRequest, body: Body, reply: CapturedReply | None) -> Iterator[str]:
    yield unquote(request.url)
    yield from (value for _, value in request.headers)
    yield json.dumps(body.tree, ensure_ascii=False)
    if reply is not None:
        yield reply.body.decode("utf-8", "replace")


_MEMBER = re.compile(r'\\*"([A-Za-z0-9_.-]{2,60})\\*"\s*:\s*\\*"([^"\\\s]{8,})\\*"')


def _told_in_reply(reply: CapturedReply | None) -> Iterator[str]:
    """What a reply says under the name of a credential."""
    if reply is None:
        return
    for name, value in _MEMBER.findall(reply.body.decode("utf-8", "replace")):
        is_named = CREDENTIAL_NAME.fullmatch(name) or _CAMEL.fullmatch(name)
        if inline_secret(value, name) is not None or (is_named and is_opaque(value)):
            yield value


# --- taking them out ---


def _scrubber(values: dict[str, str]) -> Callable[[str], str]:
    """Takes values out of a text, in whatever spelling they stand there: `<name>` comes in their place."""
    finder = Finder(Secret(value, name=name) for value, name in values.items() if len(value) >= _MIN_LENGTH)

    def scrub(text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return edited(data, finder.edits(data, lambda name: f"<{name}>")).decode("utf-8", "surrogatepass")

    return scrub


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {scrub(key): _scrubbed(item, scrub) for key, item in value.items()}
    return [_scrubbed(item, scrub) for item in value] if isinstance(value, list) else value


def _scrubbed_bytes(body: bytes, scrub: Callable[[str], str]) -> bytes:
    text = body.decode("utf-8", "surrogateescape")
    return scrub(text).encode("utf-8", "surrogateescape")


def _scrubbed_request(request: CapturedRequest, scrub: Callable[[str], str]) -> CapturedRequest:
    parts = urlsplit(request.url)
    path = quote(scrub(unquote(parts.path)), safe="/<>:@!$&'()*+,;=~%")
    query = "&".join(_scrubbed_pairs(request.query, scrub))
    return replace(
        request,
        url=urlunsplit((parts.scheme, parts.netloc, path, query, "")),
        headers=tuple((name, scrub(value)) for name, value in request.headers),
        body=None,
        fields=None,
        user=None,
        notes=tuple(map(scrub, request.notes)),
    )


def _scrubbed_pairs(pairs: Pairs, scrub: Callable[[str], str]) -> Iterable[str]:
    return (f"{quote(name, safe='')}={quote(scrub(value), safe='')}" for name, value in pairs)
