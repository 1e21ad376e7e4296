"""Values of a caller's as copies made of JSON's types alone: what cannot be sent is refused before it is built in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import ParameterError

MAX_DEPTH = 64
"""How deep a value from the caller may nest; deeper JSON is refused before it is built."""

MAX_INT_BITS = 13_287
"""4000 digits: Python refuses to write numbers beyond 4300 as text."""


class Sayable:
    """A value of ours that a caller may give where JSON is due: `as_dict` is what it says."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """The value as plain data."""
        raise NotImplementedError


def plain(value: Any, where: str) -> Any:
    """A copy of `value` made of JSON's types alone. Raises ParameterError naming `where` for anything else."""
    if type(value) is str and value.isascii():
        return value
    try:
        return _copied(value, where, 0)
    except ParameterError:
        raise
    except Exception as error:  # a class of the caller's own, whose methods fail in their own ways
        raise ParameterError(f"{where} holds {kind_of(value)} that cannot be read: {type(error).__name__}") from error


def _copied(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ParameterError(f"{where} nests deeper than {MAX_DEPTH} levels")
    exact = _EXACT.get(type(value))
    if exact is not None:
        return exact(value, where)
    for kind, copy in _SCALARS.items():
        if isinstance(value, kind):
            return copy(value, where)
    if isinstance(value, Sayable):
        value = value.as_dict()
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ParameterError(f"{where} has a key that is {kind_of(key)}; JSON's keys are text")
        return {plain_text(key, where): _copied(item, where, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_copied(item, where, depth + 1) for item in value]
    raise ParameterError(f"{where} holds {kind_of(value)}, which JSON cannot say")


def plain_text(value: str, where: str) -> str:
    """A text as one of Python's own. Raises ParameterError for half a character."""
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"{where} holds half a character (a lone surrogate), which UTF-8 cannot say; repair the text"
            raise ParameterError(message) from None
    return text


def _plain_int(value: int, where: str) -> int:
    number = int.__int__(value)
    if number.bit_length() > MAX_INT_BITS:
        raise ParameterError(f"{where} holds a number of more than 4000 digits")
    return number


def _plain_float(value: float, where: str) -> float:
    number = float.__float__(value)
    if not math.isfinite(number):
        raise ParameterError(f"{where} is {number}, which JSON cannot say; give a finite number")
    return number


def _itself(value: Any, where: str) -> Any:
    return value


_SCALARS: Mapping[type[Any], Callable[[Any, str], Any]] = {str: plain_text, int: _plain_int, float: _plain_float}
"""Subclasses (an enum's members, text of a template engine) become what they are made of."""

_EXACT: Mapping[type[Any], Callable[[Any, str], Any]] = {**_SCALARS, bool: _itself, type(None): _itself}


def kind_of(value: Any) -> str:
    """What a value is, in a message.

    >>> kind_of(None), kind_of(0.5)
    ('nothing', 'a value of type float')
    """
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


def briefly(value: Any) -> str:
    """A value as a message shows it.

    >>> briefly("low"), len(briefly("x" * 100))
    ("'low'", 60)
    """
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number too large to write"
    return text if len(text) <= 60 else text[:57] + "..."
