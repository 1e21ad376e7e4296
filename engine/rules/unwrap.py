"""From a frame's data to what the rules read: the steps that `unwrap` names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import DecodeError
from ..json_text import read_json
from ..paths import MISSING, Path


def _parse_json(data: Any) -> Any:
    if type(data) is not str:
        raise DecodeError("is no JSON text but a value that was unwrapped already")
    try:
        return read_json(data)
    except ValueError as error:
        raise DecodeError(f"is no JSON: {error}") from None


def _from_base64(data: Any) -> Any:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "replace")
    except (ValueError, TypeError):
        raise DecodeError("is no base64") from None


UNWRAPS: Mapping[str, Callable[[Any], Any]] = {
    "json": _parse_json,
    "text": lambda data: data,
    "base64": _from_base64,
}
"""The steps that a name says; `{at: path}` is the one that needs a word more."""


def unwrapper(steps: Iterable[str | Mapping[str, str]]) -> Callable[[Any], Any]:
    """What unwraps data as far as there is something to unwrap. It raises DecodeError."""
    takes = [UNWRAPS[step] if isinstance(step, str) else Path(step["at"]).get for step in steps]

    def unwrapped(data: Any) -> Any:
        for take in takes:
            inner = take(data)
            if inner is MISSING:
                break
            data = inner
        return data

    return unwrapped
