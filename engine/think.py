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
        # Blanks before the opening tag are left out, those that it begins with too.
        self._open = think.open if think.anywhere else think.open.lstrip() or think.open
        self._close = think.close
        self._anywhere = think.anywhere
        self._held = ""
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
        out: list[tuple[str, str]] = []
        while self._held and self._advance(out):
            pass
        return out

    def finish(self) -> list[tuple[str, str]]:
        """What was held back at the end is what it looked like."""
        rest, self._held = "".join((*self._blanks, self._held)), ""
        self._blanks.clear()
        return [(self._kind, rest)] if rest else []

    @property
    def is_over(self) -> bool:
        """Whether all that follows is text as it is: no tag can open reasoning any more."""
        is_text = not (self._inside or self._at_start or self._anywhere or self._after_close)
        return is_text and not self._held and not self._blanks

    @property
    def _is_before_tag(self) -> bool:
        """Whether only blanks have come where only the text's start can open the reasoning."""
        return self._at_start and not self._inside and not self._anywhere

    @property
    def _kind(self) -> str:
        return "reasoning" if self._inside else "text"

    def _advance(self, out: list[tuple[str, str]]) -> bool:
        """Take something off what is held; False when more must come first."""
        if self._after_close:
            self._held = self._held.lstrip()
            self._after_close = not self._held
            return bool(self._held)
        if not (self._inside or self._at_start or self._anywhere):
            return self._give(out, len(self._held))
        tag = self._close if self._inside else self._open
        place = self._held.find(tag)
        if self._is_before_tag:
            place = 0 if self._held.lstrip().startswith(tag) else -1
            self._held = self._held.lstrip() if place == 0 else self._held
        if place >= 0:
            self._give(out, place)
            self._held = self._held[len(tag) :]
            self._after_close, self._inside, self._at_start = self._inside, not self._inside, False
            return True
        return self._give(out, self._certain(tag))

    def _certain(self, tag: str) -> int:
        """How much of what is held can be no part of the tag."""
        if self._is_before_tag:
            start = self._held.lstrip()
            if tag.startswith(start):
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
