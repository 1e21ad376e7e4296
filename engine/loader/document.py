"""A file's plain data in which every key and value keeps its place: YAML becomes one, and all checks are given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, Severity
from .source import Mark, Source

MAX_NODES = 20_000
"""How many values a file may hold."""

Place = tuple[str | int, ...]
"""Where a value is in the tree: keys and indexes from the top."""


@dataclass(slots=True)
class Document:
    """A file's plain data, and the marks of its keys and values by place.

    `overridden` names the keys at the top that the file and a parent of it both give; `is_torn` says that a parent of
    it could not be read; `parents` are those that were, nearest first.
    """

    source: Source
    data: Any = None
    values: dict[Place, Mark] = field(default_factory=dict)
    keys: dict[Place, Mark] = field(default_factory=dict)
    overridden: frozenset[str] = frozenset()
    is_torn: bool = False
    parents: tuple[Source, ...] = ()

    def mark(self, place: Iterable[str | int], *, key: bool = False) -> Mark:
        """The mark of a key or value; of its nearest parent when it has none itself."""
        place = tuple(place)
        while place not in self.values:
            place, key = place[:-1], False
        return self.keys.get(place, self.values[place]) if key else self.values[place]

    def wrote(self, place: Place) -> bool:
        """Whether a key stands in the file itself, and is not inherited."""
        return self.mark(place, key=True).source is self.source

    def problem(
        self,
        place: Iterable[str | int],
        rule: str,
        message: str,
        hint: str = "",
        *,
        key: bool = False,
        index: int | None = None,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at a key or value, or `index` code points into a text value."""
        place = tuple(place)
        mark = self.mark(place, key=key)
        offset = mark.start
        if index is not None:
            text = place[-1] if key else self.at(place)
            offset = mark.offset_of(text, index) if isinstance(text, str) else mark.start
        shown = ".".join(str(part) for part in place)
        if mark.source is not self.source:
            message = f"{message} (inherited by {self.source.file})"
        return mark.source.problem(offset, rule, message, hint, shown, severity)

    def is_flow(self, place: Place) -> bool:
        """Whether a value is a map or list in brackets."""
        mark = self.values[place]
        return not mark.style and mark.source.text[mark.start : mark.start + 1] in ("[", "{")

    def end_of(self, place: Place) -> int:
        """The offset where what a value holds ends; the parser's end of a block is where the next thing begins."""
        mark, value = self.values[place], self.at(place)
        text = mark.source.text
        if isinstance(value, dict | list) and value and not self.is_flow(place):
            return self.end_of((*place, next(reversed(value)) if isinstance(value, dict) else len(value) - 1))
        if mark.style in ("|", ">"):
            return mark.start + len(text[mark.start : mark.end].rstrip())
        if mark.start == mark.end and place in self.keys:  # a key without a value: behind its colon
            return text.index(":", self.keys[place].end) + 1
        return mark.end

    def at(self, place: Place) -> Any:
        """The value at a place."""
        data = self.data
        for part in place:
            data = data[part]
        return data


def walk(data: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value below `data` that is no collection, with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from walk(value, (*place, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from walk(value, (*place, index))
    else:
        yield place, data
