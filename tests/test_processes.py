"""Work in several processes comes back in order, and a failure in one ends the others."""

from __future__ import annotations

import gc
import os
import threading
import time
from multiprocessing import active_children

import pytest

from engine.processes import processors, side_by_side


def squared(number: int) -> int:
    time.sleep(0.02 * (number % 3))  # those that begin first do not end first
    return number * number


def failing(number: int) -> int:
    if number == 1:
        raise ValueError("no ones")
    time.sleep(0.01 if number == 0 else 30)
    return number


def is_there(pid: int) -> bool:
    """Whether a process is there; the pool may wait for it too, so that `is_alive` may not know."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_results_are_in_the_order_of_the_items() -> None:
    assert side_by_side(squared, range(10), 2) == [number * number for number in range(10)]


def test_a_failure_ends_the_work_of_the_others() -> None:
    others = active_children()
    began = time.monotonic()
    with pytest.raises(ValueError, match="no ones"):
        side_by_side(failing, [0, 1, 2, 3], 2)
    assert time.monotonic() - began < 25
    left = [child.pid for child in active_children() if child not in others]
    while any(map(is_there, left)):
        assert time.monotonic() - began < 25
        time.sleep(0.01)
    gc.collect()  # the pool's pipes


def test_the_end_of_the_others_is_told_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    for _ in range(20):
        with pytest.raises(ValueError, match="no ones"):
            side_by_side(failing, range(50), 2)
    assert told == []
    gc.collect()  # the pools' pipes


def test_there_is_a_processor() -> None:
    assert processors() >= 1
