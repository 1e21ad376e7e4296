"""`wirefile validate [PATH...]`: every problem of every file. No network, no keys, no environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import Problem
from ..folders import is_built_in
from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, providers_option, spec_files
from .reporters import REPORTERS

if TYPE_CHECKING:
    from ..catalog import Catalog


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
@providers_option
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], form: str) -> int:
    """Check provider files: files, folders, globs, - for standard input; without PATH, every file there is."""
    catalog = catalog_of(context)
    count, problems = _examine(catalog, paths)
    text = REPORTERS[form](count, problems)
    if text:
        output.write(text)
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "text":
        warnings = len(problems) - errors
        say(f"files: {count}, errors: {errors}, warnings: {warnings}", prefix="")
    return PROBLEMS if errors else FINE


def _examine(catalog: Catalog, paths: tuple[str, ...]) -> tuple[int, list[Problem]]:
    from ..loader import problems_of, problems_of_text
    from ..loader.source import MAX_FILE_BYTES

    problems: list[Problem] = []
    named = [path for path in paths if path != "-"]
    files: list[Path] = spec_files(catalog, named) if named or "-" not in paths else []
    for file in files:
        problems += problems_of(file, shipped=is_built_in(file), folders=catalog.folders)
    if "-" in paths:
        problems += problems_of_text(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), "<stdin>")
    return len(files) + ("-" in paths), problems
