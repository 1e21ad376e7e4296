"""Where provider files are: the built-in folder, the user's own, and the file of a name in a list of folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
PROTOCOLS = "protocols"
"""The subfolder that holds abstract files, which others extend."""


@cache
def builtin_folder() -> Path:
    """The provider files that came with the package: inside it, or in the checkout of an editable install."""
    packaged = Path(__file__).resolve().parent / "providers"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[1] / "providers"


def is_built_in(path: Path) -> bool:
    """Whether a file is in the built-in folder."""
    # Not Path.resolve: it raises for a link that leads to itself, and for a name that is too long.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(builtin_folder()))


def user_folder() -> Path:
    """The user's own provider files: $XDG_CONFIG_HOME/wirefile/providers, by default below ~/.config."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(config) / "wirefile" / "providers"


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of a name in the first folder that has it; None when none does. A name is a file's stem."""
    if not name or name in (".", "..") or any(char in name for char in "/\\\0"):
        return None
    for folder in folders:
        for suffix in SUFFIXES:
            path = folder / f"{name}{suffix}"
            if is_there(path):
                return path
    return None


def is_there(path: Path) -> bool:
    """Whether a path leads to something that is no folder; one that leads to itself leads nowhere."""
    try:
        return path.exists() and not path.is_dir()
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
