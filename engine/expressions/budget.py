"""What rendering may cost: the templates of one request together go through a bounded amount of text.

A small file and a long message, or a list of a million texts and a long separator, could make more than any machine
holds. Every operation says what it is about to do before it does it, in characters; a node of a template counts as
some, so that work that makes no text is bounded too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..weight import weight
from .texts import TemplateError

MAX_WORK = 2**28
"""How many characters the templates of one request may go through: a few seconds' worth, for a body of 100 MB."""

_OF_A_NODE = 16
"""What working out one character of a template counts as: an operation takes as long as some characters of text."""

P = ParamSpec("P")
T = TypeVar("T")


class _Meter:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK


_METER: ContextVar[_Meter | None] = ContextVar("wirefile rendering", default=None)


def bounded(render: Callable[P, T]) -> Callable[P, T]:
    """Makes of a function one rendering: all that it calls shares one budget."""

    @wraps(render)
    def rendering(*args: P.args, **kwargs: P.kwargs) -> T:
        if _METER.get() is not None:
            return render(*args, **kwargs)
        token = _METER.set(_Meter())
        try:
            return render(*args, **kwargs)
        finally:
            _METER.reset(token)

    return rendering


def spend(characters: int) -> None:
    """Take from the budget what is about to be done. Raises TemplateError where there is not so much left."""
    meter = _METER.get() or _Meter()
    meter.left -= characters
    if meter.left < 0:
        raise TemplateError(f"goes beyond the {MAX_WORK} characters that the templates of a request may work on")


def spend_on(value: Any) -> None:
    """The same for going through a value once. Raises NotPlainError for what is no plain data."""
    spend(weight(value, MAX_WORK))


def cost_of(tree: Any) -> int:
    """What working out a tree costs, its values aside.

    >>> cost_of({"role": "user", "content": "{{ text }}"}) > cost_of({"role": "user"})
    True
    """
    if isinstance(tree, Mapping):
        conditions = _OF_A_NODE * len(str(tree.get("$when", "")))
        return conditions + sum(_OF_A_NODE + cost_of(value) for key, value in tree.items() if key != "$when")
    if isinstance(tree, list | tuple):
        return sum(_OF_A_NODE + cost_of(item) for item in tree)
    if isinstance(tree, str):
        return len(tree) * (_OF_A_NODE if "{{" in tree else 1)
    return _OF_A_NODE
