"""What is added to a rendered payload beside its templates: params with a place of their own, forwarded ones, and the
caller's `extra_body`. Nothing is overwritten without a word: the caller's explicit wish wins, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import ParameterError
from .messages import Adjustment
from .paths import MISSING, Path


def place(payload: Any, placed: Iterable[tuple[str, Any]]) -> Any:
    """The payload with each value at its path. Raises ParameterError where something that is no map is in the way."""
    for path, value in placed:
        if "." not in path and type(payload) is dict:
            payload = payload | {path: value}
            continue
        blocked = Path(path).obstacle(payload)
        if blocked is not None:
            raise ParameterError(f"a value goes to {path} in the payload, and {blocked} is no map that could hold it")
        payload = Path(path).put(payload, value)
    return payload


def forward(payload: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Adjustment, ...]]:
    """The payload with params at its top that the file does not declare; of two values, the caller's counts."""
    adjustments = tuple(
        Adjustment(name, "replaced", payload[name], value)
        for name, value in given.items()
        if name in payload and payload[name] != value
    )
    return {**payload, **given}, adjustments


def merge(payload: Mapping[str, Any], extra: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Adjustment, ...]]:
    """The payload with the caller's own keys merged in: maps deep, all else replaces.

    >>> merge({"a": {"b": 1}, "c": 2}, {"a": {"d": 3}})[0]
    {'a': {'b': 1, 'd': 3}, 'c': 2}
    """
    forwarded = [Adjustment(f"extra_body.{name}", "forwarded", value, value) for name, value in extra.items()]
    replaced: list[Adjustment] = []
    return _merged(payload, extra, "extra_body", replaced), (*forwarded, *replaced)


def _merged(
    base: Mapping[str, Any], extra: Mapping[str, Any], where: str, replaced: list[Adjustment]
) -> dict[str, Any]:
    result = dict(base)
    for key, value in extra.items():
        here, old = f"{where}.{key}", result.get(key, MISSING)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value, here, replaced)
            continue
        if old is not MISSING and old != value:
            replaced.append(Adjustment(here, "replaced", old, value))
        result[key] = value
    return result
