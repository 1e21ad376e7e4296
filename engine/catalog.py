"""Catalog: finds provider files by name in folders, and loads one when it is first used.

Folders in order: those that the caller names, those of the variable WIREFILE_PATH, the user's own, and the built-in
ones. Of two files with one name, the first found counts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UnknownProviderError
from .folders import SUFFIXES, Found, Shipped, builtin_folder, find_file, is_there, read_first, user_folder
from .suggest import did_you_mean

if TYPE_CHECKING:
    from .cache import Cache
    from .loader.register import Register
    from .provider import Provider
    from .spec import ProviderSpec


FEW = 8
"""So many files are read; for the next, what is known of its whole folder is, which takes longer than one file."""


class Catalog:
    """The provider files of some folders. Nothing is read before it is asked for.

    `allow_env` names variables that files may read although they are protected (HOME, AWS_SECRET_ACCESS_KEY, ...).
    With `cache`, a file that was found sound is remembered in the user's cache folder, and not checked again until it
    changes; the variable WIREFILE_NO_CACHE turns that off everywhere.

    >>> "acytoo" in Catalog()
    True
    """

    def __init__(self, *folders: str | os.PathLike[str], allow_env: Collection[str] = (), cache: bool = True) -> None:
        self._given = tuple(Path(folder) for folder in folders)
        self._allow_env = frozenset([allow_env] if isinstance(allow_env, str) else allow_env)
        self._has_cache = cache
        self._is_shipped = Shipped()
        self._providers: dict[str, Provider] = {}
        self._redirected: dict[str, Provider] = {}
        self._lock = threading.Lock()

    @cached_property
    def cache(self) -> Cache | None:
        """Where it is remembered which files are sound; None where nowhere."""
        from .cache import user_cache

        return user_cache() if self._has_cache else None

    @cached_property
    def _register(self) -> Register | None:
        """What is known of whole folders of files; None without a cache."""
        from .cache import identity

        engine = identity(builtin_folder()) if self.cache is not None else None
        if self.cache is None or engine is None or not self.cache.token(engine, ()):
            return None
        from .loader.register import Register

        return Register(self.cache, engine, self.folders, self._allow_env)

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Where files are looked for, first to last; the environment is asked once."""
        listed = os.environ.get("WIREFILE_PATH", "").split(os.pathsep)
        return (*self._given, *(Path(part) for part in listed if part), user_folder(), builtin_folder())

    def files(self) -> Iterator[Path]:
        """Every provider file that a name can reach, in the order of names within each folder."""
        return (Path(path) for _, path in self._found())

    def names(self) -> list[str]:
        """The names of all providers, sorted."""
        return sorted(name for name, _ in self._found())

    def _found(self) -> Iterator[tuple[str, str]]:
        """Every name and its file."""
        seen: set[str] = set()
        for folder in self.folders:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                name, suffix = os.path.splitext(entry.name)
                is_name = suffix in SUFFIXES and name not in seen
                if is_name and (entry.is_file(follow_symlinks=False) or is_there(entry.path)):
                    seen.add(name)
                    yield name, entry.path

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
            raise self._unknown(name)
        return path

    def _unknown(self, name: str) -> UnknownProviderError:
        hint = did_you_mean(name, self.names()) or "see `wirefile list`"
        return UnknownProviderError(f"there is no provider '{name}'; {hint}")

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
                known[name] = self._load(name, redirected)
            return known[name]

    @cached_property
    def _load(self) -> Callable[[str, bool], Provider]:
        """What loads a file: imported with the first."""
        from .loader import load
        from .provider import Provider

        def loaded(name: str, redirected: bool) -> Provider:
            register = None if redirected or len(self._providers) < FEW else self._register
            if name.endswith(SUFFIXES):
                found: Found | None = Found(str(Path(name)), os.path.islink(name))
            elif register is not None and (spec := register.spec(name)) is not None:
                return Provider(spec)
            else:
                found = read_first(name, self.folders)
            if found is None:
                raise self._unknown(name)
            spec = None if register is None else register.load(found)
            spec = spec or load(
                found.path,
                shipped=self._is_shipped(found.path, found.is_link),
                folders=self.folders,
                allow_env=self._allow_env,
                redirected=redirected,
                data=found.data,
                cache=self.cache,
            )
            return Provider(spec)

        return loaded
