"""`python -m benchmarks`: what the engine costs, in units of bare httpx, over loopback; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import random
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from .cases import cases
from .chart import PANELS, chart
from .contenders.known import FAST, PEERS
from .environments import pythons
from .figures import Figure, Results
from .measurements import MEASUREMENTS
from .processes import OriginServer
from .rounds import Runner
from .table import report

NAMES = [*(case.name for case in cases(0)), *MEASUREMENTS]
ROUNDS, QUICK_ROUNDS = 5, 1
CHART = Path("build") / "benchmarks.svg"


def main(words: Sequence[str]) -> int:
    """Measure, print, draw, save; the exit code."""
    asked = understood(words)
    results = measured(asked, f"python -m benchmarks {shlex.join(words)}".rstrip())
    print(report(results))
    if any(figure.case in PANELS for figure in results.figures):
        asked.chart.parent.mkdir(parents=True, exist_ok=True)
        asked.chart.write_text(chart(results), encoding="utf-8")
        print(f"\nchart: {asked.chart}")
    if asked.json:
        results.save(asked.json)
    missed = [f"{figure.case}, {figure.measure}, {figure.who}" for figure in results.figures if not figure.is_met]
    missing = [f"{case}, {who}: {why}" for case, who, why in results.failures]
    for kind, lines in (("missed", missed), ("not measured", missing)):
        for line in lines if asked.check else ():
            print(f"{kind}: {line}", file=sys.stderr)
    return 1 if asked.check and (missed or missing) else 0


def understood(words: Sequence[str]) -> argparse.Namespace:
    """The words of the command; what cannot be is said before anything is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", metavar="CASE", action="append", choices=NAMES, help=f"one of: {', '.join(NAMES)}; may be repeated")
    add("--quick", action="store_true", help="small and once: whether everything works, without goals")
    add("--peers", action="store_true", help="beside other clients, each in an environment that is made for it")
    add("--rounds", type=int, metavar="N", help=f"how many rounds ({ROUNDS}; quick: {QUICK_ROUNDS})")
    add("--seed", type=int, metavar="N", help="of the invented dialect; else it is another one each time")
    add("--json", type=Path, metavar="FILE", help="save the figures")
    add("--chart", type=Path, metavar="FILE", default=CHART, help=f"where streams and requests are drawn ({CHART})")
    add("--check", action="store_true", help="end with 1 where a goal is missed or a figure is missing")
    asked = parser.parse_args(words)
    if asked.rounds is None:
        asked.rounds = QUICK_ROUNDS if asked.quick else ROUNDS
    if asked.rounds < 1:
        parser.error("--rounds is at least 1")
    if asked.json and not asked.json.parent.is_dir():
        parser.error(f"--json: there is no folder {asked.json.parent}")
    return asked


def measured(asked: argparse.Namespace, command: str) -> Results:
    """Run what is asked for."""
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**6)
    peers = pythons(PEERS if asked.peers else (), tell)
    found: list[Figure] = []
    with OriginServer() as origin, Runner(origin.url, asked.rounds, peers, tell) as runner:
        for case in cases(seed, is_quick=asked.quick):
            if not asked.only or case.name in asked.only:
                found += runner.figures(case)
        for name, measure in MEASUREMENTS.items():
            if not asked.only or name in asked.only:
                with runner.or_told(name, FAST):
                    found += measure(runner, is_quick=asked.quick)
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        machine=machine(),
        rounds=asked.rounds,
        seed=seed,
        figures=tuple(replace(figure, goal=None) for figure in found) if asked.quick else tuple(found),
        versions=runner.versions,
        failures=tuple(runner.failures),
    )


def machine() -> str:
    """What the figures were taken on, as far as it matters to ratios."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def tell(line: str) -> None:
    """Say how far it is, beside the results."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
