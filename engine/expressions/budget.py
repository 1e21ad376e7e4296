"""What rendering may cost: the templates of one request together go through a bounded amount of text.

A small file and a long message, or a list of a million texts and a long separator, could make more than any machine
holds. Every operation says what it is about to do before it does it, in characters; a node of a template counts as
some, so that work that makes no text is bounded too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..weight import weight
from .texts import TemplateError

MAX_WORK = 2**28
"""How many characters the templates of one request may go through: a few seconds' worth, for a body of 100 MB."""

_OF_A_WORD = 128
"""What working out a word or a sign of a template counts as: an operation takes as long as so many characters."""

_OF_AN_ITEM = 64
"""What an item of a list or a map counts as, for the same reason."""

_WORDS = re.compile(r"\w+|[^\w\s{}]")

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


def spend(characters: int, where: str = "") -> None:
    """Take from the budget what is about to be done, at a place. Raises TemplateError where not so much is left."""
    meter = _METER.get() or _Meter()
    meter.left -= characters
    if meter.left < 0:
        message = f"goes beyond the {MAX_WORK} characters that the templates of a request may work on"
        raise TemplateError(f"{where} {message}" if where else message)


def spend_on(value: Any, *, nothing: type | None = None) -> None:
    """The same for going through a value once; `nothing` is a type that counts as none.

    Raises NotPlainError for what is no plain data.
    """
    spend(weight(value, MAX_WORK, each=_OF_AN_ITEM, nothing=nothing))


def cost_of(tree: Any) -> int:
    """What working out a tree costs, its values aside.

    >>> cost_of({"role": "user", "content": "{{ text }}"}) > cost_of({"role": "user"})
    True
    """
    if isinstance(tree, Mapping):
        condition = _of_words(str(tree.get("$when", "")))
        return condition + sum(_OF_AN_ITEM + cost_of(value) for key, value in tree.items() if key != "$when")
    if isinstance(tree, list | tuple):
        return sum(_OF_AN_ITEM + cost_of(item) for item in tree)
    if isinstance(tree, str):
        return _of_words(tree) if "{{" in tree else len(tree)
    return 0


def _of_words(text: str) -> int:
    return len(text) + _OF_A_WORD * len(_WORDS.findall(text))
