"""`wirefile show NAME`: one file, as it is written or with each line's origin."""

from __future__ import annotations

import click

from . import output
from .options import catalog_of, files_options


@click.command("show")
@click.argument("name")
@click.option("--resolved", is_flag=True, help="The file as it counts, with the origin of each line.")
@click.option("--json", "as_json", is_flag=True, help="The file's data as JSON.")
@files_options
@click.pass_context
def command(context: click.Context, name: str, resolved: bool, as_json: bool) -> None:
    """Show a provider file."""
    from ..loader.resolved import resolved_lines
    from ..loader.source import read_file

    catalog = catalog_of(context)
    path = catalog.path_of(name)
    if as_json:
        output.write_json(dict(catalog.spec(name).tree))
    elif resolved:
        catalog.spec(name)  # an invalid file is reported, not shown
        lines = resolved_lines(path, catalog.folders)
        width = min(max((len(text) for text, _ in lines), default=0), 72)
        for text, origin in lines:
            output.write(f"{text:{width}}  # {origin}")
    else:
        output.write(read_file(path, str(path)).text, end="")
