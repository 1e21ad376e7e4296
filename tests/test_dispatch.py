"""The table of rules: it finds those that asking every rule would find, in the same order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.answer import Answer
from engine.dispatch import Table, tabulated
from engine.rules import compile_rules
from engine.spec import Comparison, Response, Rule

WORDS = ("a", "b", "c", "")
OPERANDS = st.one_of(
    st.tuples(st.just("equals"), st.sampled_from([*WORDS, 1, None, True])),
    st.tuples(st.just("in"), st.lists(st.sampled_from([*WORDS, None]), min_size=1, max_size=3)),
    st.tuples(st.just("exists"), st.booleans()),
    st.tuples(st.just("contains"), st.sampled_from(["a", "b"])),
)
COMPARISONS = st.builds(
    lambda subject, test, of_slot: Comparison(subject, test[0], test[1], of_slot),
    st.sampled_from(["type", "type", "kind", None, ("type", "kind")]),
    OPERANDS,
    st.just(False),
)
CONDITIONS = st.lists(COMPARISONS, max_size=2).map(tuple)
VALUES = st.sampled_from([*WORDS, "d", 1, True, None, 2.5])
FRAMES = st.dictionaries(st.sampled_from(["type", "kind"]), st.one_of(VALUES, st.just([]), st.just({})))


def said(rules: tuple[Rule, ...], event: str | None, data: Any, *, at_once: bool) -> str:
    answer = Answer(Response(None, None))
    for some in [rules] if at_once else [(rule,) for rule in rules]:
        compile_rules(some)(answer, event, data)
    return answer.response().text


@given(st.lists(CONDITIONS, min_size=1, max_size=8), st.sampled_from([None, *WORDS, "d"]), FRAMES)
def test_a_table_finds_the_rules_that_hold_in_their_order(
    conditions: list[tuple[Comparison, ...]], event: str | None, frame: dict[str, Any]
) -> None:
    names = [f"t{number}" for number in range(len(conditions))]
    rules = tuple(Rule(when=when, yields=(("text", name),)) for when, name in zip(conditions, names, strict=True))
    data = {**frame, **{name: name for name in names}}
    assert said(rules, event, data, at_once=True) == said(rules, event, data, at_once=False)


def kinds(*words: Any) -> tuple[Rule, ...]:
    return tuple(Rule(when=(Comparison("type", "equals", word),), yields=(("text", "t"),)) for word in words)


def test_rules_that_ask_at_one_place_are_a_table() -> None:
    table = tabulated((*kinds("a", "b"), Rule(yields=(("finish", "f"),)), *kinds("a")))
    assert isinstance(table, Table)
    assert table.subject == "type"
    assert [len(table.rules[word]) for word in ("a", "b")] == [3, 2]
    assert table.others == (Rule(yields=(("finish", "f"),)),)
    assert all(not rule.when for rule in table.rules["a"])


def test_few_rules_or_other_questions_are_none() -> None:
    assert tabulated(kinds("a", "b")) is None
    assert tabulated(kinds(1, True, None)) is None
    assert tabulated(()) is None


def test_what_a_slot_is_of_is_not_looked_up() -> None:
    of_slot = Rule(when=(Comparison(None, "equals", "text", of_slot=True),))
    assert tabulated((of_slot, of_slot, of_slot)) is None
