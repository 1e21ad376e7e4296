"""A message on its way to the wire: a turn, and the parts that it is made of. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

NOTHING: Mapping[str, Any] = {}


class Part(NamedTuple):
    """One part of a turn: its type, the names that its template reads, and how the caller wrote it.

    `inner` holds the parts of a tool's result, `carry` the opaque values that came with an answer.
    """

    type: str
    values: Mapping[str, Any]
    place: str
    own: Mapping[str, Any] | None = None
    inner: tuple[Part, ...] = ()


class Turn:
    """One message: a canonical role, parts in order, and what belongs to the message as a whole.

    Of nearly all turns the only part is a text, with nothing beside it: `text` is given instead of parts then, and None
    for all others. No turn is changed: `replaced` gives another.
    """

    __slots__ = ("_parts", "carry", "extra", "name", "number", "role", "text")

    def __init__(
        self,
        role: str,
        parts: tuple[Part, ...] | None,
        number: int | None = None,
        name: str | None = None,
        carry: Mapping[str, Any] = NOTHING,
        extra: Mapping[str, Any] = NOTHING,
        text: str | None = None,
    ) -> None:
        self.role = role
        self.text = text
        self._parts = parts
        self.number = number
        self.name = name
        self.carry = carry
        self.extra = extra

    @property
    def place(self) -> str:
        """Where it stands in the call, for messages; a turn that a pass has made stands nowhere."""
        return "messages" if self.number is None else f"messages.{self.number}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of."""
        if self._parts is None:
            self._parts = (Part("text", {"text": self.text}, self.place),)
        return self._parts

    def replaced(self, parts: tuple[Part, ...], **changes: Any) -> Turn:
        """The same with other parts."""
        kept = {"role": self.role, "number": self.number, "name": self.name, "carry": self.carry, "extra": self.extra}
        return Turn(parts=parts, **(kept | changes))
