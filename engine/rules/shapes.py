"""What the rules read of a frame, as a type: msgspec (the extra `fast`) then makes nothing but that of its JSON.

A frame that is not of this type (a text where a map is due) is refused by the decoder, and read whole instead. What
nobody reads is looked over only: a number beyond all numbers, or a byte that is no UTF-8, passes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from ..json_text import fast_json, has_fast_json, read_plain
from ..paths import MISSING

Branch = tuple[tuple[Any, str | None, Any], ...]
"""What a part of what is written is for: words, each at a path below a value, or names of events."""


class Shape:
    """One value of a frame: the keys that are read below it, its items, and whether it is read itself.

    `is_asked` says that it makes a difference whether it is there, `weighed` where it does which text it is.
    """

    __slots__ = ("_cls", "is_asked", "is_value", "items", "keys", "weighed")

    def __init__(self) -> None:
        self.keys: dict[str, Shape] = {}
        self.items: Shape | None = None
        self.is_value = False
        self.is_asked = False
        self.weighed: set[Branch] = set()
        self._cls: Any = None

    def key(self, key: str) -> Shape:
        """The value at a key."""
        return self.keys.setdefault(key, Shape())

    def item(self) -> Shape:
        """Any item of the list that this is."""
        self.items = self.items or Shape()
        return self.items

    @property
    def is_map(self) -> bool:
        """Whether only what is below some keys is read: then it becomes an object with these attributes."""
        return bool(self.keys) and not self.is_value and self.items is None

    @property
    def is_list(self) -> bool:
        """Whether only its items are read."""
        return self.items is not None and not self.is_value and not self.keys

    @property
    def is_always(self) -> bool:
        """Whether an object stands where there is none, with nothing in it: what is below needs no look at it then."""
        return self.is_map and not self.is_asked

    def attribute(self, key: str) -> str:
        """The attribute of a key."""
        return f"f{list(self.keys).index(key)}"

    @property
    def cls(self) -> Any:
        """The class of the object that a map becomes."""
        if self._cls is None:
            msgspec = fast_json()
            fields = [
                (self.attribute(key), shape.type, shape.cls() if shape.is_always else MISSING)
                for key, shape in self.keys.items()
            ]
            names = {self.attribute(key): key for key in self.keys}
            self._cls = msgspec.defstruct("Read", fields, rename=names, gc=False, frozen=True)
        return self._cls

    @property
    def type(self) -> Any:
        """What the decoder makes of it."""
        if self.is_map:
            # Some services write an empty list for an empty map.
            return self.cls | Annotated[list[Any], fast_json().Meta(max_length=0)] | None
        if self.is_list and self.items is not None:
            item: Any = self.items.cls if self.items.is_map else self.items.type
            return list[item] | str | int | float | bool | None  # rules pass over what is no list
        return Any


def plain_reader() -> Callable[[Any], Any]:
    """JSON -> plain values, as quickly as can be here. Raises whatever for what is not plain."""
    if not can_decode():
        return read_plain
    decode: Callable[[Any], Any] = fast_json().json.decode
    return decode


def decoder(shape: Shape) -> Callable[[Any], Any]:
    """Bytes of JSON -> an object of the shape's class. Raises what msgspec raises."""
    decode: Callable[[Any], Any] = fast_json().json.Decoder(shape.cls).decode
    return decode


def can_decode() -> bool:
    """Whether msgspec is here."""
    return has_fast_json()
