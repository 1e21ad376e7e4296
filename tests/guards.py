"""What no test does: connect beyond loopback, look up a name, write outside the folder of its run.

An audit hook sees both whoever does them, and refuses them as the system would; the test fails in any case, for what
was refused is kept.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

LOOPBACK: Final = ("127.", "::1", "::ffff:127.", "localhost", "0.0.0.0")
NOWHERE: Final = "255.255.255.255"
"""To connect to a broadcast address is refused by the system itself."""

NEITHER: Final = ("__pycache__", ".hypothesis", ".pytest_cache")
"""Folders that Python and the tools of the tests keep for themselves."""

WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guards:
    """Refuses what no test does while `on`, and keeps what it has refused in `refused`."""

    def __init__(self, folder: Path) -> None:
        compiled = (sys.pycache_prefix,) if sys.pycache_prefix else ()
        self._folders = (str(folder), str(folder.resolve()), "/dev/", "/proc/", *compiled)
        self._on = False
        self.refused: list[str] = []

    def install(self) -> None:
        """From here on the process is watched; a hook cannot be taken away."""
        sys.addaudithook(self._hear)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse until the block is left."""
        before, self._on = self._on, True
        try:
            yield
        finally:
            self._on = before

    def take(self) -> list[str]:
        """What was refused since the last call."""
        refused, self.refused = self.refused, []
        return refused

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        judge = _JUDGES.get(event)
        if judge is not None and self._on and (found := judge(self, *args)):
            self.refused.append(found)
            raise PermissionError(found)

    def _connects(self, _: object, address: Any) -> str | None:
        host = address[0] if isinstance(address, tuple) else ""
        return None if _is_here(host) or host == NOWHERE else f"a connection to {host}"

    def _resolves(self, host: Any, *_: object) -> str | None:
        name = host.decode() if isinstance(host, bytes) else host
        return None if _is_here(name) or _NUMERIC(name) else f"a look-up of {name}"

    def _opens(self, path: Any, mode: str | None, flags: int) -> str | None:
        found = self._writes(path) if flags & WRITES else None
        # Of a folder: a file in it without a name, of which nothing stays. The runner captures output so.
        return None if found is None or os.path.isdir(path) else found

    def _writes(self, path: Any, *more: object) -> str | None:
        in_folder = isinstance(path, int) or any(type(number) is int and number >= 0 for number in more[-1:])
        name = "" if in_folder else os.path.abspath(os.fsdecode(path))
        if in_folder or name.startswith(self._folders) or any(part in name for part in NEITHER):
            return None  # what is relative to an open folder was judged with the folder
        return f"writing {name}"

    def _writes_both(self, old: Any, new: Any, *_: object) -> str | None:
        return self._writes(old) or self._writes(new)


def _is_here(host: str | None) -> bool:
    return not host or host.startswith(LOOPBACK)


_NUMERIC = re.compile(r"[0-9.]+|.*:.*").fullmatch

_JUDGES: Final[Mapping[str, Callable[..., str | None]]] = {
    "socket.connect": Guards._connects,
    "socket.getaddrinfo": Guards._resolves,
    "socket.gethostbyname": Guards._resolves,
    "open": Guards._opens,
    "os.mkdir": Guards._writes,
    "os.remove": Guards._writes,
    "os.rmdir": Guards._writes,
    "os.rename": Guards._writes_both,
    "os.link": Guards._writes_both,
    "os.symlink": lambda guards, target, name, *_: guards._writes(name),
}
