"""A storm of cancels at random moments and in every manner: afterwards the next calls succeed and nothing is open.

The pool of httpx 0.28 alone loses connections here within some hundred cancels (encode/httpcore#1093).
WIREFILE_STORM=100000 makes it a long one.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest

from engine import AsyncClient, EngineError
from engine.transport.alone import Alone
from tests.faults import fault
from tests.stormserver import MORE, StormServer, descriptors, others, settle, storm_catalog, storm_client

CANCELS = int(os.environ.get("WIREFILE_STORM", "800"))
POOL = 5
AT_ONCE = 8
PATIENCE = ("pool", "connect", "first_byte", "idle", "total")  # no deadline but those of the storm
LARGE = "x" * 6_000_000  # more than the buffers of a loopback connection hold
SHARE = {"storm": 12, "large": 1, "deaf": 3, "tls": 3, "refusing": 4, "job": 5, "guarded": 5}
assert SHARE.keys() == MORE.keys()


async def one_call(client: AsyncClient, name: str, luck: random.Random) -> str:
    words = LARGE if name == "large" else "hi"
    if luck.random() < 0.4:
        await client.chat(name, words)
        return "done"
    async with client.stream(name, words) as stream:
        async for _ in stream:
            if luck.random() < 0.2:
                return "left"
            if luck.random() < 0.1:
                raise ZeroDivisionError
    return "done"


def moment(luck: random.Random) -> Callable[[], Awaitable[None]]:
    """A random moment: some turns of the loop from now, or some milliseconds."""

    async def turns(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    if luck.random() < 0.5:
        count = luck.randrange(150)
        return lambda: turns(count)
    return lambda: asyncio.sleep(a_while(luck))


def a_while(luck: random.Random) -> float:
    """Some milliseconds: mostly few, at times many."""
    return luck.expovariate(1 / 0.012)


# --- the manners of cancelling ---


async def by_hand(call: Awaitable[str], luck: random.Random) -> str:
    """Once, twice or three times."""
    task = asyncio.ensure_future(call)
    await moment(luck)()
    if not task.cancel():
        return await task
    for _ in range(luck.choice([0, 0, 0, 1, 1, 2])):
        for _ in range(luck.randrange(4)):
            await asyncio.sleep(0)
        task.cancel()
    return await task


async def by_timeout(call: Awaitable[str], luck: random.Random) -> str:
    async with asyncio.timeout(a_while(luck)):
        return await call


async def by_wait_for(call: Awaitable[str], luck: random.Random) -> str:
    return await asyncio.wait_for(call, a_while(luck))


async def by_a_sibling(call: Awaitable[str], luck: random.Random) -> str:
    """Another task of its group fails."""

    async def fail() -> None:
        await moment(luck)()
        raise TimeoutError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            return await group.create_task(call)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def by_anyio(call: Awaitable[str], luck: random.Random) -> str:
    """A scope that cancels again at every await, until it is left."""
    with anyio.fail_after(a_while(luck)):
        return await call


MANNERS = [by_hand, by_hand, by_hand, by_timeout, by_wait_for, by_a_sibling, by_anyio]


async def outcome(client: AsyncClient, name: str, luck: random.Random) -> str:
    call: Any = one_call(client, name, luck)
    try:
        return await luck.choice(MANNERS)(call, luck)
    except (asyncio.CancelledError, TimeoutError):
        return "cancelled"
    except ZeroDivisionError:
        return "raised"
    except EngineError as error:
        return f"{type(error).__name__} {error.kind}"
    finally:
        with suppress(RuntimeError):
            call.close()  # one that was cancelled before it began


async def storm(client: AsyncClient, cancels: int) -> Counter[str]:
    luck = random.Random(11)
    outcomes: Counter[str] = Counter()
    names, weights = list(SHARE), list(SHARE.values())

    async def calls() -> None:
        while outcomes["cancelled"] < cancels:
            name = luck.choices(names, weights)[0]
            what = await outcome(client, name, luck)
            outcomes[what] += 1
            outcomes[f"{name}: {what}"] += 1

    await asyncio.gather(*(calls() for _ in range(AT_ONCE)))
    return outcomes


async def nothing_is_left(client: AsyncClient, server: StormServer, own: httpx.AsyncClient | None) -> None:
    pools = [repr(line.client._transport._pool) for line in client._lines._open if isinstance(line, Alone)]
    if own is not None:
        pools = [repr(own._transport._pool)]
    assert client._slots._value == POOL
    assert all("Requests: 0 active, 0 queued | Connections: 0 active" in pool for pool in pools), pools
    assert await settle(lambda: server.open <= POOL), f"{server.open} connections are open, nobody uses them"
    if own is None:
        lines = client._lines
        assert set(lines._idle) == lines._open, "a connection is neither used nor kept"


OWN = [
    pytest.param(
        False,
        CANCELS,
        marks=fault(
            "Cancelling and leaving early",
            "a storm of cancels at random moments, five connections for all calls",
            "the next calls succeed; no connection, slot, task, thread or file descriptor is left",
        ),
        id="our client",
    ),
    pytest.param(
        True,
        max(CANCELS // 4, 200),
        marks=fault(
            "Cancelling and leaving early",
            "such a storm through an `httpx.AsyncClient` of the caller's own, limited to five connections",
            "the next calls succeed; its pool has lost nothing",
        ),
        id="the caller's own",
    ),
]


@pytest.mark.parametrize(("is_own", "cancels"), OWN)
def test_a_storm_of_cancels_leaves_nothing_behind(tmp_path, is_own, cancels):
    catalog = storm_catalog(tmp_path)

    async def run() -> Counter[str]:
        limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
        own = httpx.AsyncClient(limits=limits, trust_env=False) if is_own else None
        options = {"max_connections": POOL, "http_client": own, "timeout": dict.fromkeys(PATIENCE, 3600)}
        async with StormServer() as server, storm_client(catalog, server, **options) as client:
            start = others()
            outcomes = await storm(client, cancels)
            assert await settle(lambda: others() - server.tasks == start)
            await nothing_is_left(client, server, own)
            server.calm = True
            server.TOKEN_SECONDS = 3600
            names = ["storm", "job", "guarded", "refusing"] * 5
            answers = await asyncio.wait_for(asyncio.gather(*(client.chat(name, "hi") for name in names)), 20)
            assert [answer.text for answer in answers] == ["hello" * 3] * 20
            await nothing_is_left(client, server, own)
            await client.aclose()
            if own is not None:
                await own.aclose()
            assert await settle(lambda: server.open == 0), f"{server.open} connections were never closed"
            assert await settle(lambda: others() == start)
            assert server.asked["DELETE /begin/1"] > 0, "no job was taken back"
            return outcomes

    before = (descriptors(), threading.active_count())
    outcomes = asyncio.run(run())
    gc.collect()
    assert (descriptors(), threading.active_count()) == before
    if CANCELS > 10_000:
        print(dict(sorted(outcomes.items())))
    assert outcomes["cancelled"] >= cancels
    missing = [name for name in SHARE if not outcomes[f"{name}: cancelled"]]
    assert not missing, f"no call was cancelled in {missing}"
    errors = {what for what in outcomes if ":" not in what and "Error" in what}
    assert errors <= {"ProviderError unavailable"}, "only the one that always refuses may say so"
