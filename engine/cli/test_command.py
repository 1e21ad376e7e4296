"""`wirefile test [PATH...]`: run the examples in the files."""

from __future__ import annotations

import os
import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..errors import SpecError
from ..folders import is_built_in
from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, providers_option, spec_files

FEW = 4
"""Fewer files than this are not worth other processes."""


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@providers_option
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], as_json: bool) -> int:
    """Run the examples of provider files: each request rendered, each reply decoded at every cut. Nothing is sent."""
    catalog = catalog_of(context)
    files = [(file, is_built_in(file)) for file in spec_files(catalog, paths)]
    results = _run_all(files, catalog.folders)
    failed = [result for result in results if not result["ok"]]
    if as_json:
        output.write_json({"passed": len(results) - len(failed), "failed": len(failed), "examples": results})
    else:
        for result in results:
            _show(result)
        say(f"{len(results) - len(failed)} passed, {len(failed)} failed", prefix="")
    return PROBLEMS if failed else FINE


def _run_all(files: list[tuple[Path, bool]], folders: tuple[Path, ...]) -> list[dict[str, Any]]:
    """The outcomes of all examples, in the order of the files; families of files run beside each other."""
    families: dict[str, list[tuple[Path, bool]]] = {}
    for file, shipped in files:
        families.setdefault(_parent_of(file), []).append((file, shipped))
    run = partial(_run_family, folders=folders)
    workers = min(len(families), os.cpu_count() or 1)
    if workers < 2 or len(files) < FEW:
        found = [run(family) for family in families.values()]
    else:
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(workers, initializer=_leave_interrupts) as pool:
            found = list(pool.map(run, sorted(families.values(), key=_weight, reverse=True)))
    by_file = {file: results for family in found for file, results in family}
    return [result for file, _ in files for result in by_file[file]]


def _parent_of(file: Path) -> str:
    """What a file extends, or else its own path: files on one protocol share much of the work."""
    try:
        extends = re.search(r"^extends:\s*(\S+)", file.read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        extends = None
    return extends[1] if extends else str(file)


def _weight(family: list[tuple[Path, bool]]) -> int:
    return sum(file.stat().st_size for file, _ in family if file.is_file())


def _leave_interrupts() -> None:
    """An interrupt is for the process that waits; the others end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_family(family: list[tuple[Path, bool]], folders: tuple[Path, ...]) -> list[tuple[Path, list[dict[str, Any]]]]:
    proven: Any = set()
    return [(file, _run(file, shipped, folders, proven)) for file, shipped in family]


def _run(file: Path, shipped: bool, folders: tuple[Path, ...], proven: Any) -> list[dict[str, Any]]:
    from ..examples import run_example
    from ..loader import load
    from ..provider import Provider

    try:
        provider = Provider(load(file, shipped=shipped, folders=folders))
    except SpecError as error:
        return [_result(str(file), str(file), 1, "", [str(problem) for problem in error.problems])]
    outcomes = []
    for example in provider.spec.examples:
        failures = [str(failure) for failure in run_example(provider, example, proven=proven)]
        outcomes.append(_result(str(file), example.file, example.line, example.name, failures))
    return outcomes


def _result(file: str, written: str, line: int, name: str, failures: list[str]) -> dict[str, Any]:
    """One example's outcome; `line` is its place in `written`, the file itself or one that it extends."""
    outcome = {"example": name, "ok": not failures, "failures": failures}
    return {"file": file, "written": written, "line": line} | outcome


def _show(result: dict[str, Any]) -> None:
    where = f"{result['written']}:{result['line']}"
    if result["written"] != result["file"]:
        where = f"{result['file']} ({where})"
    if result["ok"]:
        output.write_styled(f"{output.color('ok', '32')}    {where}  {output.printable(result['example'])}")
        return
    output.write_styled(f"{output.color('FAIL', '31')}  {where}  {output.printable(result['example'])}")
    for failure in result["failures"]:
        output.write(f"      {failure}")
