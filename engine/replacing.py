"""Write a file at once or not at all: a reader sees the old text or the new one, and a failure leaves the old."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import UsageError

_BOM = b"\xef\xbb\xbf"


def replace_text(file: Path, text: str) -> None:
    """Put a text in the place of a file, or make the file. Its mode, its byte order mark and a link to it stay.

    Raises UsageError where its folder is not there, and OSError.
    """
    target = file.resolve()
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}; make it first")
    old = target.read_bytes() if target.exists() else None
    lead = _BOM if old is not None and old.startswith(_BOM) else b""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(lead + text.encode())
        os.chmod(name, stat.S_IMODE(target.stat().st_mode) if old is not None else 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
