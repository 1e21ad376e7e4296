"""Catalog: finds provider files by name in folders, and loads one when it is first used.

Folders in order: those that the caller names, those of the variable WIREFILE_PATH, the user's own, and the built-in
ones. Of two files with one name, the first found counts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UnknownProviderError
from .folders import SUFFIXES, builtin_folder, find_file, is_built_in, is_there, user_folder
from .suggest import did_you_mean

if TYPE_CHECKING:
    from .provider import Provider
    from .spec import ProviderSpec


class Catalog:
    """The provider files of some folders. Nothing is read before it is asked for.

    `allow_env` names variables that files may read although they are protected (HOME, AWS_SECRET_ACCESS_KEY, ...).

    >>> "acytoo" in Catalog()
    True
    """

    def __init__(self, *folders: str | os.PathLike[str], allow_env: Collection[str] = ()) -> None:
        self._given = tuple(Path(folder) for folder in folders)
        self._allow_env = frozenset([allow_env] if isinstance(allow_env, str) else allow_env)
        self._providers: dict[str, Provider] = {}
        self._redirected: dict[str, Provider] = {}
        self._lock = threading.Lock()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where files are looked for, first to last."""
        path = os.environ.get("WIREFILE_PATH", "")
        listed = tuple(Path(part) for part in path.split(os.pathsep) if part)
        return (*self._given, *listed, user_folder(), builtin_folder())

    def files(self) -> Iterator[Path]:
        """Every provider file that a name can reach, in the order of names within each folder."""
        seen: set[str] = set()
        for folder in self.folders:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                path = Path(entry.path)
                if path.suffix in SUFFIXES and path.stem not in seen and is_there(path):
                    seen.add(path.stem)
                    yield path

    def names(self) -> list[str]:
        """The names of all providers, sorted."""
        return sorted(path.stem for path in self.files())

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: str) -> bool:
        path = self.find(name)
        return path is not None and path.exists()

    def find(self, name: str) -> Path | None:
        """The file of a name, or None. A name is a file's stem; a path to a file is a name too."""
        if name.endswith(SUFFIXES):
            return Path(name)
        return find_file(name, self.folders)

    def path_of(self, name: str) -> Path:
        """The file of a name. Raises UnknownProviderError."""
        path = self.find(name)
        if path is None:
            hint = did_you_mean(name, self.names()) or "see `wirefile list`"
            raise UnknownProviderError(f"there is no provider '{name}'; {hint}")
        return path

    def spec(self, name: str) -> ProviderSpec:
        """The checked file of a name. Raises UnknownProviderError, or SpecError with all of its problems."""
        return self.provider(name).spec

    def provider(self, name: str, *, redirected: bool = False) -> Provider:
        """The provider of a name, loaded at first use: its file is read once. Errors are those of `spec`.

        `redirected` says that the caller names the host with a base URL, so that the file's own may be any.
        """
        with self._lock:
            known = self._redirected if redirected and name not in self._providers else self._providers
            if name not in known:
                path = self.path_of(name)
                from .loader import load  # YAML and the schema are loaded with the first file
                from .provider import Provider  # what runs a file is not needed to judge one

                shipped, allowed = is_built_in(path), self._allow_env
                spec = load(path, shipped=shipped, folders=self.folders, allow_env=allowed, redirected=redirected)
                known[name] = Provider(spec)
            return known[name]
