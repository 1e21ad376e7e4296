"""`wirefile mock NAME`: serve an API's wire format on loopback."""

from __future__ import annotations

import threading

import click

from ..mock import FAULTS, Fault
from . import output
from .exits import say
from .options import catalog_of, files_options


@click.command("mock")
@click.argument("name")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option(
    "--fault",
    type=click.Choice(FAULTS),
    help="Misbehave: refuse, close in the middle, stop in the middle, reset in the middle.",
)
@files_options
@click.pass_context
def command(context: click.Context, name: str, port: int, fault: Fault | None) -> None:
    """Serve a provider's wire format on 127.0.0.1 until Ctrl-C. The address is printed on stdout."""
    from ..mock import MockServer

    provider = catalog_of(context).provider(name)
    title = provider.spec.title  # read before the address is told: of a Ctrl-C in an import Python itself complains
    with MockServer(provider, port=port, fault=fault, log=_log) as server:
        output.write(server.url)
        say(f"{title} is mocked there; try: wirefile chat {name} --base-url {server.url} 'Hi'")
        threading.Event().wait()


def _log(line: str) -> None:
    say(output.printable(line), prefix="")
