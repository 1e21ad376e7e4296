from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.comparison import same
from engine.errors import Problems
from engine.loader.source import Source
from engine.loader.splice import NotSplicedError, spliced
from engine.loader.yamlout import yaml_text
from engine.loader.yamltext import Document, read


def document(text: str) -> Document:
    problems = Problems()
    found = read(Source("x.yaml", text), problems)
    assert not problems.found
    return found


def changed(text: str, **values: Any) -> str:
    """The text with other values under keys at its top."""
    before = document(text)
    return spliced(before, {**before.data, **values})


@pytest.mark.parametrize(
    ("text", "values", "after"),
    [
        ("a: 1  # one\nb: 2\n", {"a": 3}, "a: 3  # one\nb: 2\n"),
        ("a: x\n", {"a": "yes"}, 'a: "yes"\n'),
        ("a: x\n", {"a": "p, q: [r]"}, 'a: "p, q: [r]"\n'),
        ("a: x\n", {"a": "p, https://q"}, "a: p, https://q\n"),
        ("{a: x, b: y}\n", {"a": "https://q", "b": "p, q"}, '{a: https://q, b: "p, q"}\n'),
        ("{a: x, b: y}\n", {"a": "on", "b": "p]"}, '{a: "on", b: "p]"}\n'),
        ("a: x\n", {"a": None}, "a: null\n"),
        ("a:\nb: 2\n", {"a": "x"}, "a: x\nb: 2\n"),
        ('a: "x"\n', {"a": "y"}, 'a: "y"\n'),
        ('a: "x"\n', {"a": "y\n\u2028\x85"}, 'a: "y\\n\\u2028\\u0085"\n'),
        ("a: 'x'\n", {"a": "it's"}, "a: 'it''s'\n"),
        ("a: 'x'\n", {"a": "1\n2"}, 'a: "1\\n2"\n'),
        ("a: |  # text\n  one\n  two\nb: 1\n", {"a": "two\n\nthree\n"}, "a: |  # text\n  two\n\n  three\nb: 1\n"),
        ("a: |\n  one\nb: 1\n", {"a": "two"}, "a: |-\n  two\nb: 1\n"),
        ("a: |\n  one\n# end\nb: 1\n", {"a": " two\n"}, 'a: " two\\n"\n# end\nb: 1\n'),
        ("a: >\n  one\n  two\n", {"a": "three\n"}, "a: >\n  three\n"),
        ("a: >-\n  one\n", {"a": "three\nfour"}, "a: |-\n  three\n  four\n"),
        ("a: {b: 1, c: 2}  # d\n", {"a": {"b": 1, "c": 3}}, "a: {b: 1, c: 3}  # d\n"),
        ("a: {b: 1, c: 2}\n", {"a": {"b": 1}}, "a: {b: 1}\n"),
        ("a: {b: 1, c: 2}\n", {"a": {"c": 2}}, "a: {c: 2}\n"),
        ("a: {b: 1, c: 2, d: 3}\n", {"a": {"b": 1, "e": 4}}, "a: {b: 1, e: 4}\n"),
        ("a: {b: 1}\n", {"a": {"b": 1, "c": {"d": [1, "x"]}}}, "a: {b: 1, c: {d: [1, x]}}\n"),
        ("a: {}\n", {"a": {"b": 1}}, "a: {b: 1}\n"),
        ("a: [1, 2, 3]\n", {"a": [1]}, "a: [1]\n"),
        ("a: [1]\n", {"a": []}, "a: []\n"),
        ("a: [1, 2,]\n", {"a": [1, 2, 3]}, "a: [1, 2, 3,]\n"),
        ("a: [\n  1,  # one\n  2   # two\n]\n", {"a": [1, 4]}, "a: [\n  1,  # one\n  4   # two\n]\n"),
        (
            "a:\n  b: 1  # one\n  # about c\n  c: 2\nd: 3\n",
            {"a": {"b": 1, "c": 2, "e": 4}},
            "a:\n  b: 1  # one\n  # about c\n  c: 2\n  e: 4\nd: 3\n",
        ),
        ("a:\n  b: 1  # one\n  c: 2  # two\nd: 3\n", {"a": {"b": 1}}, "a:\n  b: 1  # one\nd: 3\n"),
        ("a:\n  b: 1\n\n  # left\nd: 3\n", {"a": {"b": 1, "c": 2}}, "a:\n  b: 1\n  c: 2\n\n  # left\nd: 3\n"),
        ("a:\n  - 1  # one\n  - 2\nd: 3\n", {"a": [1, 2, {"x": 1}]}, "a:\n  - 1  # one\n  - 2\n  - {x: 1}\nd: 3\n"),
        ("a:\n  - 1\n  - 2\nd: 3\n", {"a": [1]}, "a:\n  - 1\nd: 3\n"),
        ("a:\n  - b: 1\n    c: 2\nd: 3\n", {"a": [{"c": 2}]}, "a:\n  - c: 2\nd: 3\n"),
        ("a:\n  b: 1\nd: 3", {"a": {"c": 2}, "d": 4}, "a:\n  c: 2\nd: 4"),
        ("a:\n  b: 1", {"a": {"b": 1, "c": 2}}, "a:\n  b: 1\n  c: 2"),
        ("a: 1\r\nb:\r\n  c: 1\r\n", {"a": 2, "b": {"c": 1, "d": 2}}, "a: 2\r\nb:\r\n  c: 1\r\n  d: 2\r\n"),
        ("a: |\r\n  one\r\nb: 1\r\n", {"a": "two\nthree\n"}, "a: |\r\n  two\r\n  three\r\nb: 1\r\n"),
        ("a: 1\nb: Привет 🙂  # ✓\nc: 2\n", {"a": 2, "c": 3}, "a: 2\nb: Привет 🙂  # ✓\nc: 3\n"),
        ("a: [{b: 1}]\n", {"a": "x"}, "a: x\n"),
        ("a:\n  b: 1\nc: 2\n", {"a": "x"}, "a:\n  x\nc: 2\n"),
    ],
)
def test_only_what_differs_is_written(text: str, values: dict[str, Any], after: str) -> None:
    assert changed(text, **values) == after


def test_a_long_entry_is_a_block() -> None:
    long = {f"key{number}": "word " * 5 for number in range(6)}
    after = changed("a:\n  b: 1\nc: 2\n", a={"b": 1, "new": long})
    assert after.startswith("a:\n  b: 1\n  new:\n    key0: ")
    assert after.endswith("\nc: 2\n")


def test_a_text_that_would_not_say_the_same_is_refused() -> None:
    kept_blank_lines = "a:\n  b: |+\n    one\n\n\nc: 2\n"
    with pytest.raises(NotSplicedError):
        changed(kept_blank_lines, a={"b": "one\n\n\n", "d": 1})


SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab :#,-'\"\n{[é✓", max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inside, max_size=3),
    max_leaves=10,
)
MAPS = st.dictionaries(st.sampled_from("abcd"), TREES, min_size=1, max_size=3)


@given(MAPS, MAPS, st.booleans())
def test_any_data_becomes_any_other(old: dict[str, Any], new: dict[str, Any], flow: bool) -> None:
    before = document(yaml_text(old, width=0, flow=flow) + "\n")
    assert same(before.data, old)
    assert same(document(spliced(before, deepcopy(new))).data, new)
