"""The rules of a reading as functions: `apply` writes what one frame says into the answer, `take` does it for all plain
frames of a piece of the body in one loop.

`take` is the way of nearly every frame. It stops before one that is not plain (blank, no JSON, perhaps an error), which
the reply then looks at more closely, and behind one that ends the stream; `apply` is the same rules for a single frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from ..answer import Answer
from ..blocks import Carried, Slot
from ..dispatch import Table, tabulated
from ..framing import Piece
from ..keeps import every_rule
from ..paths import MISSING, Path
from ..runs import MANY
from ..spec import Condition, Reading, Rule
from .alike import may_be_alike, write_alike, write_before, write_learning
from .conditions import OPERATORS, Test
from .frames import shapes_of, write_data
from .shapes import Shape, can_decode
from .source import Source, says, silent
from .unwrap import unwrapper
from .yields import YIELDS

MOST_LOOPS = 8
"""How deep rules are written into one function; Python bounds how many loops may stand in each other."""


class Apply(Protocol):
    """Compiled rules."""

    def __call__(self, answer: Answer, event: str | None, data: Any, slot: Slot | None = None, /) -> None:
        """Write what a frame says into the answer."""


Take = Callable[[Any, Answer, Sequence[Piece], int], int]
"""Of the reply, its answer, the pieces and the place of the first to take: the place of the first that is not taken."""


def compile_rules(rules: tuple[Rule, ...]) -> Apply:
    """All rules as one function of (answer, event name, data, slot)."""
    source = Source()
    with source.block("def apply(answer, event, data, slot=None):"):
        _write_rules(source, rules, "data", "slot", 0)
    return source.compiled("<rules>")["apply"]  # type: ignore[no-any-return]


def compile_take(reading: Reading, suspects: Iterable[Condition], *, splits_text: bool = False) -> Take:
    """The loop over plain frames. A frame is perhaps an error when one of the conditions `suspects` holds.

    `splits_text` says that the text may hold reasoning between tags.
    """
    suspects, shapes = tuple(suspects), shapes_of(reading)
    source = _take_source(reading, suspects, shapes, splits_text=splits_text)
    if any(shape.is_map for shape in shapes) and can_decode():
        # Now that it is known what is read.
        source = _take_source(reading, suspects, shapes, splits_text=splits_text, is_typed=True)
    return source.compiled("<take>")["take"]  # type: ignore[no-any-return]


def _take_source(
    reading: Reading,
    suspects: tuple[Condition, ...],
    shapes: Sequence[Shape],
    *,
    splits_text: bool,
    is_typed: bool = False,
) -> Source:
    is_counted = is_typed and may_be_alike(reading)
    source = Source(is_plain=True, is_typed=is_typed, splits_text=splits_text, is_counted=is_counted)
    with source.block("def take(reply, answer, pieces, n):"):
        source.line("events = answer.events")
        with source.block("for run in answer.runs:"):
            source.line(f"if len(run) - run.packed > {MANY}: run.pack()")
        if is_counted:
            write_before(source)
        with source.block("while n < count:" if is_counted else "for event, raw in pieces[n:] if n else pieces:"):
            if is_counted:
                write_alike(source)
            data = write_data(source, reading, shapes)
            if reading.codec != "text":
                _write_guard(source, suspects, data)
            if any(isinstance(says, dict) and says.get("mode") == "final" for _, says in _yields(reading.rules)):
                source.effect("answer.begin_frame()", "if answer.retold: ")
            _write_rules(source, reading.rules, data, "None", 0)
            if any(name == "error" for name, _ in _yields(reading.rules)):
                # An object of a shape holds no more than what the rules read.
                whole = f"{source.constant(unwrapper(reading.unwrap))}(raw if type(raw) is str else raw.decode())"
                source.line(f"if answer.refused is not None: raise reply.refusal_in({whole})")
            for condition in reading.end.conditions:
                asks = " and ".join(source.test(data, "None", test) for test in condition)
                source.effect("answer.has_ended = True", f"if {asks}: ")
            source.line("n += 1")
            if is_counted:
                write_learning(source)
            if reading.end.conditions or any(name == "end" for name, _ in _yields(reading.rules)):
                source.line("if answer.has_ended: return n")
        source.line("return n")
    return source


def _yields(rules: tuple[Rule, ...]) -> list[tuple[str, Any]]:
    return [pair for rule in every_rule(rules) for pair in rule.yields]


def _write_guard(source: Source, suspects: Iterable[Condition], data: str) -> None:
    """Stop at what may be an error. Conditions on values below one key are asked only where it says something."""
    source.line("if event is not None and event == 'error': return n")
    source.line(f"if {says(source.path(data, ('error',)))}: return n")
    source.line(f"if {source.path(data, ('object',))} == 'error': return n")
    by_key: dict[str | int | None, list[Condition]] = {}
    for condition in suspects:
        by_key.setdefault(_needed_key(condition), []).append(condition)
    for key, conditions in by_key.items():
        with ExitStack() as stack:
            if key is not None:
                stack.enter_context(source.block(f"if {says(source.path(data, (key,)))}:"))
            for condition in conditions:
                asks = " and ".join(source.test(data, "None", test) for test in condition)
                source.line(f"if {asks or True}: return n")


def _needed_key(condition: Condition) -> str | int | None:
    """The top-level key without which, or with nothing at which, a condition cannot hold; None where there is none."""
    for test in condition:
        paths = (test.subject,) if isinstance(test.subject, str) else test.subject or ()
        if len(paths) != 1 or test.of_slot:
            continue
        keys, holds = Path(paths[0]).keys, OPERATORS[test.operator](test.operand)
        if keys and not any(holds(value) for value in (_FALSE if len(keys) == 1 else (MISSING,))):
            return keys[0]
    return None


_FALSE: tuple[Any, ...] = (MISSING, None, "", 0, 0.0, False, [], {})
"""All values that say nothing."""


# --- rules -----------------------------------------------------------------------------------------------------------


def _write_rules(source: Source, rules: tuple[Rule, ...], data: str, slot: str, level: int) -> None:
    table = tabulated(rules)
    if table is not None:
        _write_table(source, table, data, slot, level)
        return
    for rule in rules:
        if level and level + _loops(rule) > MOST_LOOPS:
            source.effect(f"{source.constant(compile_rules((rule,)))}(answer, event, {data}, {slot})")
        else:
            _write_rule(source, rule, data, slot, level)


def _loops(rule: Rule) -> int:
    return 0 if rule.each is None else Path(rule.each, many=True).keys.count("*")


def _write_table(source: Source, table: Table, data: str, slot: str, level: int) -> None:
    word = "event" if table.subject is None else source.path(data, Path(table.subject).keys)
    how = "if"
    with source.table(data, table.subject) as turn_to:
        for said, rules in table.rules.items():
            turn_to(said)
            with source.block(f"{how} {word} == {source.literal(said)}:"):
                for rule in rules:
                    _write_rule(source, rule, data, slot, level)
            how = "elif"
        if table.others:
            turn_to(None)
            with source.block("else:"):
                for rule in table.others:
                    _write_rule(source, rule, data, slot, level)


def _write_rule(source: Source, rule: Rule, data: str, slot: str, level: int) -> None:
    with ExitStack() as stack:
        if rule.when:
            asks = " and ".join(source.test(data, slot, test) for test in rule.when)
            stack.enter_context(source.block(f"if {asks}:"))
        if rule.each is not None:
            data = stack.enter_context(source.each(data, Path(rule.each, many=True).keys))
        if rule.slot is not None:
            slot = _write_slot(source, rule, data, slot)
        carried = _write_carried(source, rule, data) if rule.carry else None
        # In one frame the thought comes before what is said, in whatever order a file writes a map's keys.
        for name, says in sorted(rule.yields, key=lambda pair: pair[0] != "reasoning"):
            YIELDS[name](source, data, slot, says)
        if rule.rules:
            _write_rules(source, rule.rules, data, slot, level + max(_loops(rule), 1))
        if carried is not None:
            source.effect(f"answer.carry({carried}, {slot})", f"if {carried}: ")


def _write_slot(source: Source, rule: Rule, data: str, parent: str) -> str:
    assert rule.slot is not None
    key, slot = source.first(data, rule.slot.key), source.name()
    kind = source.first(data, rule.slot.kind) if rule.slot.kind else "None"
    source.line(f"{slot} = answer.last_slot")
    # The block that the frame before belonged to, nearly always.
    is_same = f"{slot}.key == {key} and type({key}) is int and type({kind}) is not str"
    is_same += "" if parent == "None" else f" and {parent} is None"
    with source.block(f"if not ({is_same}):"):
        source.effect(f"{slot} = answer.slot({key}, {kind}, {parent})")
    return slot


def _write_carried(source: Source, rule: Rule, data: str) -> str:
    """The opaque values that say something; where there are any, what the rule reads is a block of its own."""
    carried = source.name()
    source.line(f"{carried} = {{}}")
    for carry in rule.carry:
        value = source.first(data, carry.paths)
        with source.block(f"if not ({silent(value)}):"):
            words = ", ".join(source.literal(word) for word in (carry.by, carry.append))
            source.line(f"{carried}[{source.literal(carry.name)}] = {source.constant(Carried)}({value}, {words})")
    source.effect("answer.begin_carry()", f"if {carried}: ")
    return carried


def compile_ends(conditions: Iterable[Condition]) -> Test:
    """Whether a frame shows the end: any of the conditions."""
    source = Source()
    with source.block("def ends(event, data, slot=None):"):
        for condition in conditions:
            asks = " and ".join(source.test("data", "slot", test) for test in condition)
            source.line(f"if {asks or True}: return True")
        source.line("return False")
    return source.compiled("<ends>")["ends"]  # type: ignore[no-any-return]
