"""The chunks of a body, all that have come at once.

The library's parser (h11) makes an event of each chunk, which then passes five generators: where each word of an answer
is a chunk, that is nine tenths of what a stream costs. Here its reader of chunks is replaced by one that makes a single
event of all the chunks that the network gave together. What is unusual about a chunk's first line, the last chunk and
what stands behind it are left to the library's own, and so is everything else: connections, pools, closing. Its reader
has no public name; where none is found (HTTP/2, a test's transport), chunks come one by one.
"""

from __future__ import annotations

import re
from typing import Any

from .reuse import connection_of

_FIRST_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})\r\n")
_LINE_END = b"\r\n"
_LONG = 64
"""How much of a chunk's first line is looked at again with each piece that arrives of it."""
_MOST = 1024
"""How many sizes are known by their lines: the chunks of a stream have a few."""


class Chunks:
    """Reads chunks out of h11's buffer in place of `reader`, which is h11's own and has read nothing yet."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._left = 0  # of the chunk that has not ended
        self._is_closing = False  # all of it has come, but not the line end behind it
        self._is_unusual = False
        self._sizes: dict[bytes, int] = {}

    def __call__(self, buffer: Any) -> Any:
        """The next event, None where more must come first."""
        if self._is_unusual:
            return self._reader(buffer)
        if not buffer:
            return None
        data, pieces = bytes(buffer), list[bytes]()
        taken = self._take(data, self._go_on(data, pieces), pieces)
        if taken:
            buffer.maybe_extract_at_most(taken)
        if any(pieces):
            from h11 import Data  # with httpx, not before

            return Data(data=b"".join(pieces))
        is_between = not self._left and not self._is_closing
        if is_between and (_LINE_END in data[taken:] or len(data) - taken > _LONG):
            self._is_unusual = True
            return self._reader(buffer)
        return None

    def read_eof(self) -> Any:
        """The end of the connection inside the body: the library's own error."""
        return self._reader.read_eof()

    def _go_on(self, data: bytes, pieces: list[bytes]) -> int:
        """Take what is still to come of the chunk that has begun; how many bytes that were."""
        taken = min(self._left, len(data))
        if taken:
            pieces.append(data[:taken])
            self._left -= taken
            self._is_closing = not self._left
        if self._is_closing and len(data) >= taken + len(_LINE_END):
            if not data.startswith(_LINE_END, taken):
                return self._refused(taken, pieces)
            self._is_closing = False
            taken += len(_LINE_END)
        return taken

    def _refused(self, taken: int, pieces: list[bytes]) -> int:
        """Raise what h11 raises for a chunk with no line end behind it; what is before it is given first."""
        from h11 import LocalProtocolError

        if not pieces:
            raise LocalProtocolError("malformed chunk footer")
        return taken

    def _take(self, data: bytes, place: int, pieces: list[bytes]) -> int:
        """Take the chunks that begin there, the last of them as far as it has come; the place behind them."""
        sizes = self._sizes
        while not self._left and not self._is_closing:
            begin = data.find(_LINE_END, place, place + _LONG) + 2
            line = data[place:begin]
            size = sizes[line] if line in sizes else self._size(line)
            if not size:
                break
            end = begin + size
            if data[end : end + 2] == _LINE_END:
                pieces.append(data[begin:end])
                place = end + 2
                continue
            place = min(end, len(data))
            pieces.append(data[begin:place])
            self._left = end - place
            self._is_closing = not self._left
        return place

    def _size(self, line: bytes) -> int:
        """The size that the first line of a chunk says; 0 for any other, and for the last chunk's."""
        found = _FIRST_LINE.fullmatch(line)
        size = 0 if found is None else int(found[1], 16)
        if size and len(self._sizes) < _MOST:
            self._sizes[line] = size
        return size


def all_at_once(response: Any) -> Any:
    """The response; where its body comes in chunks, those that have come are read at once."""
    parser = getattr(connection_of(response), "_h11_state", None)
    reader = getattr(parser, "_reader", None)
    if f"{type(reader).__module__}.{type(reader).__name__}" == "h11._readers.ChunkedReader":
        parser._reader = Chunks(reader)  # type: ignore[union-attr]
    return response
