"""What a contender is ordered to do, and what it costs: its process's own time and memory, behind a warm-up."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from ..machine import cpu_seconds, forget_peak, memory_bytes, peak_bytes
from .order import Order, Sample
from .tally import Tally


class Contender(Protocol):
    """A way to call the API. Each call adds what it is given to a tally."""

    async def stream(self, tally: Tally) -> None:
        """Read a streamed answer to its end."""

    async def chat(self, tally: Tally) -> None:
        """Ask for the answer in one piece."""

    async def aclose(self) -> None:
        """Close what is open."""


Call = Callable[[Tally], Awaitable[None]]
Way = Callable[[Call, int], Awaitable[list[tuple[Tally, float]]]]
"""How some calls are made: what each has been given, and how long its first piece took."""


async def _timed(call: Call) -> tuple[Tally, float]:
    """The tally of a call, and how long its first piece took."""
    tally, start = Tally(), time.perf_counter()
    await call(tally)
    return tally, tally.first - start


async def _in_turn(call: Call, times: int) -> list[tuple[Tally, float]]:
    return [await _timed(call) for _ in range(times)]


async def _together(call: Call, times: int) -> list[tuple[Tally, float]]:
    return list(await asyncio.gather(*(_timed(call) for _ in range(times))))


async def stream(contender: Contender, order: Order) -> Sample:
    """Streams, one behind the other."""
    return await _measured(_in_turn, contender.stream, order)


async def chat(contender: Contender, order: Order) -> Sample:
    """Whole answers, one behind the other."""
    return await _measured(_in_turn, contender.chat, order)


async def together(contender: Contender, order: Order) -> Sample:
    """Streams, all at once; the warm-up has left one connection, the others are new."""
    return await _measured(_together, contender.stream, order)


ACTS: Mapping[str, Callable[[Contender, Order], Awaitable[Sample]]] = {
    act.__name__: act for act in (stream, chat, together)
}


async def _measured(way: Way, call: Call, order: Order) -> Sample:
    await _in_turn(call, order.warm_up)  # what is imported, compiled and connected at first
    gc.collect()
    forget_peak()
    held, used, start = memory_bytes(), cpu_seconds(), time.perf_counter()
    done = await way(call, order.times)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - used
    tallies, firsts = zip(*done, strict=True)
    return Sample(
        cpu=cpu,
        wall=wall,
        first=statistics.median(firsts),
        memory=max(peak_bytes() - held, 0),
        size=sum(tally.size for tally in tallies),
        count=sum(tally.count for tally in tallies),
    )
