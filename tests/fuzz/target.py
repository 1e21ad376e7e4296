"""What a target is: a parser's promise as one function of bytes that returns, or fails.

The bytes are all that decides: where a body is cut follows from the body, so that any driver finds a failure again.
"""

from __future__ import annotations

import json
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Check = Callable[[bytes], None]

ONE_BY_ONE = 1000
"""Bodies up to this many bytes are also fed byte by byte."""


class TooSlow(AssertionError):
    """An input took longer than its target allows."""


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, and how to make inputs that get far.

    `seeds` are good inputs to start from, `tokens` what its language is made of, `grow` writes a new input; `seconds` of
    CPU is what one input may take, `share` the part of hypothesis' usual number of examples that the suite has time for.
    """

    name: str
    check: Check
    seeds: Callable[[], Iterable[bytes]]
    tokens: tuple[bytes, ...] = ()
    grow: Callable[[random.Random], bytes] | None = None
    seconds: float = 0.1
    share: float = 1.0


def run(target: Target, data: bytes, patience: float = 1.0) -> None:
    """Hold the promise against one input. `patience` is how much slower than usual the code runs (instrumented, say)."""
    limit = target.seconds * patience
    if _timed(target, data) > limit:  # the first time pays for what is made once; a busy machine lies once, not thrice
        spent = min(_timed(target, data) for _ in range(3))
        if spent > limit:
            raise TooSlow(f"{spent:.3f} s of CPU for {len(data)} bytes, where {limit:.3f} s are allowed")


def _timed(target: Target, data: bytes) -> float:
    began = time.thread_time()
    target.check(data)
    return time.thread_time() - began


# --- what several targets need --------------------------------------------------------------------------------------


def cuts(data: bytes, one_by_one: int = ONE_BY_ONE) -> Iterator[list[bytes]]:
    """The same bytes in other pieces, empty ones among them; up to so many bytes also one by one."""
    if len(data) <= one_by_one:
        yield [data[at : at + 1] for at in range(len(data))]
    dice = random.Random(zlib.crc32(data))
    for most in (1, 3, 12):
        places = sorted(dice.randint(0, len(data)) for _ in range(dice.randint(1, most)))
        yield [data[begin:end] for begin, end in pairwise([0, *places, len(data)])]


def fields(data: bytes, count: int) -> list[str]:
    """The input as text: its first lines, and all the rest as the last of them."""
    parts = data.decode("utf-8", "replace").split("\n", count - 1)
    return parts + [""] * (count - len(parts))


def json_or_none(text: str) -> Any:
    """The JSON of a text, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_one_line(text: str) -> bool:
    """Whether a message is one line that steers no terminal."""
    return text.isprintable()
