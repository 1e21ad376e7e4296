"""A value that is made when it is first looked at: the spec of a file that was found sound before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self


class Later:
    """A value that may be made only when something of it is first looked at."""

    __slots__ = ("_make",)

    @classmethod
    def later(cls, make: Callable[[], Self], **known: Any) -> Self:
        """A value that is the one that `make` will give; what it raises, the first look does.

        Attributes that are `known` before are no look.
        """
        value, put = cls.__new__(cls), object.__setattr__
        for name, attribute in known.items():
            put(value, name, attribute)
        put(value, "_make", make)
        return value

    if not TYPE_CHECKING:  # for the type checker every attribute would be there

        def __getattr__(self, name: str) -> Any:
            """An attribute that is not set: all of them are, once `_make` is called."""
            try:
                make = object.__getattribute__(self, "_make")
            except AttributeError:
                pass  # it was made at once, or meanwhile by another thread
            else:
                made = make()
                for each in fields(made):
                    object.__setattr__(self, each.name, getattr(made, each.name))
                with suppress(AttributeError):
                    object.__delattr__(self, "_make")
            return object.__getattribute__(self, name)
