"""Exit codes, and what each error says on stderr: one line, the next step included, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..errors import EngineError, ProviderError, SpecError, StreamError, TransportError, UsageError

if TYPE_CHECKING:
    from ..messages import Adjustment

FINE, PROBLEMS, USAGE, NETWORK, REFUSED, BROKEN, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 70, 130

BY_ERROR: tuple[tuple[type[EngineError], int], ...] = (
    (UsageError, USAGE),
    (SpecError, USAGE),
    (TransportError, NETWORK),
    (ProviderError, REFUSED),
    (StreamError, BROKEN),
)


def code_of(error: EngineError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in BY_ERROR if isinstance(error, kind)), INTERNAL)


def report(error: BaseException) -> int:
    """Say on stderr what went wrong; the exit code."""
    for kind, tell in _REPORTS:
        if isinstance(error, kind):
            return tell(error)
    if os.environ.get("WIREFILE_DEBUG"):
        raise error
    fault = f"{type(error).__name__}: {one_line(str(error))}"
    say(f"a fault of wirefile itself ({fault}); set WIREFILE_DEBUG=1 to see where, and report it")
    return INTERNAL


def _interrupted(error: BaseException) -> int:
    say("interrupted")
    return INTERRUPTED


def _closed_output(error: BaseException) -> int:
    # What is still buffered has no reader: keep the interpreter from failing on it at exit.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    say("the output was closed before everything was written")
    return INTERRUPTED


def _no_words(error: click.exceptions.NoArgsIsHelpError) -> int:
    say(error.format_message(), prefix="")
    return USAGE


def _wrong_words(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "wirefile"
    say(f"{one_line(error.format_message()).rstrip('.')}; see `{command} --help`")
    return USAGE


def _bad_file(error: SpecError) -> int:
    for problem in error.problems:
        say(str(problem), prefix="")
    return USAGE


def _engine_error(error: EngineError) -> int:
    say(one_line(error.message))
    return code_of(error)


def _system_error(error: OSError) -> int:
    say(f"{error.filename}: {error.strerror}; check the path" if error.filename else f"{error.strerror or error}")
    return USAGE


_REPORTS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], int]], ...] = (
    (click.exceptions.Exit, lambda error: int(error.exit_code)),
    ((KeyboardInterrupt, click.Abort), _interrupted),
    (BrokenPipeError, _closed_output),
    (click.exceptions.NoArgsIsHelpError, _no_words),
    (click.ClickException, _wrong_words),
    (SpecError, _bad_file),
    (EngineError, _engine_error),
    (OSError, _system_error),
)
"""What each kind of error says and which code it gives; the first that fits counts."""


def say(line: str, *, prefix: str = "wirefile: ") -> None:
    """One line on stderr; a closed stderr is no reason to fail."""
    try:
        print(f"{prefix}{line}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def one_line(text: str) -> str:
    """Text without line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def note_adjustments(adjustments: Iterable[Adjustment]) -> None:
    """Say on stderr what was done to parameters; a default is no news."""
    for adjustment in adjustments:
        if adjustment.action != "defaulted":
            say(f"note: {one_line(str(adjustment))}", prefix="")
