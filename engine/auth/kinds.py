"""The kinds of authentication: `AUTH` maps a kind to what compiles its options into a Way.

Those that are made of the finished request are in signing.py, which is imported for a file that names one of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ..paths import Path
from ..secrets import Secret, Sensitive
from ..spec import Auth
from .oauth2 import sending_token
from .way import Credentials, Options, Secrets, Way, line


def _none(options: Options) -> Way:
    return Way()


def _bearer(options: Options) -> Way:
    def credentials(secrets: Secrets) -> Credentials:
        return Credentials(headers=(("authorization", _with("Bearer ", secrets[options["secret"]])),))

    return Way(credentials)


def _header(options: Options) -> Way:
    if "value" in options:
        from .signing import header_template

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


def _jwt(options: Options) -> Way:
    from .signing import jwt

    return jwt(options)


def _aws_sigv4(options: Options) -> Way:
    from .signing import aws_sigv4

    return aws_sigv4(options)


def _oauth2(options: Options) -> Way:
    sending = sending_token(options)
    return AUTH[sending["type"]](sending)


def _with(prefix: str, secret: Secret) -> str:
    return Sensitive(prefix + line(secret), prefix + repr(secret))


AUTH: Mapping[str, Callable[[Options], Way]] = {
    "none": _none,
    "bearer": _bearer,
    "header": _header,
    "query": _query,
    "basic": _basic,
    "body": _body,
    "jwt": _jwt,
    "aws_sigv4": _aws_sigv4,
    "oauth2": _oauth2,
}


def compile_auth(auth: Auth | None) -> Way:
    """A way to authenticate, compiled; None adds nothing."""
    return AUTH[auth.type](auth.options) if auth is not None else Way()
