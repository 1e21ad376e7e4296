"""How a file reads answers, compiled once; and which of its readings fits what arrives.

An event stream is read by `stream`, JSON by `whole`, and where the content type says nothing useful, or lies, the first
bytes say it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .answer import Answer
from .counters import Counters
from .errors import StreamError
from .failures import Failures
from .framing import MEDIA_TYPES, Frame
from .json_text import is_json
from .keeps import keeps_of
from .rules import FrameReader
from .spec import Limits, Reading, Response

BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may stand before the first byte that says something: a byte order mark and white space."""

_JSON_STREAMS = ("ndjson", "json_array")
_JSON_STARTS = (b"{", b"[")
_SSE_STARTS = (b":", b"d", b"e", b"i", b"r")  # a comment, or data, event, id, retry
_STARTS = {"sse": _SSE_STARTS, "json_array": (b"[",)}
"""What tells a framing from every other."""

SNIFFED = 64
"""How many bytes may be waited for to tell a page from a text."""
HTML_TYPES = ("text/html", "application/xhtml+xml")
_HTML = re.compile(rb"\s*(?:<!--(?>.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

MAX_FIRST_LINE = 64 * 1024
_LINE_END = re.compile(rb"[\r\n]")
_NOT_BLANK = re.compile(rb"[^%b]" % re.escape(BLANK))


class Start(bytearray):
    """How a body begins, while it comes: however small the pieces, each byte is looked at once."""

    __slots__ = ("_begin", "_line_end", "_looked")

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data)
        self._begin = 0
        self._line_end: int | None = None
        self._looked = 0  # how far the end of the first line was looked for

    @property
    def begin(self) -> int:
        """Where the first byte stands that is not blank."""
        self._begin = self._behind_blanks(self._begin)
        return self._begin

    @property
    def second_line(self) -> int | None:
        """Where the second line begins that is not blank; None while there is none."""
        if self._line_end is None:
            found = _LINE_END.search(self, max(self.begin, self._looked))
            self._looked = len(self)
            if found is None:
                return None
            self._line_end = found.end()
            del found  # it holds the buffer, which could not grow
        self._line_end = self._behind_blanks(self._line_end)
        return self._line_end if self._line_end < len(self) else None

    def _behind_blanks(self, place: int) -> int:
        found = _NOT_BLANK.search(self, place)
        return len(self) if found is None else found.start()


class Readers:
    """How a file reads answers, compiled once and shared by all of its replies."""

    def __init__(self, response: Response, failures: Failures, limits: Limits, provider: str = "") -> None:
        self.response = response
        self.provider = provider
        self._keeps = keeps_of(response)
        self._counters = Counters(response.usage)
        self.failures = failures
        self.limits = limits
        suspects = failures.suspects()
        splits = response.think is not None

        def reader(reading: Reading) -> FrameReader:
            return FrameReader(reading, suspects, splits_text=splits)

        self.stream = reader(response.stream) if response.stream else None
        self.whole = reader(response.whole) if response.whole else None
        self._others = tuple(map(reader, _others(response.stream))) if response.stream else ()

    def answer(self) -> Answer:
        """An answer of which nothing has been read."""
        return Answer(self.response, self._keeps, self.provider, self._counters)

    def is_unclear(self, media_type: str, start: Start) -> bool:
        """Whether what has come does not say yet what it is: blanks, maybe lines of JSON or one value, maybe a page."""
        begin, size = start.begin, len(start)
        if begin == size:
            return not self._is_text(media_type)
        if size - begin < MAX_FIRST_LINE and self._may_be_either(media_type) and start.second_line is None:
            return True
        return size - begin < SNIFFED and media_type in HTML_TYPES and start[begin : begin + 1] == b"<"

    def _is_text(self, media_type: str) -> bool:
        return self.stream is not None and self.stream.codec == "text" and media_type not in HTML_TYPES

    def choose(self, media_type: str, start: bytes) -> FrameReader | None:
        """The reader for a body that begins so; None for a page, and for JSON that the file does not know how to read.

        The first byte outweighs the content type, which lies often enough: servers send JSON errors as octet-stream
        and as event streams. So do lines: some are sent as one JSON value.
        """
        if media_type in HTML_TYPES and is_html(start):
            return None
        if self.stream is None or self.stream.codec == "text":
            named = self.whole if self.whole is not None and media_type in MEDIA_TYPES[self.whole.codec] else None
            return named or self.stream or self.whole
        first = start.lstrip(BLANK)[:1]
        other = next((reader for reader in self._others if first in _STARTS[reader.codec]), None)
        if other is not None:
            return other
        if self.stream.codec in _JSON_STREAMS:
            # Both forms are JSON: one object a line, or an array of them, against one value.
            is_whole = first != b"[" if self.stream.codec == "json_array" else self._is_one_value(media_type, start)
            return self.whole if self.whole is not None and is_whole else self.stream
        if first in _JSON_STARTS:
            return self.whole
        is_said = media_type in MEDIA_TYPES[self.stream.codec]
        return self.stream if self.whole is None or is_said or first in _SSE_STARTS else self.whole

    def _may_be_either(self, media_type: str) -> bool:
        """Whether neither the file nor the content type says that JSON comes in lines, or that it does not."""
        if self.stream is None or self.stream.codec != "ndjson" or self.whole is None:
            return False
        return media_type not in MEDIA_TYPES["ndjson"]

    def _is_one_value(self, media_type: str, start: bytes) -> bool:
        """Whether JSON is one value and no lines: its first line is none by itself, or there is no other.

        A lone line is a whole answer when it says why it ended, else the first of a stream that broke off.
        """
        if not self._may_be_either(media_type):
            return False
        begin = Start(start).second_line
        line = start.lstrip(BLANK) if begin is None else start[:begin].lstrip(BLANK)
        if begin is None and len(start) >= MAX_FIRST_LINE:
            return media_type in MEDIA_TYPES["json"]
        return not is_json(line.decode("utf-8", "replace")) if begin is not None else self._is_finished(line)

    def _is_finished(self, line: bytes) -> bool:
        """Whether a line, read as a whole answer, says why it ended."""
        answer, frame = self.answer(), Frame(None, line.decode("utf-8", "replace"))
        if self.whole is None:
            return False
        try:
            self.whole.apply(answer, frame, self.whole.data_of(frame))
        except StreamError:
            return False
        return answer.finish_raw is not None


def is_html(body: bytes) -> bool:
    """Whether a body is a page for people.

    >>> is_html(b"<!-- busy --> <!DOCTYPE html>"), is_html(b"<think>")
    (True, False)
    """
    return _HTML.match(body) is not None


def _others(stream: Reading) -> list[Reading]:
    """The same frames in the other framings in which they may come."""
    return [replace(stream, codec=codec) for codec in stream.other_codecs]
