"""`wirefile validate [PATH...]`: every problem of every file. No network, no keys, no environment."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import Problem, UsageError
from ..folders import MAX_FILE_BYTES, Shipped, look_at
from ..processes import processors, side_by_side
from ..suggest import did_you_mean
from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, files_options
from .paths import Found, find
from .reporters import REPORTERS, Report

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..loader.several import Named

    Judged = tuple[Named, list[Problem]]

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
@files_options
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
    from .excerpt import reader

    named = [path for path in paths if path != "-"]
    found = Found() if paths and not named else find(catalog, named)
    files = found.files
    problems = list(found.problems)
    given: dict[str, bytes] = {}
    if len(files) > MAX_FILES:
        problems += _too_many(named[0] if named else os.path.dirname(found.files[0]), files)
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
    from ..loader.several import by_stem, same_names

    results: dict[str, Judged] = {file: (by_stem(file), []) for file in _known_sound(catalog, files)}
    results |= _judge(catalog, [file for file in files if file not in results])
    # A name that two files have is told with the lines that it stands in, which only reading gives.
    counts = Counter(name.name.casefold() for name, _ in results.values())
    if len(counts) < len(results):
        results |= _judge(catalog, [file for file, (name, _) in results.items() if counts[name.name.casefold()] > 1])
    shared = {problem.file: problem for problem in same_names(results[file][0] for file in files)}
    problems: list[Problem] = []
    for file in files:
        own = [*results[file][1], *([shared[file]] if file in shared else [])]
        problems += sorted(own, key=lambda problem: (problem.file != file, problem.file, problem.line, problem.column))
    return problems


def _known_sound(catalog: Catalog, files: list[str]) -> Iterator[str]:
    """Those files that were examined before and are what they were."""
    from ..loader import known_sound

    if catalog.cache is None:
        return iter(())
    there = (found for file in files if (found := look_at(file)) is not None)
    return known_sound(there, is_shipped=Shipped(), folders=catalog.folders, cache=catalog.cache)


def _judge(catalog: Catalog, files: list[str]) -> dict[str, Judged]:
    """What is wrong with each of some files; many are shared out to other processes."""
    judge = partial(_judged, folders=catalog.folders, has_cache=catalog.cache is not None)
    parts = [files[first : first + PART] for first in range(0, len(files), PART)]
    workers = min(len(parts), processors())
    judged = side_by_side(judge, parts, workers) if workers > 1 and len(files) >= MANY else map(judge, parts)
    return dict(zip(files, (result for part in judged for result in part), strict=True))


def _judged(files: list[str], folders: tuple[Path, ...], has_cache: bool) -> list[Judged]:
    from ..cache import user_cache
    from ..loader import examined

    cache, is_shipped = user_cache() if has_cache else None, Shipped()
    return [examined(file, shipped=is_shipped(file), folders=folders, cache=cache) for file in files]


def _too_many(word: str, files: list[str]) -> list[Problem]:
    """So many files are not read; their names are compared."""
    from ..loader.several import by_stem, same_names

    message = f"{len(files)} files are named, and one run examines at most {MAX_FILES}"
    problem = Problem(word, 1, 1, "too-many", message, "validate one folder after the other")
    return [problem, *same_names(map(by_stem, files))]
