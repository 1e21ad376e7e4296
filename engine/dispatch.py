"""Which of a list of rules can hold for a frame: looked up by one word of it, instead of asking every rule.

Most files tell the kinds of frames apart by one place (`type`, or the event's name). The rules that ask there for a
word are found through a table; the others are asked as before, and the order of the rules stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .spec import Comparison, Rule

FEWEST = 3
"""Rules that ask at one place before a table is worth a look-up."""

Subject = str | None
"""A path, or None for the event's name."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rules by the word at `subject`; `others` are those for any other word, and for what is no text.

    The rules in it no longer ask what the look-up has answered.
    """

    subject: Subject
    rules: Mapping[str, tuple[Rule, ...]]
    others: tuple[Rule, ...]


def tabulated(rules: tuple[Rule, ...]) -> Table | None:
    """The table of some rules; None where they do not ask at one place."""
    subjects = Counter(subject for rule in rules for subject in {test.subject for test in _askers(rule)})
    if not subjects or max(subjects.values()) < FEWEST:
        return None
    subject: Subject = subjects.most_common(1)[0][0]  # type: ignore[assignment]  # `_askers` gives no lists of paths
    asked = [(rule, next((test for test in _askers(rule) if test.subject == subject), None)) for rule in rules]
    words = dict.fromkeys(word for _, test in asked if test is not None for word in _words(test))
    return Table(
        subject,
        {
            word: tuple(_without(rule, test) for rule, test in asked if test is None or word in _words(test))
            for word in words
        },
        tuple(rule for rule, test in asked if test is None),
    )


def _askers(rule: Rule) -> Iterator[Comparison]:
    """The comparisons of a rule that hold for certain words only."""
    for test in rule.when:
        is_one_place = not test.of_slot and not isinstance(test.subject, tuple)
        if is_one_place and test.operator in ("equals", "in") and all(isinstance(word, str) for word in _words(test)):
            yield test


def _words(test: Comparison) -> tuple[str, ...]:
    return tuple(test.operand) if test.operator == "in" else (test.operand,)


def _without(rule: Rule, test: Comparison | None) -> Rule:
    return replace(rule, when=tuple(other for other in rule.when if other is not test))
