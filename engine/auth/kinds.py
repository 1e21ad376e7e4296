"""How a secret is sent: `AUTH` maps a kind of authentication to what it adds to a request."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ..secrets import Secret, Sensitive
from ..spec import Auth

Options = Mapping[str, str]
Secrets = Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authentication adds: headers and query parameters, finished and masked."""

    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()


def _none(options: Options, secrets: Secrets) -> Credentials:
    return Credentials()


def _bearer(options: Options, secrets: Secrets) -> Credentials:
    return Credentials(headers=(("authorization", _with("Bearer ", secrets[options["secret"]])),))


def _header(options: Options, secrets: Secrets) -> Credentials:
    return Credentials(headers=((options["name"], _with(options.get("prefix", ""), secrets[options["secret"]])),))


def _query(options: Options, secrets: Secrets) -> Credentials:
    secret = secrets[options["secret"]]
    encoded = Sensitive(quote(secret.reveal(), safe=""), repr(secret))
    return Credentials(query=((quote(options["name"], safe=""), encoded),))


def _basic(options: Options, secrets: Secrets) -> Credentials:
    # RFC 7617: user and password, joined by a colon, in base64.
    user, password = secrets[options["user"]], secrets[options["password"]]
    token = base64.b64encode(f"{user.reveal()}:{password.reveal()}".encode()).decode()
    return Credentials(headers=(("authorization", Sensitive(f"Basic {token}", f"Basic {user!r}:{password!r}")),))


def _with(prefix: str, secret: Secret) -> str:
    return Sensitive(prefix + secret.reveal(), prefix + repr(secret))


AUTH: Mapping[str, Callable[[Options, Secrets], Credentials]] = {
    "none": _none,
    "bearer": _bearer,
    "header": _header,
    "query": _query,
    "basic": _basic,
}


def credentials(auth: Auth | None, secrets: Secrets) -> Credentials:
    """What a way to authenticate adds to a request."""
    return AUTH[auth.type](auth.options, secrets) if auth is not None else Credentials()
