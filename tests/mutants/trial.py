"""A trial: the tests that concern a module are run against each of its mutants, in a fork that has a time limit."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from .changes import Mutant

SLOW = 1.0
"""Tests that take more seconds show that something is quick, or that it holds for long."""
PATIENCE = 20.0
"""Seconds that a mutant may take beyond four times what the tests take."""
MEMORY = 4 << 30
"""A mutant that never ends may fill the memory first."""


class Quickest:
    """A plugin of pytest: the tests that once passed quickly, in that order. Without times it measures them."""

    def __init__(self, times: dict[str, float]) -> None:
        self.times = times
        self.measured: dict[str, float] = {}

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)  # what fails need not be made smaller
        settings.register_profile("mutants", phases=phases, derandomize=True, database=None, deadline=None)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.times:
            items[:] = sorted((i for i in items if i.nodeid in self.times), key=lambda i: self.times[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.measured[report.nodeid] = self.measured.get(report.nodeid, 0.0) + report.duration


def _test(tree: Path, files: Sequence[str], times: dict[str, float]) -> None:
    """Run tests of the copy in this process, which was forked for it and ends with their exit code."""
    os.setsid()
    os.chdir(tree)
    sys.path[0] = str(tree)
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "engine")]:
        del sys.modules[name]
    out = os.open(tree.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    if times:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.dont_write_bytecode = True
    quickest = Quickest(times)
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*options, *files], plugins=[quickest])
    if not times:
        quick = {test: seconds for test, seconds in quickest.measured.items() if seconds < SLOW}
        (tree.parent / "times.json").write_text(json.dumps(quick), encoding="utf-8")
    sys.stdout.flush()
    os._exit(int(code))


def tested(tree: Path, files: Sequence[str], times: dict[str, float], limit: float | None) -> int | None:
    """The exit code of the tests; None where they did not end in time."""
    process = multiprocessing.get_context("fork").Process(target=_test, args=(tree, files, times))
    process.start()
    try:
        process.join(limit)
        is_over = process.exitcode is not None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # what a test has started ends with it
        process.join()
    return process.exitcode if is_over else None


@dataclass(slots=True)
class Outcome:
    """What became of the mutants of one module."""

    made: int = 0
    run: int = 0
    late: int = 0
    survivors: tuple[Mutant, ...] = ()

    @property
    def share(self) -> float:
        return 1 - len(self.survivors) / self.run if self.run else 1.0

    def __str__(self) -> str:
        words = f"{self.run} of {self.made} mutants, {self.run - len(self.survivors)} killed ({self.share:.0%})"
        return f"{words}, {self.late} of them by time; {len(self.survivors)} survived"


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """The checkout once more, where it may be changed."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(root, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"), symlinks=True)
        yield tree


def examine(
    tree: Path, path: Path, files: Sequence[str], chosen: Sequence[Mutant], patience: float = PATIENCE
) -> Outcome:
    """Run the tests against each mutant of one file of the copy."""
    began = time.monotonic()
    if tested(tree, files, {}, None) != 0:
        said = (tree.parent / "output.txt").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"the tests fail without any mutant\n{said[-2000:]}")
    limit = patience + 4 * (time.monotonic() - began)
    times = json.loads((tree.parent / "times.json").read_text(encoding="utf-8"))
    source = path.read_text(encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()  # a mutant of the same size and second would not be read
    outcome = Outcome(run=len(chosen))
    for mutant in chosen:
        path.write_text(mutant.text, encoding="utf-8")
        code = tested(tree, files, times, limit)
        outcome.late += code is None
        if code == 0:
            outcome.survivors += (mutant,)
            print(f"  {path.name}:{mutant}", flush=True)
    path.write_text(source, encoding="utf-8")
    if chosen and tested(tree, files, times, limit) != 0:
        raise SystemExit("the tests fail without any mutant now and then: what was killed says nothing")
    return outcome


def import_third_parties() -> None:
    """What every fork would import itself."""
    for name in ("httpx", "hypothesis.strategies", "jinja2.sandbox", "jsonschema", "yaml"):
        import_module(name)
    for plugin in entry_points(group="pytest11"):
        if not plugin.value.startswith("engine."):
            plugin.load()
