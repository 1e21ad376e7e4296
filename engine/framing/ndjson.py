"""Newline-delimited JSON: each line that is not blank is a frame. https://github.com/ndjson/ndjson-spec"""

from __future__ import annotations

import re

from .frame import Decoder, Piece

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class NDJSONDecoder(Decoder):
    r"""Lines from bytes; the last one needs no line end.

    >>> NDJSONDecoder().feed(b'{"a": 1}\n\n{"a"')
    [Frame(event=None, data='{"a": 1}')]
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_first = True

    def may_complete(self, data: bytes) -> bool:
        """Whether a line ends in them."""
        return b"\n" in data or b"\r" in data

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        first, *others = _LINE_END.split(data) if b"\r" in data else data.split(b"\n")
        is_small = len(data) <= self.max_frame_bytes
        self._rest += first
        if others:
            self._line(pieces)
            for line in others[:-1]:
                if line[:1] == b"{" and is_small:
                    pieces.append((None, line))
                    continue
                self._rest += line
                self._line(pieces)
            self._rest += others[-1]
        self._check()

    def _finish(self, pieces: list[Piece]) -> None:
        self._line(pieces)

    def _check(self) -> None:
        if len(self._rest) > self.max_frame_bytes:
            raise self.too_large()

    def _line(self, pieces: list[Piece]) -> None:
        self._check()
        line, self._rest = self._rest, bytearray()
        if self._is_first:
            line = line.removeprefix(_BOM)
            self._is_first = False
        if line.strip():
            pieces.append((None, line))
