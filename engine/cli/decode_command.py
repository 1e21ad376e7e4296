"""`wirefile decode NAME [FILE|-]`: recorded bytes -> events."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, cast

import click

from ..errors import EngineError, UsageError
from ..events import TextDelta
from . import output
from .options import catalog_of, header, providers_option, split_name

CHUNK = 64 * 1024

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
@providers_option
@click.pass_context
def command(context: click.Context, name: str, file: str, status: int, headers: tuple[str, ...], form: str) -> None:
    """Read a recorded response body by a provider's rules, as a live call would."""
    from ..display import event_data, failure_data, response_data
    from ..provider import recorded
    from ..reply import Reply
    from ..wire import Headers, ResponseHead

    name, model = split_name(name)
    provider = catalog_of(context).provider(name).for_model(model)
    reply = Reply(provider.readers)
    head = ResponseHead(status, Headers(header(word, "--header") for word in headers))
    try:
        with closing(_chunks(file)) as chunks:
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


def _chunks(file: str) -> Generator[bytes, None, None]:
    if file == "-":
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        while chunk := stdin.read1(CHUNK):
            yield chunk
        return
    with open(file, "rb", opener=_open_at_once) as stream:
        nothing_came = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
        while chunk := stream.read1(CHUNK):
            nothing_came = False
            yield chunk
        if nothing_came:
            raise UsageError(f"{file} is a FIFO, and nothing was written to it; name a file, or - for standard input")


def _open_at_once(path: str, flags: int) -> int:
    """Opening a FIFO that nobody writes to would wait for ever; one that a shell fills (`<(...)`) is read as it is."""
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "set_blocking"):
        os.set_blocking(handle, True)
    return handle
