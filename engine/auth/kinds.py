"""The kinds of authentication: `AUTH` maps a kind to what compiles its options into a Way."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ..paths import Path
from ..secrets import Secret, Sensitive
from ..spec import Auth
from .oauth2 import sending_token
from .signing import aws_sigv4, header_template, jwt
from .way import Credentials, Options, Secrets, Way, line


def _none(options: Options) -> Way:
    return Way()


def _bearer(options: Options) -> Way:
    def credentials(secrets: Secrets) -> Credentials:
        return Credentials(headers=(("authorization", _with("Bearer ", secrets[options["secret"]])),))

    return Way(credentials)


def _header(options: Options) -> Way:
    if "value" in options:
        return header_template(options)

    def credentials(secrets: Secrets) -> Credentials:
        value = _with(options.get("prefix", ""), secrets[options["secret"]])
        return Credentials(headers=((options["name"], value),))

    return Way(credentials)


def _query(options: Options) -> Way:
    def credentials(secrets: Secrets) -> Credentials:
        secret = secrets[options["secret"]]
        encoded = Sensitive(quote(secret.reveal(), safe=""), repr(secret))
        return Credentials(query=((quote(options["name"], safe=""), encoded),))

    return Way(credentials)


def _basic(options: Options) -> Way:
    def credentials(secrets: Secrets) -> Credentials:
        # RFC 7617: user and password, joined by a colon, in base64.
        user, password = secrets[options["user"]], secrets[options["password"]]
        token = base64.b64encode(f"{user.reveal()}:{password.reveal()}".encode()).decode()
        return Credentials(headers=(("authorization", Sensitive(f"Basic {token}", f"Basic {user!r}:{password!r}")),))

    return Way(credentials)


def _body(options: Options) -> Way:
    path = Path(options["key"])

    def fill(payload: Any, secrets: Secrets) -> Any:
        value = Sensitive(secrets[options["secret"]].reveal(), repr(secrets[options["secret"]]))
        return path.put(payload if isinstance(payload, dict) else {}, value)

    return Way(fill=fill)


def _with(prefix: str, secret: Secret) -> str:
    return Sensitive(prefix + line(secret), prefix + repr(secret))


AUTH: Mapping[str, Callable[[Options], Way]] = {
    "none": _none,
    "bearer": _bearer,
    "header": _header,
    "query": _query,
    "basic": _basic,
    "body": _body,
    "jwt": jwt,
    "aws_sigv4": aws_sigv4,
    "oauth2": lambda options: AUTH[sending_token(options)["type"]](sending_token(options)),
}


def compile_auth(auth: Auth | None) -> Way:
    """A way to authenticate, compiled; None adds nothing."""
    return AUTH[auth.type](auth.options) if auth is not None else Way()
