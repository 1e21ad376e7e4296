"""Work on many things in several processes, which end with the one that waits for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """What comes of each item, in their order; `work` and all that goes in and out can be pickled."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children

    others = active_children()
    with ProcessPoolExecutor(workers, initializer=_leave_interrupts) as pool:
        try:
            results = [pool.submit(work, item) for item in items]
            return [result.result() for result in results]
        except BaseException:
            # Leaving the pool would wait until all that was begun is done. Nothing is cancelled, as `pool.map` would:
            # the pool's thread gives each result the end of its process, and dies, told aloud, at one that has its end.
            for child in active_children():
                if child not in others:
                    child.terminate()
            raise


def _leave_interrupts() -> None:
    """An interrupt is for the process that waits; the others end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
