"""`wirefile validate [PATH...]`: every problem of every file. No network, no keys, no environment."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import Problem, UsageError
from ..folders import is_built_in
from ..processes import processors, side_by_side
from ..suggest import did_you_mean
from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, providers_option
from .paths import Found, find
from .reporters import REPORTERS, Report

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..loader.several import Named

STDIN = "<stdin>"
MAX_FILES = 5000
"""How many files one run examines: more in one folder are no provider files, or a trap."""
MANY = 100
"""From so many files on, other processes are worth their start."""
PART = 20
"""How many files a process takes at a time."""


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(REPORTERS)),
    default="text",
    show_default=True,
    help="How problems are reported.",
)
@click.option(
    "--source/--no-source",
    default=True,
    show_default=True,
    help="In text, below each problem the line that it stands in, with a caret.",
)
@click.option("--explain", metavar="RULE", help="Print what a rule means, with a bad and a good example.")
@click.option("--rules", is_flag=True, help="List the rules.")
@providers_option
@click.pass_context
def command(
    context: click.Context, paths: tuple[str, ...], form: str, source: bool, explain: str | None, rules: bool
) -> int:
    """Check provider files: files, folders, globs, - for standard input; without PATH, every file there is."""
    if explain is not None or rules:
        if paths:
            raise UsageError(f"{'--rules' if rules else '--explain'} examines no file; leave '{paths[0]}' out")
        _explain(explain)
        return FINE
    report = _examine(catalog_of(context), paths, source)
    if text := REPORTERS[form](report):
        write = output.write_styled if form == "text" else output.write
        write(text)
    errors = sum(problem.severity == "error" for problem in report.problems)
    if form == "text":
        warnings = len(report.problems) - errors
        say(f"files: {len(report.files)}, errors: {errors}, warnings: {warnings}", prefix="")
    return PROBLEMS if errors else FINE


def _explain(name: str | None) -> None:
    """Print one rule, or a line of each."""
    from ..loader.rulebook import rulebook
    from .explain import as_text

    book = rulebook()
    if name is None:
        width = max(map(len, book))
        for rule in book.values():
            output.write(f"{rule.name:{width}}  {rule.severity:7}  {rule.title}")
        return
    if name not in book:
        hint = did_you_mean(name, book) or "`wirefile validate --rules` lists them"
        raise UsageError(f"there is no rule '{name}'; {hint}")
    output.write_styled(as_text(book[name], lambda text: output.color(text, "1")))


def _examine(catalog: Catalog, paths: tuple[str, ...], source: bool) -> Report:
    from ..loader import problems_of_text
    from ..loader.source import MAX_FILE_BYTES
    from .excerpt import reader

    named = [path for path in paths if path != "-"]
    found = Found() if paths and not named else find(catalog, named)
    files = [str(file) for file in found.files]
    problems = list(found.problems)
    given: dict[str, bytes] = {}
    if len(files) > MAX_FILES:
        problems += _too_many(named[0] if named else str(found.files[0].parent), files)
        files = []
    else:
        problems += _problems(catalog, files)
    if "-" in paths:
        given[STDIN] = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        problems += problems_of_text(given[STDIN], STDIN)
        files.append(STDIN)
    return Report(tuple(files), tuple(problems), reader(given) if source else None)


def _problems(catalog: Catalog, files: list[str]) -> list[Problem]:
    """The problems of each file, file by file, and what the files say of each other."""
    from ..loader.several import same_names

    judge = partial(_judged, folders=catalog.folders)
    parts = [files[first : first + PART] for first in range(0, len(files), PART)]
    workers = min(len(parts), processors())
    judged = side_by_side(judge, parts, workers) if workers > 1 and len(files) >= MANY else map(judge, parts)
    results = [result for part in judged for result in part]
    shared = {problem.file: problem for problem in same_names(name for name, _ in results)}
    problems: list[Problem] = []
    for file, (_, own) in zip(files, results, strict=True):
        own += [shared[file]] if file in shared else []
        problems += sorted(own, key=lambda problem: (problem.file != file, problem.file, problem.line, problem.column))
    return problems


def _judged(files: list[str], folders: tuple[Path, ...]) -> list[tuple[Named, list[Problem]]]:
    from ..loader import examined

    return [examined(file, shipped=is_built_in(Path(file)), folders=folders) for file in files]


def _too_many(word: str, files: list[str]) -> list[Problem]:
    """So many files are not read; their names are compared."""
    from ..loader.several import by_stem, same_names

    message = f"{len(files)} files are named, and one run examines at most {MAX_FILES}"
    problem = Problem(word, 1, 1, "too-many", message, "validate one folder after the other")
    return [problem, *same_names(map(by_stem, files))]
