"""How often a file says the same thing again: a request must not be a bomb that any short message sets off.

A part stands in a message as often as its shape reads it, a message in the payload as often as the payload does, and
the counts multiply: three templates of ten thousand characters each could make a terabyte of one word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..shaping import NAMES
from .document import Place, walk
from .schema import Marked
from .subject import Subject
from .wording import dotted

MAX_TIMES = 500
"""How often a request may hold what the caller says once. The most of a shipped file, counted so, is 66."""

MAX_TEXT = 64 * 1024
"""How many characters the templates of a file may have together. The most of a shipped file is 1,754."""

_SHORT = frozenset({"role", "name", "id", "is_error", "mime", "format", "model", "stream", "omit", "strict"})
"""Names whose values are a word."""
_WORD = re.compile(r"[A-Za-z_]\w*")


def check_growth(subject: Subject, marked: list[Marked]) -> Iterator[Problem]:
    """A problem at the template that reads most, where the counts of all of them make too much."""
    most: dict[str, tuple[int, Place]] = {}
    for mark in marked:
        if mark.mark != "x-template":
            continue
        count = _count(mark.value, mark.says, subject)
        stage = _stage(mark)
        if count > most.get(stage, (1, ()))[0]:
            most[stage] = (count, mark.place)
    times = {stage: count for stage, (count, _) in most.items()}
    of_messages = times.get("message", 1) * times.get("part", 1) * times.get("result", 1)
    total = times.get("request", 1) * max(of_messages, times.get("tool", 1))
    if total > MAX_TIMES:
        _, place = max(most.values())
        message = f"with `{dotted(place)}`, a request may hold what the caller says once {total} times"
        yield subject.problem(place, "template-too-big", message, f"at most {MAX_TIMES} times: read it less often")


def too_much_text(subject: Subject, marked: list[Marked]) -> Problem | None:
    """A problem at the template with which a file's templates are too much to be examined in a moment."""
    total = 0
    for mark in marked:
        for place, text in walk(mark.value, mark.place) if mark.mark == "x-template" else ():
            if isinstance(text, str) and ("{{" in text or place[-1:] == ("$when",)):
                total += len(text)
            if total > MAX_TEXT:
                message = f"with `{dotted(place)}`, the file's templates have more than {MAX_TEXT} characters"
                return subject.problem(place, "template-too-big", message, "make them smaller")
    return None


def _stage(mark: Marked) -> str:
    """What a template makes: the counts of different stages multiply."""
    if mark.says not in NAMES:
        return "request"
    if mark.place[:2] == ("parts", "tool_result"):
        return "result"  # it holds other parts
    return {"messages": "message", "parts": "part"}.get(str(mark.place[0]), "tool")


def _count(tree: Any, scope: str, subject: Subject) -> int:
    """How often a template reads names whose values may be long: one of them in a request, all of them elsewhere."""
    counts: Counter[str] = Counter()
    for place, text in walk(tree, ()):
        if isinstance(text, str) and ("{{" in text or place[-1:] == ("$when",)):
            counts.update(_WORD.findall(text))
    if scope not in NAMES:
        return max((counts[name] for name in subject.names(scope) - _SHORT), default=0)
    return sum(counts[name] for name in subject.names(scope) - _SHORT)
