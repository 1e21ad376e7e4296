"""An example of several requests, spoken through without a network: its replies are fed to a real exchange."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import UsageError
from .exchange import Exchange
from .provider import Provider
from .spec import Example, Reply, StepExample
from .steps import StepCache
from .steps.journey import TOKEN
from .wire import Headers, ResponseHead, WireRequest

if TYPE_CHECKING:
    from .rendering import RenderedCall

Line = tuple[WireRequest, StepExample | None]
"""A request, and the step of the example that it belongs to; None: it is the one whose reply is the answer."""


def lines(provider: Provider, example: Example, call: RenderedCall) -> Iterator[Line]:
    """The requests of an example, each made of the replies before it.

    Raises what a reply of the file leads to, and UsageError where the example's steps are more or fewer than there are.
    """
    exchange = Exchange(
        provider, call, provider.spec.timeout, lambda: 0.0, lambda: 0.0, cache=_with_token(example, call), wall=_epoch
    )
    for step in example.steps:
        if not exchange.has_request:
            raise UsageError("the steps go on after the request whose reply is the answer; remove the last")
        exchange.turn()
        yield exchange.start(), step
        _reply(exchange, step.reply)
    exchange.turn()
    if exchange.has_request and exchange.is_at_main:
        yield exchange.start(), None
    elif exchange.has_request:
        raise UsageError("the steps end before the main request; add those that are missing")


def _epoch() -> float:
    return 0.0


def _reply(exchange: Exchange, reply: Reply) -> None:
    exchange.head(ResponseHead(reply.status, Headers(reply.headers.items())))
    for chunk in reply.chunks:
        exchange.feed(chunk)
    exchange.finish()


def _with_token(example: Example, call: RenderedCall) -> StepCache:
    """A cache with a token in it, unless the example begins with the request for one."""
    cache = StepCache()
    first = call.route.order[0] if call.route is not None else None
    if first is None or first.kind != "token" or first.key is None or call.route is None:
        return cache
    path = urlsplit(call.route.request(first, {}, None).wire.shown().url).path
    if not (example.steps and _is_token(example.steps[0], path, has_others=len(call.route.order) > 2)):
        cache.put(first.key, {TOKEN: "<access token>"}, None, 0.0)
    return cache


def _is_token(step: StepExample, path: str, *, has_others: bool) -> bool:
    """Whether a step of an example is the request for a token: what its URL says, else whether there are others."""
    shown = urlsplit(str(step.request.get("url", ""))).path
    # A stand-in's URL may have lost a prefix of the file's.
    return shown.endswith(path) if shown else not has_others
