"""Objects that notice whatever is done to them: what a template may never do to a value of a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TOUCHED: list[str] = []
"""What was done to any of them, by the name of the attribute or the method."""

_METHODS = [
    "getattribute",
    "getattr",
    "setattr",
    "delattr",
    "dir",
    "call",
    "getitem",
    "setitem",
    "delitem",
    "missing",
    "contains",
    "len",
    "length_hint",
    "iter",
    "next",
    "reversed",
    "bool",
    "str",
    "repr",
    "bytes",
    "format",
    "hash",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "int",
    "float",
    "complex",
    "index",
    "round",
    "trunc",
    "floor",
    "ceil",
    "abs",
    "neg",
    "pos",
    "invert",
    "add",
    "radd",
    "iadd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "imul",
    "matmul",
    "truediv",
    "rtruediv",
    "floordiv",
    "rfloordiv",
    "mod",
    "rmod",
    "divmod",
    "pow",
    "rpow",
    "lshift",
    "rshift",
    "and",
    "rand",
    "or",
    "ror",
    "xor",
    "enter",
    "exit",
    "aenter",
    "aexit",
    "aiter",
    "anext",
    "await",
    "buffer",
    "copy",
    "deepcopy",
    "reduce",
    "reduce_ex",
    "getstate",
    "getnewargs",
    "sizeof",
    "fspath",
    "instancecheck",
    "subclasscheck",
    "class_getitem",
    "html",
    "html_format",
    "unicode",
]
_MADE_WITHOUT = {"instancecheck", "subclasscheck", "class_getitem"}


def _noticing(name: str, then: Any = None) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        TOUCHED.append(arguments[0] if name == "__getattribute__" else name)
        if then is None:
            raise AssertionError(f"{name}{arguments} was asked of a tripwire")
        return then(self, *arguments, **named)

    return method


def _tripwire(name: str, kind: type, *, transparent: bool) -> Any:
    """A class whose instances notice all; a `transparent` one then does what its kind does."""
    methods: dict[str, Any] = {}
    for word in (f"__{word}__" for word in _METHODS if word not in _MADE_WITHOUT):
        inherited = getattr(kind, word, None) if transparent or word == "__getattribute__" else None
        if not transparent or callable(inherited):
            methods[word] = _noticing(word, inherited)
    public = [word for word in dir(kind) if not word.startswith("_") and callable(getattr(kind, word))]
    methods |= {word: _noticing(word, getattr(kind, word) if transparent else None) for word in public}
    return type(name, (kind,), methods)


Tripwire: Any = _tripwire("Tripwire", object, transparent=False)
"""A foreign object."""

KINDS: dict[str, Any] = {
    kind.__name__: _tripwire(f"Noticing{kind.__name__.title()}", kind, transparent=True)
    for kind in (str, int, float, list, dict)
}
"""Subclasses of plain data that do what it does, and notice it."""


def wired(value: Any) -> Any:
    """The same value, made of tripwires."""
    if type(value) is dict:
        value = {wired(key): wired(item) for key, item in value.items()}
    elif type(value) is list:
        value = [wired(item) for item in value]
    return KINDS[type(value).__name__](value) if type(value).__name__ in KINDS else value


def touched() -> list[str]:
    """What was done since the last time."""
    found = list(TOUCHED)
    TOUCHED.clear()
    return found
