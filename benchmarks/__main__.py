"""`python -m benchmarks [NAME...]`: run the measurements, all of them or the named ones, and print their tables."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from . import authoring

MEASUREMENTS: Mapping[str, Callable[[], Sequence[Sequence[str]]]] = {"authoring": authoring.measure}
"""Each is a table: a head and rows."""


def main(names: Sequence[str]) -> int:
    """Print the tables; the exit code."""
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        print(
            f"no such measurement: {', '.join(sorted(unknown))}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr
        )
        return 2
    packages = ", ".join(f"{name} {version(name)}" for name in ("httpx", "jinja2", "pyyaml", "jsonschema"))
    print(f"Python {platform.python_version()}, {packages}")
    for name in names or MEASUREMENTS:
        head, *rows = MEASUREMENTS[name]()
        print(f"\n{name}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for row in rows:
            print(f"| {' | '.join(row)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
