"""What a file's rules ask for: the places that they read in a frame, and those where a word tells kinds apart.

A place is a path without its numbers: `choices.*.delta.content`. Nothing is read here; it is the file's side of the
comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..paths import Path
from ..rules import OPERATORS, Predicate, Test, compile_condition
from ..spec import Comparison, Condition, ErrorRule, Reading, Response, Rule, UsageMap

Place = tuple[str, ...]
"""Keys from the top of a frame; `*` stands for each item of a list."""

Scope = tuple[str, ...]
"""The `for` paths that lead from a frame to the item that a rule reads."""

_OPAQUE = frozenset({"arguments", "value", "error"})
"""What is taken as it is, whatever is in it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A place where a word tells kinds apart; without paths it is the frame's event name."""

    scope: Scope
    paths: tuple[str, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the word is looked for."""
        return tuple(_within(self.scope) + _place(path) for path in self.paths)

    @property
    def name(self) -> str:
        """The place as a report says it."""
        return ".".join((*self.scope, self.paths[0])) if self.paths else "event"


@dataclass(frozen=True, slots=True)
class TopRule:
    """A rule that stands by itself: when it holds, and the places of which it needs one to say something."""

    holds: Test
    places: frozenset[Place]


@dataclass(slots=True)
class Declared:
    """What a file's rules say about answers."""

    places: set[Place] = field(default_factory=set)
    values: set[Place] = field(default_factory=set)
    """Where rules take what they yield."""
    opaque: set[Place] = field(default_factory=set)
    counters: set[Place] = field(default_factory=set)
    """Where maps of counters are."""
    asked: dict[Asked, list[Predicate]] = field(default_factory=dict)
    rules: dict[str, list[TopRule]] = field(default_factory=dict)
    """The rules of each codec."""
    has_finish: bool = False
    tokens: frozenset[str] = frozenset()
    """The counters that the file reads, in our words."""

    @classmethod
    def by(cls, response: Response, errors: Iterable[ErrorRule]) -> Declared:
        """What a file declares."""
        declared = cls()
        for reading in (response.stream, response.whole):
            if reading is not None:
                declared._add_reading(reading)
        for rule in errors:
            for condition in (rule.body, rule.frame):
                declared._add_condition(condition, (), None)
            for path in (*rule.message, *rule.code, *rule.retry_after):
                declared._add(_place(path))
        declared._add_usage(response.usage)
        # A rule may ask whether a text is empty: what the text says is no kind of frame.
        asked = declared.asked.items()
        declared.asked = {key: tests for key, tests in asked if declared.values.isdisjoint(key.places)}
        return declared

    def knows(self, asked: Asked, word: str) -> bool:
        """Whether a rule asks for a word at a place."""
        return any(accepts(word) for accepts in self.asked.get(asked, ()))

    def _add_usage(self, usage: UsageMap) -> None:
        addends = [paths for sums in usage.sums.values() for paths in sums]
        paths = [path for several in (*usage.counters.values(), *addends) for path in several]
        for place in tuple(self.counters):
            for path in paths:
                self._add(place + _place(path))
        if self.counters:
            self.tokens = frozenset({name for name, paths in usage.counters.items() if paths} | usage.sums.keys())

    def _add_reading(self, reading: Reading) -> None:
        top = []
        for rule in reading.rules:
            before, self.places = self.places, set()
            is_end = self._add_rule(rule, (), ())
            places, self.places = frozenset() if is_end else frozenset(self.places), before | self.places
            top.append(TopRule(compile_condition(rule.when), places))
        for condition in reading.end.conditions:
            self._add_condition(condition, (), None)
            top.append(TopRule(compile_condition(condition), frozenset()))
        for codec in (reading.codec, *reading.other_codecs):
            self.rules.setdefault(codec, []).extend(top)

    def _add_rule(self, rule: Rule, scope: Scope, kinds: tuple[str, ...] | None) -> bool:
        """Add what a rule reads; whether it says something without reading: that this is the end."""
        scope = scope if rule.each is None else (*scope, rule.each)
        here = _within(scope)
        if rule.slot is not None:
            kinds = rule.slot.kind
            for path in (*rule.slot.key, *rule.slot.kind):
                self._add(here + _place(path))
        self._add_condition(rule.when, scope, kinds)
        for name, path in (pair for pair in rule.yields for pair in _paths(*pair)):
            place = here + _place(path)
            self._add(place)
            self.values.add(place)
            if name in _OPAQUE:
                self.opaque.add(place)
            if name == "usage":
                self.counters.add(place)
        for carry in rule.carry:
            for path in carry.paths:
                self._add(here + _place(path))
                self.opaque.add(here + _place(path))
        said = {name for name, _ in rule.yields}
        self.has_finish = self.has_finish or "finish" in said
        nested = [self._add_rule(nested, scope, kinds) for nested in rule.rules]
        return "end" in said or any(nested)

    def _add_condition(self, condition: Condition, scope: Scope, kinds: tuple[str, ...] | None) -> None:
        here = _within(scope)
        for test in condition:
            paths = (kinds or ()) if test.of_slot else _many(test.subject)
            for path in paths:
                self._add(here + _place(path))
            if test.operator != "exists" and (paths or not test.of_slot):
                self._ask(Asked(scope if paths else (), paths), test)

    def _ask(self, asked: Asked, test: Comparison) -> None:
        self.asked.setdefault(asked, []).append(OPERATORS[test.operator](test.operand))

    def _add(self, place: Place) -> None:
        self.places.update(place[:length] for length in range(1, len(place) + 1))


def _place(path: str) -> Place:
    return tuple("*" if isinstance(key, int) else key for key in Path(path, many=True).keys)


def _within(scope: Scope) -> Place:
    return tuple(key for each in scope for key in _place(each))


def _many(paths: Any) -> tuple[str, ...]:
    return () if paths is None else (paths,) if isinstance(paths, str) else tuple(paths)


def _paths(name: str, says: Any) -> Iterator[tuple[str, str]]:
    """The paths that a yield reads, each with the name of what is there."""
    if name == "end":
        return
    if not isinstance(says, Mapping):
        yield from ((name, path) for path in _many(says))
        return
    inside = f"{says['patches']}.*." if "patches" in says else ""
    for key, value in says.items():
        if key == "patches":
            yield key, value
        elif key not in ("mode", "custom", "kind"):
            within = inside if key in ("path", "value", "null_value") else ""
            word = name if key == "path" and not inside else key
            yield from ((word, within + path) for path in _many(value))
