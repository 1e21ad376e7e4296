"""Server-sent events, at the level of bytes, by the WHATWG's algorithm.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
Lines end at CR, LF or CRLF and nowhere else: str.splitlines would also cut at U+2028 and its kin, all legal inside
JSON strings. `id` and `retry` serve reconnection, which a chat answer has no use for, and are read over.
"""

from __future__ import annotations

from itertools import repeat

from .frame import Decoder, Piece

_BOM = b"\xef\xbb\xbf"
_DATA = b"data: "

SHORT = 16 * 1024
"""How much of an event is looked at anew with each piece that arrives of it."""
MAX_NAMES = 32
"""How many names of events are known by their lines."""


class SSEDecoder(Decoder):
    r"""Events from bytes; comments and fields that we do not use disappear.

    >>> SSEDecoder().feed(b"event: ping\ndata: {}\n\n")
    [Frame(event='ping', data='{}')]
    """

    def __init__(self) -> None:
        self._held = b""  # of an event that has begun, as long as it is short and its lines were not looked at
        self._rest = bytearray()  # of the line that has not ended yet
        self._event = ""
        self._data: list[bytes | bytearray] = []
        self._data_size = 0  # of the lines that make up the event, names included
        self._after_cr = False
        self._at_start = True
        self._names: dict[bytes, str | None] = {}

    def may_complete(self, data: bytes) -> bool:
        """Whether a line ends in them."""
        return b"\n" in data or b"\r" in data

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        if self._at_start or self._after_cr or b"\r" in data:
            data = self._plain(data)
        if not data:
            return
        if self._held:
            data, self._held = self._held + data, b""
        if self._rest or self._data or self._event or len(data) > self.max_frame_bytes:
            self._lines(data, pieces)
            return
        # The events that have come whole are taken, and what has come of the next is held.
        whole, end, rest = data.rpartition(b"\n\n")
        if whole[:6] == _DATA and b"\n" not in whole:
            pieces.append((None, whole[6:]))
        elif b"\n\n" not in whole:
            self._events([whole] if end else [], pieces)
        elif not self._equals(whole, pieces):
            self._events(whole.split(b"\n\n"), pieces)
        if len(rest) < SHORT or len(data) < SHORT:
            self._held = rest
        else:
            self._lines(rest, pieces)

    def _plain(self, data: bytes) -> bytes:
        """The same without a byte order mark, with lines that end at LF."""
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr and data:
            # The CR has ended its line already; its LF, if this is one, belongs to it.
            self._after_cr = False
            if data[:1] == b"\n":
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _equals(self, whole: bytes, pieces: list[Piece]) -> bool:
        """Take whole events that differ in their data only, all of them at once; False where there are others."""
        begin = whole.find(_DATA)
        if begin and (begin < 0 or whole[begin - 1 : begin] != b"\n" or whole[: begin - 1] not in self._names):
            return False
        before = whole[: begin + len(_DATA)]
        found = whole[len(before) :].split(b"\n\n" + before)
        if b"\n" in b"".join(found):  # another event stands between two of them, or a line in one
            return False
        pieces += zip(repeat(self._names[whole[: begin - 1]] if begin else None), found)
        return True

    def _events(self, events: list[bytes], pieces: list[Piece]) -> None:
        """Take whole events."""
        for event in events:
            if event[:6] == b"data: " and b"\n" not in event:
                pieces.append((None, event[6:]))
                continue
            name, _, data = event.partition(b"\n")
            if name in self._names and data[:6] == b"data: " and b"\n" not in data:
                pieces.append((self._names[name], data[6:]))
                continue
            lines = event.split(b"\n")
            if self._is_plain(lines, pieces):
                continue
            for line in lines:
                self._line(line, pieces)
            self._line(b"", pieces)

    def _is_plain(self, lines: list[bytes], pieces: list[Piece]) -> bool:
        """Take an event with one line of data at most, beside names that are known, numbers, comments and nothing."""
        name = data = None
        for line in lines:
            if line[:6] == _DATA and data is None:
                data = line[6:]
            elif line in self._names:
                name = self._names[line]
            elif line[:4] != b"id: " and line[:1] not in (b":", b""):
                return False
        if data is not None:
            pieces.append((name, data))
        return True

    def _lines(self, data: bytes, pieces: list[Piece]) -> None:
        """Take line by line what the other way is not for: long events."""
        first, *others = data.split(b"\n")
        self._keep(first)
        if not others:
            return
        line, self._rest = self._rest, bytearray()
        self._line(line, pieces)
        for complete in others[:-1]:
            self._line(complete, pieces)
        self._keep(others[-1])

    def _finish(self, pieces: list[Piece]) -> None:
        # An event without its blank line is discarded; `unfinished` shows it.
        self._lines(self._held, [])
        if self._rest:
            line, self._rest = self._rest, bytearray()
            self._line(line, [])
        if self._data:
            self.unfinished = self.frame(self._piece())

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

    def _line(self, line: bytes | bytearray, pieces: list[Piece]) -> None:
        if not line:
            if self._data:
                pieces.append(self._piece())
            self._event, self._data, self._data_size = "", [], 0
            return
        if len(line) + self._data_size > self.max_frame_bytes:
            raise self.too_large()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data_size += len(line)
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._event = self.decode(value.removeprefix(b" "))
            if len(self._names) < MAX_NAMES and len(line) < SHORT:
                self._names[bytes(line)] = self._event or None

    def _piece(self) -> Piece:
        return self._event or None, self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
