"""`wirefile schema`: the JSON Schema of provider files."""

from __future__ import annotations

import click

from . import output


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of provider files (draft 2020-12)."""
    from ..loader.published import schema_file

    output.write(schema_file().read_text(encoding="utf-8"), end="")
