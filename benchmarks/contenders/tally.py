"""What a contender has been given, and when the first of it came."""

from __future__ import annotations

import time
from collections.abc import Sized


class Tally:
    """Counts the pieces of one answer. A contender adds each as its own users would meet it."""

    __slots__ = ("count", "first", "size")

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self.first = 0.0

    def add(self, piece: Sized) -> None:
        """A piece of the answer has come."""
        if not self.count:
            self.first = time.perf_counter()
        self.count += 1
        self.size += len(piece)
