"""What a file says of its requests: the main one, those before it and for a token, and how they authenticate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..value import value
from .answers import Condition, ErrorRule


@value
class Request:
    """One request as templates; `payload` is a tree, `encoding` how it becomes a body.

    An empty `url` is the file's own. `follow` is a whole URL in place of url and path, out of an earlier reply.
    """

    method: str = "GET"
    url: str = ""
    path: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = None
    encoding: Literal["json", "form", "multipart", "text"] = "json"
    follow: str | None = None


@value
class TokenRequest:
    """Where an access token comes from, and when it is used up.

    `value` and `expires` are paths in the reply; `is_date` says that `expires` is a moment since 1970 and no duration,
    `unit` how many of it make a second. `refresh` holds what says, beside a status 401, that a token is used up.
    """

    request: Request
    value: tuple[str, ...]
    expires: tuple[str, ...] = ()
    is_date: bool = False
    unit: float = 1.0
    refresh: tuple[ErrorRule, ...] = ()
    assertion: Mapping[str, Any] | None = None


SECRET_KEYS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "bearer": ("secret",),
    "header": ("secret",),
    "query": ("secret",),
    "basic": ("user", "password"),
    "body": ("secret",),
    "jwt": ("key",),
    "aws_sigv4": ("access_key", "secret_key"),
    "oauth2": (),
}
"""The keys of each kind of authentication that name a secret."""


@value
class Auth:
    """One way to authenticate: `type` names it, `options` are its other keys.

    `read` names the secrets that its templates read.
    """

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    token: TokenRequest | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The declared secrets that it cannot do without."""
        named = (self.options[key] for key in SECRET_KEYS[self.type] if key in self.options)
        return tuple(dict.fromkeys((*named, *self.read)))

    @property
    def extra_secrets(self) -> tuple[str, ...]:
        """The declared secrets that it sends when they are there: temporary AWS credentials come with a token."""
        return (self.options["session_token"],) if "session_token" in self.options else ()

    @property
    def header(self) -> str | None:
        """The header that carries the credential, in lower case; None where another part of the request does."""
        send = self.options.get("send", {})
        if self.type in ("none", "query", "body") or "query" in send:
            return None
        named = send.get("header") if self.type != "header" else self.options["name"]
        return (named or "authorization").lower()


@value
class Read:
    """Where a reply holds a value: `where` is a path in its JSON, the name of a header or cookie, or a pattern."""

    source: Literal["json", "header", "cookie", "regex"]
    where: str


@value
class Poll:
    """Send a request again `every` so many seconds, for at most `seconds`, until its reply says that all is done."""

    until: Condition
    fail: Condition
    every: float
    seconds: float


@value
class Step:
    """A request before the main one, and what later templates read of its reply.

    `expires_in` is seconds, or a path in the reply that holds them: the values are kept for later calls.
    """

    name: str
    request: Request
    read: Mapping[str, Read] = field(default_factory=dict)
    expires_in: float | str | None = None
    poll: Poll | None = None
    cleanup: Request | None = None


@value
class Host:
    """A host that a URL in a reply may lead to: a name, or `*.` and a suffix; `auth`: credentials go there too."""

    name: str
    auth: bool = False
