"""The table of faults of docs/reliability.md, read off the marks of the tests: a row without a test cannot be written.

The tests are collected in a process of their own, not run: `python docs/faults.py` prints what is found as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ("sync", "async")

Row = tuple[str, str, str, str, list[str]]
"""Part, fault, promise, test, and the words of one case's id."""


class Collector:
    """A plugin that keeps the marks of the tests that were found."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def pytest_collection_finish(self, session: object) -> None:
        """Every mark of every case is a row."""
        for item in session.items:  # type: ignore[attr-defined]
            test = item.nodeid.split("[")[0]
            words = item.callspec.id.split("-") if hasattr(item, "callspec") else []
            for mark in item.iter_markers("fault"):
                self.rows.append((*mark.args, test, words))


def collect() -> list[Row]:
    """The rows of all files that use the mark, in this process."""
    import pytest

    files = sorted(str(file) for file in (ROOT / "tests").glob("test_*.py") if "fault(" in file.read_text("utf-8"))
    collector, said = Collector(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q", "-n", "0", "-m", "fault", *files], plugins=[collector])
    if code:
        raise SystemExit(said.getvalue())
    return collector.rows


def table() -> Iterator[str]:
    """The lines of the page below its head."""
    sys.path.insert(0, str(ROOT))
    from tests.faults import PARTS

    done = subprocess.run(
        [sys.executable, str(Path(__file__))], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    rows: list[Row] = json.loads(done.stdout)
    for part in PARTS:
        yield from chapter(part, [row for row in rows if row[0] == part])


def chapter(part: str, rows: Sequence[Row]) -> Iterator[str]:
    """One part of the table; a fault that several tests show is one row."""
    yield from (f"\n## {part}\n", "| fault | promise | shown by | cases |", "|---|---|---|---|")
    for what, promise in dict.fromkeys((row[1], row[2]) for row in rows):
        found = [row for row in rows if (row[1], row[2]) == (what, promise)]
        tests = ", ".join(f"`{test.removeprefix('tests/')}`" for test in dict.fromkeys(row[3] for row in found))
        words = {word for row in found for word in row[4]}
        clients = " and ".join(client for client in CLIENTS if client in words)
        yield "| " + " | ".join((what, promise, tests, f"{len(found)} {clients}".strip())) + " |"


if __name__ == "__main__":
    json.dump(collect(), sys.stdout)
