from __future__ import annotations

from typing import Any

import pytest

from engine.errors import EngineError
from engine.loader.appended import with_example

NEW: dict[str, Any] = {"name": "b", "call": {"messages": "hi"}}
ADDED = "# note\n{margin}- name: b\n{margin}  call: {{messages: hi}}"


def added(text: str) -> str:
    """What is added to a text; nothing else may differ."""
    after = with_example(text, "f.yaml", NEW, "note")
    length = len(after) - len(text)
    at = next((at for at, char in enumerate(text) if after[at] != char), len(text))
    while not after[at:].startswith(
        (",", "\r" if "\r" in text else "\n")
    ):  # the text may go on as what is added begins
        at -= 1
    assert after[at + length :] == text[at:], "the rest of the text is not what it was"
    return after[at : at + length]


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("examples:\n  - name: a\n", "  "),
        ("examples:\n- name: a", ""),
        ("examples:\n    -   name: a   # why\n\n# the end\n", "    "),
        ("examples:\n  - name: a\n    call: [1, {x: 2}]\nurl: x\n", "  "),
        ("examples:\n  - {name: a}  # one\n  # two\nurl: x\n", "  "),
        ("examples:\n  -\n    name: a\n", "  "),
        ("examples:\n  - name: a\n    text: |\n      one\n\n      two\n\nurl: x\n", "  "),
        ("examples:\n  - name: a\n    text: >-\n      one\n\n", "  "),
        ("examples:\n  - name: a\n    text: 'one\n      two'\n", "  "),
        ("examples:\n  - name: a\n    text: one\n      two # not text\n", "  "),
        ("examples:\n  - name: a\n    nothing:\nurl: x\n", "  "),
        ("examples:\n  - name: a\n    empty: {}\n", "  "),
    ],
)
def test_behind_the_last_example(text: str, margin: str) -> None:
    assert added(text).strip() == ADDED.format(margin=margin)


def test_line_ends_are_those_of_the_file() -> None:
    assert added("examples:\r\n  - name: a\r\n") == "\r\n  # note\r\n  - name: b\r\n    call: {messages: hi}"


def test_in_brackets() -> None:
    assert added("examples: [{name: a}]\n") == ",\n  # note\n  {name: b, call: {messages: hi}}"


def test_the_first_example_of_a_file() -> None:
    assert added("name: x\nurl: y  # z\n") == "\nexamples:\n  " + ADDED.format(margin="  ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("examples: []\n", "no list with an example"),
        ("examples: {}\n", "no list with an example"),
        ("{name: x}\n", "in braces"),
        ("- a\n", "no map"),
        ("examples: [\n", "never closed"),
        ("examples:\n  - name: a\nx: &b 1\n", "anchor"),
    ],
)
def test_a_file_that_it_cannot_go_into(text: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        with_example(text, "f.yaml", NEW, "note")
