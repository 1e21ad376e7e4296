"""Frames that are like one before them (likeness.py), written into the loop over frames.

What a frame is like is learnt from one that was read, and holds until a frame tells something else: that may change
what those behind it tell. So it is kept with the answer.
"""

from __future__ import annotations

from ..answer import Answer
from ..events import Event
from ..framing import Piece
from ..likeness import TRIES, Likeness
from ..spec import Reading
from .source import Source


def may_be_alike(reading: Reading) -> bool:
    """Whether the texts of a frame's JSON are what the rules read."""
    return all(step == "json" or not isinstance(step, str) for step in reading.unwrap) and (
        reading.unwrap.count("json") == 1
    )


def write_before(source: Source) -> None:
    """What is known before the first frame; a lone one that is alike is taken."""
    source.line("like, count, rows = answer.like, len(pieces), {}")
    with source.block("if like is not None:"):
        with source.block("if n + 1 == count:"):
            source.line("said = like.text(pieces[n])")
            with source.block("if said:"):
                source.line("for run in answer.runs: run.append(said)")
                source.line(f"delta = {source.constant(object.__new__)}(like.kind)")
                source.line("like.put(delta, said)")
                source.line("events.append(delta)")
                source.line(f"answer.tries = {TRIES}")
                source.line("return count")
        with source.block("else:"):
            source.line("rows = like.rows(pieces, n)")


def write_alike(source: Source) -> None:
    """Take frames that are alike, and go on with the next."""
    with source.block("if n in rows:"):
        source.line("row = rows.pop(n)")
        source.line("for run in answer.runs: run.extend(row)")
        source.line("events += like.events(row)")
        source.line("n += len(row)")
        source.line(f"answer.tries = {TRIES}")
        source.line("continue")
    source.line("told, (event, raw) = 0, pieces[n]")


def write_learning(source: Source) -> None:
    """Learn from a frame that was read."""
    source.line("if told > 1: rows, like, answer.like = {}, None, None")
    with source.block("elif told and not rows and answer.tries:"):
        source.line(f"like = {source.constant(_learnt)}(answer, pieces[n - 1], said, type(events[-1]))")
        source.line("if like is not None and n < count: rows = like.rows(pieces, n)")


def _learnt(answer: Answer, piece: Piece, text: str, kind: type[Event]) -> Likeness | None:
    found = Likeness.of(piece, text, kind)
    if found is not None:
        answer.like = found
        answer.tries -= 1
    return answer.like
