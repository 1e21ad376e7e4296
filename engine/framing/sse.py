"""Server-sent events, at the level of bytes, by the WHATWG's algorithm.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
Lines end at CR, LF or CRLF and nowhere else: str.splitlines would also cut at U+2028 and its kin, all legal inside
JSON strings. `id` and `retry` serve reconnection, which a chat answer has no use for, and are read over.
"""

from __future__ import annotations

import re

from .frame import Decoder, Frame

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class SSEDecoder(Decoder):
    r"""Events from bytes; comments and fields that we do not use disappear.

    >>> SSEDecoder().feed(b"event: ping\ndata: {}\n\n")
    [Frame(event='ping', data='{}')]
    """

    def __init__(self) -> None:
        self._rest = bytearray()  # of the line that has not ended yet
        self._event = ""
        self._data: list[str] = []
        self._data_size = 0  # of the lines that make up the event, names included
        self._after_cr = False
        self._at_start = True

    def may_complete(self, data: bytes) -> bool:
        """Whether a line ends in them."""
        return b"\n" in data or b"\r" in data

    def _feed(self, data: bytes, frames: list[Frame]) -> None:
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr and data:
            # The CR has ended its line already; its LF, if this is one, belongs to it.
            self._after_cr = False
            if data[:1] == b"\n":
                data = data[1:]
        if not data:
            return
        self._after_cr = data.endswith(b"\r")
        first, *others = _LINE_END.split(data)
        self._keep(first)
        if not others:
            return
        line, self._rest = self._rest, bytearray()
        self._line(line, frames)
        for complete in others[:-1]:
            self._line(complete, frames)
        self._keep(others[-1])

    def _finish(self, frames: list[Frame]) -> None:
        # An event without its blank line is discarded; `unfinished` shows it.
        if self._rest:
            line, self._rest = self._rest, bytearray()
            self._line(line, [])
        if self._data:
            self.unfinished = self._frame()

    def _without_bom(self, data: bytes) -> bytes:
        held = bytes(self._rest) + data
        self._rest.clear()
        if len(held) < len(_BOM) and _BOM.startswith(held):
            self._keep(held)
            return b""
        self._at_start = False
        return held.removeprefix(_BOM)

    def _keep(self, piece: bytes) -> None:
        self._rest += piece
        if len(self._rest) + self._data_size > self.max_frame_bytes:
            raise self.too_large()

    def _line(self, line: bytes | bytearray, frames: list[Frame]) -> None:
        if not line:
            if self._data:
                frames.append(self._frame())
            self._event, self._data, self._data_size = "", [], 0
            return
        if len(line) + self._data_size > self.max_frame_bytes:
            raise self.too_large()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data_size += len(line)
            self._data.append(self.decode(value.removeprefix(b" ")))
        elif name == b"event":
            self._event = self.decode(value.removeprefix(b" "))

    def _frame(self) -> Frame:
        return Frame(self._event or None, "\n".join(self._data))
