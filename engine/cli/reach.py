"""Reaching a service from the command line: where it is, as whom, or a mock in its place. For the verbs that call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError
from .exits import say

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..client import Client
    from ..messages import Message
    from ..provider import Provider
    from ..spec import ProviderSpec

Command = TypeVar("Command", bound=Callable[..., Any])


def reach_options(command: Command) -> Command:
    """Where a call goes, and how."""
    seconds = click.FloatRange(0, 3600, min_open=True)
    options = (
        click.option("--setting", "settings", multiple=True, metavar="k=v", help="A setting of the file."),
        click.option("--base-url", metavar="U", help="In place of the file's url."),
        click.option("--proxy", metavar="U", help="Send through this HTTP proxy."),
        click.option("--timeout", type=seconds, help="Seconds for the whole call."),
        click.option("--mock", is_flag=True, help="Talk to a mock of the API on this machine."),
        click.option("--force", is_flag=True, help="Call it although the file says that it does not work."),
        click.option("--no-stream", is_flag=True, help="Ask for the whole answer."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def refuse_if_not_working(spec: ProviderSpec, allowed: bool) -> None:
    """Raise UsageError for a service that its file says does not answer."""
    if not spec.working and not allowed:
        raise UsageError(
            f"{spec.file} says that {spec.title} is not working (flags.working: false); "
            f"talk to a mock with --mock, to another address with --base-url, or try all the same with --force"
        )


def rehearse(
    provider: Provider, messages: list[Message], model: str | None, params: dict[str, Any], strict: bool
) -> None:
    """Raise what is wrong with the call before a mock is started for it."""
    from ..chat_request import ChatRequest
    from ..deployment import Deployment

    provider.call(ChatRequest.of(messages, model, **params), Deployment(placeholders=True, strict=strict))


@contextmanager
def mocked(provider: Provider) -> Iterator[dict[str, Any]]:
    """A mock, and the deployment that reaches it: no setting and no secret of the real service is needed."""
    from ..mock import MockServer

    with MockServer(provider) as server:
        say(f"a mock of {provider.spec.title} at {server.url}", prefix="")
        secrets = {name: f"<{source.env[0]}>" for name, source in provider.spec.secrets.items()}
        yield {"base_url": server.url, "secrets": secrets}


def client_for(
    catalog: Catalog, provider: Provider, deployment: Mapping[str, Any], options: Mapping[str, Any]
) -> Client:
    """A client for one provider, deployed so."""
    from ..client import Client

    base_url, name = deployment.get("base_url"), provider.name
    return Client(
        catalog,
        base_urls={name: base_url} if base_url else {},
        settings={name: deployment.get("settings", {})},
        secrets={name: deployment.get("secrets", {})},
        **options,
    )
