"""What a schema cannot say, as tables of checks: of the values that it marks (marks.py), of what the parts of a file
say about each other (parts.py, steps.py), and of what a file from a stranger must not do (trust.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Problem
from .growth import check_growth, too_much_text
from .marks import MARK_CHECKS, unused_params
from .parts import PART_CHECKS
from .schema import Marked
from .shaped import check_shaping
from .steps import STEP_CHECKS
from .subject import Subject
from .trust import TRUST_CHECKS

__all__ = ["Subject", "check"]


def check(subject: Subject, marked: list[Marked]) -> Iterator[Problem]:
    """Every problem that the schema cannot see, worked out one by one."""
    if too_much := too_much_text(subject, marked):
        yield too_much
        return
    for file_check in (*TRUST_CHECKS, *PART_CHECKS, *STEP_CHECKS):
        yield from file_check(subject)
    is_sound = True
    for mark in marked:
        for problem in MARK_CHECKS[mark.mark](subject, mark):
            is_sound = False
            yield problem
    if is_sound:
        yield from unused_params(subject, marked)
        yield from check_shaping(subject, marked)
        yield from check_growth(subject, marked)
