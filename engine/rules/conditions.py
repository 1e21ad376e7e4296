"""Conditions of a file as functions: `OPERATORS` says what they can ask. They are for what is asked once a call; what
is asked of every frame is written out as source (source.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..blocks import Slot
from ..paths import MISSING, first_of
from ..regex import compile_regex
from ..spec import Comparison, Condition

Predicate = Callable[[Any], bool]


class Test(Protocol):
    """A compiled condition."""

    def __call__(self, event: str | None, data: Any, slot: Slot | None = None, /) -> bool:
        """Whether it holds."""


Lookup = Callable[[Any], Callable[[Any], Any]]


def _equals(operand: Any) -> Predicate:
    if operand is None:
        return lambda value: value is None or value is MISSING
    if isinstance(operand, bool):
        return lambda value: value is operand
    return lambda value: not isinstance(value, bool) and bool(value == operand)


def _in(operand: list[Any]) -> Predicate:
    choices = [_equals(item) for item in operand]
    return lambda value: any(choice(value) for choice in choices)


def _exists(operand: bool) -> Predicate:
    return lambda value: (value is not MISSING and value is not None) is operand


def _contains(operand: str) -> Predicate:
    wanted = operand.lower()
    return lambda value: isinstance(value, str) and wanted in value.lower()


def _regex(operand: str) -> Predicate:
    search = compile_regex(operand)

    def found(value: Any) -> bool:
        if type(value) is int:  # a code: `[1-9]` is any but 0
            value = str(value)
        return isinstance(value, str) and bool(search(value))

    return found


OPERATORS: Mapping[str, Callable[[Any], Predicate]] = {
    "equals": _equals,
    "in": _in,
    "exists": _exists,
    "contains": _contains,
    "regex": _regex,
}


def compile_condition(condition: Condition, lookup: Lookup = first_of) -> Test:
    """A test of (event name, data, slot). `lookup` turns a subject into a getter, by default as a path or several."""
    tests: list[Test] = []
    for comparison in condition:
        predicate = OPERATORS[comparison.operator](comparison.operand)
        tests.append(_compile_comparison(comparison, predicate, lookup))
    if len(tests) == 1:
        return tests[0]
    return lambda event, data, slot=None: all(test(event, data, slot) for test in tests)


def _compile_comparison(comparison: Comparison, predicate: Predicate, lookup: Lookup) -> Test:
    if comparison.of_slot:
        return lambda event, data, slot=None: predicate(slot.kind if slot is not None else None)
    if comparison.subject is None:
        return lambda event, data, slot=None: predicate(event)
    get = lookup(comparison.subject)
    return lambda event, data, slot=None: predicate(get(data))
