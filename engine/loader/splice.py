"""Other data into a document's text: only what differs is written anew, all else keeps its comments and its form.

The marks of the document say where each value stands. The result is read again: it says the new data, or it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..comparison import Place, same
from ..errors import Problems
from .document import Document
from .source import Source
from .yamlout import WIDTH, yaml_text
from .yamltext import read

_LINE_END = re.compile(r"\r\n|\r|\n")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class NotSplicedError(Exception):
    """The text cannot be changed so that it says the new data, and nothing else."""


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """New text for the text from `start` to `end`."""

    start: int
    end: int
    text: str


def spliced(document: Document, data: Any) -> str:
    """The text of a document that inherits nothing, changed where `data` is other than what it says now.

    Raises NotSplicedError where that cannot be done.

    >>> before = read(Source("<text>", "a: {b: 1}  # one\\nc: [x]\\n"), Problems())
    >>> print(spliced(before, {"a": {"b": 2}, "c": ["x", "y"]}), end="")
    a: {b: 2}  # one
    c: [x, y]
    """
    text = document.source.text
    for edit in sorted(_Splice(document).revised((), data), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    problems = Problems()
    result = read(Source(document.source.file, text), problems)
    if problems.found or not same(result.data, data):
        raise NotSplicedError
    return text


class _Splice:
    """The edits of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.source.text
        found = _LINE_END.search(self.text)
        self.line_end = found[0] if found else "\n"

    def revised(self, place: Place, new: Any) -> Iterator[_Edit]:
        """What makes the value at a place the new one."""
        old = self.document.at(place)
        if same(old, new):
            return
        old_items, new_items = _items(old), _items(new)
        kept = [key for key in old_items if key in new_items]
        if type(old) is not type(new) or not kept:
            yield self.written(place, new)
            return
        last = list(old_items).index(kept[-1])
        gone = [
            self.without((*place, key), is_at_end=index > last)
            for index, key in enumerate(old_items)
            if key not in new_items
        ]
        if None in gone:
            yield self.written(place, new)
            return
        yield from (edit for edit in gone if edit is not None)
        for key in kept:
            yield from self.revised((*place, key), new_items[key])
        for key in [key for key in new_items if key not in old_items]:
            yield self.added((*place, key), new_items[key], after=(*place, kept[-1]))

    def written(self, place: Place, new: Any) -> _Edit:
        """The whole value anew, in the form of what it replaces where that fits."""
        mark = self.document.values[place]
        end = self.document.end_of(place)
        if isinstance(new, str) and (text := self.in_style(place, new)) is not None:
            return _Edit(mark.start, end, text)
        is_block = isinstance(self.document.at(place), dict | list) and not self.document.is_flow(place)
        if is_block and new and isinstance(new, dict | list):
            return _Edit(mark.start, end, self.lines(yaml_text(new, indent=self.column(mark.start))))
        lead = "" if mark.start < mark.end or self.text[mark.start - 1 : mark.start].isspace() else " "
        return _Edit(mark.start, end, lead + _on_one_line(new))

    def in_style(self, place: Place, new: str) -> str | None:
        """A text in the style of the scalar that it replaces; None where it does not fit, or that has none."""
        mark = self.document.values[place]
        if mark.style == '"':
            return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04X}", json.dumps(new, ensure_ascii=False))
        if mark.style == "'" and new.isprintable():
            return "'" + new.replace("'", "''") + "'"
        if mark.style in ("|", ">"):
            return self.as_block(self.text[mark.start : self.document.end_of(place)], new)
        is_plain = not mark.style and not _items(self.document.at(place)) and yaml_text(new) == new
        if is_plain and mark.start < mark.end and (not self.document.is_flow(place[:-1]) or _is_plain_in_brackets(new)):
            return new
        return None

    def as_block(self, old: str, new: str) -> str | None:
        """A text as lines below a header; None where it has lines that a block does not keep."""
        header, *lines = _LINE_END.split(old)
        indent = next((line[: len(line) - len(line.lstrip(" "))] for line in lines if line.strip()), "")
        body = new.removesuffix("\n")
        pieces = body.split("\n")
        if not indent or not body or not all(piece == "" or re.fullmatch(r"\S(.*\S)?", piece) for piece in pieces):
            return None
        if pieces[-1] == "" or not all(piece.isprintable() for piece in pieces):
            return None
        style = ">" if header[0] == ">" and len(pieces) == 1 else "|"
        rest = re.sub(r"^[|>][-+0-9]*", "", header)
        head = f"{style}{'' if new.endswith(chr(10)) else '-'}{rest}"
        return self.line_end.join([head, *(f"{indent}{piece}".rstrip() for piece in pieces)])

    def added(self, place: Place, new: Any, after: Place) -> _Edit:
        """One more entry of a map or list, behind another."""
        *_, key = place
        end = self.document.end_of(after)
        lead = f"{_on_one_line(key)}: " if isinstance(key, str) else ""
        if self.document.is_flow(place[:-1]):
            return _Edit(end, end, f", {lead}{_on_one_line(new)}")
        column = self.column(self.document.values[place[:-1]].start)
        text = (lead or "- ") + _on_one_line(new)
        if new and isinstance(new, dict | list) and column + len(text) > WIDTH:
            below = self.line_end + " " * (column + 2) if lead else ""
            text = (lead.rstrip() or "- ") + below + self.lines(yaml_text(new, indent=column + 2))
        end = self.line_after(end)[0]  # behind a comment
        return _Edit(end, end, self.line_end + " " * column + text)

    def without(self, place: Place, *, is_at_end: bool) -> _Edit | None:
        """The edit that takes an entry out of a map or list; None where it does not stand by itself.

        Of those in brackets, one at the end takes the comma before it along, any other the comma behind it.
        """
        mark = self.document.keys[place] if place in self.document.keys else self.document.values[place]
        start, end = mark.start, self.document.end_of(place)
        if self.document.is_flow(place[:-1]):
            if is_at_end:
                before = re.search(r"\s*,\s*\Z", self.text[:start])
                return _Edit(before.start() if before else start, end, "")
            comma = re.compile(r"\s*,[ \t]*").match(self.text, end)
            return _Edit(start, comma.end(), "") if comma else None
        first = start - self.column(start)
        if not re.fullmatch(r" *" if place in self.document.keys else r" *- +", self.text[first:start]):
            return None
        return _Edit(first, self.line_after(end)[1], "")

    def column(self, offset: int) -> int:
        """How many characters stand before an offset in its line."""
        return self.document.source.position(offset)[1] - 1

    def line_after(self, offset: int) -> tuple[int, int]:
        """Where the line of an offset ends, and where the next one begins."""
        found = _LINE_END.search(self.text, offset)
        return found.span() if found else (len(self.text), len(self.text))

    def lines(self, text: str) -> str:
        """Lines with the line ends of the file."""
        return text.replace("\n", self.line_end)


def _items(value: Any) -> dict[str | int, Any]:
    """The entries of a map or list; a scalar has none."""
    if isinstance(value, dict):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _is_plain_in_brackets(text: str) -> bool:
    problems = Problems()
    return read(Source("", f"[{text}]"), problems).data == [text] and not problems.found


def _on_one_line(value: Any) -> str:
    """A value as it may stand anywhere, in brackets too."""
    return yaml_text([value], flow=True)[1:-1]
