"""Plain text: each piece that arrives is a frame. UTF-8 is decoded across chunks; the end of the body ends it."""

from __future__ import annotations

import codecs

from .frame import Decoder, Piece


class TextDecoder(Decoder):
    """Incremental UTF-8. A character that is cut in two waits for its rest.

    >>> decoder = TextDecoder()
    >>> decoder.feed("Привет".encode()[:3])
    [Frame(event=None, data='П')]
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        pieces += self._text(data, final=False)

    def _finish(self, pieces: list[Piece]) -> None:
        pieces += self._text(b"", final=True)  # of a character that the end has cut: U+FFFD

    def _text(self, data: bytes, *, final: bool) -> list[Piece]:
        held, _ = self._utf8.getstate()
        text = self._utf8.decode(data, final)
        if "\ufffd" in text:
            sent = (held + data).count(b"\xef\xbf\xbd")
            self.replaced += text.count("\ufffd") - sent
        return [(None, text)] if text else []
