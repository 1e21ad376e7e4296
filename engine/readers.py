"""How a file reads answers, compiled once; and which of its readings fits what arrives.

An event stream is read by `stream`, JSON by `whole`, and where the content type says nothing useful, or lies, the first
bytes say it.
"""

from __future__ import annotations

from dataclasses import replace

from .answer import Answer, keeps_of
from .failures import Failures
from .framing import MEDIA_TYPES
from .rules import FrameReader
from .spec import Limits, Reading, Response

BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may stand before the first byte that says something: a byte order mark and white space."""

_JSON_STREAMS = ("ndjson", "json_array")
_JSON_STARTS = (b"{", b"[")
_SSE_STARTS = (b":", b"d", b"e", b"i", b"r")  # a comment, or data, event, id, retry
_STARTS = {"sse": _SSE_STARTS, "json_array": (b"[",)}
"""What tells a framing from every other."""


class Readers:
    """How a file reads answers, compiled once and shared by all of its replies."""

    def __init__(self, response: Response, failures: Failures, limits: Limits, provider: str = "") -> None:
        self.response = response
        self.provider = provider
        self._keeps = keeps_of(response)
        self.failures = failures
        self.limits = limits
        self.stream = FrameReader(response.stream) if response.stream else None
        self.whole = FrameReader(response.whole) if response.whole else None
        self._others = _others(response.stream) if response.stream else ()

    def answer(self) -> Answer:
        """An answer of which nothing has been read."""
        return Answer(self.response, self._keeps, self.provider)

    def choose(self, media_type: str, start: bytes) -> FrameReader | None:
        """The reader for a body that begins so; None when it is JSON that the file does not know how to read.

        The first byte outweighs the content type, which lies often enough: servers send JSON errors as octet-stream
        and as event streams.
        """
        if self.stream is None or self.stream.codec == "text":
            named = self.whole if self.whole is not None and media_type in MEDIA_TYPES[self.whole.codec] else None
            return named or self.stream or self.whole
        first = start.lstrip(BLANK)[:1]
        other = next((reader for reader in self._others if first in _STARTS[reader.codec]), None)
        if other is not None:
            return other
        if self.stream.codec in _JSON_STREAMS:
            # Both forms are JSON: one object a line, or an array of them, against one value.
            is_whole = first != b"[" if self.stream.codec == "json_array" else media_type in MEDIA_TYPES["json"]
            return self.whole if self.whole is not None and is_whole else self.stream
        if first in _JSON_STARTS:
            return self.whole
        is_said = media_type in MEDIA_TYPES[self.stream.codec]
        return self.stream if self.whole is None or is_said or first in _SSE_STARTS else self.whole


def _others(stream: Reading) -> tuple[FrameReader, ...]:
    return tuple(FrameReader(replace(stream, codec=codec)) for codec in stream.other_codecs)
