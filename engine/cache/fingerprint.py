"""Who judges: this engine, as its files are, with the built-in provider files and the libraries that it reads with.

A verdict is this one's alone. An edited checkout, another version, another library or another Python are others, which
the names, sizes and times of their files tell: to read the bytes of three hundred files would take too long.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..folders import SUFFIXES
from ..version import BEGAN, __version__

LIBRARIES = ("jinja2", "jsonschema", "yaml")
_TOLD = (".py", ".json", *SUFFIXES)


@cache
def identity(builtin: Path) -> bytes | None:
    """A digest of the engine with these built-in files; None where it cannot tell.

    That is so where its files are no files (an archive), and where one of them is younger than this process, which may
    run what it said before.
    """
    package = Path(__file__).parents[1]
    folders = [package, builtin, *(folder for folder in (package.parent / "schemas",) if folder.is_dir())]
    told = [f"{__version__} {sys.version}"]
    youngest = 0
    try:
        for path, info in (found for folder in folders for found in _files(str(folder))):
            told.append(f"{path} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}")
            youngest = max(youngest, info.st_mtime_ns, info.st_ctime_ns)
        for name in LIBRARIES:
            info = os.stat(str(getattr(find_spec(name), "origin", "")))
            told.append(f"{name} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}")
    except (OSError, ValueError):
        return None
    if youngest >= BEGAN * 1e9:
        return None
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).digest()


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(_TOLD):
                yield entry.path, entry.stat()
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _files(entry.path)
