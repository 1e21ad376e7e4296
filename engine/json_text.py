"""JSON text -> values, as RFC 8259 has it: Python's own reader also takes NaN, Infinity and numbers beyond every float.

Of two keys of one name in an object the last counts. A large text is read in a way that lets other threads run
meanwhile: the reader written in C does not, unless it calls something written in Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from typing import Any


@cache
def has_fast_json() -> bool:
    """Whether the library of the extra `fast` is installed."""
    return find_spec("msgspec") is not None


def fast_json() -> Any:
    """That library. To import it takes longer than to read or write by other means what one call needs."""
    return import_module("msgspec")


LARGE = 256 * 1024
"""From so many characters on, others are let run: below it takes a few milliseconds."""

MAX_DEPTH = 128
"""How deep a value may nest. Python reads some 900 levels, more than what prints, copies or pickles them can take."""


def read_json(text: str) -> Any:
    """The value of a text. Raises ValueError for what is no JSON, or nests too deeply.

    >>> read_json('{"a": 1, "a": 9007199254740993}')
    {'a': 9007199254740993}
    """
    try:
        value = (_JSON if len(text) < LARGE else _CONSIDERATE).decode(text)
    except RecursionError:
        raise _too_deep() from None
    # To count is cheaper than to walk, and enough for all but large texts.
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise _too_deep()
    return value


def read_plain(data: bytes | bytearray | str) -> Any:
    """The same for what is plain, quickly: raises ValueError or StopIteration for blanks before it and halves too.

    A half of a character is `\\ud...` without its other half, or perhaps so: behind a backslash it is hard to tell.

    How deep it nests is for the caller to know.
    """
    text = data if type(data) is str else data.decode()  # type: ignore[union-attr]
    if "\\u" in text and _SURROGATE.search(text) and ("\\\\" in text or _HALF.search(text)):
        raise ValueError("it may say half a character")
    value, end = _scan(text, 0)
    if text[end:].strip(" \t\r\n"):
        raise ValueError("more follows")
    return value


def _too_deep() -> ValueError:
    return ValueError(f"it nests deeper than {MAX_DEPTH} levels")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item if type(item) is list else ())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def is_json(text: str) -> bool:
    """Whether a text is JSON.

    >>> is_json('{"a": 0.5}'), is_json('{"a": NaN}'), is_json('{"a": 1')
    (True, False, False)
    """
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is beyond every number")
    return number


def _integer(text: str) -> int:
    return int(text)


def _object(value: dict[str, Any]) -> dict[str, Any]:
    return value


_SURROGATE = re.compile(r"\\u[dD]")
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)

_JSON = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Made once: `json.loads` makes one for each call that says anything special."""

Scan = Callable[[str, int], tuple[Any, int]]

_scan: Scan = _JSON.scan_once  # type: ignore[attr-defined]  # what its `decode` calls
scan: Scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
"""The value that begins at a place of a text, and where it ends; ValueError or StopIteration where it does not."""

_CONSIDERATE = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer, object_hook=_object
)
