"""What went over the wire in one call, kept as it was: each request with the head and the pieces of its reply.

The exchange writes it and knows nothing of what it is for. It holds secrets: nothing here is to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import EngineError
from .secrets import Secret
from .spec import Read
from .wire import ResponseHead, WireRequest

MAX_BYTES = 1024 * 1024
"""How much of a call's replies is kept; of a longer call nothing more is."""


@dataclass(slots=True)
class Take:
    """One request and the reply to it. What is read of it for later requests is in `reads`."""

    wire: WireRequest = field(repr=False)
    kind: Literal["token", "step", "main"]
    is_shared: bool = False
    reads: tuple[Read, ...] = ()
    head: ResponseHead | None = field(default=None, repr=False)
    chunks: list[bytes] = field(default_factory=list, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a take is not pickled: a server may have said the key again")


@dataclass(slots=True)
class Tape:
    """The requests of one call that count: of those that were tried again, the last. `error` is how the call failed."""

    takes: list[Take] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    has_ended: bool = False
    error: EngineError | None = None
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether more came than is kept."""
        return self.size > MAX_BYTES

    def sent(self, take: Take) -> None:
        """A request is about to be sent."""
        self.takes.append(take)

    def head(self, head: ResponseHead) -> None:
        """The reply to it begins."""
        self.takes[-1].head = head

    def feed(self, data: bytes) -> None:
        """The next bytes of the reply."""
        self.size += len(data)
        if not self.is_full:
            self.takes[-1].chunks.append(data)

    def forget(self, *, shared: bool = False) -> None:
        """The last request is sent once more; with `shared`, so are those before it that fetch what calls share."""
        self.takes = [take for take in self.takes[:-1] if not (shared and take.is_shared)]

    def ended(self, error: EngineError | None = None) -> None:
        """The call is over."""
        self.has_ended, self.error = True, error

    def hide(self, secrets: Iterable[Secret]) -> None:
        """What must not be shown of it."""
        known = {secret.reveal() for secret in self.secrets}
        self.secrets += [secret for secret in secrets if secret.reveal() not in known]
