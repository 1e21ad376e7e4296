"""How much plain data is: about the characters that JSON writes it with. So what would be too much is refused before it
is made. Of a value that is no plain data nothing is read: its type alone is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_OF_A_WORD = 4
"""What null, true and false weigh, and by default each item of a list or a map beside itself."""
OF_A_FLOAT = 20


class NotPlainError(TypeError):
    """A value that is none of JSON's types."""

    def __init__(self, value: Any) -> None:
        super().__init__(f"holds a value of type {type(value).__name__}, which is no plain data")


class Weighed(NamedTuple):
    """A list, and what it weighs, where that is known."""

    items: list[Any]
    weight: int | None


Scalars = Mapping[type, Callable[[Any], int]]

OF_SCALARS: Scalars = {
    int: lambda number: number.bit_length() // 3 + 1,
    float: lambda number: OF_A_FLOAT,
    bool: lambda value: _OF_A_WORD,
    type(None): lambda value: _OF_A_WORD,
}
"""What the other scalars weigh."""


def weight(
    value: Any,
    most: int,
    *,
    each: int = _OF_A_WORD,
    nothing: type | None = None,
    known: Weighed | None = None,
    scalars: Scalars = OF_SCALARS,
) -> int:
    """The weight of a value; the count ends at the end of the map or list with which it is above `most`.

    What stands in it twice counts twice.
    `each` is what an item weighs beside itself; `nothing` is a type beside those of JSON, whose values weigh nothing.
    A list that is `known` is not gone through; `scalars` are what all but texts weigh. Raises NotPlainError for a value
    of any other type.

    >>> weight({"a": ["Hi", None]}, 100), weight(["x" * 50] * 1_000_000, 100) > 100
    (19, True)
    """
    total = -each  # the list around the value is not counted
    pending: list[Any] = [[value]]
    while pending and total <= most:
        holder = pending.pop()
        if type(holder) is dict:
            for key in holder:
                total += each + (len(key) if type(key) is str else _of_text(key))
            holder = holder.values()
        else:
            total += len(holder) * each
        for one in holder:
            kind = type(one)
            if kind is str:
                total += len(one)
            elif kind is dict:
                pending.append(one)
            elif kind is list:
                if known is None or one is not known.items or known.weight is None:
                    pending.append(one)
                else:
                    total += known.weight
            elif kind is not nothing:
                total += scalars.get(kind, _of_text)(one)
    return total


def _of_text(value: Any) -> int:
    if not issubclass(type(value), str):  # text that holds a secret is a str of its own kind
        raise NotPlainError(value)
    return str.__len__(value)
