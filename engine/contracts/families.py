"""The examples of many files, in several processes: files on one protocol share much of the work, and stay together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..cache import user_cache
from ..examples import Proven
from ..processes import processors, side_by_side
from .outcomes import Outcome, outcomes

FEW = 4
"""Fewer files than this are not worth other processes."""

Done = list[tuple[Path, list[Outcome]]]


def run_all(
    files: Sequence[Path], folders: tuple[Path, ...], jobs: int | None = None, *, has_cache: bool = False
) -> list[Outcome]:
    """What comes of all examples, in the order of the files; `jobs` is how many processes there may be.

    With `has_cache`, a file that the user's cache knows to be sound is not checked again.
    """
    families: dict[str, list[Path]] = {}
    for file in files:
        families.setdefault(_parent_of(file), []).append(file)
    run = partial(_run_family, folders=folders, has_cache=has_cache)
    workers = min(len(families), jobs or processors())
    if workers < 2 or (jobs is None and len(files) < FEW):
        found = [run(family) for family in families.values()]
    else:
        found = side_by_side(run, sorted(families.values(), key=_weight, reverse=True), workers)
    by_file = {file: results for family in found for file, results in family}
    return [result for file in files for result in by_file[file]]


def _parent_of(file: Path) -> str:
    """What a file extends, or else its own path."""
    try:
        text = file.read_text("utf-8", "replace") if file.is_file() else ""  # a FIFO would be waited for
    except OSError:
        text = ""
    extends = re.search(r"^extends:\s*(\S+)", text, re.MULTILINE)
    return extends[1] if extends else str(file)


def _weight(family: list[Path]) -> int:
    return sum(file.stat().st_size for file in family if file.is_file())


def _run_family(family: list[Path], folders: tuple[Path, ...], has_cache: bool) -> Done:
    proven: Proven = set()
    cache = user_cache() if has_cache else None
    return [(file, list(outcomes(file, folders, proven, cache))) for file in family]
