"""Which provider files PATH words name: files, folders with all below them, globs that no shell has expanded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Problem
from ..folders import SUFFIXES

if TYPE_CHECKING:
    from ..catalog import Catalog

MAX_LISTED = 100_000
"""How many files of a folder are looked for: a hostile one may have no end."""


@dataclass(slots=True)
class Found:
    """The files, in order and each once, and what is wrong with the words that name none."""

    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find(catalog: Catalog, words: Iterable[str]) -> Found:
    """The files that the words name; without words, all of the catalog."""
    words = list(words)
    if not words:
        return Found([str(file) for file in catalog.files()])
    found = Found()
    for word in words:
        # A name that is there means itself, whatever characters it has.
        matches = sorted(glob(word, recursive=True)) if has_magic(word) and not os.path.lexists(word) else [word]
        if not matches:
            found.problems.append(_cannot_read(word, "no file matches this pattern", "name a file or a folder"))
        for match in matches:
            found.files += _below(str(Path(match)), found.problems) if os.path.isdir(match) else [str(Path(match))]
    found.files = list(dict.fromkeys(found.files))
    return found


def _below(folder: str, problems: list[Problem]) -> list[str]:
    """The provider files of a folder and of all folders below it."""
    known = len(problems)

    def unread(error: OSError) -> None:
        problems.append(_cannot_read(error.filename, f"the folder cannot be read: {error.strerror}", "check the path"))

    # Not as Paths: to make and to compare a thousand of them takes longer than to read the files.
    files = sorted(islice(_walk(folder, unread), MAX_LISTED), key=lambda file: file.split(os.sep))
    if not files and len(problems) == known:
        hint = f"name a folder that holds {' or '.join(SUFFIXES)} files"
        problems.append(_cannot_read(folder, "the folder holds no provider file", hint))
    return files


def _walk(folder: str, unread: Callable[[OSError], None]) -> Iterator[str]:
    here = os.path.join(os.curdir, "")
    for place, _, names in os.walk(folder, onerror=unread):
        yield from (os.path.join(place, name).removeprefix(here) for name in names if name.endswith(SUFFIXES))


def _cannot_read(path: str, message: str, hint: str) -> Problem:
    return Problem(path, 1, 1, "cannot-read", message, hint)
