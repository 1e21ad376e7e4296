"""The shape of every way to authenticate: what it does at the three moments at which a request can be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import MissingSecretError
from ..secrets import Secret
from ..wire import WireRequest

Options = Mapping[str, Any]
Secrets = Mapping[str, Secret]


def line(secret: Secret) -> str:
    """A secret's value where one line is due. Raises MissingSecretError for a key in PEM form, which has several."""
    if not secret.reveal().isprintable():
        raise MissingSecretError(f"the value of {secret.name} has several lines, and is sent in a header; set it again")
    return secret.reveal()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authentication adds: headers and query parameters, finished and masked.

    `made` are texts that were made with a secret and must be kept out of messages like one: tokens, signatures.
    """

    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    made: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request that is final but for its signature, and what a signature may be made of.

    `values` are the names that templates may read (settings, functions, `omit`); `now` is in seconds since 1970.
    """

    wire: WireRequest
    values: Mapping[str, Any]
    now: float


NOTHING = Credentials()


def _as_it_is(payload: Any, secrets: Secrets) -> Any:
    return payload


def _unsigned(unsigned: Unsigned, secrets: Secrets) -> Credentials:
    return NOTHING


@dataclass(frozen=True, slots=True)
class Way:
    """One way to authenticate, compiled from its options. Each moment has a function; most ways use one of them."""

    credentials: Callable[[Secrets], Credentials] = lambda secrets: NOTHING
    """Before the request is made: what does not depend on it."""
    fill: Callable[[Any, Secrets], Any] = _as_it_is
    """Before the payload becomes a body: the payload with the secret in it."""
    sign: Callable[[Unsigned, Secrets], Credentials] = _unsigned
    """When url, headers and body are final: headers made of them."""

    @property
    def fills(self) -> bool:
        """Whether it puts a secret into the payload."""
        return self.fill is not _as_it_is

    @property
    def signs(self) -> bool:
        """Whether it signs a finished request."""
        return self.sign is not _unsigned
