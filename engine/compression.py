"""Content codings of a response body, bounded and checked to their end.

Requests ask for `identity`; a server that compresses all the same is understood for gzip and deflate (RFC 9110 8.4.1).
A compressed body that is cut is a truncated answer, even where HTTP's own framing is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from .errors import DecodeError, LimitError, TruncatedError

STEP = 256 * 1024
"""How much is decompressed at a time, so that a bomb meets the limit before it fills the memory."""


class Decompressor(Protocol):
    """Bytes in, bytes out."""

    def feed(self, data: bytes) -> bytes:
        """Decompress the next bytes."""

    def finish(self) -> None:
        """Raise TruncatedError when the coded body has not ended."""


class Identity:
    """A body that is not compressed."""

    def feed(self, data: bytes) -> bytes:
        """The bytes as they are."""
        return data

    def finish(self) -> None:
        """Nothing to check."""


class Zlib:
    """gzip (also of several members) or deflate."""

    def __init__(self, window: int, limit: int) -> None:
        self._window = window
        self._limit = limit
        self._size = 0
        self._inner = zlib.decompressobj(window)
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """Decompress. Raises LimitError beyond the limit, DecodeError for what is no such coding."""
        out: list[bytes] = []
        self._started = self._started or bool(data)
        try:
            while data:
                if self._inner.eof:
                    self._inner = zlib.decompressobj(self._window)
                piece = self._inner.decompress(data, STEP)
                self._size += len(piece)
                if self._size > self._limit:
                    raise LimitError(f"the answer is larger than {self._limit} bytes (limits.body_bytes)")
                out.append(piece)
                data = self._inner.unconsumed_tail or self._inner.unused_data
        except zlib.error as error:
            raise DecodeError(f"the compressed body cannot be read: {error}") from None
        return b"".join(out)

    def finish(self) -> None:
        """Raise TruncatedError when the last member has not ended."""
        if self._started and not self._inner.eof:
            raise TruncatedError("the compressed body broke off")


CODINGS: Mapping[str, Callable[[int], Decompressor]] = {
    "": lambda limit: Identity(),
    "identity": lambda limit: Identity(),
    "gzip": lambda limit: Zlib(16 + zlib.MAX_WBITS, limit),
    "x-gzip": lambda limit: Zlib(16 + zlib.MAX_WBITS, limit),
    "deflate": lambda limit: Zlib(zlib.MAX_WBITS, limit),
}


def decompressor(content_encoding: str, limit: int) -> Decompressor:
    """The decompressor for a `content-encoding`. Raises DecodeError for one that we did not ask for and do not know."""
    coding = content_encoding.strip().lower()
    if coding not in CODINGS:
        raise DecodeError(f"the answer is coded as {coding[:40]!r}, which was not asked for")
    return CODINGS[coding](limit)
