"""What a provider file is loaded in: all that its verdict depends on beside the files themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..folders import builtin_folder, with_protocols
from .ways import Ways

MAX_CHAIN = 8
"""How many files may extend each other."""


class Around(NamedTuple):
    """Whether a file came with the package, where its parents are looked for, and what it may read.

    `redirected` says that a base URL of the caller's stands for the file's `url`; `beside` is a file in whose folder a
    parent is looked for first.
    """

    shipped: bool = False
    folders: Iterable[Path] = ()
    allow_env: frozenset[str] = frozenset()
    redirected: bool = False
    beside: str | Path | None = None

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders in which a file to extend is looked for, first to last."""
        return self.ways.places

    @property
    def ways(self) -> Ways:
        """These folders, and what was found in them before."""
        own = () if self.beside is None else (os.path.dirname(self.beside),)
        return _ways(*own, *self.folders, builtin_folder())

    def told(self, engine: bytes) -> bytes:
        """As bytes, who judges, and what the verdict on all files of a catalog depends on."""
        return _told(engine, self.shipped, self.redirected, self.allow_env)


@lru_cache(maxsize=64)
def _ways(*folders: str | Path) -> Ways:
    return Ways(tuple(with_protocols(dict.fromkeys(map(Path, folders)))))


@lru_cache(maxsize=64)
def _told(engine: bytes, shipped: bool, redirected: bool, allow_env: frozenset[str]) -> bytes:
    return engine + f"{shipped} {redirected} {' '.join(sorted(allow_env))}".encode("utf-8", "surrogatepass")
