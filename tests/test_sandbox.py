"""What strangers' templates try: each is refused when the file is checked, in every field that may hold a template."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Problem
from engine.expressions import as_text, check, compile_leaf
from engine.expressions.functions import Absent
from engine.loader import load_text, problems_of, problems_of_text
from engine.provider import Provider
from tests.badfiles import text_of
from tests.escapes import BOMBS, ESCAPES
from tests.faults import fault
from tests.fields import FILE, Place, marks, pointers, templated, with_text

PART = "Provider files and templates"
FAMILIES = {**ESCAPES, **BOMBS}
REFUSED = "refused when the file is checked, at its place, in every field: `template-forbidden` and its kin"
ROWS = [
    *(pytest.param(name, id=name, marks=fault(PART, f"A template tries {name}", REFUSED)) for name in ESCAPES),
    *(pytest.param(name, id=name, marks=fault(PART, f"A template is a bomb: {name}", REFUSED)) for name in BOMBS),
]
RULES = {
    *("template-forbidden", "template-too-big", "template-syntax", "template-type"),
    *("undefined-variable", "unknown-filter", "unknown-test", "dynamic-host", "undefined-reference"),
}

PLACES = templated(FILE)
LARGE = 600
"""Characters of a payload."""


def errors(text: str) -> list[Problem]:
    return [problem for problem in problems_of_text(text.encode(), "acme.yaml") if problem.severity == "error"]


def test_there_is_a_field_for_each_mark_of_the_schema() -> None:
    assert {mark.says for mark in marks(FILE)} == pointers()
    assert len(PLACES) >= 59


def test_the_fields_hold_nothing_bad_of_themselves() -> None:
    assert RULES.isdisjoint(problem.rule for problem in errors(json.dumps(FILE)))


@pytest.fixture
def all_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.loader.judging.MAX_PROBLEMS", 10_000)


def filled(payloads: list[str], turn: int) -> Iterator[dict[Place, str]]:
    """The texts for the places of a file, or of several: each place has a payload, each payload a place.

    Another turn pairs them otherwise; in as many turns as there are payloads, each was in every place. A large one
    stands alone: a file of many of them is refused as a whole.
    """
    small = [payload for payload in payloads if len(payload) <= LARGE]
    if small:
        yield {place: small[(number + turn) % len(small)] for number, place in enumerate(PLACES)}
    for number, payload in enumerate(payloads):
        if len(payload) > LARGE:
            yield {PLACES[(number * 7 + turn) % len(PLACES)]: payload}


@pytest.mark.usefixtures("all_problems")
@pytest.mark.parametrize("family", ROWS)
def test_it_is_refused_in_every_field(family: str) -> None:
    payloads = FAMILIES[family]
    for turn in range(len(PLACES)) if os.environ.get("WIREFILE_ALL_ESCAPES") else (0, 29):
        for texts in filled(payloads, turn):
            refused = {problem.path for problem in errors(with_text(FILE, texts)) if problem.rule in RULES}
            for place, payload in texts.items():
                assert ".".join(map(str, place)) in refused, f"{payload[:80]} in {place}"


def test_there_are_enough_of_them() -> None:
    payloads = [payload for family in FAMILIES.values() for payload in family]
    assert len(set(payloads)) == len(payloads)
    assert sum(map(len, ESCAPES.values())) >= 300
    assert sum(map(len, BOMBS.values())) >= 80


@pytest.mark.parametrize("family", ESCAPES)
def test_a_value_of_the_caller_in_the_place_of_a_literal_opens_no_way_out(family: str) -> None:
    """What is left of an escape behind a name that may hold a map reads a key of that map, and there is none."""
    for payload in ESCAPES[family]:
        for name in ("model", "messages", "m.a", "m['a']", "messages[0]"):
            changed = payload.replace("''", name)
            if changed == payload or check(changed, {"model", "messages", "m"}):
                continue
            value = compile_leaf(changed)({"model": "a", "messages": [{"role": "user"}], "m": {"a": "b"}})
            assert as_text(value) in ("", "1") if not isinstance(value, Absent) else True, changed


def test_a_patch_is_examined_as_the_file_is() -> None:
    for family in FAMILIES.values():
        patch = json.dumps([{"match": "o*", "payload": {"z": family[0]}}], ensure_ascii=False)
        text = text_of(models=f"models: {{default: small, patches: {patch}}}")
        assert RULES & {problem.rule for problem in errors(text)}, family[0][:80]


def test_a_parent_is_examined_as_the_file_is(tmp_path: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text("spec_version: 1\nname: child\nextends: acme\n", encoding="utf-8")
    for family in FAMILIES.values():
        leaf = json.dumps(family[-1], ensure_ascii=False)
        (tmp_path / "acme.yaml").write_text(text_of(payload=f"payload: {{z: {leaf}}}"), encoding="utf-8")
        assert RULES & {problem.rule for problem in problems_of(child)}, family[-1][:80]


TALKER = text_of(
    settings="settings: {region: {default: eu}}",
    params="params:\n  heat: {type: number, default: 0.5}\n  user: {type: string, maps_to: user}",
    headers="headers: {x-region: 'r-{{ region }}'}",
)


@fault(PART, "The caller's own text looks like a template", "it arrives as it is, as every other text")
def test_what_a_caller_says_is_never_a_template() -> None:
    provider = Provider(load_text(TALKER, "acme.yaml"))
    for payload in (payload for family in FAMILIES.values() for payload in family):
        call = {"model": payload, "user": payload, "heat": 1}
        wire = provider.render([{"role": "user", "content": payload, "name": payload}], **call)
        body = json.loads(wire.content)
        assert body["messages"] == [{"role": "user", "content": payload, "name": payload}]
        assert (body["model"], body["user"]) == (payload, payload)


def test_an_example_is_literal() -> None:
    payload = "{{ ''.__class__ }} {% raw %} {# x #}"
    example = {"name": "answer", "call": {"messages": payload}, "reply": {"text": payload}, "expect": {"text": payload}}
    text = text_of().replace("{name: answer, call: {messages: hi}, reply: {text: Hello}, expect: {text: Hello}}", "%s")
    assert errors(text % json.dumps(example)) == []
