"""`wirefile test [PATH...]`: run the examples in the files; with --update, write into them what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, files_options, spec_files

if TYPE_CHECKING:
    from ..contracts.outcomes import Finding, Outcome
    from ..contracts.update import Update

REVIEW = "an expectation says what the API's documentation says: review what was updated before you keep it"


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--update", "is_update", is_flag=True, help="Write what was observed into the files' examples.")
@click.option("-j", "jobs", type=click.IntRange(1), metavar="N", help="Processes; without it, one a processor.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@files_options
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], is_update: bool, jobs: int | None, as_json: bool) -> int:
    """Run the examples of provider files: each request rendered, each reply decoded at every cut. Nothing is sent."""
    from ..contracts.families import run_all

    catalog = catalog_of(context)
    results = run_all(spec_files(catalog, paths), catalog.folders, jobs, has_cache=catalog.cache is not None)
    failed = [result for result in results if not result.ok]
    updates = _update(failed, catalog.folders) if is_update else []
    if as_json:
        _write_json(results, updates if is_update else None)
    else:
        _write_text(results, updates, is_update=is_update)
    is_left = any(update.left for update in updates)
    return PROBLEMS if (is_left if is_update else failed) else FINE


def _update(failed: Sequence[Outcome], folders: tuple[Path, ...]) -> list[Update]:
    from ..contracts.update import update

    files = dict.fromkeys(result.file for result in failed)
    return [update(Path(file), [result for result in failed if result.file == file], folders) for file in files]


def _write_json(results: Sequence[Outcome], updates: Sequence[Update] | None) -> None:
    failed = sum(not result.ok for result in results)
    report = {"passed": len(results) - failed, "failed": failed, "examples": [result.data() for result in results]}
    if updates is not None:
        report["updated"] = [outcome.data() for update in updates for outcome in update.written]
        report["left"] = [left.outcome.data() | {"reason": left.reason} for update in updates for left in update.left]
    output.write_json(report)


def _write_text(results: Sequence[Outcome], updates: Sequence[Update], *, is_update: bool) -> None:
    failed = [result for result in results if not result.ok]
    if not is_update:
        for result in results:
            _show(result)
        say(f"{len(results) - len(failed)} passed, {len(failed)} failed", prefix="")
        return
    written = [outcome for update in updates for outcome in update.written]
    for outcome in written:
        _show_failed("updated", "33", outcome)
    for update in updates:
        for left in update.left:
            output.write_styled(f"{output.color('left', '31')}     {output.printable(str(left))}")
    passed = len(results) - len(failed)
    say(f"{passed} passed, {len(written)} updated, {len(failed) - len(written)} left", prefix="")
    if written:
        say(REVIEW, prefix="note: ")


def _show(result: Outcome) -> None:
    if result.ok:
        output.write_styled(f"{output.color('ok', '32')}    {_where(result)}  {output.printable(result.example)}")
    else:
        _show_failed("FAIL", "31", result)


def _show_failed(word: str, code: str, result: Outcome) -> None:
    output.write_styled(f"{output.color(word, code)}  {_where(result)}  {output.printable(result.example)}".rstrip())
    for problem in result.problems:
        output.write(f"      {problem}")
    for finding in result.findings:
        _show_finding(finding)


def _show_finding(finding: Finding) -> None:
    from ..contracts.contrast import contrast

    for line in contrast(finding):
        code = {"  -": "31", "  +": "32"}.get(line[:3])
        shown = output.printable(line)
        output.write_styled(f"      {output.color(shown, code) if code else shown}")


def _where(result: Outcome) -> str:
    """Where an example stands, and for one that is inherited, which file has it from there."""
    where = f"{result.written}:{result.line}"
    return where if result.written == result.file else f"{result.file} ({where})"
