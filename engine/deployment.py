"""What the caller decides and no file can: base URL, settings, secrets, and the environment that the rest comes from.

`placeholders` makes a deployment for looking and testing: whatever is missing, and every secret, shows as <NAME>.
`strict` refuses a call whose parameters would not go to the wire as they were given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import MissingSecretError, ParameterError
from .keyfiles import value_in_file
from .plain import briefly, plain
from .secrets import Hidden, Secret
from .spec import Auth, ProviderSpec, SecretSource, Setting
from .suggest import did_you_mean

ENVIRONMENT = Hidden.of(lambda: os.environ)
"""The variables of this process as they are when they are read; a program may put another map in their place."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where and as whom one provider is called. `environ` maps variables to values; nothing else reads them."""

    base_url: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    placeholders: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", Hidden(self.secrets))
        object.__setattr__(self, "environ", Hidden(self.environ))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a deployment is not pickled: it holds secrets and the environment")

    def __copy__(self) -> Deployment:
        return self

    def __deepcopy__(self, memo: object) -> Deployment:
        return self

    def resolve_settings(self, spec: ProviderSpec) -> dict[str, str | int]:
        """Every setting of the file. Raises ParameterError for one that is missing, unknown or not as declared."""
        if not isinstance(self.settings, Mapping):
            raise ParameterError(f"settings is a mapping, not a value of type {type(self.settings).__name__}")
        for name in self.settings:
            if not isinstance(name, str):
                raise ParameterError(f"settings has a name of type {type(name).__name__}, where text is due")
            if name not in spec.settings:
                hint = did_you_mean(name, spec.settings) or f"its settings: {', '.join(spec.settings) or 'none'}"
                raise ParameterError(f"{spec.name} has no setting '{name}'; {hint}")
        values: dict[str, str | int] = {}
        for name, setting in spec.settings.items():
            value = self._setting(name, setting)
            if value is not None:
                values[name] = self._typed(spec, name, setting, value)
            elif setting.optional:
                continue  # what is not there is omitted, as with a param
            elif self.placeholders:
                values[name] = f"<{setting.env or name}>"
            elif self.base_url is None or not _only_in_url(spec, name):
                where = f" or set {setting.env}" if setting.env else ""
                raise ParameterError(f"{spec.name} needs the setting '{name}'; pass settings={{'{name}': ...}}{where}")
        return values

    def _setting(self, name: str, setting: Setting) -> Any:
        if self.settings.get(name) is not None:
            return self.settings[name]
        if setting.env and self.environ.get(setting.env):
            return self.environ[setting.env]
        return setting.default

    def _typed(self, spec: ProviderSpec, name: str, setting: Setting, given: Any) -> str | int:
        value = plain(given, f"the setting '{name}' of {spec.name}")
        if setting.type == "integer" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        expected = int if setting.type == "integer" else str
        if not isinstance(value, expected) or isinstance(value, bool) or value == "":
            raise ParameterError(f"the setting '{name}' of {spec.name} is of type {setting.type}, not {briefly(value)}")
        if setting.enum and value not in setting.enum:
            allowed = ", ".join(str(item) for item in setting.enum)
            hint = did_you_mean(str(value), map(str, setting.enum))
            message = f"the setting '{name}' of {spec.name} is one of: {allowed}; not {briefly(value)}"
            raise ParameterError(f"{message}; {hint}" if hint else message)
        settled: str | int = value
        return settled

    def resolve_auth(self, spec: ProviderSpec) -> tuple[Auth | None, dict[str, Secret]]:
        """The first way to authenticate whose secrets are present, and its secrets.

        None where the file needs none, or all that it could use is optional and missing. Raises MissingSecretError.
        """
        lacking: list[list[tuple[str, str]]] = []
        for auth in spec.auth:
            named = {name: self._secret(spec.secrets[name], name) for name in auth.secrets}
            missing = [(name, reason) for name, (secret, reason) in named.items() if secret is None]
            if not missing:
                named |= {name: self._secret(spec.secrets[name], name) for name in auth.extra_secrets}
                return auth, {name: secret for name, (secret, _) in named.items() if secret is not None}
            lacking.append(missing)
        if not lacking or any(all(spec.secrets[name].optional for name, _ in missing) for missing in lacking):
            return None, {}
        first = lacking[0][0][0]
        reasons = " or ".join(dict.fromkeys(missing[0][1] for missing in lacking))
        reasons = reasons.replace(f" or {_SET}", " or ")
        raise MissingSecretError(f"{spec.name} needs the secret '{first}'; {reasons}")

    def known(self, spec: ProviderSpec) -> tuple[Secret, ...]:
        """Every secret of the file that is there, fit to be sent or not: none of them may show in a message."""
        found = (self._found(source, name)[0] for name, source in spec.secrets.items())
        return tuple(secret for secret in found if secret is not None)

    def _secret(self, source: SecretSource, name: str) -> tuple[Secret | None, str]:
        """A secret that can be sent; else None, and what to do about it. Raises MissingSecretError."""
        secret, fault = self._found(source, name)
        return (None if secret is None else _checked(secret)), fault

    def _found(self, source: SecretSource, name: str) -> tuple[Secret | None, str]:
        if self.placeholders:
            return Secret(f"<{source.env[0]}>", name=source.env[0]), ""
        kind = type(self.secrets.get(name))
        if not issubclass(kind, str | type(None)):
            raise ParameterError(f"the secret '{name}' is text, not a value of type {kind.__name__}")
        if self.secrets.get(name):
            return Secret(str.__str__(self.secrets[name]), name=source.env[0]), ""
        variable = next((variable for variable in source.env if self.environ.get(variable)), None)
        if variable is None:
            return None, _SET + " or ".join(source.env)
        if source.json is None:
            return Secret(self.environ[variable], name=variable), ""
        secret, fault = _in_file(self.environ[variable], source.json, variable)
        return secret, "" if secret is not None else f"{variable} {fault}: name a file that has it"


_SET = "set the variable "
_ONE_LINE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PEM = re.compile(r"\s*-----BEGIN [A-Z ]+-----\r?\n[\x20-\x7e\r\n]+-----END [A-Z ]+-----\s*")


def _in_file(file: str, key: str, variable: str) -> tuple[Secret | None, str]:
    """A secret out of a file; no frame that an error leaves behind holds it as text."""
    value, fault = value_in_file(file, key)
    return (None if value is None else Secret(value, name=variable)), fault


def _checked(secret: Secret) -> Secret:
    """A secret that is one line, or a key in PEM form, which has several. Raises MissingSecretError."""
    if not _ONE_LINE.fullmatch(secret.reveal()) and not _PEM.fullmatch(secret.reveal()):
        raise MissingSecretError(
            f"the value of {secret.name} has a line break, a space at an end, or a character beyond ASCII; set it again"
        )
    return secret


def _only_in_url(spec: ProviderSpec, name: str) -> bool:
    """Whether a setting varies nothing but the URL, which a base URL from the caller replaces."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    trees = [spec.path, spec.query, spec.headers, spec.payload, [auth.options for auth in spec.auth]]
    return not any(word.search(text) for text in _expressions(trees))


def _expressions(tree: Any, key: str = "") -> Iterator[str]:
    """What stands between braces, or in a `$when`, somewhere in a tree."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _expressions(value, name)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _expressions(value)
    elif isinstance(tree, str):
        yield from [tree] if key == "$when" else re.findall(r"\{\{.*?\}\}", tree, re.DOTALL)
