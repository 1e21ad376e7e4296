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

FREE_BYTES = 1024 * 1024
MAX_RATIO = 100
"""Beyond the free bytes, what grows more than this is no answer: text shrinks to a fifth, rarely to a tenth."""


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
        self._taken = 0
        self._size = 0
        self._fault: DecodeError | LimitError | None = None
        self._inner = zlib.decompressobj(window)
        self._started = False

    def feed(self, data: bytes) -> bytes:
        """Decompress. Raises LimitError beyond the limit, DecodeError for what is no such coding.

        What came before the fault is given first, so that it does not depend on the cut; then every call raises.
        """
        if self._fault is not None:
            raise self._fault
        out: list[bytes] = []
        self._started = self._started or bool(data)
        try:
            while data:
                data = self._step(data, out)
        except (DecodeError, LimitError) as fault:
            self._fault = fault
            if not any(out):
                raise
        return b"".join(out)

    def _step(self, data: bytes, out: list[bytes]) -> bytes:
        if self._inner.eof:
            self._inner = zlib.decompressobj(self._window)
        before = self._inner.copy()
        try:
            piece = self._inner.decompress(data, STEP)
        except zlib.error as error:
            self._salvage(before, data, out)
            raise DecodeError(f"the compressed body cannot be read: {error}") from None
        rest = self._inner.unconsumed_tail or self._inner.unused_data
        self._count(len(data) - len(rest), piece, out)
        return rest

    def _salvage(self, inner: zlib._Decompress, data: bytes, out: list[bytes]) -> None:
        """zlib gives nothing of a call that fails, so what is before the fault is read byte by byte."""
        for index in range(len(data)):
            try:
                piece = inner.decompress(data[index : index + 1])
            except zlib.error:
                return
            self._count(1, piece, out)

    def _count(self, taken: int, piece: bytes, out: list[bytes]) -> None:
        self._taken += taken
        room = self._limit - self._size
        self._size += len(piece)
        out.append(piece[:room])
        if self._size > self._limit:
            raise LimitError(f"the answer is larger than {self._limit} bytes (limits.body_bytes)")
        if self._size > FREE_BYTES and self._size > self._taken * MAX_RATIO:
            raise LimitError(f"the compressed body grows more than {MAX_RATIO} times; no answer does")

    def finish(self) -> None:
        """Raise TruncatedError when the last member has not ended."""
        if self._fault is not None:
            raise self._fault
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
