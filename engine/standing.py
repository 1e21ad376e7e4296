"""What a deployment comes to for one file: its settings, as whom its service is called, and where requests may go.

Most calls of a program are made for one deployment. So this is worked out once, and anew when anything that it is made
of says something else: a variable of the environment, a base URL, a setting or a secret of the caller's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from .auth import Access, compile_auth
from .base_url import BaseUrl, Territory, checked_url
from .deployment import Deployment
from .expressions import OMIT, Helpers
from .hosts import is_loopback
from .secrets import Sealed, Secret, Sensitive
from .spec import Auth, ProviderSpec

_KNOWN = frozenset({str, int, bool, type(None), Sensitive})
"""Types whose values can be compared: one of a caller's own may do anything when it is."""


class Standing:
    """One deployment of a file. Its settings are known at once, the rest when it is asked for; errors are those of
    the deployment, and of its base URL."""

    def __init__(self, file: Standings, deployment: Deployment) -> None:
        self._file = file
        self._deployment = deployment
        self.settings = deployment.resolve_settings(file.spec)

    @cached_property
    def names(self) -> dict[str, Any]:
        """What every template may read: the functions and the settings."""
        return {**self._file.functions, **self.settings}

    @cached_property
    def _auth(self) -> tuple[Auth | None, dict[str, Secret]]:
        return self._deployment.resolve_auth(self._file.spec)

    @property
    def auth(self) -> Auth | None:
        """The way to authenticate whose secrets are there. Raises MissingSecretError."""
        return self._auth[0]

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets of that way."""
        return tuple(self._auth[1].values())

    @cached_property
    def _access(self) -> Access:
        auth, secrets = self._auth
        way = next(way for known, way in self._file.ways if known is auth)
        names = {**self.settings, **self._file.functions, "omit": OMIT}
        return Access(self._file.spec.name, way, secrets, names, 0.0)

    def access(self) -> Access:
        """As whom a call is made now."""
        access = self._access
        return replace(access, now=self._file.helpers.clock()) if access.way.signs else access

    @cached_property
    def territory(self) -> Territory:
        """Where its requests may go. Raises ParameterError."""
        spec, base = self._file.spec, self._file.base
        if self._deployment.base_url is None:
            return Territory(spec.name, base.of(self.settings, self._deployment), spec.hosts)
        own = checked_url(self._deployment.base_url, "the base URL")
        if not is_loopback(urlsplit(own).hostname):
            return Territory(spec.name, own, spec.hosts)
        return Territory(spec.name, own, spec.hosts, True, base.literal)


class Standings:
    """The deployments of a file; the last one is kept."""

    def __init__(self, spec: ProviderSpec, base: BaseUrl, helpers: Helpers) -> None:
        self.spec = spec
        self.base = base
        self.helpers = helpers
        self.functions = helpers.functions()
        self.ways = [(auth, compile_auth(auth)) for auth in (None, *spec.auth)]
        self._of_settings = tuple(setting.env for setting in spec.settings.values() if setting.env is not None)
        self._variables = (*self._of_settings, *(name for source in spec.secrets.values() for name in source.env))
        # The file that holds a secret may change, and nobody knows before it is read.
        self._may_keep = all(source.json is None for source in spec.secrets.values())
        self._last: tuple[Sealed, Standing] | None = None

    def of(self, deployment: Deployment) -> Standing:
        """What a deployment comes to. Raises ParameterError for its settings."""
        said = self._said(deployment) if self._may_keep else None
        if said is None:
            return Standing(self, deployment)
        last = self._last
        if last is not None and last[0] == said:
            return last[1]
        standing = Standing(self, deployment)
        self._last = said, standing
        return standing

    def _said(self, deployment: Deployment) -> Sealed | None:
        """All that it is made of; None where that holds an object of a class that is not known."""
        given = deployment.settings
        if type(given) is not dict:
            return None
        # No secret has a name here, where a traceback would show it.
        secret, names = deployment.secrets.get, self.spec.secrets
        if not _KNOWN.issuperset(map(type, map(secret, names))):
            return None
        # Of a secret that is given, no variable is read.
        variables = self._of_settings if all(map(secret, names)) else self._variables
        read = map(deployment.environ.get, variables)
        # The number of settings tells what is one, and what is a secret or a variable behind them.
        decided = (deployment.base_url, deployment.placeholders, len(given))
        said = Sealed((*decided, *given, *given.values(), *map(secret, names), *read))
        return said if _KNOWN.issuperset(said.types) else None
