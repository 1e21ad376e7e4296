"""What a file declares by name and in numbers: models, params, settings, secrets; retries, deadlines and caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..value import value


@value
class Patch:
    """Which models a patch is for, as patterns of names, and where it is written; what it says is in `tree`."""

    match: tuple[str, ...]
    file: str
    line: int


@value
class Models:
    """Which models the service takes; without `allow`, any. `patches` are in the order in which they are laid on."""

    default: str | None = None
    allow: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[Patch, ...] = ()


ParamType = Literal["string", "number", "integer", "boolean", "array", "object"]


@value
class Param:
    """A call parameter: the types of its value, its bounds, and what happens beyond them."""

    type: tuple[ParamType, ...]
    has_default: bool = False
    default: Any = None
    min: float | None = None
    max: float | None = None
    enum: tuple[Any, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    out_of_range: Literal["error", "clamp"] = "error"
    maps_to: str | None = None
    description: str = ""


@value
class Setting:
    """A value of a deployment; the only thing that may vary a URL's host."""

    type: Literal["string", "integer"] = "string"
    env: str | None = None
    default: str | int | None = None
    enum: tuple[str | int, ...] = ()
    optional: bool = False
    description: str = ""


@value
class SecretSource:
    """The environment variables that may hold a secret, in order.

    With `json`, a dotted path, a variable holds the name of a JSON file, and the secret is at that path in it.
    """

    env: tuple[str, ...]
    optional: bool = False
    json: str | None = None


@value
class RetryPolicy:
    """Retries after the first attempt, and the waits between them in seconds."""

    max: int
    base: float
    cap: float
    max_wait: float
    idempotent: bool


@value
class Timeouts:
    """Deadlines in seconds; `pool` bounds the wait for a connection slot, the others start when it is held."""

    connect: float
    first_byte: float
    idle: float
    total: float
    pool: float


@value
class Limits:
    """Caps on one event and on the whole body, in bytes."""

    event_bytes: int
    body_bytes: int
