"""Where the parts of a file's examples are written: asked only about a file in which something failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..comparison import Place
from .around import Around
from .inherit import read_whole
from .source import read_file


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: line and column from 1, in code points."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Positions:
    """The positions of what a file's examples hold, in that file or in one that it extends."""

    def __init__(self, path: Path | str, folders: Iterable[Path] = ()) -> None:
        source = read_file(Path(path), str(path))
        self._document = read_whole(source, Around(folders=folders, beside=path).places)
        self._indexes = {example["name"]: index for index, example in enumerate(self._document.data["examples"])}

    def of(self, example: str, place: Place) -> Position:
        """Where a part of an example is written; of one that it does not have, where that would stand."""
        mark = self._document.mark(("examples", self._indexes[example], *place))
        return Position(mark.source.file, *mark.source.position(mark.start))
