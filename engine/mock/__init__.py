"""A provider file turned into a local server that speaks its wire format. `MockServer` is the door.

What a request must look like is taken from the file's payload (shape.py), what the answer looks like from its examples
(reencode.py); the server (server.py) is a real HTTP server on loopback.
"""

from .server import FAULTS, Fault, MockServer

__all__ = ["FAULTS", "Fault", "MockServer"]
