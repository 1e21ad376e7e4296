"""What frames are like that differ in their text alone: most of a stream is.

Where a frame told nothing but the next piece of a text, and no rule asks which text it is, a frame of the same bytes
around another text tells that text, and need not be read. It is sure where the text stands in the bytes as it is: no
character is escaped, and it stands there once. For frames that came together it is found out for all at once, and no
Python is run for each of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import repeat

from .events import Event
from .framing import Piece
from .json_text import LARGE

TRIES = 3
"""How often it is learnt in a row to no avail: some services say something else in every frame."""

_BETWEEN = b"\0"
"""What stands in no JSON that can be read."""


class Likeness:
    """What is around the text in frames of one name, and the kind of event that they are."""

    __slots__ = ("_begin", "_end", "_first", "_last", "_name", "kind", "put")

    def __init__(self, name: str | None, begin: bytes, end: bytes, kind: type[Event]) -> None:
        self._name = name
        self._begin, self._first = begin, len(begin)
        self._end, self._last = end, -len(end)
        self.kind = kind
        self.put = vars(kind)["text"].__set__
        """Writes the text into an event of that kind that is made and empty."""

    @classmethod
    def of(cls, piece: Piece, text: str, kind: type[Event]) -> Likeness | None:
        """What a frame that told a text is like; None where it is not sure that the text alone makes it what it is."""
        place = around(piece[1], text)
        return None if place is None else cls(piece[0], *place, kind)

    def text(self, piece: Piece) -> str:
        """The text of a frame; nothing for one that must be read."""
        name, raw = piece
        if name != self._name or type(raw) is not bytes:
            return ""
        if not raw.startswith(self._begin) or not raw.endswith(self._end):
            return ""
        try:
            text = raw[self._first : self._last].decode()  # nothing, where the two overlap
        except ValueError:
            return ""
        return text if text.isprintable() and '"' not in text and "\\" not in text else ""

    def rows(self, pieces: Sequence[Piece], n: int) -> dict[int, list[str]]:
        """The texts of the frames from `n` on: those in a row by the place of the first.

        >>> from engine.events import TextDelta
        >>> like = Likeness(None, b'{"t":"', b'"}', TextDelta)
        >>> like.rows([(None, b'{"t":"a"}'), (None, b'{"t":"b"}'), (None, b'{"u":"c"}'), (None, b'{"t":"d"}')], 0)
        {0: ['a', 'b'], 3: ['d']}
        """
        # Mostly one of the first says it of all.
        if not any(map(self.text, pieces[n : n + 2])):
            return {}
        texts = self._texts(pieces[n:])
        if "" not in texts:
            return {n: texts}
        rows: dict[int, list[str]] = {}
        row: list[str] | None = None
        for at, said in enumerate(texts, n):
            if not said:
                row = None
            elif row is None:
                row = rows[at] = [said]
            else:
                row.append(said)
        return rows

    def events(self, texts: Sequence[str]) -> list[Event]:
        """An event for each text, made as its class would, but without a call in Python."""
        events = [*map(object.__new__, repeat(self.kind, len(texts)))]
        deque(map(self.put, events, texts), 0)
        return events

    def _texts(self, pieces: Sequence[Piece]) -> list[str]:
        """The text of each frame."""
        raws = [raw for _, raw in pieces if type(raw) is bytes]
        whole = _BETWEEN.join(raws)
        begin, end = self._begin, self._end
        found = [raw[self._first : self._last] for raw in raws]
        is_told = len(raws) == len(pieces) and whole.count(_BETWEEN) == len(raws) - 1
        is_alike = is_told and {name for name, _ in pieces} == {self._name}
        if not is_alike or b"%b%b%b" % (begin, (end + _BETWEEN + begin).join(found), end) != whole:
            return [self.text(piece) for piece in pieces]
        try:
            texts = _BETWEEN.join(found).decode().split("\0")
        except ValueError:
            return [self.text(piece) for piece in pieces]
        said = "".join(texts)
        if '"' in said or "\\" in said or not said.isprintable():
            texts = [text if text.isprintable() and '"' not in text and "\\" not in text else "" for text in texts]
        return texts


def around(raw: bytes | bytearray | str, text: str) -> tuple[bytes, bytes] | None:
    """The bytes before and behind the only place of a text; None where that is not sure.

    >>> around(b'{"a":"b","c":"d"}', "d"), around(b'{"a":"d","c":"d"}', "d")
    ((b'{"a":"b","c":"', b'"}'), None)
    """
    if type(raw) is not bytes or b"\\" in raw or len(raw) > LARGE // 2:
        return None
    said = b'"%b"' % text.encode()
    at = raw.find(said)
    if at < 0 or raw.find(said, at + 1) >= 0:
        return None
    return raw[: at + 1], raw[at + len(said) - 1 :]
