"""A folder of a thousand files: what the first use of one of them costs, and all of them once they are known.

`python -m benchmarks.files FOLDER NAME` prints the CPU seconds of both in a new process: of the named file, imports
included, then of all files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .machine import cpu_seconds


def used(folder: str, name: str) -> tuple[float, float]:
    """What the first use of a file takes, and then that of each."""
    start = cpu_seconds()
    from engine import Catalog

    Catalog(folder).provider(name)
    first, catalog = cpu_seconds(), Catalog(folder)
    for file in Path(folder).iterdir():
        catalog.spec(file.stem)
    return first - start, cpu_seconds() - first


if __name__ == "__main__":
    print(json.dumps(used(sys.argv[1], sys.argv[2])))
