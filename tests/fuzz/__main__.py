"""`python -m tests.fuzz [TARGET ...] [--seconds N]`: a campaign for each target, one after the other."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .campaign import campaign, is_guided
from .target import run
from .targets import TARGETS


def main() -> int:
    """Print a line for each target; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the engine's parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of: {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=30, help="for each target; 30 by default")
    parser.add_argument("--seed", type=int, default=1, help="of the dice; 1 by default")
    parser.add_argument("--blind", action="store_true", help="mutate without guidance, even where atheris is installed")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one stored input, with its traceback")
    words = parser.parse_args()
    unknown = [name for name in words.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are: {', '.join(TARGETS)}")
    names = words.targets or list(TARGETS)
    if words.replay:
        for name in names:
            run(TARGETS[name], words.replay.read_bytes())
        return 0
    if not is_guided() and not words.blind:
        print("atheris is not installed (it has a wheel for Python 3.11 alone): mutating without guidance")
    found = 0
    for name in names:
        outcome = campaign(name, words.seconds, words.seed, blindly=words.blind)
        print(f"{name}: {outcome}", flush=True)
        for path in outcome.failures:
            print(f"  {outcome.words.strip()}\n  python -m tests.fuzz {name} --replay {path}", flush=True)
        found += len(outcome.failures)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
