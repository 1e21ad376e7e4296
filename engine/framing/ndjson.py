"""Newline-delimited JSON: each line that is not blank is a frame. https://github.com/ndjson/ndjson-spec"""

from __future__ import annotations

import re

from .frame import Decoder, Frame

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

    def _feed(self, data: bytes, frames: list[Frame]) -> None:
        first, *others = _LINE_END.split(data)
        self._rest += first
        if others:
            self._line(frames)
            for line in others[:-1]:
                self._rest += line
                self._line(frames)
            self._rest += others[-1]
        self._check()

    def _finish(self, frames: list[Frame]) -> None:
        self._line(frames)

    def _check(self) -> None:
        if len(self._rest) > self.max_frame_bytes:
            raise self.too_large()

    def _line(self, frames: list[Frame]) -> None:
        self._check()
        line, self._rest = self._rest, bytearray()
        if self._is_first:
            line = line.removeprefix(_BOM)
            self._is_first = False
        if line.strip():
            frames.append(Frame(None, self.decode(line)))
