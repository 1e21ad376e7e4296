"""A contender's process: `python -m benchmarks.contenders MODULE:CLASS [HIDDEN...]`.

It says which versions it has, then answers each order on its input with a sample, and ends with its input. The packages
that are hidden are as if they were not installed. No name but the loopback's is looked up: what wants to phone home is
refused.
"""

from __future__ import annotations

import asyncio
import json
import platform
import socket
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..machine import hide, raise_open_files
from .acts import ACTS, Contender
from .order import Order

LOOPBACK = ("127.0.0.1", "localhost", "::1", None)
PACKAGES = ("httpx", "h11", "httptools", "aiohttp", "msgspec", "orjson", "pydantic", "openai")
"""What a contender's speed may come from; the rest of its versions is its own package's."""


def main(place: str, hidden: Sequence[str]) -> None:
    """Answer orders until there are no more."""
    module, name = place.split(":")
    hide(hidden)
    raise_open_files()
    _stay_at_home()
    make = getattr(import_module(f"{__package__}.{module}"), name)
    print(json.dumps({"python": platform.python_version(), **_versions(getattr(make, "packages", ()))}), flush=True)
    for line in sys.stdin:
        print(_answered(make, Order.read(line)), flush=True)


def _answered(make: Callable[[Order], Contender], order: Order) -> str:
    try:
        return asyncio.run(_carried_out(make, order))
    except Exception as error:  # noqa: BLE001  # whatever a contender breaks by is told, and the others go on
        return json.dumps({"error": f"{type(error).__name__}: {error}"[:500]})


async def _carried_out(make: Callable[[Order], Contender], order: Order) -> str:
    contender = make(order)
    try:
        return (await ACTS[order.act](contender, order)).line()
    finally:
        await contender.aclose()


def _versions(more: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in (*PACKAGES, *more):
        try:
            found[package] = version(package) if package not in sys.modules or sys.modules[package] else "hidden"
        except PackageNotFoundError:
            continue
    return found


def _stay_at_home() -> None:
    look_up = socket.getaddrinfo

    def only_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
        if (host.decode() if isinstance(host, bytes) else host) not in LOOPBACK:
            raise socket.gaierror(socket.EAI_NONAME, f"a contender asks for {host!r}; only the loopback is served")
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = only_loopback


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
