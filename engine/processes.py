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
            return list(pool.map(work, items))
        except BaseException:
            # Leaving the pool would wait until all that was begun is done.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                if child not in others:
                    child.terminate()
            raise


def _leave_interrupts() -> None:
    """An interrupt is for the process that waits; the others end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
