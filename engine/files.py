"""Reading a file that somebody else may have put there: no link, device or size makes it wait, or read without end."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable

# O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. O_NOCTTY: a terminal is not taken over.
_FLAGS = sum((getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC")), os.O_RDONLY)
_NO_LINK = _FLAGS | getattr(os, "O_NOFOLLOW", 0)
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO"}

Stamp = str
"""Which file it is, and when it was changed: device, inode, size, and the times of its content and of its status."""

_FINE, _COARSE = 100_000_000, 3_000_000_000
"""How old a change must be, in nanoseconds, that the next one has another time: clocks of file systems tick every 10 ms
at most; those that have only whole seconds, or every second one, are told by that.
"""


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
    handle = os.open(path, _FLAGS if follow else _NO_LINK)
    try:
        info = _stat(handle)
        if not may_be(info):
            raise PermissionError(0, "it may be another's")
        return _read(handle, info.st_size, most)
    finally:
        os.close(handle)


def read_stamped(path: str, most: int) -> tuple[Stamp | None, bytes]:
    """The stamp of a regular file that is no link, and what `read_file` reads of it.

    A stamp that may stay as it is while the file is changed says nothing of its bytes, and is None.
    """
    handle = os.open(path, _NO_LINK)
    try:
        info = _stat(handle)
        return stamp_of(info) if _is_settled(info) else None, _read(handle, info.st_size, most)
    finally:
        os.close(handle)


def stamp_at(path: str) -> Stamp | None:
    """The stamp of a regular file that is no link and can be read; None where there is none.

    It is opened for that: a remote file system then asks whether it is still what it was.
    """
    try:
        handle = os.open(path, _NO_LINK)
    except (OSError, ValueError):
        return None
    try:
        info = os.fstat(handle)
    finally:
        os.close(handle)
    return stamp_of(info) if stat.S_ISREG(info.st_mode) else None


def stamp_of(info: os.stat_result) -> Stamp:
    """What tells a file from another, and from what it was before."""
    return f"{info.st_dev} {info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def _is_settled(info: os.stat_result) -> bool:
    """Whether any change from now on will give a file another stamp.

    Who changes a file can set back the time of its content, but not that of its status. Windows has none.
    """
    margin = _FINE if info.st_ctime_ns % 1_000_000_000 else _COARSE
    return sys.platform != "win32" and time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > margin


def _stat(handle: int) -> os.stat_result:
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        raise OSError(0, f"it is {_KINDS.get(stat.S_IFMT(info.st_mode), 'no regular file')}")
    return info


def _read(handle: int, size: int, most: int) -> bytes:
    data = os.read(handle, min(size, most) + 1)
    if len(data) == size:
        return data  # as nearly always: read in one call, into a buffer of its size
    chunks = [data]
    while sum(map(len, chunks)) <= most and (chunk := os.read(handle, most + 1)):
        chunks.append(chunk)
    return b"".join(chunks)
