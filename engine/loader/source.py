"""The text of a provider file and the places in it: reading it safely, and turning offsets into lines and columns.

Problems are made here, and nowhere else: their words hold no control character, no secret, and are short.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import files
from ..errors import Problem, Severity, SpecError
from ..folders import MAX_FILE_BYTES
from .inline import masked

MAX_WORDS = 400

# YAML 1.1, which libyaml reads, takes U+0085, U+2028 and U+2029 for line ends; YAML 1.2 and every editor does not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Source:
    """A file's name and text. Offsets are code points; lines end at LF, CR or CRLF, as editors count them."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset into the text."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line, from 1, without its end; empty when there is none of this number."""
        start, *following = [*self._starts[number - 1 : number + 1], len(self.text)]
        return self.text[start : following[0] if following else start].rstrip("\r\n")

    def problem(
        self, offset: int, rule: str, message: str, hint: str = "", path: str = "", severity: Severity = "error"
    ) -> Problem:
        """A problem at an offset."""
        line, column = self.position(offset)
        return Problem(self.file, line, column, rule, _clean(message), _clean(hint), severity, _clean(path))


def _clean(words: str) -> str:
    """Words that are safe to show: one short line without control characters or secrets."""
    words = "".join(char if char.isprintable() else "?" for char in masked(words[: 2 * MAX_WORDS]))
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS - 3]}..."


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a scalar, a list or a map stands in its source; `style` is a scalar's quote, `|`, `>` or nothing."""

    source: Source
    start: int
    end: int
    style: str = ""

    def offset_of(self, value: str, index: int) -> int:
        """The offset in the source of `value[index]`, where `value` is what this scalar means.

        Exact for plain, quoted and block scalars: it walks both texts side by side, stepping over what YAML drops or
        adds (indentation, folded line ends, escapes).
        """
        if self.style in ("|", ">"):
            return self._aligned(value, index, self._line_after_header())
        if self.style == '"':
            return self._escaped(value, index)
        return self._aligned(value, index, self.start + (1 if self.style == "'" else 0))

    def _line_after_header(self) -> int:
        match = _LINE_END.search(self.source.text, self.start)
        return match.end() if match else self.end

    def _aligned(self, value: str, index: int, at: int) -> int:
        text = self.source.text
        for position, char in enumerate(value[: index + 1]):
            line_end = None
            while at < self.end and text[at] != char and text[at].isspace():
                if char == "\n" and (line_end := _LINE_END.match(text, at)):
                    break  # YAML reads each kind of line end as one LF
                at += 1
            if position == index:
                break
            if line_end is not None:
                at = line_end.end()
                continue
            if char.isspace() and (at >= self.end or text[at] != char):
                continue  # a line end that was folded into this space
            at += 2 if self.style == "'" and char == "'" else 1
        return min(at, self.end)

    def _escaped(self, value: str, index: int) -> int:
        at = self.start + 1
        for position, char in enumerate(value[: index + 1]):
            while (match := _DROPPED.match(self.source.text, at)) and match.end() < self.end:
                if char.isspace() and self.source.text[at] == char:
                    break
                at = match.end()
            if position == index:
                break
            escape = _ESCAPE.match(self.source.text, at)
            if escape:
                at = escape.end()
            elif self.source.text[at] == char:
                at += 1
        return min(at, self.end)


_LINE_END = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^\r\n])")
_DROPPED = re.compile(r"\\?(?:\r\n|\r|\n)[ \t]*|[ \t]+(?=\r|\n)")


def read_file(path: Path, shown: str) -> Source:
    """The file as text. Raises SpecError for what is no regular file, too large, or not UTF-8; never waits."""
    return decode(file_bytes(path, shown), shown)


def file_bytes(path: str | Path, shown: str) -> bytes:
    """What `read_bytes` reads. Raises SpecError for what is no regular file."""
    try:
        return read_bytes(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Source(shown, "").problem(0, "cannot-read", f"the file cannot be read: {reason}", "check the path")
        raise SpecError([problem]) from None


def read_bytes(path: str | Path) -> bytes:
    """The first `MAX_FILE_BYTES` and one more of a regular file. Raises OSError for anything else; never waits."""
    return files.read_file(path, MAX_FILE_BYTES)


def decode(data: bytes, shown: str) -> Source:
    """Bytes as a source: UTF-8 without control characters; one byte order mark at the start is dropped."""
    blank = Source(shown, "")
    if len(data) > MAX_FILE_BYTES:
        message = f"the file is larger than {MAX_FILE_BYTES} bytes"
        raise SpecError([blank.problem(0, "spec-too-big", message, "move examples into smaller files")])
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = Source(shown, data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff"))
        message = f"byte {error.start} is not UTF-8"
        raise SpecError([before.problem(len(before.text), "encoding", message, "save the file as UTF-8")]) from None
    source = Source(shown, text)
    if bad := _FORBIDDEN.search(text):
        byte = len(text[: bad.start()].encode("utf-8", "surrogatepass"))
        message = f"the character U+{ord(bad[0]):04X} (byte {byte}) is not allowed"
        hint = "remove it, or write it as an escape in double quotes"
        raise SpecError([source.problem(bad.start(), "encoding", message, hint)])
    return source
