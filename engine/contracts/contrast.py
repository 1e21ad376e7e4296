"""What was expected and what was observed, as lines that are quick to read: `- expected`, `+ observed`.

Long values are shown around the place where they begin to differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..comparison import Words
from ..examples import Failure
from .outcomes import Finding

LONG: Final = 100
"""Values whose text is longer are shown in part."""

AHEAD: Final = 24
"""How much is shown before the place where two long values begin to differ."""


def contrast(finding: Finding) -> list[str]:
    """A finding as lines: where it is written and its path, then the two sides.

    >>> from engine.loader.positions import Position
    >>> place = ("expect", "text")
    >>> failure = Failure("a stream", 38, place, "Hello", "Hel", "byte by byte")
    >>> print("\\n".join(contrast(Finding(failure, Position("x.yaml", 41, 15)))))
    x.yaml:41:15  expect.text, the reply byte by byte
      - "Hello"
      + "Hel"
    """
    failure = finding.failure
    head = f"{finding.position}  {failure.path}"
    return [f"{head}, the reply {failure.cut}" if failure.cut else head, *(f"  {line}" for line in sides(failure))]


def sides(failure: Failure) -> Iterator[str]:
    """The two sides of a failure, and before those that are long and much the same where they begin to differ."""
    expected, observed = _shown(failure.expected), _shown(failure.observed)
    start = 0
    is_told = isinstance(failure.expected, Words) or isinstance(failure.observed, Words)
    if max(len(expected), len(observed)) > LONG and not is_told:
        start = max(0, _first_difference(expected, observed) - AHEAD)
        if isinstance(failure.expected, str) and isinstance(failure.observed, str):
            yield f"  the same for {_first_difference(failure.expected, failure.observed)} characters"
    yield f"- {_window(expected, start)}"
    yield f"+ {_window(observed, start)}"


def _shown(value: Any) -> str:
    """A value as one line of JSON; words as they are."""
    if isinstance(value, Words):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _first_difference(left: str, right: str) -> int:
    """The first index where two texts differ."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))


def _window(text: str, start: int) -> str:
    end = start + LONG
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
