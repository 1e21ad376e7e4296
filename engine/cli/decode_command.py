"""`wirefile decode NAME [FILE|-]`: recorded bytes -> events."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from ..errors import EngineError
from ..events import TextDelta
from . import output
from .bodies import body_chunks
from .options import catalog_of, files_options, header, split_name

if TYPE_CHECKING:
    from ..reply import Reply


@click.command("decode")
@click.argument("name", metavar="NAME[:MODEL]")
@click.argument("file", default="-")
@click.option("--status", type=click.IntRange(100, 599), default=200, show_default=True, help="The HTTP status.")
@click.option("--header", "headers", multiple=True, metavar="k:v", help="A response header.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "events", "json"]),
    default="text",
    show_default=True,
    help="The text, one JSON event a line, or the whole answer as JSON.",
)
@files_options
@click.pass_context
def command(context: click.Context, name: str, file: str, status: int, headers: tuple[str, ...], form: str) -> None:
    """Read a recorded response body by a provider's rules, as a live call would."""
    from ..display import event_data, failure_data, response_data
    from ..provider import recorded
    from ..reply import Reply
    from ..wire import Headers, ResponseHead

    name, model = split_name(name)
    provider = catalog_of(context).provider(name).for_model(model)
    reply = Reply(provider.readers, secrets=provider.known_secrets())
    head = ResponseHead(status, Headers(header(word, "--header") for word in headers))
    try:
        with closing(body_chunks(file)) as chunks:
            for event in recorded(reply, head, chunks):
                if form == "text" and isinstance(event, TextDelta):
                    output.write(event.text, end="")
                elif form == "events":
                    output.write(json.dumps(event_data(event), ensure_ascii=False))
    except EngineError as error:
        _finish_line(reply, form)
        if form == "json" and error.partial is not None:
            output.write_json(failure_data(error, error.partial))
        raise
    if form == "json":
        output.write_json(response_data(reply.response))
    _finish_line(reply, form)


def _finish_line(reply: Reply, form: str) -> None:
    if form == "text" and reply.response.text and not reply.response.text.endswith("\n"):
        output.write("")
