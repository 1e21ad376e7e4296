"""Ways to the files that others extend: found once, and then only asked whether anything has come nearer.

In the built-in folder nothing does: a file that is put there counts for the next process, as the engine's own code.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..folders import builtin_folder, candidates, exists, find_path, with_protocols


class _Way(NamedTuple):
    """Where the file of a name is, and all that was not there before it: files, or the folder that would hold them."""

    absent: tuple[str, ...]
    path: str


class Ways:
    """Folders in which files are looked for, first to last, and where they were found."""

    def __init__(self, places: tuple[Path, ...]) -> None:
        self.places = places
        self._known: dict[str, _Way] = {}

    def to(self, name: str) -> str | None:
        """The path that `find_path` finds, or found before: then the file may be gone since."""
        way = self._known.get(name)
        if way is not None and not any(map(exists, way.absent)):
            return way.path
        path = find_path(name, self.places)
        if path is not None:
            self._known[name] = _Way(self._absent(name, path), path)
        return path

    def anew(self, name: str) -> str | None:
        """The path that `find_path` finds."""
        self._known.pop(name, None)
        return self.to(name)

    def _absent(self, name: str, found: str) -> tuple[str, ...]:
        absent: list[str] = []
        shipped = with_protocols([builtin_folder()])
        for place in self.places:
            files = list(candidates(name, [place]))
            nearer = files[: files.index(found)] if found in files else files
            if place not in shipped and exists(str(place)):
                absent += nearer
            elif place not in shipped and os.path.dirname(place) not in absent:
                absent.append(str(place))
            if found in files:
                break
        return tuple(absent)
