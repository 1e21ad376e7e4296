"""A tool is called, run, and its result sent back: over HTTP, with every shipped file that reads calls of tools.

The answer with its calls is that of an example; the next request goes to the mock of the same file.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Catalog, Client
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.messages import Message
from engine.mock import MockServer

CATALOG = Catalog()
WITHOUT_TOOLS = {"cohere-v1"}
"""Files that read calls of tools and offer none."""


def cases() -> list[Any]:
    """The first example of an answer with calls, of each file."""
    found: dict[str, Any] = {}
    for name in CATALOG.names():
        spec = CATALOG.provider(name).spec
        for example in spec.examples if not spec.is_abstract and name not in WITHOUT_TOOLS else ():
            if example.expect.get("tool_calls"):
                found.setdefault(name, example)
    return [pytest.param(name, example, id=name) for name, example in found.items()]


@pytest.mark.parametrize(("name", "example"), cases())
def test_an_answer_with_calls_goes_back_with_their_results(
    monkeypatch: pytest.MonkeyPatch, name: str, example: Any
) -> None:
    provider = CATALOG.provider(name)
    for secret in provider.spec.secrets.values():
        for variable in secret.env:
            monkeypatch.delenv(variable, raising=False)
    secrets = {key: "key-1234" for key, secret in provider.spec.secrets.items() if secret.json is None}
    answer = provider.for_model(example.model).decode(
        example.reply.chunks, example.reply.status, dict(example.reply.headers)
    )
    said = json.loads(json.dumps(answer.message.as_dict()))
    tools = [{"type": "function", "function": {"name": each}} for each in {call.name for call in answer.tool_calls}]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"result-{number}"}
        for number, call in enumerate(answer.tool_calls)
    ]
    asked = ["Hi", Message.of(said), *results]
    model = example.model or "m-1"
    with (
        MockServer(provider) as mock,
        Client(base_urls={name: mock.url}, secrets={name: secrets}, settings={name: dict(example.settings)}) as client,
    ):
        last = client.chat(name, asked, model, tools=tools)
    assert last.text or last.tool_calls
    there = Deployment(placeholders=True, settings=example.settings)
    body = provider.call(ChatRequest.of(asked, model, tools=tools), there).wire.content
    for number, call in enumerate(answer.tool_calls):
        assert call.name.encode() in body
        assert f"result-{number}".encode() in body
