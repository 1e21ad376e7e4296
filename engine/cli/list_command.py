"""`wirefile list`: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import SpecError
from . import output
from .options import catalog_of, files_options

if TYPE_CHECKING:
    from ..catalog import Catalog


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@files_options
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the providers: name, title, default model, and whether the file says that the service works."""
    catalog = catalog_of(context)
    rows = [row for name in catalog.names() if not (row := _row(catalog, name)).pop("abstract")]
    if as_json:
        output.write_json(rows)
        return
    width = max((len(row["name"]) for row in rows), default=0)
    titles = max((len(row["title"]) for row in rows), default=0)
    for row in rows:
        note = "invalid, see `wirefile validate`" if not row["valid"] else "" if row["working"] else "not working"
        line = f"{row['name']:{width}}  {row['title']:{titles}}  {row['model'] or '-'}  {note}"
        output.write(line.rstrip())


def _row(catalog: Catalog, name: str) -> dict[str, Any]:
    file = str(catalog.path_of(name))
    try:
        spec = catalog.spec(name)
    except SpecError:
        return {
            "name": name,
            "title": "",
            "model": None,
            "working": False,
            "valid": False,
            "file": file,
            "abstract": False,
        }
    model = spec.models.default
    row = {"name": name, "title": spec.title, "model": model, "working": spec.working, "valid": True, "file": file}
    return row | {"abstract": spec.is_abstract}
