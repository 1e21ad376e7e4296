"""Expressions: data in, data out. Text stays text, types are kept, and nothing else can be reached."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.expressions import (
    FILTERS,
    FUNCTIONS,
    OMIT,
    TESTS,
    Helpers,
    TemplateError,
    as_text,
    check,
    compile_leaf,
    compile_text,
    compile_tree,
    encode_slot,
    is_template,
    names_in_tree,
)

HOSTILE_TEXTS = [
    *("123", "1.5", "None", "null", "true", "[1, 2]", "{'a': 1}", "{{ 7*7 }}", "{% raw %}", "{# x #}", "'quoted'", '"'),
    *(
        "a\nb\r\n",
        "\u2028\u2029\x85",
        "\0",
        "\\",
        "\\n",
        "😀",
        "\ud800",
        "",
        " ",
        "<b>&amp;",
        "__class__",
        "%s %(a)s {0}",
    ),
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize("leaf", ["{{ x }}", "{{x}}", "{{ [x][0] }}", "{{ {'a': x}.a }}", "{{ x if true else 1 }}"])
def test_a_value_comes_out_as_that_text(text: str, leaf: str) -> None:
    assert compile_leaf(leaf)({"x": text}) == text
    assert compile_leaf(f"<{leaf}>")({"x": text}) == f"<{text}>"
    assert compile_tree({"a": [leaf]})({"x": text}) == {"a": [text]}


@pytest.mark.parametrize("value", [0, -1, 2**70, 0.5, True, False, None, [], [1, {"a": None}], {}, {"a": [1]}, "x"])
def test_a_leaf_that_is_one_expression_keeps_its_type(value: Any) -> None:
    rendered = compile_leaf("{{ x }}")({"x": value})
    assert rendered == value
    assert type(rendered) is type(value)


RESULTS = [
    ("{{ 1 + 2 * 3 - 4 // 2 }}", 5),
    ("{{ 7 / 2 }}", 3.5),
    ("{{ 7 % 4 }}", 3),
    ("{{ -n }}", -3),
    ("{{ n > 2 and not (n == 4) }}", True),
    ("{{ 'a' in s }}", True),
    ("{{ n in [1, 3] }}", True),
    ("{{ s ~ n ~ true ~ 0.5 }}", "abc3true0.5"),
    ("{{ s + 'd' }}", "abcd"),
    ("{{ items + [4] }}", [1, 2, 3, 4]),
    ("{{ s[0] ~ s[-1] }}", "ac"),
    ("{{ s[1:] }}", "bc"),
    ("{{ items[::2] }}", [1, 3]),
    ("{{ items[:-1][0] }}", 1),
    ("{{ m.a.b }}", "deep"),
    ("{{ m['a']['b'] }}", "deep"),
    ("{{ m.a.missing.more|default('none') }}", "none"),
    ("{{ nothing|default('x') }}", "x"),
    ("{{ 'yes' if n else 'no' }}", "yes"),
    ("{{ '}}' }}", "}}"),
    ("{{ \"{{\" ~ '}}' }}", "{{}}"),
    ("{{ {'a': {'b': n}} }}", {"a": {"b": 3}}),
    ("{{ {'a': {'b': n}}}}", {"a": {"b": 3}}),
    ("{{ n }}}", "3}"),
    ("{{ m.keys|default('no method') }}", "no method"),
    ("{{ result }}", "kept"),
    ("{{ s|b64encode }}", "YWJj"),
    ("{{ s|sha256 }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("{{ s|hmac_sha256('key') }}", "9c196e32dc0175f86f4b1cb89289d6619de6bee699e4c378e68309ed97a1a6ab"),
    ("{{ s|hmac_sha256_b64('key') }}", "nBluMtwBdfhvSxy4konWYZ3mvuaZ5MN45oMJ7Zehpqs="),
    ("{{ items|last }}", 3),
    ("{{ s|length + items|length + m|length }}", 7),
    ("{{ ['a', 'b']|join('-') }}", "a-b"),
    ("{{ ['a', 'b']|join }}", "ab"),
    ("{{ '12'|int + 0.5|int + 1.9|int }}", 13),
    ("{{ m|tojson }}", '{"a":{"b":"deep"}}'),
    ("{{ s|string }}", "abc"),
    ("{{ nothing|string }}", "null"),
    ("{{ 'a/б'|path_segments }}", "a/%D0%B1"),
    ("{{ s is string and n is number and m is mapping and items is sequence and nothing is none }}", True),
    ("{{ true is boolean and m.x is undefined and m.a is defined and true is not number }}", True),
]
VALUES = {
    "n": 3,
    "s": "abc",
    "items": [1, 2, 3],
    "m": {"a": {"b": "deep"}},
    "nothing": None,
    "result": "kept",
    "omit": OMIT,
    **Helpers(clock=lambda: 1.9, entropy=lambda: b"\0" * 16).functions(),
}
NAMES = set(VALUES) - set(FUNCTIONS)


@pytest.mark.parametrize(("leaf", "value"), RESULTS)
def test_what_expressions_give(leaf: str, value: Any) -> None:
    assert check(leaf, NAMES) == []
    rendered = compile_leaf(leaf)(VALUES)
    assert (rendered, type(rendered).__name__.replace("EncodedPath", "str")) == (value, type(value).__name__)


def test_functions_read_the_clock_and_randomness_that_they_are_given() -> None:
    assert compile_leaf("{{ now() }}")(VALUES) == 1
    assert compile_leaf("{{ uuid4() }}")(VALUES) == "00000000-0000-4000-8000-000000000000"
    assert compile_leaf("{{ random() }}")(VALUES) == 0
    half = Helpers(entropy=lambda: b"\xff" * 9 + b"\x80" + b"\0" * 6).functions()
    assert compile_leaf("{{ random() }}")(half) == 0.5


def test_random_numbers_are_spread_over_all_from_0_to_below_1() -> None:
    leaf, real = compile_leaf("{{ (random() * 4) | int }}"), Helpers().functions()
    counts = Counter(leaf(real) for _ in range(4_000))
    assert sorted(counts) == [0, 1, 2, 3]
    assert min(counts.values()) > 800
    assert compile_leaf("{{ random() }}")(Helpers(entropy=lambda: b"\xff" * 16).functions()) < 1


def test_every_entry_of_the_tables_is_tried_above() -> None:
    tried = " ".join(leaf for leaf, _ in RESULTS) + "now random uuid4"
    assert [name for name in (*FILTERS, *TESTS, *FUNCTIONS) if name not in tried] == []


RUNTIME_ERRORS = [
    *("{{ n + s }}", "{{ s - 1 }}", "{{ s * 3 }}", "{{ items * 3 }}", "{{ true + 1 }}", "{{ n / 0 }}", "{{ n // 0 }}"),
    *("{{ n % 0 }}", "{{ s % 1 }}", "{{ n < s }}", "{{ 1 in n }}", "{{ -s }}", "{{ s|int }}", "{{ 'nan'|int }}"),
    *("{{ items|int }}", "{{ n|sha256 }}", "{{ n|length }}", "{{ items|join }}", "{{ n|last }}", "{{ m[1:] }}"),
    *(
        "{{ items[::0] }}",
        "{{ items['a':] }}",
        "{{ omit + 1 }}",
        "{{ omit|sha256 }}",
        "{{ s ~ omit }}",
        "{{ s ~ nothing }}",
    ),
    *("{{ s ~ items }}", "{{ 'a//b'|path_segments }}", "{{ '..'|path_segments }}", "{{ ['a']|join(1) }}"),
    *("{{ 1e308 * 10 }}", "{{ " + "9" * 900 + " * " + "9" * 900 + " }}"),
    *(
        "{{ [omit]|tojson }}",
        "{{ omit < 1 }}",
        "{{ {items: 1} }}",
        "{{ ('x' * n)|b64encode }}",
        "a {{ items }}",
        "a {{ m }}",
    ),
]


@pytest.mark.parametrize("leaf", RUNTIME_ERRORS)
def test_what_cannot_be_worked_out_is_a_template_error(leaf: str) -> None:
    with pytest.raises(TemplateError):
        compile_leaf(leaf)(VALUES)


def test_half_a_character_is_a_template_error_where_bytes_are_made() -> None:
    for leaf in ("{{ x|sha256 }}", "{{ x|b64encode }}", "{{ x|path_segments }}"):
        with pytest.raises(TemplateError):
            compile_leaf(leaf)({"x": "\ud800"})
    with pytest.raises(TemplateError, match="half a character"):
        encode_slot("\ud800")


def test_three_states() -> None:
    tree = {"value": "{{ a }}", "null": "{{ b }}", "gone": "{{ c }}", "list": ["{{ c }}", 1], "map": {"c": "{{ c }}"}}
    assert compile_tree(tree)({"a": 0, "b": None}) == {"value": 0, "null": None, "list": [1], "map": {}}
    assert compile_tree({"a": "{{ omit }}"})(VALUES) == {}
    assert compile_tree({"a": "x {{ omit }}"})(VALUES) == {}
    assert compile_tree({"a": "{{ 1 if n == 4 }}", "b": "{{ 1 if n == 3 else omit }}"})(VALUES) == {"b": 1}


@pytest.mark.parametrize(
    ("when", "kept"),
    [
        ("n == 3", True),
        ("{{ n == 4 }}", False),
        ("omit is defined", False),
        ("omit", False),
        ("m.x", False),
        ("s", True),
    ],
)
def test_when_leaves_its_map_out(when: str, kept: bool) -> None:
    tree = compile_tree({"a": {"$when": when, "b": 1}, "c": [{"$when": when, "d": "{{ n }}"}]})
    assert tree(VALUES) == ({"a": {"b": 1}, "c": [{"d": 3}]} if kept else {"c": []})


def test_an_error_names_its_place_in_the_tree() -> None:
    with pytest.raises(TemplateError, match=r"^payload\.a\.1\.b "):
        compile_tree({"a": [1, {"b": "{{ s - 1 }}"}]})(VALUES)


ESCAPES = [
    ("{{ x.__class__ }}", 5),
    ("{{ x['__class__'] }}", 5),
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", 27),
    ("{{ x.__init__.__globals__ }}", 5),
    ("{{ x._private }}", 5),
    ("{{ x|attr('y') }}", 5),
    ("{{ x|map(attribute='y') }}", 5),
    ("{{ x|map('sha256') }}", 5),
    ("{{ x|select }}", 5),
    ("{{ x|groupby('a') }}", 5),
    ("{{ x|format(1) }}", 5),
    ("{{ x|xmlattr }}", 5),
    ("{{ x|pprint }}", 5),
    ("{{ '{0.a}'.format(x) }}", 11),
    ("{{ '{a}'.format_map(x) }}", 9),
    ("{{ x.format.__globals__ }}", 12),
    ("{{ lipsum() }}", 3),
    ("{{ lipsum.__globals__ }}", 3),
    ("{{ cycler('a') }}", 3),
    ("{{ joiner() }}", 3),
    ("{{ namespace(a=1) }}", 3),
    ("{{ dict(a=1) }}", 3),
    ("{{ range(9) }}", 3),
    ("{{ self }}", 3),
    ("{{ self.x }}", 3),
    ("{{ caller() }}", 3),
    ("{{ loop.index }}", 3),
    ("{{ super() }}", 3),
    ("{{ config }}", 3),
    ("{{ request.environ }}", 3),
    ("{{ context }}", 3),
    ("{{ environment }}", 3),
    ("{{ x.gi_frame() }}", 5),
    ("{{ x() }}", 3),
    ("{{ x.y() }}", 5),
    ("{{ now()() }}", 6),
    ("{{ now(*x) }}", 6),
    ("{{ now(**x) }}", 6),
    ("{{ now(a=1) }}", 6),
    ("{{ (x, 1) }}", 5),
    ("{{ (i for i in x) }}", 6),
    ("{{ lambda: 1 }}", 9),
    ("{{ x := 1 }}", 5),
    ("{% for a in x %}{% endfor %}", 0),
    ("{% macro a() %}{% endmacro %}", 0),
    ("{% include 'x' %}", 0),
    ("{% import 'x' as y %}", 0),
    ("{% extends 'x' %}", 0),
    ("{% set a = 1 %}", 0),
    ("a {# b #}", 2),
    ("{{- x }}", 0),
    ("{{ x -}}", 0),
    ("{{ 2 ** 9 }}", 3),
    ("{{ 'a' * 10**9 }}", 3),
    ("{{ [1] * 9 }}", 3),
    ("{{ '%9999d' % 1 }}", 3),
    ("{{ 'a'.ljust(10**9) }}", 7),
    ("{{ 'a'.center(10**9) }}", 7),
    ("{{ 'a'|center(10**9) }}", 7),
    ("{{ 'a'|indent(10**9) }}", 7),
    ("{{ 'a'|wordwrap(1) }}", 7),
    ("{{ 'a'|replace('a', 'aa') }}", 7),
    ("{{ x|batch(1) }}", 5),
    ("{{ x|slice(10**9) }}", 5),
    ("{{ 'a'|sha256(1) }}", 7),
    ("{{ 1e999 }}", 3),
    ("{{ {1: 2} }}", 4),
    ("{{ x|" + "tojson|" * 30 + "tojson }}", None),
    ("{{ x|" + "b64encode|" * 30 + "sha256 }}", None),
    ("{{ " + "[" * 40 + "]" * 40 + " }}", None),
    ("{{ " + "x+" * 2_000 + "x }}", None),
    ("{{ [" + "x," * 2_000 + "] }}", None),
    ("{{ " + "(" * 20_000 + " }}", None),
    ("{{ " + "9" * 5_000 + " }}", None),
    ("{{ " + "x" * 70_000 + " }}", None),
]


@pytest.mark.parametrize(("text", "offset"), ESCAPES, ids=[text[:40] for text, _ in ESCAPES])
def test_escapes_and_bombs_are_refused_by_check(text: str, offset: int | None) -> None:
    faults = check(text, {"x"})
    assert faults
    assert offset in (None, faults[0].offset)
    assert all(0 <= (fault.offset or 0) <= len(text) for fault in faults)
    shifted = check(f"é😀 {text}", {"x"})
    if len(text) < 65_000:
        assert {(fault.rule, fault.offset + 3) for fault in faults} <= {(fault.rule, fault.offset) for fault in shifted}


@pytest.mark.parametrize("text", ["{{ x[x == 1] }}", "{{ x[x|length - 1] }}", "{{ x[-1] }}", "{{ x[1:][0] }}"])
def test_a_key_that_is_worked_out_as_a_number_is_one(text: str) -> None:
    assert check(text, {"x"}) == []


def test_filters_that_make_text_longer_do_not_nest_deeply() -> None:
    assert check("{{ x|tojson|tojson|tojson }}", {"x"}) == []
    (fault,) = check("{{ ((x|tojson ~ 'a')|tojson|b64encode)|tojson }}", {"x"})
    assert fault.rule == "template-too-big"


def test_all_faults_of_a_template_come_at_once() -> None:
    faults = check("a {{ b }} {{ c|d }} }} {{ e f }}", set())
    assert [(fault.offset, fault.rule) for fault in faults] == [
        (5, "undefined-variable"),
        (13, "undefined-variable"),
        (15, "unknown-filter"),
        (20, "template-syntax"),
        (28, "template-syntax"),
    ]


def test_a_suggestion_for_a_mistyped_word() -> None:
    for text, word in (
        ("{{ modle }}", "'model'"),
        ("{{ model|strng }}", "'string'"),
        ("{{ model is strng }}", "'string'"),
    ):
        assert word in check(text, {"model"})[0].hint


@settings(max_examples=150)
@given(st.text(st.sampled_from("{}%#x.|_'\"\\ ()[]0é:,~-+\n\r"), max_size=25))
def test_any_text_is_checked_without_a_crash(text: str) -> None:
    faults = check(text, {"x"})
    assert all(0 <= (fault.offset or 0) <= len(text) for fault in faults)
    if not faults:
        try:
            compile_leaf(text)({"x": 1})
            compile_text(text)({"x": 1})
        except TemplateError:
            pass


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (0.5, "0.5"), (True, "true"), (1e21, "1e+21"), (-0.0, "-0.0")]
)
def test_values_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [None, [], {}, float("inf"), float("nan"), pytest.param(10**5000, id="huge")])
def test_what_has_no_text(value: Any) -> None:
    with pytest.raises(TemplateError):
        as_text(value)


@pytest.mark.parametrize("value", ["a/b", "..x", "a?b#c", "a:b@c", "é 😀", "%2e%2e", "\\", "a b", "+&="])
def test_a_path_slot_has_no_character_that_means_something(value: str) -> None:
    assert not set(encode_slot(value)) & set("/?#:@ \\é")
    assert compile_text("/{{ x }}", encode_slot)({"x": value}) == f"/{encode_slot(value)}"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_slot_is_no_dot_segment(value: str) -> None:
    with pytest.raises(TemplateError, match="no part of a path"):
        compile_text("/{{ x }}", encode_slot)({"x": value})


def test_names_in_a_tree_are_read_from_expressions_alone() -> None:
    tree = {"$when": "a == 'b'", "c": ["{{ d.e }} f", {"g": "{{ 'h' ~ now() }}"}], "i": "{{ j[k] }}", "l": 5, "m": None}
    assert names_in_tree(tree) == {"a", "d", "j", "k"}
    assert names_in_tree("plain") == frozenset()


def test_literal_text_is_no_template() -> None:
    for text in ("", "{ }", "}}", "{a}", "%}", json.dumps({"a": {}})):
        assert not is_template(text)
        assert compile_leaf(text)({}) == text
