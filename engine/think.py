"""Splits reasoning that an API writes into its text between two tags (`<think>` ... `</think>`) from the text itself.

Tags may be cut anywhere between pieces: what could become a tag is held back until that is clear.
"""

from __future__ import annotations

from .spec import Think


class ThinkSplitter:
    """Pieces of text in, pieces of ("reasoning" | "text") out.

    >>> splitter = ThinkSplitter(Think("<think>", "</think>"))
    >>> splitter.feed("<thi"), splitter.feed("nk>a</think>\\n\\nb"), splitter.finish()
    ([], [('reasoning', 'a'), ('text', 'b')], [])
    """

    def __init__(self, think: Think) -> None:
        self._think = think
        self._held = ""
        self._inside = False
        self._at_start = True  # of the text: only blanks so far
        self._after_close = False  # blanks right behind the closing tag belong to it

    def feed(self, text: str) -> list[tuple[str, str]]:
        """The next piece of the API's text."""
        self._held += text
        out: list[tuple[str, str]] = []
        while self._held and self._advance(out):
            pass
        return out

    def finish(self) -> list[tuple[str, str]]:
        """What was held back at the end is what it looked like."""
        rest, self._held = self._held, ""
        return [(self._kind, rest)] if rest and not self._after_close else []

    @property
    def _kind(self) -> str:
        return "reasoning" if self._inside else "text"

    def _advance(self, out: list[tuple[str, str]]) -> bool:
        """Take something off what is held; False when more must come first."""
        if self._after_close:
            self._held = self._held.lstrip()
            self._after_close = not self._held
            return bool(self._held)
        if not self._inside and not (self._at_start or self._think.anywhere):
            return self._give(out, len(self._held))
        tag = self._think.close if self._inside else self._think.open
        place = self._held.find(tag)
        if not self._inside and not self._think.anywhere and self._held[: max(place, 0)].strip():
            place = -1
        if place >= 0:
            self._give(out, place if self._inside or self._think.anywhere else 0)
            self._held = self._held[self._held.index(tag) + len(tag) :]
            self._after_close, self._inside, self._at_start = self._inside, not self._inside, False
            return True
        return self._give(out, self._certain(tag))

    def _certain(self, tag: str) -> int:
        """How much of what is held can be no part of the tag."""
        if not self._inside and not self._think.anywhere:
            start = self._held.lstrip()
            if not start or tag.startswith(start):
                return 0
            self._at_start = False
            return len(self._held)
        most = min(len(tag) - 1, len(self._held))
        kept = next((size for size in range(most, 0, -1) if tag.startswith(self._held[-size:])), 0)
        return len(self._held) - kept

    def _give(self, out: list[tuple[str, str]], size: int) -> bool:
        if size <= 0:
            return False
        out.append((self._kind, self._held[:size]))
        self._held = self._held[size:]
        return True
