"""One JSON array that arrives piece by piece: each of its items is a frame, as soon as it is closed.

The scan looks at brackets, quotes and commas only; whether an item is JSON is found when it is parsed. Maps that have
come whole are stepped over by the reader of JSON, which finds the same ends and is many times as quick. A body that is
one value without the array around it (an error, often) is one frame too, and so is what follows the array's end.
"""

from __future__ import annotations

import re

from ..json_text import scan
from .frame import Decoder, Piece

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_STRUCTURE = re.compile(rb'["{}\[\],]')
_STRING_END = re.compile(rb'"|\\.', re.DOTALL)
_BETWEEN = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_CHARACTER = 4
"""How many bytes one may take."""


class JSONArrayDecoder(Decoder):
    """Items from bytes.

    >>> JSONArrayDecoder().feed(b'[{"a": [1, 2]}, {"a"')
    [Frame(event=None, data='{"a": [1, 2]}')]
    """

    def __init__(self) -> None:
        self._rest = bytearray()  # the item that has not ended yet, without the blanks before it
        self._scanned = 0  # how much of it has been looked at
        self._depth = 0  # inside the item
        self._in_string = False
        self._in_array = False
        self._at_start = True
        self._is_first = True

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        self._rest += data
        self._start()
        if self._in_array:
            if self._scanned:
                self._scan(pieces, once=True)  # the item that was cut
            if not self._scanned:
                self._step(pieces)
            self._scan(pieces)
        self._check(len(self._rest))

    def _finish(self, pieces: list[Piece]) -> None:
        rest = bytes(self._rest).strip(_BLANK)
        if not rest:
            return
        if self._in_array:
            self.unfinished = self.frame((None, rest))  # an item that broke off
        else:
            pieces.append((None, rest))

    def _check(self, size: int) -> None:
        if size > self.max_frame_bytes:
            raise self.too_large()

    def _start(self) -> None:
        """Step over what stands before a value, a byte order mark at the start and the array's bracket among it."""
        if self._is_first:
            if len(self._rest) < len(_BOM) and _BOM.startswith(bytes(self._rest)):
                return
            self._is_first = False
            if self._rest.startswith(_BOM):
                del self._rest[: len(_BOM)]
        if not self._scanned:
            del self._rest[: _after_blanks(self._rest, 0)]
        if self._at_start and self._rest:
            self._at_start = False
            self._in_array = self._rest.startswith(b"[")
            if self._in_array:
                del self._rest[: _after_blanks(self._rest, 1)]

    def _step(self, pieces: list[Piece]) -> None:
        """Give the maps that have come whole, up to whatever else there is."""
        try:
            text, rest = self._rest.decode(), bytearray()
        except UnicodeDecodeError as error:
            if error.start + _CHARACTER <= len(self._rest):
                return
            text, rest = self._rest[: error.start].decode(), self._rest[error.start :]  # a character that is cut
        between = _BETWEEN.match
        place = between(text, 0).end()  # type: ignore[union-attr]
        try:
            while text[place : place + 1] == "{":
                end = scan(text, place)[1]
                item = text[place:end].encode()
                if len(item) > self.max_frame_bytes:
                    raise self.too_large()
                pieces.append((None, item))
                place = between(text, end).end()  # type: ignore[union-attr]  # it matches nothing too
        except (ValueError, StopIteration, RecursionError):
            pass  # one that is cut, or no JSON
        if place:
            self._rest = bytearray(text[place:].encode() + rest)

    def _scan(self, pieces: list[Piece], *, once: bool = False) -> None:
        """Give the items that end in what has not been looked at yet, or one. Nothing is looked at twice."""
        begin = 0
        position = self._scanned
        while self._in_array and not (once and begin) and (found := self._next(position)) is not None:
            place, position = found
            char = self._rest[place : place + 1]
            if self._in_string:
                self._in_string = char != b'"'  # else an escape: what it escapes is stepped over
            elif char == b'"':
                self._in_string = True
            elif char in b"{[":
                self._depth += 1
            elif self._depth and char in b"}]":
                self._depth -= 1
                if not self._depth:
                    begin = self._take(begin, position, position, pieces)
            elif not self._depth and char in b",]":
                self._in_array = char == b","
                begin = self._take(begin, place, position, pieces)
            # A closing brace that nothing opened stays in its item, which is then no JSON.
        # An escape that the bytes break off in is looked at again.
        is_cut = self._in_string and position < len(self._rest) and self._rest.endswith(b"\\")
        del self._rest[:begin]
        self._scanned = 0 if once and begin else len(self._rest) - is_cut if self._in_array else 0

    def _next(self, position: int) -> tuple[int, int] | None:
        """Where the next thing that matters begins and ends. (A match would hold on to the buffer.)"""
        mark = (_STRING_END if self._in_string else _STRUCTURE).search(self._rest, position)
        return None if mark is None else mark.span()

    def _take(self, begin: int, end: int, position: int, pieces: list[Piece]) -> int:
        """Give what stands there, if anything; the place where the next item begins."""
        self._check(end - begin)
        item = bytes(self._rest[begin:end]).rstrip(_BLANK)
        if item:
            pieces.append((None, item))
        return _after_blanks(self._rest, position)


def _after_blanks(data: bytearray, position: int) -> int:
    found = _NOT_BLANK.search(data, position)
    return len(data) if found is None else found.start()
