"""Frames -> events, by the file's rules, which are compiled once per file into Python functions.

`frames` says what a frame is wrapped in, `conditions` what a rule can ask, and `yields` what it can say; `source`
writes them out, `compiled` makes functions of them, and `reader` is a whole reading of a file.
"""

from .compiled import Take, compile_rules
from .conditions import OPERATORS, Predicate, Test, compile_condition
from .reader import FrameReader, end_words
from .unwrap import UNWRAPS
from .yields import YIELDS

__all__ = [
    "OPERATORS",
    "UNWRAPS",
    "YIELDS",
    "FrameReader",
    "Predicate",
    "Take",
    "Test",
    "compile_condition",
    "compile_rules",
    "end_words",
]
