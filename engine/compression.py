"""Content codings of a response body, bounded and checked to their end.

Requests ask for `identity`; a server that compresses all the same is understood for gzip and deflate (RFC 9110 8.4.1),
and for one of them in the other.
A compressed body that is cut is a truncated answer, even where HTTP's own framing is whole.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Protocol

from .characters import quoted
from .errors import DecodeError, LimitError, TruncatedError

STEP = 256 * 1024
"""How much is decompressed at a time, so that a bomb meets the limit before it fills the memory."""

SLICE = 16 * 1024
"""How much of what one coding gives is passed on to the next at a time, for the same reason."""

TAKEN = 8 * 1024
"""How much is given to zlib at a time: of many small members each gives back all that is behind it."""

FREE_BYTES = 1024 * 1024
MAX_CODINGS = 2
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


class _Bounded(ABC):
    """What decompresses within bounds, up to its first fault.

    What came before the fault is given first, so that it does not depend on the cut; then every call raises.
    """

    _fault: DecodeError | LimitError | None = None

    def feed(self, data: bytes) -> bytes:
        """Decompress. Raises LimitError beyond the bounds, DecodeError for what is no such coding."""
        if self._fault is not None:
            raise self._fault
        out: list[bytes] = []
        try:
            self._feed(data, out)
        except (DecodeError, LimitError) as fault:
            self._fault = fault
            if not any(out):
                raise
        return b"".join(out)

    def finish(self) -> None:
        """Raise TruncatedError when the coded body has not ended."""
        if self._fault is not None:
            raise self._fault
        self._finish()

    @abstractmethod
    def _feed(self, data: bytes, out: list[bytes]) -> None:
        """Add what the next bytes decompress to."""

    @abstractmethod
    def _finish(self) -> None:
        """Raise TruncatedError when the coded body has not ended."""


class Zlib(_Bounded):
    """gzip (also of several members) or deflate."""

    def __init__(self, window: int, limit: int) -> None:
        self._window = window
        self._limit = limit
        self._taken = 0
        self._size = 0
        self._inner = zlib.decompressobj(window)
        self._started = False

    def _feed(self, data: bytes, out: list[bytes]) -> None:
        self._started = self._started or bool(data)
        for start in range(0, len(data), TAKEN):
            rest = data[start : start + TAKEN]
            while rest:
                rest = self._step(rest, out)

    def _step(self, data: bytes, out: list[bytes]) -> bytes:
        if self._inner.eof:
            self._inner = zlib.decompressobj(self._window)
        before = self._inner.copy()
        try:
            piece = self._inner.decompress(data, STEP - self._size % STEP)
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
        # Looked at where a step is full, and nowhere else: in between, the ratio follows the cut.
        if not self._size % STEP:
            _check_ratio(self._taken, self._size)

    def _finish(self) -> None:
        if self._started and not self._inner.eof:
            raise TruncatedError("the compressed body broke off")


class Stacked(_Bounded):
    """A coding in another one, as where a cache compresses what was compressed before it. The ratio bounds both."""

    def __init__(self, outer: Decompressor, inner: Decompressor) -> None:
        self._outer = outer
        self._inner = inner
        self._taken = 0
        self._size = 0

    def _feed(self, data: bytes, out: list[bytes]) -> None:
        self._taken += len(data)
        between = self._outer.feed(data)
        for start in range(0, len(between), SLICE):
            piece = self._inner.feed(between[start : start + SLICE])
            self._size += len(piece)
            out.append(piece)
            _check_ratio(self._taken, self._size)

    def _finish(self) -> None:
        self._outer.finish()
        self._inner.finish()


def _check_ratio(taken: int, size: int) -> None:
    if size > FREE_BYTES and size > taken * MAX_RATIO:
        raise LimitError(f"the compressed body grows more than {MAX_RATIO} times; no answer does")


CODINGS: Mapping[str, Callable[[int], Decompressor]] = {
    "": lambda limit: Identity(),
    "identity": lambda limit: Identity(),
    "gzip": lambda limit: Zlib(16 + zlib.MAX_WBITS, limit),
    "x-gzip": lambda limit: Zlib(16 + zlib.MAX_WBITS, limit),
    "deflate": lambda limit: Zlib(zlib.MAX_WBITS, limit),
}


def decompressor(content_encoding: str, limit: int) -> Decompressor:
    """The decompressor for a `content-encoding`. Raises DecodeError for one that we did not ask for and do not know."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    unknown = next((coding for coding in codings if coding not in CODINGS), None)
    if unknown is not None:
        raise DecodeError(f"the answer is coded as {quoted(unknown)}, which was not asked for")
    chain = [CODINGS[coding](limit) for coding in codings if coding not in ("", "identity")]
    if len(chain) > MAX_CODINGS:
        raise DecodeError(f"the answer is coded {len(chain)} times, which no answer is")
    # The codings are named in the order in which they were applied (RFC 9110 8.4).
    return reduce(lambda inner, outer: Stacked(outer, inner), chain) if chain else Identity()
