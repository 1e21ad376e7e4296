"""Bytes -> frames, without I/O. `FRAMINGS` maps a codec's name, as provider files spell it, to its decoder.

A decoder takes no argument and answers `feed(bytes)` and `finish()` with the frames that are complete, however the
bytes are cut. It never raises for what the bytes hold, save LimitError for a frame larger than `max_frame_bytes`; a
framing with checksums also raises DecodeError for a frame that does not match them and TruncatedError for a body that
ends inside one. The frames before such a fault are given first, at any cut; every later call raises it again.
"""

from .aws_eventstream import AWSEventStreamDecoder
from .frame import Decoder, Frame, Piece
from .json_array import JSONArrayDecoder
from .ndjson import NDJSONDecoder
from .sse import SSEDecoder
from .text import TextDecoder
from .whole import JSONDecoder

FRAMINGS: dict[str, type[Decoder]] = {
    "text": TextDecoder,
    "sse": SSEDecoder,
    "json": JSONDecoder,
    "ndjson": NDJSONDecoder,
    "json_array": JSONArrayDecoder,
    "aws_eventstream": AWSEventStreamDecoder,
}

MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "text": ("text/plain",),
    "sse": ("text/event-stream",),
    "json": ("application/json",),
    "ndjson": ("application/x-ndjson", "application/jsonl", "application/ndjson", "application/stream+json"),
    "json_array": ("application/json",),
    "aws_eventstream": ("application/vnd.amazon.eventstream",),
}
"""The content types by which a response says that it is framed so; the first is what the mock sends."""

__all__ = ["FRAMINGS", "MEDIA_TYPES", "Decoder", "Frame", "Piece"]
