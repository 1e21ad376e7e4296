"""What a new process costs until its work is done, in units of one that imports httpx."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from .processes import ROOT, environment

UNIT = "import httpx"
COMMANDS: Mapping[str, Sequence[str]] = {
    UNIT: ["-c", "import httpx"],
    "import engine": ["-c", "import engine"],
    "wirefile render acytoo hi": ["-m", "engine", "render", "acytoo", "hi"],
    "wirefile validate, one file": ["-m", "engine", "validate", "providers/acytoo.yaml"],
}


def in_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """CPU and seconds of each command in each round, which runs all of them once."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for words in commands.values():
            timed(words, folder)  # what is compiled and kept for later ones
        for _ in range(rounds):
            for name, words in commands.items():
                times[name].append(timed(words, folder))
    return times


def timed(words: Sequence[str], home: str) -> tuple[float, float]:
    """CPU and seconds of one process, which keeps what it remembers in this folder."""
    used, start = _children(), time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return _children() - used, time.perf_counter() - start


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
