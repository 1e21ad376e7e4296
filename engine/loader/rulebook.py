"""What each rule means, for people: the table rulebook.yaml as values. No check reads it, and no load waits for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import Problems, Severity
from .source import Source
from .yamltext import read

STRETCH = "…"
"""Stands in an example for text that nobody would read."""

_TOP_KEY = re.compile(r"""^["']?([A-Za-z$_][A-Za-z0-9$_-]*)["']?[ \t]*:""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A bad or a good example: the lines that matter, and how they become a file to be examined.

    `whole` says that they are the whole file, `folder` that they list the paths of a folder; `beside` holds other files
    by name; `stretch` is the text that each `STRETCH` stands for, and how often.
    """

    lines: str
    frame: str
    whole: bool = False
    folder: bool = False
    beside: Mapping[str, str] | None = None
    stretch: tuple[str, int] | None = None

    @property
    def text(self) -> str:
        """The example as a whole file."""
        lines = self.lines
        if self.stretch is not None:
            text, times = self.stretch
            lines = lines.replace(STRETCH, text * times)
        return lines if self.whole else laid_over(self.frame, lines)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that a provider file is held to; `chapter` is where it is described, `protects` a promise in words."""

    name: str
    chapter: str
    title: str
    meaning: str
    protects: str
    bad: Example
    good: Example
    severity: Severity = "error"


def laid_over(frame: str, lines: str) -> str:
    """A file with some of its top-level keys replaced by lines that begin with these keys.

    >>> laid_over("a: 1\\nb:\\n  c: 2\\nd: 3\\n", "b: 4\\n")
    'a: 1\\nd: 3\\nb: 4\\n'
    """
    replaced = set(_TOP_KEY.findall(lines))
    starts = [*_TOP_KEY.finditer(frame)]
    ends = [*(start.start() for start in starts[1:]), len(frame)]
    kept = [frame[key.start() : end] for key, end in zip(starts, ends, strict=True) if key[1] not in replaced]
    return "".join([*kept, lines])


@cache
def rulebook() -> Mapping[str, Rule]:
    """Every rule by its name, in the order of the table."""
    path = files(__package__) / "rulebook.yaml"
    problems = Problems()
    table: dict[str, Any] = read(Source(str(path), path.read_text(encoding="utf-8")), problems).data
    problems.raise_if_any()
    return {
        name: _rule(name, chapter, entry, table)
        for chapter, entries in table["chapters"].items()
        for name, entry in entries.items()
    }


def _rule(name: str, chapter: str, entry: dict[str, Any], table: dict[str, Any]) -> Rule:
    how: dict[str, Any] = {key: entry[key] for key in ("whole", "folder", "beside") if key in entry}
    if "stretch" in entry:
        how["stretch"] = (entry["stretch"]["text"], entry["stretch"]["times"])
    return Rule(
        name,
        chapter,
        entry["title"],
        entry["meaning"],
        table["promises"][entry["protects"]],
        Example(entry["bad"], table["frame"], **how),
        Example(entry["good"], table["frame"], **how),
        entry.get("severity", "error"),
    )


def frame() -> str:
    """The valid file that the lines of examples are laid over."""
    return next(iter(rulebook().values())).good.frame
