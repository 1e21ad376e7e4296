"""Whole characters out of halves: JSON may say one as two escapes, and an API may put these into two deltas.

A half without its other half becomes U+FFFD, so that nothing that leaves an answer is unable to be encoded.
"""

from __future__ import annotations

import re
from typing import Any

MAX_QUOTED = 60

_SURROGATE = re.compile("[\ud800-\udfff]")


class Characters:
    """Joins the halves of characters (surrogate pairs) across pieces of text.

    >>> characters = Characters()
    >>> characters.feed("a\\ud83d"), characters.feed("\\ude00b"), characters.finish()
    ('a', '😀b', '')
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    @property
    def has_half(self) -> bool:
        """Whether a half waits for its other half."""
        return self._held != ""

    def feed(self, piece: str) -> str:
        """What is complete of the pieces so far."""
        if not self._held and not _SURROGATE.search(piece):
            return piece
        piece = self._held + piece
        self._held = half_at_end(piece)
        return printable(piece.removesuffix(self._held))

    def finish(self) -> str:
        """U+FFFD for a half that still waits."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""


def half_at_end(text: str) -> str:
    """The first half of a character that the text ends with, or nothing."""
    return text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""


def printable(text: str) -> str:
    """The text with halves of characters joined, and U+FFFD for those that stand alone."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def printable_data(value: Any) -> Any:
    """JSON whose keys and texts are made so, at any depth."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {
            (key if key.isascii() else printable(key)): item if type(item) is int else printable_data(item)
            for key, item in value.items()
        }
    return [printable_data(item) for item in value] if isinstance(value, list) else value


def joined(pieces: list[str]) -> str:
    """Pieces as one text, with halves of characters joined; those that stand alone stay as they are.

    >>> joined(["a\\ud83d", "\\ude00b"]), joined(["\\ud83d"]) == "\\ud83d"
    ('a😀b', True)
    """
    text = "".join(pieces)
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def rest_of(whole: str, start: str) -> str | None:
    """What `whole` adds to `start`, None when it does not begin with it; half a character is a beginning of it.

    >>> rest_of("Hi there", "Hi"), rest_of("Ho", "Hi"), rest_of("😀", "\\ud83d") == "\\ude00"
    (' there', None, True)
    """
    if not (_SURROGATE.search(start) or _SURROGATE.search(whole)):
        return whole[len(start) :] if whole.startswith(start) else None
    units, begun = (text.encode("utf-16-le", "surrogatepass") for text in (whole, start))
    return units[len(begun) :].decode("utf-16-le", "surrogatepass") if units.startswith(begun) else None


def quoted(text: str) -> str:
    """A text of an answer, quoted in a message. A long one is not: cut, a secret in it would be found by no mask.

    >>> quoted("get_weather"), quoted("x" * 61)
    ("'get_weather'", 'a text of 61 characters')
    """
    return repr(text) if len(text) <= MAX_QUOTED else f"a text of {len(text)} characters"
