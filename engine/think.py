"""Splits reasoning that an API writes into its text between two tags (`<think>` ... `</think>`) from the text itself.

Tags may be cut anywhere between pieces: what could become a tag is held back until that is clear.
"""

from __future__ import annotations

import re

from .spec import Think

NEVER = "\0"
"""A character that no tag begins with, and hardly a text holds."""

_NOT_BLANK = re.compile(r"\S")


class ThinkSplitter:
    """Pieces of text in, pieces of ("reasoning" | "text") out.

    >>> splitter = ThinkSplitter(Think("<think>", "</think>"))
    >>> splitter.feed("<thi"), splitter.feed("nk>a</think>\\n\\nb"), splitter.finish()
    ([], [('reasoning', 'a'), ('text', 'b')], [])
    """

    def __init__(self, think: Think) -> None:
        # Blanks before the opening tag are left out, those that it begins with too.
        self._open = think.open if think.anywhere else think.open.lstrip() or think.open
        self._close = think.close
        self._anywhere = think.anywhere
        self._held = ""
        self._place = 0  # in what is held: what is before it was taken
        self._blanks: list[str] = []  # that the text begins with: many pieces of them are joined once
        self._inside = False
        self._at_start = True  # of the text: only blanks so far
        self._after_close = False  # blanks right behind the closing tag belong to it

    def feed(self, text: str) -> list[tuple[str, str]]:
        """The next piece of the API's text."""
        if self._is_before_tag and not self._held and text.isspace():
            self._blanks.append(text)
            return []
        self._held = "".join((*self._blanks, self._held, text))
        self._blanks.clear()
        self._place = 0
        out: list[tuple[str, str]] = []
        while self._place < len(self._held) and self._advance(out):
            pass
        self._held = self._held[self._place :]
        return out

    def finish(self) -> list[tuple[str, str]]:
        """What was held back at the end is what it looked like."""
        rest, self._held = "".join((*self._blanks, self._held)), ""
        self._blanks.clear()
        return [(self.kind, rest)] if rest else []

    @property
    def mark(self) -> str | None:
        """A piece of text without this character is all of it of one `kind`; None where it has to be looked at."""
        if self._held or self._blanks or self._after_close or self._is_before_tag:
            return None
        if self._inside:
            return self._close[0]
        return self._open[0] if self._anywhere else NEVER

    @property
    def _is_before_tag(self) -> bool:
        """Whether only blanks have come where only the text's start can open the reasoning."""
        return self._at_start and not self._inside and not self._anywhere

    @property
    def kind(self) -> str:
        """What the next piece is, as far as it holds no tag."""
        return "reasoning" if self._inside else "text"

    def _advance(self, out: list[tuple[str, str]]) -> bool:
        """Take something off what is held; False when more must come first."""
        if self._after_close:
            self._place = self._behind_blanks()
            self._after_close = self._place == len(self._held)
            return not self._after_close
        if not (self._inside or self._at_start or self._anywhere):
            return self._give(out, len(self._held))
        tag = self._close if self._inside else self._open
        if self._is_before_tag:
            start = self._behind_blanks()
            end = start if self._held.startswith(tag, start) else -1
            self._place = start if end >= 0 else self._place
        else:
            end = self._held.find(tag, self._place)
        if end >= 0:
            self._give(out, end)
            self._place += len(tag)
            self._after_close, self._inside, self._at_start = self._inside, not self._inside, False
            return True
        return self._give(out, self._certain(tag))

    def _behind_blanks(self) -> int:
        """Where the next character stands that is no blank."""
        found = _NOT_BLANK.search(self._held, self._place)
        return len(self._held) if found is None else found.start()

    def _certain(self, tag: str) -> int:
        """Up to where what is held can be no part of the tag."""
        if self._is_before_tag:
            start = self._behind_blanks()
            if tag.startswith(self._held[start : start + len(tag)]):
                return self._place
            self._at_start = False
            return len(self._held)
        most = min(len(tag) - 1, len(self._held) - self._place)
        kept = next((size for size in range(most, 0, -1) if self._held.endswith(tag[:size])), 0)
        return len(self._held) - kept

    def _give(self, out: list[tuple[str, str]], end: int) -> bool:
        if end <= self._place:
            return False
        out.append((self.kind, self._held[self._place : end]))
        self._place = end
        return True
