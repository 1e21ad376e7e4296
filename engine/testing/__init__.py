"""A scripted server on loopback for the faults that no HTTP library commits, to test a client of any API with.

    >>> from engine import Catalog, Client
    >>> from engine.testing import RST, FaultServer, Send, head
    >>> from engine.errors import EngineError
    >>> with FaultServer([Send(head()), Send(b"Half an ans"), RST()]) as server:
    ...     with Client(base_urls={"acytoo": server.url}) as client:
    ...         try:
    ...             client.chat("acytoo", "Hi")
    ...         except EngineError as error:
    ...             print(error.kind, error.partial.text)
    lost Half an ans

`FaultServer` takes connections, each a list of steps (steps.py). What clients sent, and what they left open, is in its
journal. responses.py makes the bytes of responses, honest ones and lies. Standard library only.
"""

from __future__ import annotations

from .responses import LAST, chunk, chunked, deflated, gzipped, head, lie, sse, whole
from .server import FaultServer, Journal, Received
from .steps import FIN, RST, Again, Drip, Each, Hello, Pause, Request, Send, Slice, Stall, Step, Tls

__all__ = [
    "FIN",
    "LAST",
    "RST",
    "Again",
    "Drip",
    "Each",
    "FaultServer",
    "Hello",
    "Journal",
    "Pause",
    "Received",
    "Request",
    "Send",
    "Slice",
    "Stall",
    "Step",
    "Tls",
    "chunk",
    "chunked",
    "deflated",
    "gzipped",
    "head",
    "lie",
    "sse",
    "whole",
]
