"""Connections that wait for another call, the one used last first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

REST_SECONDS = 0.002
"""How long a connection is left alone between two calls of many."""
NEW_SECONDS = 0.02
"""How long it is watched behind the first streams of an origin."""
MAX_ORIGINS = 64
"""Of how many origins it is known that their connections outlast a stream."""


class Kept(Protocol):
    """A connection."""

    kept_at: float
    """Since when nobody uses it, in monotonic seconds."""

    @property
    def was_streamed(self) -> bool:
        """Whether its last answer came in chunks, of no length that was known at its begin."""


L = TypeVar("L", bound=Kept)


class Shelf(Generic[L]):
    """Connections by their origins, `most` of them and none for long. What is taken down is the taker's to close."""

    IDLE_SECONDS = 5.0
    """How long a connection is kept for the next call; httpx's own figure."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: deque[tuple[str, L]] = deque()
        self._lasting: set[str] = set()

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[L]:
        return (line for _, line in self._held)

    def put(self, origin: str, line: L) -> None:
        """Keep a connection from now on."""
        line.kept_at = time.monotonic()
        self._held.append((origin, line))

    def take(self, origin: str, kind: type = object) -> L | None:
        """One, of a kind, that leads there; None where there is none."""
        for index in range(len(self._held) - 1, -1, -1):
            if self._held[index][0] == origin and isinstance(self._held[index][1], kind):
                line = self._held[index][1]
                del self._held[index]
                return line
        return None

    def rest(self, origin: str, line: L, *, is_busy: bool) -> float:
        """For how many seconds one that was taken down, on which nothing has come, is still left alone.

        A server that closes behind its answer without saying so takes a moment for it, and what it is sent meanwhile is
        lost; whether it was read by then, nobody knows. So where many calls wait for few connections each rests; and
        some servers, llama.cpp's is one, do so behind every stream: until one of an origin's has outlasted that, too.
        """
        since = time.monotonic() - line.kept_at
        is_new = line.was_streamed and origin not in self._lasting
        left = (NEW_SECONDS if is_new else REST_SECONDS if is_busy else 0.0) - since
        if is_new and left <= 0:
            self._lasting = {origin, *self._lasting} if len(self._lasting) < MAX_ORIGINS else {origin}
        return max(left, 0.0)

    def stale(self) -> Iterator[L]:
        """Take down those that were kept for too long, or are too many."""
        oldest = time.monotonic() - self.IDLE_SECONDS
        while self._held and (self._held[0][1].kept_at < oldest or len(self._held) > self._most):
            yield self._held.popleft()[1]

    def all(self) -> list[L]:
        """Take down every one."""
        lines = [line for _, line in self._held]
        self._held.clear()
        return lines
