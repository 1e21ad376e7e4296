"""A stream through either client, the same words for both, and all that it came to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from engine import AsyncClient, Catalog, Client
from engine.events import Event, TextDelta
from engine.messages import ChatResponse
from engine.testing import FaultServer

HELLO = "Привет! Как дела?"


@dataclass
class Outcome:
    """What a call came to: the events, then the answer or the error; `probed` was read before the client closed."""

    events: list[Event] = field(default_factory=list)
    response: ChatResponse | None = None
    error: BaseException | None = None
    probed: Any = None
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))


class Caller:
    """The same words for both clients. `probe` is called after the call and before the client is closed."""

    def __init__(self, kind: str, catalog: Catalog) -> None:
        self.kind = kind
        self.catalog = catalog

    def __call__(
        self, server: FaultServer | str, provider: str = "text", *, stop_after: int = 1_000_000, **options: Any
    ) -> Outcome:
        url = server if isinstance(server, str) else server.url
        options = {"base_urls": {provider: url}, **options}
        outcome = Outcome()
        probe = options.pop("probe", lambda: None)
        before = time.monotonic()
        if self.kind == "sync":
            self._sync(outcome, provider, stop_after, probe, options)
        else:
            asyncio.run(self._async(outcome, provider, stop_after, probe, options))
        outcome.seconds = time.monotonic() - before
        return outcome

    def _sync(self, outcome: Outcome, provider: str, stop_after: int, probe: Any, options: Any) -> None:
        with Client(self.catalog, **options) as client:
            try:
                with client.stream(provider, HELLO) as stream:
                    for event in stream:
                        outcome.events.append(event)
                        if len(outcome.events) == stop_after:
                            break
                    else:
                        outcome.response = stream.response
            except Exception as error:  # noqa: BLE001  what crosses is what is tested
                outcome.error = error
            outcome.probed = probe()

    async def _async(self, outcome: Outcome, provider: str, stop_after: int, probe: Any, options: Any) -> None:
        async with AsyncClient(self.catalog, **options) as client:
            try:
                async with client.stream(provider, HELLO) as stream:
                    async for event in stream:
                        outcome.events.append(event)
                        if len(outcome.events) == stop_after:
                            break
                    else:
                        outcome.response = stream.response
            except Exception as error:  # noqa: BLE001
                outcome.error = error
            outcome.probed = await asyncio.to_thread(probe)

    def chat(self, server: FaultServer, *providers: str, **options: Any) -> list[ChatResponse]:
        """The answers of calls one after the other, all with one client."""
        options = {"base_urls": dict.fromkeys(providers, server.url), **options}
        if self.kind == "sync":
            with Client(self.catalog, **options) as client:
                return [client.chat(provider, HELLO) for provider in providers]

        async def run() -> list[ChatResponse]:
            async with AsyncClient(self.catalog, **options) as client:
                return [await client.chat(provider, HELLO) for provider in providers]

        return asyncio.run(run())
