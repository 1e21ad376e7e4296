"""What operators and look-ups do: data in, data out. What looks like an attribute is a key of a map.

Nothing is asked of a value but its type until that is known to be one of plain data: no attribute of a Python object
is read here, and no method of one is called. Jinja's own code is not run, so there is nothing to escape from.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from ..secrets import Sensitive
from ..weight import NotPlainError
from .budget import spend, spend_on
from .functions import FILTERS, Absent, EncodedPath
from .texts import TemplateError, as_text, is_writable


class NotGivenError(Exception):
    """Something omitted stands where a value is needed."""


class Omitted(Absent):
    """The third state beside a value and null: nothing at all. False in conditions, an error in arithmetic and text."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def refuse(self, *_: Any) -> NoReturn:
        """Raise the error of one who needs the value."""
        raise NotGivenError(f"'{self.name}' is undefined")

    __str__ = __iter__ = __len__ = refuse

    def __repr__(self) -> str:
        return "omitted"

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return type(other) is Omitted

    def __hash__(self) -> int:
        return hash(Omitted)


OMIT: Final = Omitted("omit")

_TEXTS = frozenset({str, Sensitive, EncodedPath})
_KNOWN = _TEXTS | {int, float, bool, type(None), list, dict, Omitted}
"""The types of the values that expressions work on; subclasses of the caller's are made plain before they get here."""


def known(value: Any) -> Any:
    """A value of one of the types of plain data. Raises TemplateError for any other."""
    if type(value) not in _KNOWN:
        raise TemplateError(str(NotPlainError(value)))
    return value


def present(value: Any) -> Any:
    """A value that is not omitted. Raises NotGivenError."""
    if type(value) is Omitted:
        value.refuse()
    return value


def item(of: Any, key: Any) -> Any:
    """What stands under a key of a map, or at a place of a list or a text; omitted where there is nothing."""
    kind = type(of)
    if kind is Omitted:
        return of
    if kind is dict and type(key) is str:
        return known(of[key]) if key in of else Omitted(key)
    if kind in (list, str) and type(key) is int:
        return known(of[key]) if -len(of) <= key < len(of) else Omitted(as_text(key))
    return Omitted(as_text(key) if type(key) in (str, int) else type(key).__name__)


def is_number(value: Any) -> bool:
    """Whether arithmetic is for this value: a number that is no boolean."""
    return type(value) in (int, float)


def joined(*parts: Any) -> str:
    """`~`: the parts as one text."""
    texts = [as_text(present(part)) for part in parts]
    spend(sum(map(len, texts)))
    return "".join(texts)


def part_of(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`[start:stop:step]`: a part of a list or a text."""
    if type(present(value)) is not list and type(value) not in _TEXTS:
        raise TypeError("a slice is for lists and text")
    if any(type(bound) not in (int, type(None)) for bound in (start, stop, step)):
        raise TypeError("the bounds of a slice are whole numbers")
    spend(len(value))
    return value[start:stop:step]


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """`+ - * / // %`: for numbers, and `+` for two texts or two lists."""
    present(left)
    present(right)
    numbers = is_number(left) and is_number(right)
    # A secret's text is a str of its own kind, which joins with any other.
    alike = not numbers and sign == "+" and (type(left) is list is type(right) or {type(left), type(right)} <= _TEXTS)
    if not (numbers or alike):
        raise TypeError(f"'{sign}' is for numbers" + (", or for two texts or lists" * (sign == "+")))
    if alike:
        spend(len(left) + len(right))
    result = ARITHMETIC[sign](left, right)
    if is_number(result) and not is_writable(result):
        raise ValueError("a number grew too large")
    return result


ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def negative(value: Any) -> Any:
    """`-value`."""
    return operator.neg(_numeric(value))


def positive(value: Any) -> Any:
    """`+value`."""
    return operator.pos(_numeric(value))


def _numeric(value: Any) -> Any:
    if not is_number(present(value)):
        raise TypeError("a sign is for numbers")
    return value


def compared(sign: str, left: Any, right: Any) -> bool:
    """A comparison, by Jinja's word for it. What is omitted equals only what is omitted."""
    if sign not in ("eq", "ne"):
        present(right)
    if sign not in ("eq", "ne", "in", "notin"):
        present(left)
    for side in (left, right):
        if type(side) is list or type(side) is dict:
            spend_on(side, nothing=Omitted)
    if type(right) is str and sign in ("in", "notin"):
        spend(len(right))
    return bool(COMPARISONS[sign](left, right))


COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


def filtered(name: str) -> Callable[..., Any]:
    """A filter as it is applied: given something omitted, it says so rather than something about its type."""
    function = FILTERS[name].function
    if name == "default":
        return lambda value, fallback: known(function(value, fallback))
    return lambda value, *arguments: known(function(present(value), *arguments))
