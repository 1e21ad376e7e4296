"""JSON as the standard has it, whatever Python would take."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.json_text import _CONSIDERATE, _JSON, LARGE, MAX_DEPTH, is_json, read_json, read_plain

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_both_readers_give_what_was_written(value: Any) -> None:
    text = json.dumps(value)
    assert read_json(text) == value
    assert _JSON.decode(text) == _CONSIDERATE.decode(text) == value


def test_a_large_text_is_read_as_a_small_one() -> None:
    value = {"a": ["x" * LARGE, 9007199254740993, 0.1, -0.0, {"b": None}, 10**400]}
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NaN", "NaN is no JSON number"),
        ("Infinity", "Infinity is no"),
        ("-Infinity", "-Infinity is no"),
        ("1e999", "beyond every number"),
        ("-1e999", "beyond every number"),
        ("9" * 5000, "4300 digits"),
        ('"a', "Unterminated string"),
        ("[" * 100_000, "nests deeper than 128 levels"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nests deeper"),
        ("[" * 129 + "]" * 129, "nests deeper"),
        ('{"a":[' * 101 + "]}" * 101, "nests deeper"),
    ],
)
def test_what_is_refused(text: str, words: str, large: bool) -> None:
    text = f"[{text}, {' ' * LARGE}1]" if large else text
    with pytest.raises(ValueError, match=words):
        read_json(text)
    assert not is_json(text)


def test_the_depth_is_that_of_containers() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert is_json(text)
    assert is_json("[" + ",".join(["[]"] * 10_000) + "]"), "many are not deep"
    assert is_json(json.dumps("[" * 10_000)), "brackets in text are none"


def test_of_two_keys_of_one_name_the_last_counts() -> None:
    assert read_json('{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


@pytest.mark.parametrize("item", [{"a": True}, 1, 0.5])
def test_a_large_text_lets_other_threads_run(item: Any) -> None:
    """The reader in C gives the interpreter back only where it calls Python: here it does so with each value."""
    text, calls = json.dumps([item] * 90_000), [0]

    def count(frame: object, event: str, arg: object) -> None:
        calls[0] += event == "call"

    assert len(text) > LARGE
    sys.setprofile(count)
    try:
        read_json(text)
    finally:
        sys.setprofile(None)
    assert calls[0] > 90_000


ESCAPES = [r"\ud83d", r"\uDe00", r"\uDBff", r"\udc00", r"\\", "u", "ud83d", "a", r"\n", r"\\ud83d", r"\ud83", r"\uD7ff"]


@given(st.lists(st.sampled_from(ESCAPES), max_size=6))
def test_what_is_plain_holds_no_half_of_a_character(pieces: list[str]) -> None:
    text = f'"{"".join(pieces)}"'
    try:
        value = read_plain(text)
    except (ValueError, StopIteration):
        return
    assert value == read_json(text)
    value.encode()


def test_a_whole_character_in_two_escapes_is_plain() -> None:
    assert read_plain(rb'{"a": "\ud83d\uDE00 \uD83D\ude00"}') == {"a": "😀 😀"}


@pytest.mark.parametrize(("text", "is_plain"), [("{}\r\n\t ", True), ("{} {}", False), ("{}\f", False), (" {}", False)])
def test_blanks_behind_it_are_plain(text: str, is_plain: bool) -> None:
    if is_plain:
        assert read_plain(text) == read_json(text)
        return
    with pytest.raises((ValueError, StopIteration)):
        read_plain(text)
