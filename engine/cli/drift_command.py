"""`wirefile drift NAME [FILE|-]`: what a recorded or a live answer has that the provider file does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..errors import EngineError, ProviderError, StreamError, UsageError
from . import output
from .bodies import body_chunks
from .exits import FINE, PROBLEMS, say
from .options import (
    call_options,
    catalog_of,
    conversation,
    extras,
    files_options,
    header,
    pairs,
    parameters,
    split_name,
)
from .reach import client_for, mocked, reach_options, refuse_if_not_working, rehearse

if TYPE_CHECKING:
    from ..client import Client
    from ..drift import Drift
    from ..provider import Provider

PROMPT = "Say hello in one short sentence."


@click.command("drift")
@click.argument("name", metavar="NAME[:MODEL]")
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--status", type=click.IntRange(100, 599), help="The HTTP status of FILE; 200 when it is not said.")
@click.option("--header", "headers", multiple=True, metavar="k:v", help="A response header of FILE.")
@click.option("--prompt", default=PROMPT, show_default=True, help="What is asked, where there is no FILE.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@call_options
@reach_options
@files_options
@click.pass_context
def command(
    context: click.Context,
    /,
    name: str,
    file: str | None,
    status: int | None,
    headers: tuple[str, ...],
    prompt: str,
    as_json: bool,
    **call: Any,
) -> int:
    """Compare an answer with what the provider file declares: the body in FILE, or without FILE that of a real call.

    What the file knows are the places that its rules read and all that its own examples show. Exit code 1 when
    something else came.
    """
    from ..drift import drift

    name, model = split_name(name)
    redirected = file is None and (call["base_url"] is not None or call["mock"])
    provider = catalog_of(context).provider(name, redirected=redirected)
    error: EngineError | None = None
    if file is not None:
        with closing(body_chunks(file)) as chunks:
            given = dict(header(word, "--header") for word in headers)
            found = drift(provider.for_model(model), chunks, status or 200, given)
    elif status is not None or headers:
        raise UsageError("--status and --header describe a FILE; name one, or - for standard input")
    else:
        reply, error = _live(context, name, provider, model, prompt, call)
        found = drift(provider.for_model(model), *reply)
    _show(found, as_json)
    if error is not None and not found:  # a failure that the file knows
        raise error
    return PROBLEMS if found else FINE


def _show(found: Iterable[Drift], as_json: bool) -> None:
    items = list(found)
    if as_json:
        output.write_json({"drifts": [asdict(item) for item in items]})
        return
    for item in items:
        output.write(str(item))
    say(f"{len(items)} drifted" if items else "nothing drifted", prefix="")


Reply = tuple[bytes, int, Mapping[str, str]]


def _live(
    context: click.Context, name: str, provider: Provider, model: str | None, prompt: str, call: Mapping[str, Any]
) -> tuple[Reply, EngineError | None]:
    """The reply to a real call, without secrets, and the error that it came to.

    Raises the error where no reply came that could be compared.
    """
    from ..recording import Recorder

    recorder = Recorder()
    refuse_if_not_working(provider.spec, call["base_url"] is not None or call["mock"] or call["force"])
    given = parameters(provider.for_model(model).spec, call["params"])
    given |= extras(call["extra_body"], call["extra_headers"])
    if call["mock"]:
        rehearse(provider, conversation(None, prompt), model, given, call["strict"])
    with ExitStack() as stack:
        deployment: dict[str, Any] = {"base_url": call["base_url"], "settings": pairs(call["settings"], "--setting")}
        if call["mock"]:
            deployment |= stack.enter_context(mocked(provider))
        more = {"proxy": call["proxy"], "timeout": call["timeout"], "strict": call["strict"], "recorder": recorder}
        client = stack.enter_context(client_for(catalog_of(context), provider, deployment, more))
        error: EngineError | None = None
        try:
            _ask(client, name, model, prompt, given, not call["no_stream"])
        except (ProviderError, StreamError) as failure:
            error = failure
    assert recorder.last is not None, "a call was begun"
    try:
        return recorder.last.recorded().answer, error
    except UsageError:
        raise error or UsageError("the answer cannot be compared; give a recorded one as FILE") from None


def _ask(client: Client, name: str, model: str | None, prompt: str, params: dict[str, Any], streams: bool) -> None:
    if not streams:
        client.chat(name, prompt, model, **params)
        return
    with client.stream(name, prompt, model, **params) as stream:
        for _ in stream:
            pass
