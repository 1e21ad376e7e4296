"""`wirefile render NAME[:MODEL] PROMPT`: the exact request, not sent."""

from __future__ import annotations

import click

from ..display import REQUEST_FORMATS
from . import output
from .exits import note_adjustments
from .options import (
    call_options,
    catalog_of,
    conversation,
    extras,
    files_options,
    pairs,
    parameters,
    prompt_text,
    split_name,
)


@click.command("render")
@click.argument("name", metavar="NAME[:MODEL]")
@click.argument("prompt")
@click.option("-s", "--system", help="A system message before the prompt.")
@call_options
@click.option("--setting", "settings", multiple=True, metavar="k=v", help="A setting of the file.")
@click.option("--base-url", metavar="U", help="In place of the file's url.")
@click.option("--no-stream", is_flag=True, help="Ask for the whole answer.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(REQUEST_FORMATS)),
    default="http",
    show_default=True,
    help="How it is shown.",
)
@files_options
@click.pass_context
def command(
    context: click.Context,
    name: str,
    prompt: str,
    system: str | None,
    params: tuple[str, ...],
    strict: bool,
    extra_body: str | None,
    extra_headers: tuple[str, ...],
    settings: tuple[str, ...],
    base_url: str | None,
    no_stream: bool,
    form: str,
) -> None:
    """Show the request that a call would send. Secrets, and settings that are not set, show as <NAME>."""
    from ..chat_request import ChatRequest
    from ..deployment import ENVIRONMENT, Deployment

    name, model = split_name(name)
    provider = catalog_of(context).provider(name)
    given = parameters(provider.for_model(model).spec, params) | extras(extra_body, extra_headers)
    messages = conversation(system, prompt_text(prompt))
    stream = provider.for_model(model).spec.response.asks_for_stream(not no_stream)  # as `chat` would
    request = ChatRequest.of(messages, model, stream=stream, **given)
    deployment = Deployment(
        base_url, pairs(settings, "--setting"), environ=ENVIRONMENT, placeholders=True, strict=strict
    )
    call = provider.call(request, deployment)
    output.write("\n\n".join(REQUEST_FORMATS[form](wire) for wire in call.wires))
    note_adjustments(call.adjustments)
