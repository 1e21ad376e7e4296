"""Cache: entries in a folder of the user's, each under its token and sealed with the user's key."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, cached_property
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

from ..folders import exists
from .own import folder_of, own_folder, read_own, write_own

MAX_ENTRIES = 8192
MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRY = 1024 * 1024
"""How much is kept, in entries and bytes together, and the bytes of one entry. Beyond that, the oldest go."""

_KEPT = 3 / 4
"""How much of it is left then."""
_SEAL, _NAME = 32, 20
"""The bytes of a seal and of the user's key, and those of a token."""


class Cache:
    """Entries in `folder`, sealed with the key in `key_file`. Both are made when they are first needed.

    A cache that cannot be used knows nothing and keeps nothing; no method raises.
    """

    def __init__(self, folder: str, key_file: str) -> None:
        self._folder = folder
        self._key_file = key_file
        self._begun: dict[bytes, blake2b] = {}

    @cached_property
    def _key(self) -> bytes:
        """The user's key; empty where there can be none, or anybody else can write to the folder of entries."""
        if not own_folder(os.path.dirname(self._key_file)) or not own_folder(self._folder):
            return b""
        key = self._read_key()
        if len(key) != _SEAL and write_own(self._key_file, os.urandom(_SEAL)):
            key = self._read_key()  # of several processes that make it at once, the last
        return key if len(key) == _SEAL else b""

    def _read_key(self) -> bytes:
        return read_own(self._key_file, _SEAL, others=0o077) or b""

    def token(self, head: bytes, parts: Sequence[bytes]) -> str:
        """The name of the entry for all that these parts say, which nobody else can know; empty without a cache.

        `head` is what many have in common.
        """
        if not self._key:
            return ""
        begun = self._begun.get(head)
        if begun is None:
            begun = self._begun[head] = blake2b(b"%d:%b" % (len(head), head), key=self._key, digest_size=_NAME)
        told = begun.copy()
        told.update(b"%d;" % len(parts))
        for part in parts:
            told.update(b"%d:" % len(part))
            told.update(part)
        return told.hexdigest()

    def knows(self, token: str) -> bool:
        """Whether there is an entry of this name: no one but this user can have made a file of this name first."""
        return bool(token) and exists(self._path(token))

    def get(self, token: str) -> Any:
        """What an entry holds; None when there is none, or it is not what was put there."""
        data = read_own(self._path(token), MAX_ENTRY) if token else None
        if data is None or not compare_digest(data[:_SEAL], self._seal(token, data[_SEAL:])):
            return None
        try:
            return json.loads(data[_SEAL:])
        except (ValueError, RecursionError):
            return None

    def put(self, token: str, value: Any) -> None:
        """Keep a value of plain data, if there is room for it."""
        if not token:
            return
        try:
            data = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (ValueError, TypeError, RecursionError):
            return
        if len(data) + _SEAL > MAX_ENTRY or not write_own(self._path(token), self._seal(token, data) + data):
            return
        if token.startswith("00"):  # one in 256
            self.prune()

    def prune(self) -> None:
        """Remove the oldest entries, and what else lies there, where there are too many or they are too large."""
        found = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    info = entry.stat(follow_symlinks=False)
                    found.append((info.st_mtime_ns, info.st_size, entry.path))
        found.sort(reverse=True)
        if len(found) <= MAX_ENTRIES and sum(size for _, size, _ in found) <= MAX_BYTES:
            return
        count, total = 0, 0
        for _, size, path in found:
            count, total = count + 1, total + size
            if count > MAX_ENTRIES * _KEPT or total > MAX_BYTES * _KEPT:
                with suppress(OSError):
                    os.unlink(path)

    def _path(self, token: str) -> str:
        return os.path.join(self._folder, token)

    def _seal(self, token: str, data: bytes) -> bytes:
        return blake2b(b"%b:%b" % (token.encode(), data), key=self._key, digest_size=_SEAL, person=b"seal").digest()


def user_cache() -> Cache | None:
    """The cache of this user; None without a home, and where the variable WIREFILE_NO_CACHE asks for none."""
    folder, state = folder_of("cache"), folder_of("state")
    if not folder or not state or os.environ.get("WIREFILE_NO_CACHE"):
        return None
    return _cache_in(os.path.join(folder, "checked"), os.path.join(state, "cache-key"))


@cache
def _cache_in(folder: str, key_file: str) -> Cache:
    """One for all catalogs of a process: the key is read once."""
    return Cache(folder, key_file)
