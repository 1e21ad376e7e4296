"""What a test leaves behind in its process: descriptors, threads, child processes, and tasks that the engine began."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import engine

ENGINE = str(Path(engine.__file__).parent)
GRACE: Final = 2.0
"""Seconds in which what is about to end may end: a thread that was told to, a socket that its task closes."""

FDS = "/proc/self/fd"
TASKS = "/proc/self/task"


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: numbers of descriptors, threads, and numbers of child processes."""

    descriptors: frozenset[str]
    threads: frozenset[threading.Thread]
    children: frozenset[str]

    @classmethod
    def now(cls) -> Held:
        """What it holds now; where there is no /proc, threads alone."""
        return cls(_descriptors(), frozenset(threading.enumerate()), _children())

    def left_by(self, later: Held) -> Iterator[str]:
        """In words, what is held later and was not before."""
        for descriptor in later.descriptors - self.descriptors:
            yield f"an open descriptor: {_target(descriptor)}"
        for thread in later.threads - self.threads:
            yield f"a running thread: {thread.name}"
        for child in later.children - self.children:
            yield f"a child process: {_command(child)}"

    def left(self) -> list[str]:
        """What is held now and was not before, once it has had time to end."""
        until = time.monotonic() + GRACE
        while found := list(self.left_by(Held.now())):
            if time.monotonic() > until:
                return found
            time.sleep(0.002)
        return []


def _descriptors() -> frozenset[str]:
    try:
        listing = os.open(FDS, os.O_RDONLY)
    except FileNotFoundError:
        return frozenset()
    os.close(listing)  # the lowest that is free: to list them all takes the same one
    return frozenset(os.listdir(FDS)) - {str(listing)}


def _children() -> frozenset[str]:
    found: set[str] = set()
    with suppress(FileNotFoundError):
        for thread in os.listdir(TASKS):
            with suppress(FileNotFoundError, ProcessLookupError), open(f"{TASKS}/{thread}/children", "rb", 0) as file:
                found.update(file.read().decode().split())
    return frozenset(found)


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"{FDS}/{descriptor}")
    except OSError:
        return descriptor


def _command(child: str) -> str:
    try:
        words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return child
    return words or f"{child}, which has ended and which nobody has waited for"


# --- tasks ---


def unfinished(loop: asyncio.AbstractEventLoop) -> list[str]:
    """The engine's own tasks that a loop has, and its iterators that nobody has closed, when it is about to end."""
    tasks = [(task.get_coro(), "task") for task in asyncio.all_tasks(loop)]
    # One that has come to its end has no frame; a traceback may keep it.
    iterators = [(each, "iterator") for each in getattr(loop, "_asyncgens", ()) if each.ag_frame is not None]
    found = []
    for coroutine, what in (*tasks, *iterators):
        code: Any = getattr(coroutine, "cr_code", None) or getattr(coroutine, "ag_code", None)
        if code is not None and code.co_filename.startswith(ENGINE):
            found.append(f"an unfinished {what}: {code.co_qualname}")
    return found


def watch_loops(found: list[str], patch: pytest.MonkeyPatch) -> None:
    """Add what loops have left to `found`: where `asyncio.run` cancels it, and where a loop is closed with it."""

    def around(end: Callable[[Any], None]) -> Callable[[Any], None]:
        def ended(loop: Any) -> None:
            if not loop.is_closed():
                found.extend(unfinished(loop))
            end(loop)

        return ended

    patch.setattr(asyncio.runners, "_cancel_all_tasks", around(asyncio.runners._cancel_all_tasks))  # type: ignore[attr-defined]  # what run() itself calls
    patch.setattr(asyncio.BaseEventLoop, "close", around(asyncio.BaseEventLoop.close))
