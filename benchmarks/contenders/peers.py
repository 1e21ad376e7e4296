"""Other clients for these APIs, each called as its own pages show it. They are imported by who is measured only."""

from __future__ import annotations

import json
from typing import Any

from .ask import HEADERS, KEY, MESSAGES, MODEL, PATH, body
from .order import Order
from .tally import Tally


class HttpxSse:
    """httpx with httpx-sse, and json for each event: what one writes by hand. https://pypi.org/project/httpx-sse/"""

    packages = ("httpx-sse",)

    def __init__(self, order: Order) -> None:
        import httpx
        from httpx_sse import EventSource

        self._event_source = EventSource
        self._url = order.url + PATH
        self._client = httpx.AsyncClient()

    async def stream(self, tally: Tally) -> None:
        """The texts of the events."""
        content = body(stream=True)
        async with self._client.stream("POST", self._url, headers=HEADERS, content=content) as response:
            async for event in self._event_source(response).aiter_sse():
                if event.data != "[DONE]":
                    text = json.loads(event.data)["choices"][0]["delta"].get("content")
                    if text:
                        tally.add(text)

    async def chat(self, tally: Tally) -> None:
        """The text of a whole answer."""
        response = await self._client.post(self._url, headers=HEADERS, content=body(stream=False))
        tally.add(response.json()["choices"][0]["message"]["content"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _Completions:
    """What gives objects in the shape of OpenAI's: chunks with choices, or a completion with choices."""

    async def stream(self, tally: Tally) -> None:
        """The texts of the chunks."""
        async for chunk in await self._create(stream=True):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                tally.add(text)

    async def chat(self, tally: Tally) -> None:
        """The text of a whole answer."""
        tally.add((await self._create(stream=False)).choices[0].message.content)

    async def _create(self, *, stream: bool) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing that its user is asked to close."""


class Openai(_Completions):
    """The official SDK. https://pypi.org/project/openai/"""

    packages = ("openai", "httpx2")

    def __init__(self, order: Order) -> None:
        from openai import AsyncOpenAI

        self._client = AsyncOpenAI(api_key=KEY, base_url=f"{order.url}/v1", max_retries=0)

    async def _create(self, *, stream: bool) -> Any:
        return await self._client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=stream)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


class Litellm(_Completions):
    """https://pypi.org/project/litellm/"""

    packages = ("litellm", "httpx2")

    def __init__(self, order: Order) -> None:
        from litellm import acompletion

        self._acompletion = acompletion
        self._words = {"model": f"openai/{MODEL}", "api_base": f"{order.url}/v1", "api_key": KEY}

    async def _create(self, *, stream: bool) -> Any:
        return await self._acompletion(messages=MESSAGES, stream=stream, **self._words)


class AnyLlm(_Completions):
    """One client for all calls, as its pages advise. https://pypi.org/project/any-llm-sdk/"""

    packages = ("any-llm-sdk", "httpx2")

    def __init__(self, order: Order) -> None:
        from any_llm import AnyLLM

        self._llm = AnyLLM.create("openai", api_key=KEY, api_base=f"{order.url}/v1")

    async def _create(self, *, stream: bool) -> Any:
        return await self._llm.acompletion(model=MODEL, messages=MESSAGES, stream=stream)


class G4f(_Completions):
    """gpt4free, with its template for APIs like OpenAI's. https://pypi.org/project/g4f/"""

    packages = ("g4f",)

    def __init__(self, order: Order) -> None:
        from g4f import debug
        from g4f.client import AsyncClient
        from g4f.Provider.template import OpenaiTemplate

        debug.version_check = False
        own = {"base_url": f"{order.url}/v1", "working": True, "models": [MODEL]}
        template = type("Origin", (OpenaiTemplate,), own)
        self._client = AsyncClient(provider=template, api_key=KEY)

    async def _create(self, *, stream: bool) -> Any:
        made = self._client.chat.completions.create(MESSAGES, MODEL, stream=stream)
        return made if stream else await made


class PydanticAi:
    """Its direct requests to a model, without an agent. https://pypi.org/project/pydantic-ai-slim/"""

    packages = ("pydantic-ai-slim", "httpx2")

    def __init__(self, order: Order) -> None:
        from pydantic_ai import ModelRequest, direct
        from pydantic_ai.messages import PartDeltaEvent, PartStartEvent
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        self._direct = direct
        self._model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=f"{order.url}/v1", api_key=KEY))
        self._messages = [ModelRequest.user_text_prompt(MESSAGES[0]["content"])]
        self._starts, self._deltas = PartStartEvent, PartDeltaEvent

    async def stream(self, tally: Tally) -> None:
        """The texts of the events."""
        async with self._direct.model_request_stream(self._model, self._messages) as stream:
            async for event in stream:
                if isinstance(event, self._deltas):
                    tally.add(event.delta.content_delta)
                elif isinstance(event, self._starts):
                    tally.add(event.part.content)

    async def chat(self, tally: Tally) -> None:
        """The text of a whole answer."""
        tally.add((await self._direct.model_request(self._model, self._messages)).text)

    async def aclose(self) -> None:
        """Nothing that its user is asked to close."""
