"""A witness at the doors, through which all calls of this process go: it notes what each call came to.

It changes no call: it stands around the methods of the classes, and hands on each event and each error as it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from functools import wraps
from typing import Any

import pytest

from engine import AsyncClient, Client
from engine.events import Event
from engine.exchange import Exchange
from engine.provider import Provider

from .history import Call, History, Outcome

MIN_SECRET = 8
"""Nobody looks for shorter secrets, which tests have made up: they stand in other words."""


def _secrets_of(exchange: Exchange) -> tuple[str, ...]:
    values = (secret.reveal() for secret in exchange._journey.secrets if not secret.is_placeholder)
    return tuple(value for value in values if len(value) >= MIN_SECRET)


def _end(call: Call, exchange: Exchange, error: BaseException | None = None) -> None:
    answer = exchange.response
    call.secrets = _secrets_of(exchange)
    call.outcome = Outcome(answer) if error is None else Outcome.of(error, answer, is_told=bool(call.secrets))


class Witness:
    """Stands where calls go in and out; of streams, where they run: `chat` reads one too."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __repr__(self) -> str:
        return "Witness"  # and no more: it stands in frames that tests look at

    def record(self, patch: pytest.MonkeyPatch) -> None:
        """Stand there until the patch is undone."""
        patch.setattr(Client, "_run", self._run(Client._run))
        patch.setattr(AsyncClient, "_run", self._async_run(AsyncClient._run))
        patch.setattr(AsyncClient, "chat", self._async_door("AsyncClient.chat", AsyncClient.chat))
        for kind, name in ((Client, "chat"), (Client, "stream"), (AsyncClient, "stream"), (Provider, "decode")):
            patch.setattr(kind, name, self._door(f"{kind.__name__}.{name}", getattr(kind, name)))
        patch.setattr(Provider, "events", self._events(self._door("Provider.events", Provider.events)))

    def _run(self, run: Callable[..., Generator[Event]]) -> Callable[..., Generator[Event]]:
        @wraps(run)
        def recorded(client: Client, exchange: Exchange) -> Generator[Event]:
            given: list[Event] = []
            call = self._history.begin("Client", exchange._provider.name, given)
            try:
                with closing(run(client, exchange)) as events:
                    for event in events:
                        given.append(event)
                        yield event
                        del event
            except BaseException as error:
                _end(call, exchange, error)
                raise
            _end(call, exchange)

        return recorded

    def _async_run(self, run: Callable[..., AsyncGenerator[Event]]) -> Callable[..., AsyncGenerator[Event]]:
        @wraps(run)
        async def recorded(client: AsyncClient, exchange: Exchange) -> AsyncGenerator[Event]:
            given: list[Event] = []
            call = self._history.begin("AsyncClient", exchange._provider.name, given)
            try:
                async with aclosing(run(client, exchange)) as events:
                    async for event in events:
                        given.append(event)
                        yield event
                        del event
            except BaseException as error:
                _end(call, exchange, error)
                raise
            _end(call, exchange)

        return recorded

    def _door(self, door: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def recorded(owner: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(owner, *args, **kwargs)
            except BaseException as error:
                self._history.begin(door, _name(owner, args)).outcome = Outcome.of(error)
                raise

        return recorded

    def _async_door(self, door: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        async def recorded(owner: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return await method(owner, *args, **kwargs)
            except BaseException as error:
                self._history.begin(door, _name(owner, args)).outcome = Outcome.of(error)
                raise

        return recorded

    def _events(self, events: Callable[..., Iterator[Event]]) -> Callable[..., Iterator[Event]]:
        def watched(call: Call, given: list[Event], found: Iterator[Event]) -> Iterator[Event]:
            try:
                for event in found:
                    given.append(event)
                    yield event
            except BaseException as error:
                call.outcome = Outcome.of(error)
                raise
            call.outcome = Outcome()

        @wraps(events)
        def recorded(provider: Provider, *args: Any, **kwargs: Any) -> Iterator[Event]:
            given: list[Event] = []
            found = events(provider, *args, **kwargs)
            return watched(self._history.begin("Provider.events", provider.name, given), given, found)

        return recorded


def _name(owner: Any, args: tuple[Any, ...]) -> str:
    if isinstance(owner, Provider):
        return owner.name
    return args[0] if args and type(args[0]) is str else "no provider"  # what is given instead may be anything
