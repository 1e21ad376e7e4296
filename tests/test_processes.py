"""Work in several processes comes back in order, and a failure in one ends the others."""

from __future__ import annotations

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


def test_results_are_in_the_order_of_the_items() -> None:
    assert side_by_side(squared, range(10), 2) == [number * number for number in range(10)]


def test_a_failure_ends_the_work_of_the_others() -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="no ones"):
        side_by_side(failing, [0, 1, 2, 3], 2)
    assert time.monotonic() - began < 20
    assert not [child for child in active_children() if child.is_alive() and child.join(5) is None and child.is_alive()]


def test_there_is_a_processor() -> None:
    assert processors() >= 1
