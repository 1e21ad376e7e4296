"""What rendering may cost: whatever a file and a caller come up with together, it ends soon, or is refused by name."""

from __future__ import annotations

import json
import os
import random
import re
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.encoding import MAX_BODY
from engine.errors import ParameterError
from engine.expressions import TemplateError, bounded, budget, check, compile_tree
from engine.loader import load_text
from engine.provider import Provider
from engine.weight import NotPlainError, weight
from tests.badfiles import text_of
from tests.faults import fault
from tests.grammar import EXPRESSIONS

PART = "Provider files and templates"
PARAMS = "params:\n  heat: {type: number, default: 0.5}\n  list: {type: array, optional: true}\n"
PARAMS += "  user: {type: string, optional: true}"
LONG = "x" * 4_000_000
MOST_SECONDS = 3
MOST_BYTES = 64 * 2**20


def sent(tree: Any) -> dict[str, str]:
    return {"payload": f"payload: {json.dumps({'heat': '{{ heat }}', 'list': '{{ list|default(user) }}', 'z': tree})}"}


def shaped(leaf: Any) -> dict[str, str]:
    shape = json.dumps({"role": "{{ role }}", "content": "{{ text }}", "z": leaf})
    return {"messages": f"messages: {{shapes: {{any: {shape}}}}}"}


def in_query(leaf: str) -> dict[str, str]:
    return {**sent("a"), "query": "query: " + json.dumps({f"k{number}": leaf for number in range(400)})}


FORM = {f"u{number}": "{{ user }}" for number in range(90)} | {"heat": "{{ heat }}", "list": "{{ list|join }}"}

BOMBS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "texts joined by a long one": (
        "payload.z",
        sent("{{ list|join(user) }}"),
        {"list": [""] * 100_000, "user": LONG},
    ),
    "a long text, four hundred times in one": ("payload.z", sent("{{ user }}" * 400), {"user": LONG}),
    "a long text, four hundred times in a list": ("payload.z", sent(["{{ user }}"] * 400), {"user": LONG}),
    "a long text in lists of lists": ("payload.z", sent([[["{{ user }}"] * 7] * 7] * 8), {"user": LONG}),
    "the messages in lists of lists": ("payload.z", sent([[["{{ messages }}"] * 7] * 7] * 8), {"messages": LONG}),
    "a long text, hashed again and again": ("payload.z", sent("{{ user|sha256 }}" * 400), {"user": LONG}),
    "lists that are compared": (
        "payload.z",
        sent("{{ [" + "list == list, " * 200 + "] }}"),
        {"list": [["x"] * 9] * 20_000},
    ),
    "a long text in each message": ("messages.shapes.any", shaped("y" * 100_000), {"messages": ["hi"] * 10_000}),
    "sums in each message": (
        "messages.shapes.any",
        shaped(["{{ " + "1+" * 29 + "1 }}"] * 150),
        {"messages": ["hi"] * 10_000},
    ),
    "conditions in each message": (
        "messages.shapes.any",
        shaped([{"$when": "role == 'x'", "a": 1}] * 400),
        {"messages": ["hi"] * 10_000},
    ),
    "joined texts in each message": (
        "messages.shapes.any.z",
        shaped("{{ list|join(user) }}"),
        {"messages": ["hi"] * 10_000, "list": [""] * 1_000, "user": "y" * 1_000},
    ),
    "a long text in the path": ("path", {**sent("a"), "path": "path: '/{{ user }}'"}, {"user": LONG}),
    "a long text all over the path": (
        "path",
        {**sent("a"), "path": f"path: '/{'{{ user }}' * 100}'"},
        {"user": "é" * 60_000},
    ),
    "a long text in the query": ("query.k0", in_query("{{ user }}"), {"user": LONG}),
    "a text all over the query": ("query", in_query("{{ user }}"), {"user": "x" * 60_000}),
    "a long text in a header": ("headers.a", {**sent("a"), "headers": "headers: {a: '{{ user }}'}"}, {"user": LONG}),
    "a long form": (
        "payload.u5",
        {"x": "encoding: form", "payload": f"payload: {json.dumps(FORM)}"},
        {"user": LONG[: 3 * 2**20], "list": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
@fault(
    PART,
    "A sound template and a long value make gigabytes, or work for hours",
    "a ParameterError that names the field, before it is made: a request has a budget",
)
def test_what_would_be_too_much_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.environ.get("WIREFILE_ALL_ESCAPES"):
        monkeypatch.setattr(budget, "MAX_WORK", 2**25)  # the same in less time
    field, parts, call = BOMBS[name]
    provider = Provider(load_text(text_of(**{"params": PARAMS} | parts), "acme.yaml"))
    began = time.process_time()
    with pytest.raises(ParameterError) as caught:
        provider.render(**{"messages": "hi"} | call)
    assert time.process_time() - began < MOST_SECONDS
    assert re.search(rf"\b{re.escape(field)}\b", str(caught.value)), str(caught.value)
    assert len(str(caught.value)) < 200


def test_memory_is_bounded_before_it_is_taken() -> None:
    for name in (
        "texts joined by a long one",
        "a long text, four hundred times in one",
        "a long text in lists of lists",
    ):
        _, parts, call = BOMBS[name]
        provider = Provider(load_text(text_of(**{"params": PARAMS} | parts), "acme.yaml"))
        provider.render("hi", list=[], user="a")
        tracemalloc.start()
        try:
            with pytest.raises(ParameterError):
                provider.render(**{"messages": "hi"} | call)
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()


def test_what_callers_do_is_far_below_the_budget() -> None:
    parts = {**shaped("{{ text|tojson }}"), "payload": 'payload: {heat: "{{ heat }}", messages: "{{ messages }}"}'}
    params = PARAMS.partition("  list")[0]
    provider = Provider(load_text(text_of(params=params, **parts), "acme.yaml"))
    many = [{"role": "user", "content": f"message {number}"} for number in range(10_000)]
    assert len(json.loads(provider.render(many).content)["messages"]) == 10_000
    assert len(provider.render("x" * 10_000_000).content) > 20_000_000


def test_a_body_of_the_largest_size_is_made() -> None:
    provider = Provider(load_text(text_of(params=PARAMS, **sent("{{ user }}")), "acme.yaml"))
    assert len(provider.render("hi", user="x" * (MAX_BODY // 4 - 1_000), list=[]).content) > MAX_BODY // 4 - 1_000


SMALL = 2**15
VALUES = {
    "n": 10**900,
    "s": '"\\\x01' * 700,
    "items": [""] * 900,
    "m": {"a": ["b" * 900] * 9, "secret": {"k": [1.5] * 300}},
    "nothing": None,
    "trip": "é" * 2_000,
    "box": [["x" * 400] * 5] * 5,
    "bag": {"a": "y" * 2_000},
}
LARGEST = max(weight(value, 10**9) for value in VALUES.values())


@settings(max_examples=150, deadline=None)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=4))
def test_no_expression_makes_more_than_the_budget(sources: list[str]) -> None:
    texts = [f"{{{{ {source} }}}}" for source in sources]
    if any(check(text, {*VALUES, "omit"}) for text in texts):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "MAX_WORK", SMALL)
        assert_bounded({"one": texts, "all": "".join(texts), "many": ["".join(texts)] * 5})


def assert_bounded(tree: dict[str, Any]) -> None:
    """What a tree makes is bounded by the budget, and by what it was given as often as it names it."""
    named = len(re.findall(r"[a-z]\w*", json.dumps(tree)))
    try:
        made = bounded(compile_tree(tree))(VALUES)
        size = weight(made, 10**9)
    except (TemplateError, NotPlainError):  # refused, or a list with something omitted in it
        return
    assert size < 8 * SMALL + named * LARGEST


GROWING = [
    "({}|tojson)",
    "({}|string)",
    "({}|b64encode)",
    "({} ~ {})",
    "({} + {})",
    "([{}, {}, {}]|join({}))",
    "[{}, {}]",
]
GROWING += ["(items|join({}))", "({}[:] ~ {})", "({{'k': {}}}|tojson)", "({} if true else 1)", "(nothing|default({}))"]


def test_a_search_for_the_largest_finds_nothing_beyond_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best of each round grow on: what makes most text of the values above, by a few operations."""
    monkeypatch.setattr(budget, "MAX_WORK", SMALL)
    chance = random.Random(20261127)
    best = ["s", "trip", "(m|tojson)", "bag.a"]
    largest = 0
    for _ in range(6):
        tried: dict[str, int] = {}
        for _ in range(60):
            template = chance.choice(GROWING)
            source = template.format(*(chance.choice(best) for _ in range(4)))
            if len(source) < 4_000 and not check(f"{{{{ {source} }}}}", {*VALUES, "omit"}):
                tried[source] = size_of(source)
        best = sorted(tried, key=lambda source: tried[source])[-8:]
        largest = max(largest, *tried.values())
    assert SMALL // 2 < largest < 8 * SMALL


def size_of(source: str) -> int:
    try:
        return weight(bounded(compile_tree({"z": f"{{{{ {source} }}}}"}))(VALUES), 10**9)
    except (TemplateError, NotPlainError):
        return 0


def test_one_budget_is_shared_by_all_of_a_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_WORK", 1_000)
    render = compile_tree(["{{ s ~ 'a' }}", "{{ s ~ 'b' }}"])
    assert render({"s": "x" * 600}) == ["x" * 600 + "a", "x" * 600 + "b"]
    with pytest.raises(TemplateError, match=r"payload\.1 goes beyond the 1000 characters"):
        bounded(render)({"s": "x" * 600})
    assert bounded(compile_tree("{{ s ~ 'a' }}"))({"s": "x" * 600}) == "x" * 600 + "a"
