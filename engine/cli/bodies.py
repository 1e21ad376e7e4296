"""A recorded body: the bytes of a file, or of standard input, piece by piece."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Generator
from typing import cast

from ..errors import UsageError

CHUNK = 64 * 1024


def body_chunks(file: str) -> Generator[bytes, None, None]:
    """The bytes of a file; `-` is standard input. Raises OSError, and UsageError for a FIFO that nobody fills."""
    if file == "-":
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        while chunk := stdin.read1(CHUNK):
            yield chunk
        return
    with open(file, "rb", opener=_open_at_once) as stream:
        nothing_came = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
        while chunk := stream.read1(CHUNK):
            nothing_came = False
            yield chunk
        if nothing_came:
            raise UsageError(f"{file} is a FIFO, and nothing was written to it; name a file, or - for standard input")


def _open_at_once(path: str, flags: int) -> int:
    """Opening a FIFO that nobody writes to would wait for ever; one that a shell fills (`<(...)`) is read as it is."""
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "set_blocking"):
        os.set_blocking(handle, True)
    return handle
