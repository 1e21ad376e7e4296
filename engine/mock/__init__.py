"""A provider file turned into a local server that speaks its wire format. `MockServer` is the door.

What a request must look like is taken from the file's payload (shape.py), what the answer looks like from its examples
(reencode.py); answers.py says which it is, and the server (server.py) is a real HTTP server on loopback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from .server import MockServer

Fault = Literal["busy", "cut", "stall", "reset"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

__all__ = ["FAULTS", "Fault", "MockServer"]


def __getattr__(name: str) -> Any:
    if name == "MockServer":  # the server is loaded when one is made, not when the faults are listed
        from .server import MockServer

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
