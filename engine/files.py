"""Reading a file that somebody else may have put there: no link, device or size makes it wait, or read without end."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

# O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. O_NOCTTY: a terminal is not taken over.
_FLAGS = sum((getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC")), os.O_RDONLY)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}


def read_file(
    path: str | os.PathLike[str],
    most: int,
    *,
    follow: bool = True,
    may_be: Callable[[os.stat_result], bool] = lambda info: True,
) -> bytes:
    """The first `most` bytes and one more of a regular file. Raises OSError for anything else, and ValueError.

    Unless it may `follow` one, for a link as well, and for a file that may not be so.
    """
    handle = os.open(path, _FLAGS if follow else _FLAGS | _NO_LINK)
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(0, f"it is {_KINDS.get(stat.S_IFMT(info.st_mode), 'no regular file')}")
        if not may_be(info):
            raise PermissionError(0, "it may be another's")
        data = os.read(handle, min(info.st_size, most) + 1)
        if len(data) == info.st_size:
            return data  # as nearly always: read in one call, into a buffer of its size
        chunks = [data]
        while sum(map(len, chunks)) <= most and (chunk := os.read(handle, most + 1)):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(handle)
