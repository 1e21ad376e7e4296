"""Frames -> events, by the file's rules. `YIELDS` says what a rule can yield, `OPERATORS` what a condition can ask.

Everything is compiled once per file into plain functions: a rule is a condition, an optional iteration, and steps that
write into the answer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .answer import DELTAS, Answer, Refused, every_rule
from .blocks import Carried, Slot
from .dispatch import Table, tabulated
from .errors import DecodeError
from .framing import Frame
from .json_text import read_json
from .paths import MISSING, Path, first_of
from .regex import compile_regex
from .spec import Comparison, Condition, End, Reading, Rule, SlotMap

Predicate = Callable[[Any], bool]
Step = Callable[[Answer, Any, Slot | None], None]


class Test(Protocol):
    """A compiled condition."""

    def __call__(self, event: str | None, data: Any, slot: Slot | None = None, /) -> bool:
        """Whether it holds."""


Lookup = Callable[[Any], Callable[[Any], Any]]

# --- conditions ------------------------------------------------------------------------------------------------------


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


# --- yields ----------------------------------------------------------------------------------------------------------


_ADDS: Mapping[str, Callable[[Answer, str, Any, Slot | None], None]] = {
    "append": Answer.add,
    "cumulative": Answer.add_cumulative,
    "final": Answer.add_final,
}
"""What a piece of text is, by its mode."""


def _texts(kind: str) -> Callable[[Any], Step]:
    def compile_yield(says: Any) -> Step:
        mode = says.get("mode", "append") if isinstance(says, Mapping) else "append"
        get = first_of(says["path"] if isinstance(says, Mapping) else says)
        add = _ADDS[mode]
        return lambda answer, data, slot: add(answer, kind, get(data), slot)

    return compile_yield


def _finish(says: Any) -> Step:
    get = first_of(says)
    return lambda answer, data, slot: answer.add_finish(get(data))


def _usage(says: Any) -> Step:
    if not isinstance(says, Mapping):
        get = first_of(says)
        return lambda answer, data, slot: answer.add_usage(get(data))
    getters = [(name, first_of(paths)) for name, paths in says.items()]

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        counters = ((name, get(data)) for name, get in getters)
        answer.add_usage({name: value for name, value in counters if value is not MISSING})

    return step


def _meta(says: Mapping[str, Any]) -> Step:
    getters = {name: first_of(paths) for name, paths in says.items()}

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        for name, get in getters.items():
            answer.add_meta(name, get(data))

    return step


def _tool_call(says: Mapping[str, Any]) -> Step:
    getters = {name: first_of(says[name]) for name in ("key", "id", "name", "arguments") if name in says}
    get_key = getters.pop("key", None)
    is_final = says.get("mode") == "final"
    is_raw = bool(says.get("custom"))
    patches = _patches(says) if says.get("mode") == "patch" else lambda data: ()

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        key = get_key(data) if get_key is not None else slot.key if slot is not None else None
        values = {name: get(data) for name, get in getters.items()}
        answer.add_call(key, slot, **values, is_final=is_final, is_raw=is_raw, patches=patches(data))

    return step


def _patches(says: Mapping[str, Any]) -> Callable[[Any], list[tuple[Any, Any]]]:
    get_all, get_path, get_value = Path(says["patches"]).get, first_of(says["path"]), first_of(says["value"])
    get_null = first_of(says["null_value"]) if "null_value" in says else lambda patch: MISSING

    def patches(data: Any) -> list[tuple[Any, Any]]:
        found = get_all(data)
        pairs = [
            (get_path(patch), get_value(patch) if get_null(patch) is MISSING else None)
            for patch in (found if type(found) is list else ())
        ]
        return [(path, value) for path, value in pairs if value is not MISSING]

    return patches


def _error(says: Any) -> Step:
    more = says if isinstance(says, Mapping) else {"path": says}
    get, kind = first_of(more["path"]), more.get("kind")
    get_message, get_code = (first_of(more[name]) if name in more else None for name in ("message", "code"))

    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        value = get(data)
        if value and answer.refused is None:  # 0, "" and false are how APIs say that there is none
            message, code = (read(data) if read is not None else None for read in (get_message, get_code))
            answer.refused = Refused(value, kind, message, code)

    return step


def _end(says: Any) -> Step:
    def step(answer: Answer, data: Any, slot: Slot | None) -> None:
        answer.has_ended = True

    return step


YIELDS: Mapping[str, Callable[[Any], Step]] = {
    **{kind: _texts(kind) for kind in DELTAS},
    "finish": _finish,
    "usage": _usage,
    "meta": _meta,
    "tool_call": _tool_call,
    "error": _error,
    "end": _end,
}

# --- rules -----------------------------------------------------------------------------------------------------------


class Apply(Protocol):
    """Compiled rules."""

    def __call__(self, answer: Answer, event: str | None, data: Any, slot: Slot | None = None, /) -> None:
        """Write what a frame says into the answer."""


def compile_rules(rules: tuple[Rule, ...]) -> Apply:
    """All rules as one function of (answer, event name, data, slot)."""
    table = tabulated(rules)
    if table is not None:
        return _compile_table(table)
    compiled = [_compile_rule(rule) for rule in rules]

    def apply(answer: Answer, event: str | None, data: Any, slot: Slot | None = None) -> None:
        for rule in compiled:
            rule(answer, event, data, slot)

    return apply


def _compile_table(table: Table) -> Apply:
    by_word = {word: [_compile_rule(rule) for rule in rules] for word, rules in table.rules.items()}
    others = [_compile_rule(rule) for rule in table.others]
    get = None if table.subject is None else Path(table.subject).get

    def apply(answer: Answer, event: str | None, data: Any, slot: Slot | None = None) -> None:
        word = event if get is None else get(data)
        for rule in by_word.get(word, others) if type(word) is str else others:
            rule(answer, event, data, slot)

    return apply


def _compile_rule(rule: Rule) -> Apply:
    each = Path(rule.each, many=True).each if rule.each is not None else None
    holds = compile_condition(rule.when) if rule.when else None
    find_slot = _compile_slot(rule.slot) if rule.slot is not None else None
    read = _reads_and_carries(rule) if rule.carry else _reads(rule)

    def apply(answer: Answer, event: str | None, data: Any, slot: Slot | None = None) -> None:
        if holds is not None and not holds(event, data, slot):
            return
        for item in (data,) if each is None else each(data):
            read(answer, event, item, find_slot(answer, item, slot) if find_slot is not None else slot)

    return apply


def _reads(rule: Rule) -> Apply:
    """What a rule does with one item: its own yields, then those of the rules in it."""
    # In one frame the thought comes before what is said, in whatever order a file writes a map's keys.
    yields = sorted(rule.yields, key=lambda pair: pair[0] != "reasoning")
    steps = [YIELDS[name](says) for name, says in yields]
    nested = compile_rules(rule.rules) if rule.rules else None

    def read(answer: Answer, event: str | None, item: Any, slot: Slot | None = None) -> None:
        for step in steps:
            step(answer, item, slot)
        if nested is not None:
            nested(answer, event, item, slot)

    return read


def _reads_and_carries(rule: Rule) -> Apply:
    """The same where opaque values belong to what is read."""
    read, carries = _reads(rule), [(carry, first_of(carry.paths)) for carry in rule.carry]

    def apply(answer: Answer, event: str | None, item: Any, slot: Slot | None = None) -> None:
        values = {
            carry.name: Carried(value, carry.by, carry.append) for carry, get in carries if _says(value := get(item))
        }
        if not values:
            read(answer, event, item, slot)
            return
        answer.begin_carry()
        read(answer, event, item, slot)
        answer.carry(values, slot)

    return apply


def _says(value: Any) -> bool:
    """Whether an opaque value says something."""
    return value is not MISSING and value is not None and value != "" and value != []


def _compile_slot(slot: SlotMap) -> Callable[[Answer, Any, Slot | None], Slot]:
    get_key = first_of(slot.key)
    get_kind = first_of(slot.kind) if slot.kind else lambda data: None
    return lambda answer, data, parent: answer.slot(get_key(data), get_kind(data), parent)


# --- readings --------------------------------------------------------------------------------------------------------


def _parse_json(data: Any) -> Any:
    if type(data) is not str:
        raise DecodeError("is no JSON text but a value that was unwrapped already")
    try:
        return read_json(data)
    except ValueError as error:
        raise DecodeError(f"is no JSON: {error}") from None


def _from_base64(data: Any) -> Any:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "replace")
    except (ValueError, TypeError):
        raise DecodeError("is no base64") from None


UNWRAPS: Mapping[str, Callable[[Any], Any]] = {
    "json": _parse_json,
    "text": lambda data: data,
    "base64": _from_base64,
}
"""The steps that a name says; `{at: path}` is the one that needs a word more."""


class FrameReader:
    """A reading, compiled: what one frame says, and whether it shows the end."""

    def __init__(self, reading: Reading) -> None:
        self.codec = reading.codec
        self.end = reading.end
        self.unwrap = reading.unwrap
        self._unwrap = [UNWRAPS[step] if isinstance(step, str) else Path(step["at"]).get for step in reading.unwrap]
        self.reads_text = "json" not in reading.unwrap
        self._apply = compile_rules(reading.rules)
        self._ends = [compile_condition(condition) for condition in reading.end.conditions]
        self.has_closing_rules = any({"end", "error"} & dict(rule.yields).keys() for rule in every_rule(reading.rules))

    def data_of(self, frame: Frame) -> Any:
        """The frame's data, unwrapped as far as there is something to unwrap. Raises DecodeError."""
        data: Any = frame.data
        for step in self._unwrap:
            inner = step(data)
            if inner is MISSING:
                break
            data = inner
        return data

    def is_end_text(self, frame: Frame) -> bool:
        """Whether the frame is one of the texts that end the stream; such a frame holds nothing else."""
        return (frame.data if self.reads_text else frame.data.strip()) in self.end.texts

    def shows_end(self, frame: Frame, data: Any) -> bool:
        """Whether the frame's data shows the end."""
        return any(test(frame.event, data) for test in self._ends)

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
