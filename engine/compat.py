"""The class shape of gpt4free's providers over any provider file, for code that was written for them.

Two faults of the original are not kept: it decoded each network chunk by itself, so that a letter cut in two crashed
it, and it swallowed unknown arguments. https://github.com/xtekky/gpt4free
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any, ClassVar

from .async_client import AsyncClient
from .catalog import Catalog
from .chat_request import ChatRequest
from .client import Client
from .deployment import Deployment
from .events import TextDelta
from .messages import Messages
from .provider import Provider


class CompatProvider:
    """What `provider_class` makes subclasses of. Setting `url` on a class sends its calls there."""

    _provider: ClassVar[Provider]
    _catalog: ClassVar[Catalog]
    url: ClassVar[str]
    working: ClassVar[bool]
    supports_stream: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = False
    supports_gpt_35_turbo: ClassVar[bool] = False

    @classmethod
    async def create_async_generator(
        cls, model: str | None, messages: Messages, proxy: str | None = None, **kwargs: Any
    ) -> AsyncGenerator[str, None]:
        """The answer's text as it arrives, or with `stream=False` in one piece. Raises EngineError."""
        if not kwargs.pop("stream", True):  # gpt4free's own helpers pass it along
            yield await cls.create_async(model, messages, proxy, **kwargs)
            return
        async with (
            AsyncClient(cls._catalog, base_urls=cls._base_urls(), proxy=proxy) as client,
            client.stream(cls._provider.name, messages, model or None, **kwargs) as stream,
        ):
            async for event in stream:
                if isinstance(event, TextDelta):
                    yield event.text

    @classmethod
    async def create_async(cls, model: str | None, messages: Messages, proxy: str | None = None, **kwargs: Any) -> str:
        """The whole text. Raises EngineError."""
        async with AsyncClient(cls._catalog, base_urls=cls._base_urls(), proxy=proxy) as client:
            return (await client.chat(cls._provider.name, messages, model or None, **kwargs)).text

    @classmethod
    def create_completion(
        cls, model: str | None, messages: Messages, stream: bool = True, proxy: str | None = None, **kwargs: Any
    ) -> Iterator[str]:
        """The answer's text, synchronously: in pieces, or with `stream=False` in one. Raises EngineError.

        It uses no event loop, so that it works inside a running one too.
        """
        with Client(cls._catalog, base_urls=cls._base_urls(), proxy=proxy) as client:
            if not stream:
                yield client.chat(cls._provider.name, messages, model or None, **kwargs).text
                return
            with client.stream(cls._provider.name, messages, model or None, **kwargs) as answer:
                for event in answer:
                    if isinstance(event, TextDelta):
                        yield event.text

    @classmethod
    def _base_urls(cls) -> dict[str, str]:
        spec = cls._provider.spec
        return {spec.name: cls.url} if cls.url != spec.url else {}

    @classmethod
    def _create_header(cls) -> dict[str, str]:
        """The headers that the file names."""
        spec = cls._provider.spec
        named = {name.lower() for name in spec.headers}
        wire = cls._rendered("-", {"model": spec.models.default or next(iter(spec.models.allow), "-")})
        return {name: value for name, value in wire.headers.items() if name.lower() in named}

    @classmethod
    def _create_payload(cls, messages: Messages, **kwargs: Any) -> Any:
        """The body of a call, as plain data where it is JSON and as text where it is not."""
        wire = cls._rendered(messages, kwargs)
        text = wire.content.decode()
        return json.loads(text) if cls._provider.spec.encoding == "json" and text else text

    @classmethod
    def _rendered(cls, messages: Messages, params: dict[str, Any]) -> Any:
        model = params.pop("model", None)
        request = ChatRequest.of(messages, model or None, **params)
        return cls._provider.call(request, Deployment(placeholders=True)).wire.shown()


def provider_class(name: str, catalog: Catalog | None = None) -> type[CompatProvider]:
    """A class over the provider file `name`, with the file's flags as attributes.

    >>> acytoo = provider_class("acytoo")
    >>> acytoo.working, acytoo.supports_message_history, acytoo._create_header()
    (False, True, {'accept': '*/*', 'content-type': 'application/json'})
    """
    catalog = catalog if catalog is not None else Catalog()
    provider = catalog.provider(name)
    spec = provider.spec
    attributes = {"_provider": provider, "_catalog": catalog, "url": spec.url, "__doc__": spec.title}
    flags = {**spec.flags, "working": spec.working}
    return type(spec.title.replace(" ", "") or name, (CompatProvider,), {**flags, **attributes})
