"""What a process asks of the machine that it is measured on: time, memory, open files."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")


def cpu_seconds() -> float:
    """What this process has taken so far, in user and system mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory_bytes() -> int:
    """What this process holds now; its peak where there is no /proc."""
    return _status("VmRSS")


def peak_bytes() -> int:
    """The most that this process has held since `forget_peak`, or since its start where that is not possible."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Begin the peak anew. https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html"""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def raise_open_files() -> None:
    """Let this process open as many files as it may: a thousand streams are a thousand sockets."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def hide(packages: Iterable[str]) -> None:
    """Make packages in this process as if they were not installed."""
    for package in packages:
        sys.modules[package] = None  # type: ignore[assignment]  # Python's own way to say that there is none
