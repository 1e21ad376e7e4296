"""What a connection of a FaultServer does, one step after the other. Times are seconds."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Slice:
    """Send these bytes in pieces of random sizes up to `most`; the server's seed decides, so a run can be repeated."""

    data: bytes
    most: int = 64
    pause: float = 0.0005


@dataclass(frozen=True, slots=True)
class Each:
    """Send each byte by itself, with a short pause behind it."""

    data: bytes
    pause: float = 0.0005


@dataclass(frozen=True, slots=True)
class Drip:
    """The same again and again, for as long as the client listens."""

    data: bytes
    pause: float = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """Read one request: its head, and as much body as its content-length says."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Read whatever comes first, once: the start of a TLS handshake, say."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Go on under TLS, with the certificate of this context; a client that does not trust it ends the connection."""

    context: ssl.SSLContext = field(compare=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds; without a number, until `server.release()` or the end of the server."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, until the client goes."""


@dataclass(frozen=True, slots=True)
class RST:
    """End the connection the hard way."""


@dataclass(frozen=True, slots=True)
class FIN:
    """End the connection the polite way, and wait for the client to do the same."""


@dataclass(frozen=True, slots=True)
class Again:
    """Begin with the first step again."""


Step = Send | Slice | Each | Drip | Request | Hello | Tls | Pause | Stall | RST | FIN | Again
