"""A frame, and what every decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..errors import EngineError, LimitError

Piece = tuple[str | None, bytes | bytearray | str]
"""A frame as it was cut out of the body: its event's name, and its data, which mostly nobody needs as text."""

MAX_FRAME_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One unit of a stream: its `data`, and the `event` name when the framing carries one."""

    event: str | None
    data: str


class Decoder(ABC):
    """Turns bytes into frames. One decoder reads one body, once.

    `max_frame_bytes` may be set before the first `feed`. `replaced` counts the characters that were no UTF-8 and
    became U+FFFD. `unfinished` is, after `finish()`, the frame that the body broke off in, if any: it is no frame of
    the stream, but it may still show that the end was reached.
    """

    max_frame_bytes = MAX_FRAME_BYTES
    limit_name = "limits.event_bytes"
    replaced = 0
    unfinished: Frame | None = None

    fault: EngineError | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; give the frames that they complete.

        Frames before a fault (a piece that is too large, a checksum that is wrong) are given first: it is in `fault`
        then, and the next call raises it.
        """
        return [self.frame(piece) for piece in self.pieces(data)]

    def finish(self) -> list[Frame]:
        """Say that the body has ended; give the frames that this completes."""
        return [self.frame(piece) for piece in self.last_pieces()]

    def pieces(self, data: bytes) -> list[Piece]:
        """The same as `feed`, with the frames' data as it came."""
        if self.fault is not None:
            raise self.fault
        pieces: list[Piece] = []
        try:
            self._feed(data, pieces)
        except EngineError as fault:
            self._stop(fault, pieces)
        return pieces

    def last_pieces(self) -> list[Piece]:
        """The same as `finish`, with the frames' data as it came."""
        if self.fault is not None:
            raise self.fault
        pieces: list[Piece] = []
        try:
            self._finish(pieces)
        except EngineError as fault:
            self._stop(fault, pieces)
        return pieces

    def _stop(self, fault: EngineError, pieces: list[Piece]) -> None:
        """Note what is wrong; raise it where no frame came before it."""
        self.fault = fault
        if not pieces:
            raise fault

    def frame(self, piece: Piece) -> Frame:
        """A piece with its data as text."""
        event, data = piece
        return Frame(event, data if type(data) is str else self.decode(data))  # type: ignore[arg-type]

    def may_complete(self, data: bytes) -> bool:
        """Whether the next bytes may complete a frame; to take them is quick where they do not."""
        return True

    @abstractmethod
    def _feed(self, data: bytes, pieces: list[Piece]) -> None:
        """Add the frames that the next bytes complete."""

    @abstractmethod
    def _finish(self, pieces: list[Piece]) -> None:
        """Add the frames that the end of the body completes."""

    def too_large(self) -> LimitError:
        """The error for a frame that outgrows the limit."""
        return LimitError(f"one piece of the answer is larger than {self.max_frame_bytes} bytes ({self.limit_name})")

    def decode(self, line: bytes | bytearray) -> str:
        """UTF-8 to text; what is not UTF-8 becomes U+FFFD and is counted."""
        try:
            return line.decode()
        except UnicodeDecodeError:
            text = line.decode(errors="replace")
            self.replaced += text.count("\ufffd") - line.count(b"\xef\xbf\xbd")
            return text
