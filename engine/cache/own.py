"""Files that are the user's own: where they lie, whether they can be trusted, and writing them at once or not at all.

What ssh asks of its files is asked here: a regular file or a folder, no link, of this user, and nobody else may write
to it. Windows keeps a user's folders from others by other means, and has no such owners and modes.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from ..files import read_file

NAME = "wirefile"

_WRITE = ("O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
_TO_WRITE = sum((getattr(os, name, 0) for name in _WRITE), os.O_WRONLY)

_FOLDERS = {
    "cache": ("XDG_CACHE_HOME", {"darwin": "Library/Caches", "win32": "AppData/Local"}, ".cache"),
    "state": ("XDG_STATE_HOME", {"darwin": "Library/Application Support", "win32": "AppData/Local"}, ".local/state"),
}
"""Of each kind: the variable that names its folder, and where it is by default, below the home."""


def folder_of(kind: str) -> str:
    """The user's folder for a kind of files; empty where there is no home, which is not for us to make.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    variable, systems, default = _FOLDERS[kind]
    named = os.environ.get(variable, "")
    if os.path.isabs(named):  # any other is to be ignored
        return os.path.join(named, NAME)
    home = os.path.expanduser("~")
    if not os.path.isdir(home):
        return ""
    return os.path.join(home, *systems.get(sys.platform, default).split("/"), NAME)


def is_own(info: os.stat_result, others: int = 0o022) -> bool:
    """Whether something is this user's, and none of these permissions are others'."""
    return not hasattr(os, "geteuid") or (info.st_uid == os.geteuid() and not info.st_mode & others)


def own_folder(path: str) -> bool:
    """Whether a folder is there, made if need be, and nobody else can put anything into it."""
    try:
        if not os.path.lexists(path):
            _make(path)
        info = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(info.st_mode) and is_own(info)


def _make(path: str) -> None:
    """Make a folder, and those above it: only below a folder of this user's, who else would find what is not theirs."""
    above = os.path.dirname(path) or os.curdir
    if not os.path.lexists(above):
        _make(above)
    elif not is_own(os.stat(above), others=0):
        raise PermissionError(above)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)


def read_own(path: str, most: int, others: int = 0o022) -> bytes | None:
    """The bytes of a file of this user's; None when it is not there, may be another's doing, or is too large."""
    try:
        data = read_file(path, most, follow=False, may_be=lambda info: is_own(info, others))
    except (OSError, ValueError):
        return None
    return data if len(data) <= most else None


def write_own(path: str, data: bytes) -> bool:
    """Put a file in its place as a whole: who reads it sees the old one or all of the new. Whether that went well."""
    scratch = f"{path}.{os.urandom(8).hex()}"
    try:
        handle = os.open(scratch, _TO_WRITE, 0o600)
    except (OSError, ValueError):
        return False
    try:
        try:
            is_whole = os.write(handle, data) == len(data)
        finally:
            os.close(handle)
        if is_whole:
            os.replace(scratch, path)
            return True
    except OSError:
        pass
    with suppress(OSError):
        os.unlink(scratch)
    return False
