"""Register: which files of a folder are sound, by their stamps: a thousand of them need not be read to be known.

A stamp (files.py) is only noted when any later change will give another, and a file counts as known only while what it
extends is what it was. Even so no value depends on a stamp. Not every system tells the truth in its times (an image
whose files are all of one second, a remote file system without times of status), so whoever looks into a file that is
known reads it then, and what counts is what it says: remembered.py. Only that it says something wrong is told a little
later there.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Collection
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from ..cache import Cache
from ..files import stamp_at
from ..folders import SUFFIXES, Found, above, exists, is_built_in, look_at
from ..spec import ProviderSpec
from .around import Around
from .lineage import chain_of, kin_of
from .remembered import Inquiry, remembered
from .source import file_bytes
from .ways import Ways

MAX_RECORDS = 4096
"""How many files of a folder are known. With one more it begins anew."""
_MANY = 256
"""A page is written when so many records of it are new, and when the process ends."""

Record = list[str]
"""A file's stamp, the name that it extends, what stands for all that it extends, and the token of its entry."""


class Page:
    """The known files of a folder by name, kept in a cache."""

    def __init__(self, cache: Cache, token: str) -> None:
        self._cache = cache
        self._token = token
        self._new = 0
        self._is_kept_at_exit = False

    @cached_property
    def _records(self) -> dict[str, str]:
        """Each as one text: a thousand lists more would be looked at by the garbage collector."""
        return self._cache.get(self._token) or {}

    def get(self, name: str) -> Record | None:
        """What is known of a file."""
        record = self._records.get(name)
        return record.split("\n") if record is not None else None

    def note(self, name: str, record: Record) -> None:
        """Know a file from now on."""
        if len(self._records) >= MAX_RECORDS:
            self._records.clear()
        self._records[name] = "\n".join(record)
        self._new += 1
        if self._new >= _MANY:
            self.keep()
        elif not self._is_kept_at_exit:
            self._is_kept_at_exit = True
            atexit.register(self.keep)

    def keep(self) -> None:
        """Write what is new."""
        if self._new:
            self._new = 0
            self._cache.put(self._token, dict(self._records))  # another thread may add to them


@lru_cache(maxsize=64)
def _page(cache: Cache, token: str) -> Page:
    """One for all catalogs of a process."""
    return Page(cache, token)


class _Folder(NamedTuple):
    """A folder of a catalog: what its files are loaded in, where those that they extend are, and what is known."""

    around: Around
    ways: Ways
    page: Page


class Register:
    """The known files of a catalog's folders. Files that came with the package are not among them."""

    def __init__(self, cache: Cache, engine: bytes, folders: Collection[Path], allow_env: Collection[str]) -> None:
        self._cache = cache
        self._folders: dict[str, _Folder | None] = {}
        for folder in folders:
            start, beside = above(folder), folder / "any"
            around = Around(False, folders, frozenset(allow_env), beside=beside)
            place = [text.encode("utf-8", "surrogatepass") for text in (start, os.path.abspath(folder))]
            token = cache.token(around.told(engine) + b"register", place)
            self._folders[start] = None if is_built_in(beside) else _Folder(around, around.ways, _page(cache, token))

    def spec(self, name: str) -> ProviderSpec | None:
        """The file of a name, if it is known; None where the first file of that name is not."""
        for start, folder in self._folders.items():
            for suffix in SUFFIXES:
                path = f"{start}{name}{suffix}"
                record = None if folder is None else folder.page.get(f"{name}{suffix}")
                if folder is not None and record is not None:
                    if stamp_at(path) != record[0] or (record[1] and _kin(record[1], folder.ways) != record[2]):
                        return None
                    return ProviderSpec.later(partial(self._spec, path, folder, record), name=name)
                if exists(path):
                    return None
        return None

    def load(self, found: Found) -> ProviderSpec | None:
        """A file that was read, as `loader.load` loads it: to be known. None for one of which nothing can be."""
        end = found.path.rfind(os.sep) + 1
        folder = self._folders.get(found.path[:end])
        if folder is None or found.data is None or found.stamp is None:
            return None
        inquiry = Inquiry.about(found.data, found.path, folder.around, self._cache)
        is_sound = inquiry.is_sound
        spec = ProviderSpec.later(inquiry.spec) if is_sound else inquiry.spec()
        if is_sound or inquiry.is_sound:
            kin = kin_of(inquiry.chain)
            folder.page.note(found.path[end:], [found.stamp, inquiry.extends, kin, inquiry.token])
        return spec

    def _spec(self, path: str, folder: _Folder, record: Record) -> ProviderSpec:
        """A known file: as it is, or as it was when it was asked for if it has changed or gone since."""
        stamp, extends, kin, token = record
        found = look_at(path)
        data = found.data if found is not None and found.stamp == stamp else None
        if data is None or _kin(extends, folder.ways) != kin:
            as_it_was = remembered(self._cache, token, path)
            if as_it_was is not None:
                return as_it_was
            data = file_bytes(path, path)
        return Inquiry.about(data, path, folder.around, self._cache).spec()


def _kin(extends: str, ways: Ways) -> str:
    chain = chain_of(extends, ways) if extends else ()
    return "" if chain is None else kin_of(chain)
