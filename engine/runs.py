"""Texts that grow by many small pieces: to put one in costs the same however much came before, and they stay small.

A piece of three letters takes sixty bytes as a text of its own, so pieces are joined from time to time, each once.
"""

from __future__ import annotations

from .characters import half_at_end, joined

MANY = 32
"""How many pieces stand beside each other before they become one."""


class Run(list[str]):
    """The pieces of a text, none of them empty. Halves of characters in them find each other.

    >>> run = Run(["a", "b"])
    >>> run.add("c")
    >>> run.text, run.start(2)
    ('abc', 'ab')
    """

    __slots__ = ("packed",)

    def __init__(self, pieces: tuple[str, ...] | list[str] = ()) -> None:
        super().__init__(pieces)
        self.packed = 0
        """How many of the first are joined."""

    @property
    def text(self) -> str:
        """All of it."""
        return joined(self)

    def add(self, piece: str) -> None:
        """Put the next piece behind the others."""
        self.append(piece)
        if len(self) - self.packed > MANY:
            self.pack()

    def pack(self) -> None:
        """Make one of the pieces that came since the last time, where they are many."""
        if len(self) - self.packed > MANY:
            self[self.packed :] = [joined(self[self.packed :])]
            self.packed += 1

    def start(self, size: int) -> str:
        """At least so many of its first characters, or all of it; what this takes, it takes for them once."""
        if not self:
            return ""
        taken, have = 1, len(self[0])
        while taken < len(self) and (have < size or half_at_end(self[taken - 1])):
            have += len(self[taken]) - (half_at_end(self[taken - 1]) != "")  # two halves are one character
            taken += 1
        if taken > 1:
            self[:taken] = [joined(self[:taken])]
            self.packed = max(self.packed - taken + 1, 1)
        return self[0]
