"""A whole body as one frame: the answer of an API that does not stream, or was not asked to."""

from __future__ import annotations

from .frame import Decoder, Piece

_BOM = b"\xef\xbb\xbf"


class JSONDecoder(Decoder):
    """Collects the body; `finish` gives it as one frame of text. A byte order mark at the start is dropped."""

    max_frame_bytes = 256 * 1024 * 1024
    limit_name = "limits.body_bytes"

    def __init__(self) -> None:
        self._body = bytearray()

    def may_complete(self, data: bytes) -> bool:
        """Never: the end of the body does."""
        return False

    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        if len(self._body) + len(data) > self.max_frame_bytes:
            raise self.too_large()
        self._body += data

    def _finish(self, pieces: list[Piece]) -> None:
        if self._body.startswith(_BOM):
            del self._body[: len(_BOM)]
        if self._body and not self._body.isspace():
            pieces.append((None, self._body))
            self._body = bytearray()
