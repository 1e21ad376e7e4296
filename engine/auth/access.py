"""A way to authenticate with its secrets: what it does to each request of one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from ..encoding import encode
from ..errors import ParameterError
from ..expressions import OMIT, as_text
from ..secrets import Secret, SensitiveBytes
from ..weight import Weighed
from ..wire import WireRequest
from .oauth2 import ACCESS_TOKEN
from .way import NOTHING, Credentials, Unsigned, Way


@dataclass(frozen=True)
class Access:
    """As whom a call is made. `names` are what templates over a finished request may read, `now` is since 1970."""

    owner: str
    way: Way
    secrets: Mapping[str, Secret]
    names: Mapping[str, Any]
    now: float

    NOBODYS: ClassVar[Access]
    """For a request that no credential goes with."""

    def with_token(self, token: Secret | None) -> Access:
        """The same with an access token that was fetched for the call."""
        return self if token is None else replace(self, secrets={**self.secrets, ACCESS_TOKEN: token})

    @cached_property
    def credentials(self) -> Credentials:
        """What goes into the headers and the query of every request."""
        return self.way.credentials(self.secrets)

    def body(self, encoding: str, payload: Any, known: Weighed | None = None) -> tuple[bytes, str | None]:
        """A payload as bytes and their type; with a secret that goes in the body, those to show as well.

        `known` is a list in it that was weighed before.
        """
        if not self.way.fills:
            return (b"", None) if payload is OMIT else encode(encoding, payload, as_text, known)
        masks = {name: Secret(repr(secret), name=secret.name) for name, secret in self.secrets.items()}
        # What is shown is made first: where it fails, no frame holds the secret.
        masked = self.way.fill(payload, masks)
        if masked is OMIT:
            return b"", None
        body, content_type = encode(encoding, masked, as_text)
        name = next(iter(self.secrets.values())).name
        real = encode(encoding, self.way.fill(payload, self.secrets), as_text)[0]
        return SensitiveBytes(real, body, name), content_type

    def signature(self, wire: WireRequest) -> Credentials:
        """What a signature over the finished request adds."""
        if not self.way.signs:
            return NOTHING
        try:
            return self.way.sign(Unsigned(wire, self.names, self.now), self.secrets)
        except ParameterError as error:
            failure = ParameterError(f"{self.owner}: {error.message}")
        raise failure


Access.NOBODYS = Access("", Way(), {}, {}, 0.0)
