"""How many functions are called for a delta and for a request, counted by cProfile: exact, the same on every machine.

`python -m benchmarks.calls URL DELTAS REQUESTS` prints the calls of a delta and of a request above the transport,
and of a request in all.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
import sys
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Any

from .contenders.ask import KEY, MESSAGES, MODEL

TRANSPORT = {"httpx", "httpcore", "h11", "httptools", "anyio", "sniffio", "aiohttp", "asyncio", "transport"}
"""The folders of what brings the bytes: libraries, Python's own, and the engine's room for it."""
_FILES = {"selectors.py", "socket.py", "ssl.py"}
_C = "~"
"""Where cProfile says that functions in C are."""


def above_transport(profile: cProfile.Profile) -> int:
    """Calls of the engine's functions, and those that these make of what is neither theirs nor the transport's."""
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return sum(_counted(where, calls, callers) for (where, _, _), (_, calls, _, _, callers) in stats.items())


def _counted(where: str, calls: int, callers: dict[Any, Any]) -> int:
    if _is_transport(where) or _is_ours(where):
        return 0
    if "engine" in PurePath(where).parts or where.startswith("<"):
        return calls
    return sum(of[0] for (caller, _, _), of in callers.items() if not _is_transport(caller) and not _is_ours(caller))


def _is_transport(where: str) -> bool:
    path = PurePath(where)
    return not TRANSPORT.isdisjoint(path.parts) or path.name in _FILES


def _is_ours(where: str) -> bool:
    """Whether it is the measurement itself."""
    return "benchmarks" in PurePath(where).parts


async def counted(url: str, deltas: int, requests: int) -> dict[str, float]:
    """The calls of one delta, and of one request."""
    from engine import AsyncClient

    def client(answer: str) -> AsyncClient:
        return AsyncClient(base_urls={"openai": f"{url}/{answer}/v1"}, secrets={"openai": {"api_key": KEY}})

    async with client(f"deltas-{deltas}") as ours:

        async def stream() -> None:
            async with ours.stream("openai", MESSAGES, MODEL) as events:
                async for _ in events:
                    pass

        streamed = await _profile(stream, 1)
    async with client("tiny") as ours:

        async def chat() -> None:
            await ours.chat("openai", MESSAGES, MODEL)

        asked = await _profile(chat, requests)
    return {
        "delta": above_transport(streamed) / deltas,
        "request": above_transport(asked) / requests,
        "request in all": pstats.Stats(asked).total_calls / requests,  # type: ignore[attr-defined]
    }


async def _profile(what: Callable[[], Awaitable[None]], times: int) -> cProfile.Profile:
    """The profile of some calls, behind two that do not count."""
    for _ in range(2):
        await what()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(times):
        await what()
    profile.disable()
    return profile


if __name__ == "__main__":
    print(json.dumps(asyncio.run(counted(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
