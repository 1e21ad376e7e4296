"""One JSON array that arrives piece by piece: each of its items is a frame.

The scan looks at brackets, quotes and commas only; whether an item is JSON is found when it is parsed. A body that is
one value without the array around it (an error, often) is one frame too.
"""

from __future__ import annotations

import re

from ..errors import LimitError
from .frame import Decoder, Frame

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_STRUCTURE = re.compile(rb'["{}\[\],]')
_STRING_END = re.compile(rb'"|\\.', re.DOTALL)


class JSONArrayDecoder(Decoder):
    """Items from bytes.

    >>> JSONArrayDecoder().feed(b'[{"a": [1, 2]}, {"a"')
    [Frame(event=None, data='{"a": [1, 2]}')]
    """

    def __init__(self) -> None:
        self._item = bytearray()  # the item that has not ended yet
        self._scanned = 0  # how much of it has been looked at
        self._depth = 0  # inside the item
        self._in_string = False
        self._in_array = False
        self._started = False
        self._fault: LimitError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The items that these bytes complete. Items before one that is too large are given; then it raises."""
        if self._fault is not None:
            raise self._fault
        self._item += data
        frames: list[Frame] = []
        try:
            if self._started or self._start():
                self._scan(frames)
            if len(self._item) > self.max_frame_bytes:
                raise self.too_large()
        except LimitError as fault:
            self._fault = fault
            if not frames:
                raise
        return frames

    def finish(self) -> list[Frame]:
        """A value without an array around it; inside an array, an item that broke off is no frame."""
        if self._fault is not None:
            raise self._fault
        rest = bytes(self._item).strip(_BLANK + b",]")
        if self._in_array or not rest:
            self.unfinished = Frame(None, self.decode(rest)) if rest else None
            return []
        return [Frame(None, self.decode(bytes(self._item).strip(_BLANK)))]

    def _start(self) -> bool:
        """Step over what stands before the first item; False while that has not come."""
        if _BOM.startswith(bytes(self._item[:3])) and len(self._item) < 3:
            return False
        start = bytes(self._item).removeprefix(_BOM).lstrip(_BLANK)
        self._item = bytearray(start)
        if not start:
            return False
        self._in_array = start[:1] == b"["
        if self._in_array:
            del self._item[:1]
        self._started = True
        return True

    def _scan(self, frames: list[Frame]) -> None:
        """Give the items that end in what has not been looked at yet. Nothing is looked at twice."""
        if not self._in_array:
            return
        begin = 0
        position = self._scanned
        while position < len(self._item):
            mark = (_STRING_END if self._in_string else _STRUCTURE).search(self._item, position)
            if mark is None:
                break
            place, position, char = mark.start(), mark.end(), bytes(mark[0])
            if self._in_string:
                self._in_string = char != b'"'  # else an escape: what it escapes is stepped over
            elif char == b'"':
                self._in_string = True
            elif char in b"{[":
                self._depth += 1
            elif self._depth and char in b"}]":
                self._depth -= 1
            elif not self._depth:
                self._take(bytes(self._item[begin:place]), frames)
                begin = position
        else:
            mark = None
        if mark is None and position < len(self._item):
            # An escape that the bytes break off in is looked at again.
            position = len(self._item) - (self._in_string and self._item.endswith(b"\\"))
        del mark  # it holds on to the buffer
        del self._item[:begin]
        self._scanned = position - begin

    def _take(self, item: bytes, frames: list[Frame]) -> None:
        item = item.strip(_BLANK)
        if len(item) > self.max_frame_bytes:
            raise self.too_large()
        if item:
            frames.append(Frame(None, self.decode(item)))
