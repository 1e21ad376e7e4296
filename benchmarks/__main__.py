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
from datetime import UTC, datetime
from pathlib import Path

from .cases import cases
from .contenders.known import FAST, PEERS
from .environments import pythons
from .figures import Figure, Results
from .measurements import MEASUREMENTS
from .processes import OriginServer
from .rounds import Runner
from .table import report

NAMES = [*(case.name for case in cases(0)), *MEASUREMENTS]


def main(words: Sequence[str]) -> int:
    """Measure, print, save; the exit code."""
    asked = options().parse_args(words)
    results = measured(asked, f"python -m benchmarks {shlex.join(words)}".rstrip())
    print(report(results))
    if asked.json:
        results.save(asked.json)
    missed = [figure for figure in results.figures if not figure.is_met]
    for figure in missed if asked.check else ():
        print(f"missed: {figure.case}, {figure.measure}, {figure.who}", file=sys.stderr)
    return 1 if asked.check and (missed or results.failures) else 0


def options() -> argparse.ArgumentParser:
    """The words of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", metavar="CASE", action="append", choices=NAMES, help=f"one of: {', '.join(NAMES)}; may be repeated")
    add("--quick", action="store_true", help="few deltas, two rounds: whether everything works, not how fast it is")
    add("--peers", action="store_true", help="beside other clients, each in an environment that is made for it")
    add("--rounds", type=int, help="how many rounds (5)")
    add("--seed", type=int, help="of the invented dialect; else it is another one each time")
    add("--json", type=Path, metavar="FILE", help="save the figures")
    add("--check", action="store_true", help="end with 1 where a goal is missed or a figure is missing")
    return parser


def measured(asked: argparse.Namespace, command: str) -> Results:
    """Run what is asked for."""
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**6)
    rounds = asked.rounds or (2 if asked.quick else 5)
    peers = pythons(PEERS if asked.peers else (), tell)
    found: list[Figure] = []
    with OriginServer() as origin:
        runner = Runner(origin.url, rounds, peers, tell)
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
        rounds=rounds,
        figures=tuple(found),
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
    sys.exit(main(sys.argv[1:]))
