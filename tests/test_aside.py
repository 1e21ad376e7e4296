"""Work beside the event loop: its result, its error, and what a cancel does."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from engine.aside import HEAVY_WEIGHT, PIECE, Turns, aside, is_heavy, pieces
from engine.messages import Message


def test_work_is_done_in_a_thread_that_ends_with_it():
    before = set(threading.enumerate())
    loop_thread = threading.get_ident()

    async def run() -> None:
        assert await aside(threading.get_ident) != loop_thread
        with pytest.raises(ZeroDivisionError):
            await aside(lambda: 1 // 0)

    asyncio.run(run())
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
        assert not thread.is_alive()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("fails", [False, True])
def test_a_cancel_waits_for_the_end_of_the_work_and_passes_unchanged(times, fails):
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(2)
        ended.set()
        if fails:
            raise ZeroDivisionError

    async def run() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        task = asyncio.ensure_future(aside(work))
        await asyncio.sleep(0.01)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()
        assert not complaints

    asyncio.run(run())


def test_a_timeout_around_the_work_is_a_timeout():
    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await aside(time.sleep, 0.05)
        await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_are_the_whole(size):
    data = bytes(range(256)) * (size // 256 + 1)
    cut = list(pieces(data[:size]))
    assert b"".join(cut) == data[:size]
    assert all(len(piece) <= PIECE for piece in cut)


LOOP: list[object] = []
LOOP += [LOOP, LOOP]


@pytest.mark.parametrize(
    ("value", "heavy"),
    [
        ("x" * 1000, False),
        ("x" * 10_000_000, True),
        ([{"role": "user", "content": "hi"}] * 100, False),
        ([{"role": "user", "content": "hi"}] * 10_000, True),
        ([Message("user", "x" * 10_000_000)], True),
        ([Message("user", ({"type": "text", "text": "x" * 10_000_000},))], True),
        ({"tools": [{"a": list(range(HEAVY_WEIGHT))}]}, True),
        (LOOP, True),
        (object(), False),
        (None, False),
        (5, False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_heavy(value, heavy):
    assert is_heavy(value, {}) is heavy


# --- turns -----------------------------------------------------------------------------------------------------------


def test_those_that_begin_at_once_go_on_in_the_order_in_which_they_came():
    turns, order, seen = Turns(), [], []

    async def one(number: int) -> None:
        await turns.own()
        order.append(number)
        time.sleep(0.003)  # as if something were computed

    async def other() -> None:
        while len(order) < 40:
            seen.append(len(order))
            await asyncio.sleep(0)

    async def run() -> None:
        await asyncio.gather(*(one(number) for number in range(40)), other())

    asyncio.run(run())
    assert order == list(range(40))
    most = max(after - before for before, after in pairwise([*seen, 40]))
    assert most <= Turns.AT_ONCE, "another task ran in between"


def test_one_that_is_cancelled_in_the_row_keeps_nobody_waiting():
    async def run() -> None:
        turns = Turns()
        tasks = [asyncio.ensure_future(turns.own()) for _ in range(30)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
        assert [type(one) for one in done].count(asyncio.CancelledError) >= 11
        await asyncio.wait_for(turns.own(), 1)

    asyncio.run(run())


def test_a_turn_with_time_left_is_not_waited_for():
    async def run() -> None:
        turns = Turns()
        await turns.own()
        coroutine = turns.own()
        with pytest.raises(StopIteration):
            coroutine.send(None)

    asyncio.run(run())
