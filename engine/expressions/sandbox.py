"""The sandbox that expressions run in: data in, data out. What looks like an attribute is a key of a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from jinja2 import ChainableUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .functions import FILTERS, TESTS, Absent
from .texts import as_text, is_writable

CONCAT: Final = "~"
SLICE: Final = "[:]"
OMITTED: Final = "else"
"""Filters that stand for operators; no template can name them."""


class Omitted(ChainableUndefined, Absent):
    """The third state beside a value and null: nothing at all. False in conditions, an error in arithmetic and text."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = _refuse


OMIT: Final = Omitted(name="omit")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Data in, data out: what looks like an attribute is a key, and arithmetic is bounded."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Omitted):
            return obj
        if type(obj) is dict and type(argument) is str:
            return obj[argument] if argument in obj else Omitted(name=argument)
        if type(obj) in (list, str) and type(argument) in (int, slice):
            try:
                return obj[argument]
            except IndexError:
                return Omitted(name=str(argument))
        return Omitted(name=str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = is_number(left) and is_number(right)
        # A secret's text is a str of its own kind, which joins with any other.
        alike = operator == "+" and any(isinstance(left, kind) and isinstance(right, kind) for kind in (str, list))
        if isinstance(left, Omitted) or isinstance(right, Omitted):
            (left if isinstance(left, Omitted) else right)._fail_with_undefined_error()
        if not (numbers or alike):
            raise SecurityError(f"'{operator}' is for numbers" + (", or for two texts or lists" * (operator == "+")))
        result = self.binop_table[operator](left, right)
        if is_number(result) and not is_writable(result):
            raise SecurityError("a number grew too large")
        return result


def is_number(value: Any) -> bool:
    """Whether arithmetic is for this value: a number that is no boolean."""
    return type(value) in (int, float)


def _concat(*parts: Any) -> str:
    for part in parts:
        if isinstance(part, Omitted):
            part._fail_with_undefined_error()
    return "".join(map(as_text, parts))


def _slice(value: Any, start: Any, stop: Any, step: Any) -> Any:
    if not isinstance(value, list | str):
        raise TypeError("a slice is for lists and text")
    if any(type(bound) not in (int, type(None)) for bound in (start, stop, step)):
        raise TypeError("the bounds of a slice are whole numbers")
    return value[start:stop:step]


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=Omitted, autoescape=False, cache_size=0, auto_reload=False)
    environment.globals = {}
    environment.filters = {name: _present(entry.function) for name, entry in FILTERS.items()}
    environment.filters["default"] = FILTERS["default"].function
    environment.filters |= {CONCAT: _concat, SLICE: _present(_slice), OMITTED: lambda _: OMIT}
    environment.tests = {name: entry.function for name, entry in TESTS.items()}
    return environment


def _present(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that, given something omitted, says so rather than something about its type."""

    def apply(value: Any, *arguments: Any) -> Any:
        if isinstance(value, Omitted):
            value._fail_with_undefined_error()
        return function(value, *arguments)

    return apply


ENVIRONMENT: Final = _environment()
