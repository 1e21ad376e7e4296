"""`wirefile decode NAME [FILE|-]`: recorded bytes -> events."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, cast

import click

from ..errors import EngineError, UsageError
from ..events import Event, TextDelta
from . import output
from .options import catalog_of, providers_option

CHUNK = 64 * 1024

if TYPE_CHECKING:
    from ..reply import Reply
    from ..wire import ResponseHead


@click.command("decode")
@click.argument("name")
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
    from ..display import event_data, response_data
    from ..reply import Reply
    from ..wire import Headers, ResponseHead

    provider = catalog_of(context).provider(name)
    reply = Reply(provider.readers)
    head = ResponseHead(status, Headers(_header(word) for word in headers))
    try:
        for event in _events(reply, head, file):
            if form == "text" and isinstance(event, TextDelta):
                output.write(event.text, end="")
            elif form == "events":
                output.write(json.dumps(event_data(event), ensure_ascii=False))
    except EngineError:
        _finish_line(reply, form)
        raise
    if form == "json":
        output.write_json(response_data(reply.response))
    _finish_line(reply, form)


def _finish_line(reply: Reply, form: str) -> None:
    if form == "text" and reply.response.text and not reply.response.text.endswith("\n"):
        output.write("")


def _events(reply: Reply, head: ResponseHead, file: str) -> Iterator[Event]:
    reply.head(head)
    with closing(_chunks(file)) as chunks:
        for chunk in chunks:
            yield from reply.feed(chunk)
            if reply.fault is not None:
                raise reply.fault
    yield from reply.finish()
    if reply.fault is not None:
        raise reply.fault


def _chunks(file: str) -> Generator[bytes, None, None]:
    if file == "-":
        stdin = cast(io.BufferedReader, sys.stdin.buffer)
        while chunk := stdin.read1(CHUNK):
            yield chunk
        return
    with open(file, "rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _header(word: str) -> tuple[str, str]:
    name, separator, value = word.partition(":")
    if not separator or not name.strip():
        raise UsageError(f"--header {word!r} is no k:v; write --header 'content-type: text/event-stream'")
    return name.strip(), value.strip()
