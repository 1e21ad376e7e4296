"""Tracebacks as those see them who print the locals of every frame: one of the places where a secret could show."""

from __future__ import annotations

import traceback


def with_locals(error: BaseException, *, behind: int = 0) -> str:
    """An error's traceback with what is in the frames, `behind` so many: a test's own may hold what it looks for."""
    trace = error.__traceback__
    for _ in range(behind):
        assert trace is not None
        trace = trace.tb_next
    return "".join(traceback.TracebackException(type(error), error, trace, capture_locals=True).format())


def raised_with(value: object) -> BaseException:
    """An error whose frames hold a value."""

    def inner(argument: object) -> None:
        kept = [argument, {"key": argument}]
        raise ValueError(f"{len(kept)} values")

    try:
        inner(value)
    except ValueError as error:
        return error
    raise AssertionError
