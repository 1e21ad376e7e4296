"""One call through either client, the same words for both, and provider files to call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from engine import AsyncClient, Catalog, Client
from engine.messages import ChatResponse

KINDS = ("sync", "async")

BUSY = "- {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}"
HELLO = "- {name: plain, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}"
STREAMED = r"""- {name: streamed, call: {messages: hi}, expect: {text: hello}, reply: {headers: {
    content-type: text/event-stream},
    chunks: ["data: {\"choices\": [{\"delta\": {\"content\": \"hello\"}, \"finish_reason\": \"stop\"}]}\n\n",
    "data: [DONE]\n\n"]}}"""
CHAT_RULES = """
    - {text: choices.0.delta.content, finish: choices.0.finish_reason, usage: usage}
    - for: choices.0.delta.tool_calls.*
      tool_call: {key: index, id: id, name: function.name, arguments: function.arguments}
"""


def text_file(name: str, more: str = "") -> str:
    """A file whose answers are plain text; `more` has its request."""
    return _file(name, f"response: {{codec: text}}\n{more}", HELLO)


def sse_file(name: str, more: str = "") -> str:
    """A file whose answers are events in the shape of chat completions."""
    return _file(name, f"response:\n  codec: sse\n  end: '[DONE]'\n  rules:{CHAT_RULES}\n{more}", STREAMED)


def _file(name: str, more: str, answer: str) -> str:
    plain = "payload: {messages: '{{ messages }}', stream: '{{ stream }}'}\n" if "payload:" not in more else ""
    head = f"spec_version: 1\nname: {name}\nurl: http://127.0.0.1\n" + ("" if "path:" in more else "path: /chat\n")
    return f"{head}{plain}{more}\nexamples:\n  {BUSY}\n  {answer}\n"


def catalog_of(folder: Path, *files: str) -> Catalog:
    """A catalog of these files, each by the name in it."""
    for text in files:
        name = text.partition("\nname: ")[2].partition("\n")[0]
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Catalog(folder)


class Door:
    """A client of one kind; a context manager. `chat` calls through it, or with `options` through one of its own."""

    def __init__(self, kind: str, catalog: Catalog, **options: Any) -> None:
        self.kind = kind
        self._catalog = catalog
        self._client = (Client if kind == "sync" else AsyncClient)(catalog, **options)
        self._options = options
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._client, Client):
            self._client.close()
        else:
            self._runner.run(self._client.aclose())
        self._runner.close()

    def chat(
        self, provider: str, messages: Any = "hi", *, options: Mapping[str, Any] | None = None, **params: Any
    ) -> ChatResponse:
        """The answer of one call."""
        if options is not None:
            with Door(self.kind, self._catalog, **{**self._options, **options}) as own:
                return own.chat(provider, messages, **params)
        if isinstance(self._client, Client):
            return self._client.chat(provider, messages, **params)
        return self._runner.run(self._client.chat(provider, messages, **params))
