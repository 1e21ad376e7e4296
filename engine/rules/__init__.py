"""Frames -> events, by the file's rules, which are compiled once per file into Python functions.

`conditions` says what a rule can ask, `yields` what it can say, `source` writes both out, `compiled` makes functions of
them, and `reader` is a whole reading of a file.
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
