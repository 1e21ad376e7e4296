"""The line that a problem stands in, and the caret below its column, as a terminal shows them.

A column counts code points; on a screen a tab, a wide and a combining character take other widths. Of a long line a
window is shown, and nothing of it can steer a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from ..errors import Problem
from ..loader.source import Source, read_bytes

WINDOW = 120
"""How many characters of a line are shown at most."""

_TAB = " " * 4
_UNKNOWN = "\ufffd"
_CUT = "…"


def excerpt(line: str, column: int, window: int = WINDOW) -> tuple[str, int]:
    """What is shown of a line, and how many cells of a terminal stand before the caret.

    >>> excerpt("title: 株式会社 {{ x }}", 16)
    ('title: 株式会社 {{ x }}', 19)
    """
    at = min(column - 1, len(line))
    while 0 < at < len(line) and _width(line[at]) == 0:
        at -= 1  # a combining mark stands on the character before it
    first, last = _around(line, at, window)
    shown = [_shown(char) for char in line[first:last]]
    before, after = _CUT * (first > 0), _CUT * (last < len(line))
    cells = len(before) + sum(_cells(text) for text in shown[: at - first])
    return before + "".join(shown) + after, cells


def _around(line: str, at: int, window: int) -> tuple[int, int]:
    """From where to where a line is shown: all of it, or what fits around the place."""
    if len(line) <= window and sum(map(_room, line)) <= window:
        return 0, len(line)
    room = window - 2 * len(_CUT)
    first = _reach(line, at - 1, -1, room // 2)[0] + 1
    last, left = _reach(line, at, 1, room - sum(map(_room, line[first:at])))
    first = _reach(line, first - 1, -1, left)[0] + 1
    while first < at and _width(line[first]) == 0:
        first += 1  # nothing combines with the mark of the cut
    return first, last


def _reach(line: str, at: int, step: int, room: int) -> tuple[int, int]:
    """The first place in a direction that does not fit any more, and the room that is left."""
    while 0 <= at < len(line) and room >= _room(line[at]):
        room -= _room(line[at])
        at += step
    return at, room


def _shown(char: str) -> str:
    if char == "\t":
        return _TAB
    return char if char.isprintable() else _UNKNOWN


def _width(char: str) -> int:
    """How many cells a character takes: https://www.unicode.org/reports/tr11/."""
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _cells(text: str) -> int:
    return sum(map(_width, text))


def _room(char: str) -> int:
    """What a character takes of the window: a thousand combining marks fit into no cell and into no window."""
    return max(_cells(_shown(char)), 1)


def reader(given: Mapping[str, bytes]) -> Callable[[Problem], str]:
    """Reads the line of a problem; `given` holds what came without a file. Empty where there is none to show."""

    @lru_cache(maxsize=2)  # a file and its parent; problems come file by file
    def source(file: str) -> Source:
        try:
            data = given[file] if file in given else read_bytes(Path(file))
        except (OSError, ValueError):
            return Source(file, "")
        return Source(file, data.decode("utf-8", "replace").removeprefix("\ufeff"))

    return lambda problem: source(problem.file).line(problem.line)
