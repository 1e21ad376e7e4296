"""A run over some modules: a line for each survivor, and one for each module."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import Random

from . import TESTS
from .changes import mutants
from .trial import copied, examine, import_third_parties

ROOT = Path(__file__).resolve().parents[2]

LEAST = 0.85
"""So many of the mutants must be killed."""


def main() -> int:
    """Print a line for each survivor and for each module; 1 when too many survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Whether the tests notice wrong code.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of: {', '.join(TESTS)}; all by default")
    parser.add_argument("--count", type=int, default=40, help="of mutants for each module, at most; 40 by default")
    parser.add_argument("--seed", type=int, default=1, help="of the dice that choose them; 1 by default")
    parser.add_argument(
        "--lines", type=int, nargs="+", metavar="N", help="of the chosen mutants only those of these lines"
    )
    words = parser.parse_args()
    unknown = [name for name in words.modules if name not in TESTS]
    if unknown:
        parser.error(f"there is no module {unknown[0]} in the table; there are: {', '.join(TESTS)}")
    import_third_parties()
    run = killed = 0
    with copied(ROOT) as tree:
        for name in words.modules or TESTS:
            path = tree / "engine" / f"{name}.py"
            every = mutants(path.read_text(encoding="utf-8"))
            chosen = Random(f"{words.seed} {name}").sample(every, min(words.count, len(every)))
            chosen = [mutant for mutant in chosen if not words.lines or mutant.line in words.lines]
            chosen.sort(key=lambda mutant: mutant.line)
            outcome = examine(tree, path, [f"tests/{file}" for file in TESTS[name]], chosen)
            outcome.made = len(every)
            print(f"{name}: {outcome}", flush=True)
            run += outcome.run
            killed += outcome.run - len(outcome.survivors)
    share = killed / run if run else 1.0
    print(f"{run} mutants, {killed} killed ({share:.1%}); at least {LEAST:.0%} must be")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
