"""A source line and its caret: the window, the widths, and nothing that steers a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.excerpt import WINDOW, excerpt


def caret(line: str, column: int, window: int = WINDOW) -> str:
    """What a terminal shows, the caret under it as a second line."""
    shown, cells = excerpt(line, column, window)
    return f"{shown}\n{' ' * cells}^"


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("url: x", 1, "url: x\n^"),
        ("url: x", 6, "url: x\n     ^"),
        ("url:", 5, "url:\n    ^"),
        ("url:", 99, "url:\n    ^"),
        ("\tworking", 1, "    working\n^"),
        ("\tworking", 2, "    working\n    ^"),
        ("株式 x", 4, "株式 x\n     ^"),
        ("株式 x", 2, "株式 x\n  ^"),
        ("e\u0301e\u0301 x", 6, "e\u0301e\u0301 x\n   ^"),
        ("e\u0301 x", 2, "e\u0301 x\n^"),  # a mark stands on its letter
        ("😀 x", 3, "😀 x\n   ^"),
        ("\x1b[31m\x00\u202ex", 8, "\ufffd[31m\ufffd\ufffdx\n       ^"),
    ],
)
def test_the_caret_is_under_the_character(line: str, column: int, expected: str) -> None:
    assert caret(line, column) == expected


def test_of_a_long_line_a_window_is_shown() -> None:
    line = "a" * 500 + "!" + "b" * 500
    for column, shape in ((501, r"…a+!b+…"), (1, r"a+…"), (1001, r"…b+")):
        shown, cells = excerpt(line, column)
        assert WINDOW - 1 <= len(shown) <= WINDOW
        assert re.fullmatch(shape, shown)
        assert shown[cells] == line[column - 1]


@given(
    st.text(st.sampled_from("ab \t株e\u0301\u0300\x00\x1b\u202e😀…"), min_size=1, max_size=400),
    st.integers(0, 399),
    st.sampled_from([20, 80, WINDOW]),
)
def test_any_line_fits_and_steers_nothing(line: str, at: int, window: int) -> None:
    column = at % len(line) + 1
    shown, cells = excerpt(line, column, window)
    assert len(shown) <= window
    assert shown.isprintable()
    wide = {"株": 2, "😀": 2, "\u0301": 0, "\u0300": 0}
    assert sum(wide.get(char, 1) for char in shown) <= window
    # The character that stands behind `cells` cells is the one of the column, or the one that its mark stands on.
    position, here = 0, ""
    for char in shown:
        if position >= cells and wide.get(char, 1):
            here = char
            break
        position += wide.get(char, 1)
    asked = line[: column + 1][:column].rstrip("\u0301\u0300")[-1:]
    if asked and asked == line[column - 1]:
        assert here == (" " if asked == "\t" else asked if asked.isprintable() else "\ufffd")
