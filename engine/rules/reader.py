"""A reading, compiled: what one frame says, and whether it shows the end."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ..answer import Answer
from ..framing import Frame
from ..keeps import every_rule
from ..spec import Comparison, Condition, End, Reading
from .compiled import Apply, Take, compile_ends, compile_rules, compile_take
from .conditions import Test
from .unwrap import unwrapper


class FrameReader:
    """`suspects` are the conditions by which a frame is perhaps an error and no part of an answer.

    `splits_text` says that the text may hold reasoning between tags.
    """

    def __init__(self, reading: Reading, suspects: Iterable[Condition] = (), *, splits_text: bool = False) -> None:
        self._reading = reading
        self._splits_text = splits_text
        self._suspects = tuple(suspects)
        self.codec = reading.codec
        self.end = reading.end
        self.unwrap = reading.unwrap
        self._unwrap = unwrapper(reading.unwrap)
        self.reads_text = "json" not in reading.unwrap
        self.has_closing_rules = any({"end", "error"} & dict(rule.yields).keys() for rule in every_rule(reading.rules))

    @cached_property
    def take(self) -> Take:
        """Write what plain frames say into an answer, in one loop; see compiled.py."""
        return compile_take(self._reading, self._suspects, splits_text=self._splits_text)

    @cached_property
    def _apply(self) -> Apply:
        return compile_rules(self._reading.rules)

    @cached_property
    def _ends(self) -> Test:
        return compile_ends(self.end.conditions)

    def data_of(self, frame: Frame) -> Any:
        """The frame's data, unwrapped as far as there is something to unwrap. Raises DecodeError."""
        return self._unwrap(frame.data)

    def is_end_text(self, frame: Frame) -> bool:
        """Whether the frame is one of the texts that end the stream; such a frame holds nothing else."""
        return (frame.data if self.reads_text else frame.data.strip()) in self.end.texts

    def shows_end(self, frame: Frame, data: Any) -> bool:
        """Whether the frame's data shows the end."""
        return self._ends(frame.event, data)

    def apply(self, answer: Answer, frame: Frame, data: Any) -> None:
        """Write what the frame says into the answer."""
        answer.begin_frame()
        self._apply(answer, frame.event, data)


def end_words(end: End) -> str:
    """What was to be seen, for a message."""
    words = sorted(repr(text) for text in end.texts)
    words += [
        ", ".join(f"{_subject_words(test)} {test.operator} {test.operand!r}" for test in c) for c in end.conditions
    ]
    words += ["a finish reason"] * end.finish
    return " or ".join(words) or "its end"


def _subject_words(test: Comparison) -> str:
    if isinstance(test.subject, tuple):
        return " or ".join(test.subject)
    return test.subject or "event"
