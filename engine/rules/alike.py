"""Frames that are like one before them but for the text they tell: most of a stream is.

Where a frame told nothing but the next piece of a text, and no rule asks which text it is, a frame of the same bytes
around another text tells that text, and need not be read. It is sure where the text stands in the bytes as it is: no
character is escaped, and it stands there once. This is learnt anew in each call of the loop from a frame that was read,
and then found out for all that have come with it: no Python is run for each of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import repeat

from ..answer import DELTAS
from ..events import Event
from ..framing import Piece
from ..json_text import LARGE
from ..spec import Reading
from .source import Source

LEAST = 4
"""For fewer frames to come it does not pay to learn."""
TRIES = 3
"""How often it is learnt in one call of the loop: some services say something else in every frame."""
_BETWEEN = b"\0"
"""What stands in no JSON that can be read."""


def may_be_alike(reading: Reading) -> bool:
    """Whether the texts of a frame's JSON are what the rules read."""
    return all(step == "json" or not isinstance(step, str) for step in reading.unwrap) and (
        reading.unwrap.count("json") == 1
    )


def alike(pieces: Sequence[Piece], n: int, text: str) -> dict[int, list[str]]:
    """The texts of frames from `n` on that are like the one before, which told `text`: those in a row by their place.

    >>> alike([(None, b'{"t":"a"}'), (None, b'{"t":"b"}'), (None, b'{"u":"c"}'), (None, b'{"t":"d"}')], 1, "a")
    {1: ['b'], 3: ['d']}
    """
    name, raw = pieces[n - 1]
    place = around(raw, text)
    if place is None or not _is_alike(pieces[n], name, *place):  # mostly the next one says it of all
        return {}
    texts = _texts(pieces[n:], name, *place)
    if texts and "" not in texts:
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


def _texts(pieces: Sequence[Piece], name: str | None, begin: bytes, end: bytes) -> list[str]:
    """The text of each frame; none for one that must be read."""
    raws = [raw for _, raw in pieces if type(raw) is bytes]
    whole = _BETWEEN.join(raws)
    if len(raws) != len(pieces) or whole.count(_BETWEEN) != len(raws) - 1:
        return []
    found = [raw[len(begin) : -len(end)] for raw in raws]  # nothing, where the two overlap
    names = {event for event, _ in pieces}
    if names != {name} or b"%b%b%b" % (begin, (end + _BETWEEN + begin).join(found), end) != whole:
        found = [text if _is_alike(piece, name, begin, end) else b"" for piece, text in zip(pieces, found, strict=True)]
    try:
        texts = _BETWEEN.join(found).decode().split("\0")
    except ValueError:
        return []
    said = "".join(texts)
    if '"' in said or "\\" in said or not said.isprintable():
        texts = [text if text.isprintable() and '"' not in text and "\\" not in text else "" for text in texts]
    return texts


def _is_alike(piece: Piece, name: str | None, begin: bytes, end: bytes) -> bool:
    event, raw = piece
    return event == name and type(raw) is bytes and raw.startswith(begin) and raw.endswith(end)


def _events(kind: type[Event], texts: Sequence[str]) -> list[Event]:
    """An event for each text, made as its class would, but without a call in Python."""
    events = [*map(object.__new__, repeat(kind, len(texts)))]
    deque(map(vars(kind)["text"].__set__, events, texts), 0)
    return events


EVENTS: Mapping[type[Event], Callable[[Sequence[str]], list[Event]]] = {
    delta: partial(_events, delta) for delta in DELTAS.values()
}
"""What makes the events of a kind of text."""


def write_before(source: Source) -> None:
    """What is known before the first frame."""
    source.line("count, rows = len(pieces), {}")
    source.line(f"tries, last = {TRIES}, count - {LEAST}")


def write_alike(source: Source) -> None:
    """Take frames that are like the one that was learnt from, and go on with the next."""
    with source.block("if n in rows:"):
        source.line("row = rows.pop(n)")
        source.line("for run in answer.runs: run.extend(row)")
        source.line("events += made(row)")
        source.line("n += len(row)")
        source.line("continue")
    source.line("told, (event, raw) = 0, pieces[n]")


def write_learning(source: Source) -> None:
    """Learn from a frame that was read. What else a frame has told may change what those behind it tell."""
    source.line("if told > 1: rows = {}")
    with source.block("elif told and not rows and tries and n < last:"):
        source.line("tries -= 1")
        source.line(f"rows = {source.constant(alike)}(pieces, n, said)")
        source.line(f"made = {source.constant(EVENTS)}[type(events[-1])]")
