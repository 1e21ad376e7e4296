"""What the templates of a token request are given: the secrets that it may send, and an assertion signed with one.

A token request is the one place beside `auth` where a template reads a secret. All of it is rendered twice, with the
secrets and with their masks, so that what is shown follows from the template and not from a search for the secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .expressions import OMIT, Helpers, compile_tree
from .secrets import Secret, shown
from .spec import TokenRequest


class TokenCall:
    """The token request of one call: its declaration, and the values of its templates."""

    def __init__(
        self, spec: TokenRequest, secrets: Mapping[str, Secret], settings: Mapping[str, Any], helpers: Helpers
    ) -> None:
        self.spec = spec
        self._secrets = secrets
        self._settings = settings
        self._helpers = helpers

    def values(self, *, masked: bool) -> Mapping[str, Any]:
        """The names of the templates; `masked` gives `<NAME>` in the place of each secret."""
        texts = {name: repr(secret) if masked else secret.reveal() for name, secret in self._secrets.items()}
        names = {**self._helpers.functions(), **self._settings, "omit": OMIT, "secrets": texts}
        return names if self.spec.assertion is None else {**names, "assertion": self._assertion(names, masked)}

    def _assertion(self, names: Mapping[str, Any], masked: bool) -> str:
        """A signed statement of who asks (RFC 7523), for services that take no password."""
        says = self.spec.assertion or {}
        parts = {key: compile_tree(says.get(key, {}), f"assertion.{key}")(names) for key in ("header", "claims")}
        from .auth.jwt import signed_jwt  # few services ask for one

        token = signed_jwt(says["algorithm"], self._secrets[says["key"]], parts["header"], parts["claims"])
        return shown(token) if masked else str.__str__(token)
