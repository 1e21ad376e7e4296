"""This engine, in the ways in which it is installed and called. Every event of an answer is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from engine import AsyncClient, Catalog, Client, TextDelta, ToolCallDelta

from .ask import KEY, MESSAGES, MODEL
from .order import Order
from .tally import Tally

CATALOG = Catalog()
"""One for all clients of a process: what it has compiled is there for the next."""


def _words(order: Order) -> tuple[str, dict[str, Any]]:
    """The provider's name and what a client is made with: the shipped file of chat completions, or the order's own."""
    if order.file is None:
        more = {"base_urls": {"openai": order.url + "/v1"}, "secrets": {"openai": {"api_key": KEY}}}
        return "openai", {"catalog": CATALOG, **more}
    file = Path(order.file)
    return file.stem, {"catalog": Catalog(file.parent), "base_urls": {file.stem: order.url}}


class Ours:
    """`AsyncClient()`."""

    def __init__(self, order: Order) -> None:
        self._name, words = _words(order)
        self._model = MODEL if order.file is None else None
        self._client = AsyncClient(**words, **self._more(order))

    def _more(self, order: Order) -> dict[str, Any]:
        return {"max_connections": order.most}

    async def stream(self, tally: Tally) -> None:
        """The text and the arguments of a streamed answer."""
        async with self._client.stream(self._name, MESSAGES, self._model) as stream:
            async for event in stream:
                kind = type(event)
                if kind is TextDelta:
                    tally.add(event.text)
                elif kind is ToolCallDelta and event.arguments:
                    tally.add(event.arguments)

    async def chat(self, tally: Tally) -> None:
        """The text of a whole answer."""
        tally.add((await self._client.chat(self._name, MESSAGES, self._model)).text)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class OwnClient(Ours):
    """`AsyncClient(http_client=httpx.AsyncClient())`: the caller's own stock client."""

    def _more(self, order: Order) -> dict[str, Any]:
        limits = httpx.Limits(max_connections=order.most, max_keepalive_connections=order.most)
        self._lent = httpx.AsyncClient(limits=limits)
        return {"http_client": self._lent, "max_connections": order.most}

    async def aclose(self) -> None:
        """Close the connections, which are the caller's."""
        await super().aclose()
        await self._lent.aclose()


class OursSync:
    """`Client()`."""

    def __init__(self, order: Order) -> None:
        self._name, words = _words(order)
        self._model = MODEL if order.file is None else None
        self._client = Client(**words)

    async def stream(self, tally: Tally) -> None:
        """The text of a streamed answer."""
        with self._client.stream(self._name, MESSAGES, self._model) as stream:
            for event in stream:
                if type(event) is TextDelta:
                    tally.add(event.text)

    async def chat(self, tally: Tally) -> None:
        """The text of a whole answer."""
        tally.add(self._client.chat(self._name, MESSAGES, self._model).text)

    async def aclose(self) -> None:
        """Close the connections."""
        self._client.close()
