"""What is measured beside the cases over the network; each gives its figures, in rounds that take turns as those do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

from . import authoring, start
from .answers import answer
from .cases import CPU, MEMORY
from .contenders.known import FAST, PLAIN, fast_packages, require_fast
from .contenders.order import Order, Sample
from .figures import Figure
from .processes import PATIENCE, ROOT, environment
from .rounds import Runner

FIRST_USE, ALL_FILES = "first use", "all, cached"
GROWTH = 1.25
"""How much more a unit may cost where there are four times as many: what the machine does meanwhile."""


def _child(module: str, *words: object, home: str | None = None) -> Any:
    """What a module of this folder prints in a new process. `home` is where that process keeps what it remembers."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["ended without a word"])[-1])
    return json.loads(done.stdout)


def render(runner: Runner, *, is_quick: bool) -> list[Figure]:
    """A chat of twenty messages, beside a dict by hand."""
    figures = []
    for who, hidden in ((PLAIN, fast_packages()), (FAST, [])):
        with runner.or_told("render", who):
            if who == FAST:
                require_fast()
            rounds = _child("render", runner.rounds, 50 if is_quick else 500, *hidden)
            ratios = list(starmap(lambda mine, by_hand: mine / by_hand, rounds))
            absolute = [mine for mine, _ in rounds]
            figures.append(Figure.of("render", CPU, who, ratios, "x by hand", absolute, goal=3.5))
    return figures


def calls(runner: Runner, *, is_quick: bool) -> list[Figure]:
    """Functions called, exactly."""
    require_fast()
    found = _child("calls", runner.url, 2_000 if is_quick else 20_000, 50)
    goals = {"delta": 12, "request": 1_200}
    return [
        Figure.of("calls", f"of a {name}", FAST, [value], "calls", goal=goals.get(name))
        for name, value in found.items()
    ]


def cold(runner: Runner, *, is_quick: bool) -> list[Figure]:
    """New processes, until their work is done."""
    times = start.in_turns(start.COMMANDS, runner.rounds)
    goals = {"import engine": 0.5, "wirefile render acytoo hi": 2.0, "wirefile validate, one file": 2.5}
    unit = times[start.UNIT]
    return [
        Figure.of(
            "start",
            CPU,
            name,
            [mine[0] / base[0] for mine, base in zip(found, unit, strict=True)],
            f"x {start.UNIT}",
            [cpu for cpu, _ in found],
            goal=goals.get(name),
        )
        for name, found in times.items()
    ]


def files(runner: Runner, *, is_quick: bool) -> list[Figure]:
    """A folder of a thousand files."""
    require_fast()
    with tempfile.TemporaryDirectory() as folder:
        many = authoring.copies(Path(folder) / "many", 20 if is_quick else authoring.MANY)
        one = authoring.copies(Path(folder) / "one", 1)
        name = next(one.iterdir()).stem
        for place in (many, one):
            _child("files", place, name, home=folder)  # what is checked once and remembered
        rounds = [[_child("files", place, name, home=folder) for place in (many, one)] for _ in range(runner.rounds)]
    first = [beside[0] / alone[0] for beside, alone in rounds]
    cached = [beside[1] for beside, _ in rounds]
    return [
        Figure.of("files", FIRST_USE, FAST, first, "x alone", [beside[0] for beside, _ in rounds], goal=GROWTH),
        Figure.of("files", ALL_FILES, FAST, [1000 * seconds for seconds in cached], "ms", cached, goal=25),
    ]


@dataclass(frozen=True, slots=True)
class Growing:
    """An answer in two sizes, the second four times the first."""

    name: str
    act: str
    shape: str
    least: int
    few: int


GROWING = (
    Growing("frames of 1 MB", "stream", "frames", 1, 8),
    Growing("MB of a whole answer", "chat", "whole", 1, 16),
    Growing("tool fragments", "stream", "fragments", 100, 25_000),
)


def linear(runner: Runner, *, is_quick: bool) -> list[Figure]:
    """Whether four times as much takes four times as long, and what is held beside the answer."""
    return [figure for growing in GROWING for figure in _growth(runner, growing, 8 if is_quick else 1)]


def _growth(runner: Runner, growing: Growing, divisor: int) -> list[Figure]:
    few, many = growing.few // divisor, 4 * growing.few // divisor
    pairs = [(_alone(runner, growing, few), _alone(runner, growing, many)) for _ in range(runner.rounds)]
    case, text = f"{many:,} {growing.name}", answer(f"{growing.shape}-{many}").characters
    cpu = [large.cpu / many / (small.cpu / few) for small, large in pairs]
    held = [large.memory / text for _, large in pairs]
    return [
        Figure.of(case, f"{CPU} growth", FAST, cpu, "", [large.cpu / many for _, large in pairs], goal=GROWTH),
        Figure.of(case, MEMORY, FAST, held, "x its text"),
    ]


def _alone(runner: Runner, growing: Growing, count: int) -> Sample:
    """One answer in a process of its own, whose memory nothing has used before."""
    with runner.start(FAST) as process:
        process.do(Order(growing.act, f"{runner.url}/{growing.shape}-{growing.least}"))
        return process.do(Order(growing.act, f"{runner.url}/{growing.shape}-{count}", warm_up=0))


MEASUREMENTS: Mapping[str, Callable[..., list[Figure]]] = {
    "render": render,
    "calls": calls,
    "start": cold,
    "files": files,
    "linear": linear,
}
