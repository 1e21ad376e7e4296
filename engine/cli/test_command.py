"""`wirefile test [PATH...]`: run the examples in the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import SpecError
from . import output
from .exits import FINE, PROBLEMS, say
from .options import catalog_of, providers_option, spec_files

if TYPE_CHECKING:
    from ..catalog import Catalog


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@providers_option
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], as_json: bool) -> int:
    """Run the examples of provider files: each request rendered, each reply decoded at every cut. Nothing is sent."""
    catalog = catalog_of(context)
    results = [result for file in spec_files(catalog, paths) for result in _run(catalog, file)]
    failed = [result for result in results if not result["ok"]]
    if as_json:
        output.write_json({"passed": len(results) - len(failed), "failed": len(failed), "examples": results})
    else:
        for result in results:
            _show(result)
        say(f"{len(results) - len(failed)} passed, {len(failed)} failed", prefix="")
    return PROBLEMS if failed else FINE


def _run(catalog: Catalog, file: Path) -> list[dict[str, Any]]:
    from ..examples import run_example
    from ..loader import load
    from ..provider import Provider

    try:
        provider = Provider(load(file, shipped=catalog.is_shipped(file), folders=catalog.folders))
    except SpecError as error:
        return [_result(str(file), str(file), 1, "", [str(problem) for problem in error.problems])]
    return [
        _result(str(file), example.file, example.line, example.name, [str(f) for f in run_example(provider, example)])
        for example in provider.spec.examples
    ]


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
