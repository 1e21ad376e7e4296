"""No attribute of a Python object is read by a template, and no method of one is called: tripwires in every place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from engine import Catalog, Client
from engine.errors import EngineError, UsageError
from engine.expressions import FUNCTIONS, OMIT, Helpers, TemplateError, check, compile_leaf, compile_tree
from engine.loader import load_text
from engine.provider import Provider
from tests.badfiles import text_of
from tests.faults import fault
from tests.grammar import EXPRESSIONS
from tests.tripwire import KINDS, Tripwire, touched, wired

PART = "Provider files and templates"
PLAIN = {
    "n": 3,
    "s": "abc",
    "items": [1, "b", 3],
    "m": {"a": {"b": "deep"}, "secret": "s"},
    "nothing": None,
    "omit": OMIT,
    **Helpers().functions(),
}
NAMES = frozenset({*PLAIN, "trip", "box", "bag"}) - set(FUNCTIONS)


@pytest.fixture(autouse=True)
def nothing_was_touched() -> Iterator[None]:
    touched()
    yield
    touched()


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
@fault(PART, "A template is given an object of Python's", "nothing of it is read, not even its class; a UsageError")
def test_an_expression_reads_nothing_of_a_foreign_object(source: str) -> None:
    assert_untouched(source, {**PLAIN, "trip": Tripwire(), "box": [Tripwire()], "bag": {"a": Tripwire()}})


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_an_expression_calls_no_method_of_a_subclass(source: str) -> None:
    foreign = {name: wired(value) for name, value in PLAIN.items() if name in ("n", "s", "items", "m")}
    assert_untouched(source, {**PLAIN, **foreign, "trip": wired("x"), "box": [wired([1])], "bag": {"a": wired({})}})


def assert_untouched(source: str, values: dict[str, Any]) -> None:
    """What `check` lets pass gives a value, or a TemplateError, and touches no tripwire."""
    text = f"{{{{ {source} }}}}"
    if check(text, NAMES):
        return
    touched()
    for leaf in (compile_leaf(text), compile_leaf(f"x {text}"), compile_tree({"$when": source, "a": [text]})):
        with suppress(TemplateError):
            leaf(values)
        assert touched() == [], source


@pytest.mark.parametrize(
    "source",
    ["trip", "trip.a", "trip['a']", "trip[0]", "trip[1:]", "box[trip]", "box[trip:]", "trip == 1", "1 == trip",
     "1 in box", "trip in box", "box == [1]", "bag == {}", "box < box", "trip < 1", "trip + 1", "1 + trip", "s + trip",
     "-trip", "+trip", "not trip", "trip and 1", "1 if trip else 2", "trip ~ 'a'", "trip is string", "trip is none",
     "trip|length", "trip|string", "trip|tojson", "box|tojson", "bag|tojson", "box|join", "items|join(trip)",
     "trip|int", "trip|sha256", "s|hmac_sha256(trip)", "trip|last", "box|last", "(box|last) == 1", "box[0].a",
     "bag.a.b", "nothing|default(trip)", "{trip: 1}", "{'a': trip} == {'a': 1}", "[trip] == [1]", "trip|default(1)",
     "trip|path_segments", "trip|b64encode", "omit|default(trip)", "trip is defined"],
)  # fmt: skip
def test_no_operation_touches_a_foreign_object(source: str) -> None:
    assert check(f"{{{{ {source} }}}}", NAMES) == []
    assert_untouched(source, {**PLAIN, "trip": Tripwire(), "box": [Tripwire()], "bag": {"a": Tripwire()}})


def test_a_tripwire_is_one() -> None:
    for touch in (lambda it: it.a, lambda it: it[0], str, len, lambda it: it == 1, lambda it: it + 1, bool, iter, int):
        with suppress(AssertionError, AttributeError):
            touch(Tripwire())
        assert touched() != []
    for value in ("a", 1, 0.5, [1], {"a": 1}):
        assert wired(value) == value
        assert touched() != []


# --- the doors ---

TALKER = text_of(
    settings="settings: {region: {default: eu}}",
    params="params:\n  heat: {type: number, default: 0.5, min: 0, max: 2}\n"
    "  mode: {type: string, optional: true, enum: [low, high]}\n  bag: {type: object, optional: true}\n"
    "  list: {type: array, optional: true}",
    payload='payload:\n  model: "{{ model }}"\n  messages: "{{ messages }}"\n  heat: "{{ heat }}"\n'
    '  stream: "{{ stream }}"\n  tools: "{{ tools }}"\n  choice: "{{ tool_choice }}"\n  region: "{{ region }}"\n'
    "  mode: \"{{ 'is ' ~ mode if mode == 'low' else mode }}\"\n  bag: \"{{ bag.a|default(bag) }}\"\n"
    '  list: "{{ list|tojson }}"\n  first: "{{ messages[0].content ~ region }}"',
)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


SAID = [{"role": "user", "content": "Hi"}]


def saying(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content, **more}]}


CALLS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "messages": lambda it: {"messages": it},
    "message": lambda it: {"messages": [it]},
    "role": lambda it: {"messages": [{"role": it, "content": "Hi"}]},
    "content": saying,
    "part": lambda it: saying([it]),
    "text": lambda it: saying([{"type": "text", "text": it}]),
    "name": lambda it: saying("Hi", name=it),
    "extra": lambda it: saying("Hi", x={"y": [it]}),
    "model": lambda it: {"messages": SAID, "model": it},
    "stream": lambda it: {"messages": SAID, "stream": it},
    "tools": lambda it: {"messages": SAID, "tools": [it]},
    "tool": lambda it: {"messages": SAID, "tools": [{**TOOL, "function": {"name": "f", "description": it}}]},
    "tool_choice": lambda it: {"messages": SAID, "tools": [TOOL], "tool_choice": it},
    "heat": lambda it: {"messages": SAID, "heat": it},
    "mode": lambda it: {"messages": SAID, "mode": it},
    "bag": lambda it: {"messages": SAID, "bag": {"a": it}},
    "list": lambda it: {"messages": SAID, "list": [it]},
    "unknown": lambda it: {"messages": SAID, "unknown": it},
    "extra_body": lambda it: {"messages": SAID, "extra_body": {"x": it}},
    "extra_headers": lambda it: {"messages": SAID, "extra_headers": {"x": it}},
    "settings": lambda it: {"messages": SAID, "settings": {"region": it}},
}
"""Calls with something in each place that takes a value of the caller's."""


@pytest.fixture(scope="module")
def talker() -> Provider:
    return Provider(load_text(TALKER, "acme.yaml"))


@pytest.mark.parametrize("place", CALLS)
@fault(PART, "A caller gives an object of Python's in the place of data", "a UsageError that names the place")
def test_a_foreign_object_is_refused_at_the_door(place: str, talker: Provider) -> None:
    with pytest.raises(UsageError):
        talker.render(**CALLS[place](Tripwire()))
    assert set(touched()) <= {"__class__"}  # what isinstance() asks of it


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("place", CALLS)
def test_a_subclass_of_plain_data_is_what_it_is_made_of(place: str, kind: str, talker: Provider) -> None:
    plain = {"str": "low", "int": 1, "float": 0.5, "list": [{"type": "text", "text": "Hi"}], "dict": {"role": "user"}}
    outcomes = []
    for value in (plain[kind], wired(plain[kind])):
        call = CALLS[place](value)
        touched()
        try:
            wire = talker.render(**call)
            outcomes.append((wire.url, json.loads(wire.content), list(wire.headers.pairs)))
        except EngineError as error:
            outcomes.append((type(error).__name__, error.message.replace("Noticing" + kind.title(), kind)))
    assert outcomes[0] == outcomes[1]
    walked = {"items", "keys", "values", "__iter__", "__len__", "__getitem__", "__contains__", "__class__", "get"}
    assert set(touched()) <= walked  # a mapping and a sequence are walked through, a text and a number not even that


def test_the_clients_doors_take_no_foreign_object(tmp_path: Any) -> None:
    (tmp_path / "acme.yaml").write_text(TALKER, encoding="utf-8")
    it = Tripwire()
    with Client(Catalog(tmp_path)) as client:
        for place in CALLS.keys() - {"stream", "settings"}:
            with pytest.raises(UsageError):
                client.chat("acme", **CALLS[place](it))
        with pytest.raises(UsageError):
            client.chat(it, "Hi")
    for options in (
        {"settings": {"acme": {"region": it}}},
        {"base_urls": {"acme": it}},
        {"secrets": {"acme": {"k": it}}},
    ):
        with pytest.raises(EngineError), Client(Catalog(tmp_path), **options) as client:
            client.chat("acme", "Hi")
