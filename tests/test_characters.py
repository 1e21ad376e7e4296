"""Halves of characters are joined, and nothing that cannot be encoded gets through."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.characters import Characters, half_at_end, printable

HIGH, LOW = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("pieces", "expected", "rest"),
    [
        (["ab", "c"], ["ab", "c"], ""),
        (["a" + HIGH, LOW + "b"], ["a", "😀b"], ""),
        ([HIGH, "", LOW], ["", "", "😀"], ""),
        ([HIGH, "a"], ["", "\ufffda"], ""),
        ([HIGH, HIGH], ["", "\ufffd"], "\ufffd"),
        ([LOW], ["\ufffd"], ""),
        (["a" + HIGH], ["a"], "\ufffd"),
    ],
)
def test_halves(pieces, expected, rest):
    characters = Characters()
    assert [characters.feed(piece) for piece in pieces] == expected
    assert characters.finish() == rest
    assert characters.finish() == ""


@settings(max_examples=200)
@given(st.lists(st.text(alphabet=[HIGH, LOW, "a", "😀", "\ufffd"], max_size=4), max_size=6))
def test_any_cut_says_the_same_and_can_be_encoded(pieces):
    characters = Characters()
    joined = "".join([*map(characters.feed, pieces), characters.finish()])
    assert joined == printable("".join(pieces))
    joined.encode()


def test_the_half_that_a_text_ends_with():
    assert [half_at_end(text) for text in ("", "a", "😀", HIGH, "a" + HIGH, LOW, HIGH + LOW)] == [
        *("", "", "", HIGH, HIGH, "", "")
    ]
