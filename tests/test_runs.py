"""A text that grows by pieces is the same text, in however few pieces it is kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import runs
from engine.runs import Run

PIECES = st.lists(st.sampled_from(["a", "bc", "é", "😀", "\ud83d", "\ude00"]), max_size=30)


def whole(pieces: list[str]) -> str:
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@given(PIECES, st.integers(0, 40), st.integers(1, 5))
@example(["\ud83d", "\ude00", "a", "a"], 1, 5)
@example(["\ud83d", "\ude00", "a", "a"], 2, 5)
@example(["\ud83d", "a", "\ud83d", "\ude00"], 2, 1)
def test_it_is_its_pieces_joined(pieces: list[str], size: int, many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "MANY", many)
        run = Run()
        for number, piece in enumerate(pieces):
            run.add(piece)
            if number % 3 == 0:
                start = run.start(size)
                assert run.text.startswith(start)
                assert len(start) >= size or start == run.text
        assert run.text == whole(pieces)
        assert len(run) <= len("".join(pieces)) // many + 2 * many + 1


def test_pieces_that_were_put_in_by_others_are_packed_too() -> None:
    run = Run(["a"] * (runs.MANY + 1))
    run.pack()
    assert run == ["a" * (runs.MANY + 1)]
    run += ["b"] * runs.MANY
    run.pack()
    assert len(run) == 1 + runs.MANY
    run.add("c")
    assert run == ["a" * (runs.MANY + 1), "b" * runs.MANY + "c"]
