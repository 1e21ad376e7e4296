"""How many functions are called for a delta and for a request, counted by cProfile: exact, the same on every machine.

`python -m benchmarks.calls URL DELTAS REQUESTS` prints the calls of a delta and of a request above the transport,
and of a request in all.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import pstats
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import engine

from .contenders.ask import KEY, MESSAGES, MODEL

HERE = str(Path(__file__).resolve().parent) + os.sep
ENGINE = str(Path(engine.__file__).resolve().parent) + os.sep
LIBRARIES = {"httpx", "httpcore", "h11", "httptools", "anyio", "sniffio", "aiohttp", "asyncio"}
_FILES = {"selectors.py", "socket.py", "ssl.py"}


def above_transport(profile: cProfile.Profile) -> int:
    """Calls of the engine's functions, and those that these lead to beside the transport."""
    found: dict[Where, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    callers: dict[Where, dict[Where, int]] = {
        where: {caller: of[0] for caller, of in entry[4].items()}
        for where, entry in found.items()
        if not _is_apart(where)
    }
    led_to = _led_to(callers)
    return sum(
        found[where][1] if _is_engine(where) else sum(calls for caller, calls in of.items() if caller in led_to)
        for where, of in callers.items()
    )


Where = tuple[str, int, str]
"""A function as cProfile names it: file, line, name."""


def _led_to(callers: Mapping[Where, Iterable[Where]]) -> set[Where]:
    """The engine's functions, and all that they call directly or not."""
    found = {where for where in callers if _is_engine(where)}
    while more := {where for where, of in callers.items() if where not in found and not found.isdisjoint(of)}:
        found |= more
    return found


def _is_engine(where: Where) -> bool:
    file = where[0]  # of what is compiled from a provider file, a name in such brackets
    return file.startswith(ENGINE) or (file.startswith("<") and not file.startswith(("<frozen", "<string>")))


def _is_apart(where: Where) -> bool:
    """Whether this is what brings the bytes (libraries, Python's own, the engine's room for it), or the measurement."""
    file = where[0]
    if file.startswith(ENGINE):
        return file.startswith(f"{ENGINE}transport{os.sep}")
    path = PurePath(file)
    return file.startswith(HERE) or not LIBRARIES.isdisjoint(path.parts) or path.name in _FILES


async def counted(url: str, deltas: int, requests: int) -> dict[str, float]:
    """The calls of one delta, and of one request."""

    def client(answer: str) -> engine.AsyncClient:
        return engine.AsyncClient(base_urls={"openai": f"{url}/{answer}/v1"}, secrets={"openai": {"api_key": KEY}})

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
