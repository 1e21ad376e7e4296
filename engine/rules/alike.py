"""Frames that are the one before with another text: most of a stream is.

Where a frame told nothing but the next piece of a text, and no rule asks which text it is, a frame of the same bytes
around another text tells that text, and need not be read. It is sure where the text stands in the bytes as it is: no
character is escaped, and it stands there once. This is learnt anew in each call of the loop from a frame that was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answer import DELTAS
from ..json_text import LARGE
from ..spec import Reading
from .source import Source

LEAST = 4
"""For fewer frames to come it does not pay to learn."""
TRIES = 3
"""How often it is learnt in one call of the loop: some services say something else in every frame."""

PUTS: Mapping[type, Any] = {delta: vars(delta)["text"].__set__ for delta in DELTAS.values()}


def may_be_alike(reading: Reading) -> bool:
    """Whether the texts of a frame's JSON are what the rules read."""
    return all(step == "json" or not isinstance(step, str) for step in reading.unwrap) and (
        reading.unwrap.count("json") == 1
    )


def around(raw: bytes, text: str) -> tuple[bytes, bytes] | None:
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


def write_before(source: Source) -> None:
    """What is known before the first frame."""
    source.line(f"known, tries, last = None, {TRIES}, len(pieces) - {LEAST}")


def write_alike(source: Source) -> None:
    """Take a frame that is like the one that was learnt from, and go on with the next."""
    with source.block("if known is not None:"):
        with source.block("if event == name and raw[:first] == begin and raw[-rest:] == end:"):
            source.line("inner = raw[first:-rest]")  # nothing, where the two overlap
            is_text = r"inner and b'\"' not in inner and b'\\' not in inner"
            with source.block(f"if {is_text} and len(inner) < {LARGE // 2}:"):
                with source.block("try:"):
                    source.line("said = inner.decode()")
                with source.block("except ValueError:"):
                    source.line("return n")
                with source.block("if said.isprintable():"):
                    source.line("for run in answer.runs: run.append(said)")
                    source.line(f"delta = {source.constant(object.__new__)}(kind)")
                    source.line("put(delta, said)")
                    source.line("events.append(delta)")
                    source.line("n += 1")
                    source.line("continue")
        source.line("known = None")
    source.line("told = 0")


def write_learning(source: Source) -> None:
    """Learn from a frame that was read."""
    with source.block("if told == 1 and tries and n < last:"):
        source.line("tries -= 1")
        source.line(f"known = {source.constant(around)}(raw, said)")
        with source.block("if known is not None:"):
            source.line("(begin, end), name, kind = known, event, type(events[-1])")
            source.line(f"first, rest, put = len(begin), len(end), {source.constant(PUTS)}[kind]")
