"""Where provider files are: the built-in folder, the user's own, and the file of a name in a list of folders."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from .files import Stamp, read_stamped

MAX_FILE_BYTES = 256 * 1024
"""How large a provider file may be."""

SUFFIXES = (".yaml", ".yml")
PROTOCOLS = "protocols"
"""The subfolder that holds abstract files, which others extend."""


@cache
def builtin_folder() -> Path:
    """The provider files that came with the package: inside it, or in the checkout of an editable install."""
    packaged = Path(__file__).resolve().parent / "providers"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[1] / "providers"


def is_built_in(path: str | Path) -> bool:
    """Whether a file is in the built-in folder."""
    # Not Path.resolve: it raises for a link that leads to itself, and for a name that is too long.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(builtin_folder()))


class Shipped:
    """Tells which files are in the built-in folder; a folder that is elsewhere is looked up once for all of its files.

    Only that a folder is elsewhere is remembered: whatever happens to it, its files are not trusted the more.
    """

    def __init__(self) -> None:
        self._elsewhere: set[str] = set()

    def __call__(self, path: str, is_link: bool | None = None) -> bool:
        """Whether a file came with the package; `is_link` is told by who knows it."""
        folder = os.path.dirname(path)
        if folder in self._elsewhere and not (os.path.islink(path) if is_link is None else is_link):
            return False
        if is_built_in(path):
            return True
        if not is_built_in(folder):
            self._elsewhere.add(folder)
        return False


def user_folder() -> Path:
    """The user's own provider files: $XDG_CONFIG_HOME/wirefile/providers, by default below ~/.config."""
    return _in_config(os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config"))


@cache
def _in_config(config: str) -> Path:
    return Path(config, "wirefile", "providers")


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of a name in the first folder that has it; None when none does. A name is a file's stem."""
    found = find_path(name, folders)
    return Path(found) if found is not None else None


def find_path(name: str, folders: Iterable[Path]) -> str | None:
    """The same as text: to make a Path takes as long as to read a small file."""
    return next((path for path in candidates(name, folders) if exists(path) and is_there(path)), None)


class Found(NamedTuple):
    """A file: whether it is a link, its bytes unless it is, or cannot be read, and its stamp if that tells them."""

    path: str
    is_link: bool
    data: bytes | None = None
    stamp: Stamp | None = None


def read_first(name: str, folders: Iterable[Path]) -> Found | None:
    """The file that `find_file` finds, read in the same step."""
    for nth, path in enumerate(candidates(name, folders)):
        if nth and not exists(path):
            continue
        found = look_at(path)
        if found is not None:
            return found
    return None


def exists(path: str) -> bool:
    """Whether something is at a path: to ask takes a fifth of what it takes to fail to open it."""
    try:
        return os.access(path, os.F_OK, effective_ids=_OF_THE_PROCESS)
    except ValueError:
        return False


_OF_THE_PROCESS = os.access in os.supports_effective_ids


def look_at(path: str) -> Found | None:
    """What a path leads to, if that is no folder."""
    try:
        stamp, data = read_stamped(path, MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return Found(path, os.path.islink(path)) if is_there(path) else None
    return Found(path, False, data, stamp)


_SEPARATORS = re.compile(r"[/\\\0]")


def candidates(name: str, folders: Iterable[Path]) -> Iterator[str]:
    """The paths that the file of a name may have, first to last."""
    if name in ("", ".", "..") or _SEPARATORS.search(name):
        return
    for folder in folders:
        start = above(folder)
        for suffix in SUFFIXES:
            yield f"{start}{name}{suffix}"


@lru_cache(maxsize=256)
def above(folder: Path) -> str:
    """What stands before the names of a folder's files."""
    return os.path.join(folder, "") if folder.parts else ""


def is_there(path: str | Path) -> bool:
    """Whether a path leads to something that is no folder; one that leads to itself leads nowhere."""
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def with_protocols(folders: Iterable[Path]) -> list[Path]:
    """Each folder, and behind it the protocols in it: where a file to extend is looked for."""
    return [place for folder in folders for place in (folder, folder / PROTOCOLS)]


def stems(folders: Iterable[Path]) -> list[str]:
    """The names of all files in some folders, sorted."""
    found: set[str] = set()
    for folder in folders:
        try:
            found.update(path.stem for path in folder.iterdir() if path.suffix in SUFFIXES)
        except OSError:
            continue
    return sorted(found)
