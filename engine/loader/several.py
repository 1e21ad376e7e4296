"""What several files say of each other: a name is one file's, whoever looks for it and however the disk spells it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Problem
from .document import Document
from .source import Source


@dataclass(frozen=True, slots=True)
class Named:
    """A file, what it calls itself, and where it says so."""

    file: str
    name: str
    line: int = 1
    column: int = 1


def by_name(document: Document) -> Named:
    """A file by its `name`; by its stem where it has none."""
    source = document.source
    name = document.data.get("name") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        return by_stem(source.file)
    return Named(source.file, name, *source.position(document.mark(("name",)).start))


def by_stem(path: Path | str) -> Named:
    """A file that was not read, by its stem."""
    return Named(str(path), os.path.splitext(os.path.basename(path))[0])


def same_names(files: Iterable[Named]) -> Iterator[Problem]:
    """A problem at each file whose name an earlier one has, in whatever case: only one of them would be found."""
    known: dict[str, Named] = {}
    for file in files:
        first = known.setdefault(file.name.casefold(), file)
        if first is file or os.path.realpath(first.file) == os.path.realpath(file.file):
            continue
        message = f"'{file.name}' is the name of {first.file}:{first.line} too"
        if first.name != file.name:
            message = f"'{file.name}' differs from '{first.name}' ({first.file}:{first.line}) only in its case"
        problem = Source(file.file, "").problem(0, "duplicate-id", message, "rename one of them", "name")
        yield replace(problem, line=file.line, column=file.column)
