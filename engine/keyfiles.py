"""Secrets in JSON files that a variable names, as service accounts have them: one value of a small regular file.

Says why there is none, and never what the file holds.
"""

from __future__ import annotations

import json
import os
import stat

from .paths import Path

MAX_BYTES = 64 * 1024
"""A service account's file has 2.4 KB."""


def value_in_file(file: str, key: str) -> tuple[str | None, str]:
    """The text at a dotted path of a JSON file; else None, and why, to follow the name of what names the file."""
    data, fault = _bytes_of(file)
    if data is None:
        return None, fault
    try:
        value = Path(key).get(json.loads(data))
    except (ValueError, RecursionError):
        return None, "names a file that is no JSON"
    if not isinstance(value, str) or not value:
        return None, f"names a file that has no text at '{key}'"
    return value, ""


def _bytes_of(file: str) -> tuple[bytes | None, str]:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "no file has such a name"
        return None, f"names a file that cannot be read ({words})"
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None, "names something that is no file"
    with os.fdopen(handle, "rb") as stream:
        try:
            data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            return None, f"names a file that cannot be read ({error.strerror})"
    return (data, "") if len(data) <= MAX_BYTES else (None, f"names a file of more than {MAX_BYTES // 1024} KiB")
