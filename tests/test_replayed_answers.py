"""What shipped files read in an answer goes back unchanged with the next call: the blocks as the API sent them.

`SIGNED` is written from the APIs' documentation: a block that is signed or hidden must come back as it came.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Catalog
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.messages import Message

THOUGHT = {"type": "thinking", "thinking": "A greeting.", "signature": "EqQB"}
HIDDEN = {"type": "redacted_thinking", "data": "Emw=="}
GREETING = {"reasoningContent": {"reasoningText": {"text": "A greeting.", "signature": "EqQB"}}}
SEALED = {"reasoningContent": {"redactedContent": "Emw=="}}

SIGNED: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("anthropic", "thinking as a stream", [THOUGHT, HIDDEN, {"type": "text", "text": "Hello"}]),
    (
        "anthropic",
        "an answer whole",
        [THOUGHT, HIDDEN, {"type": "text", "text": "Hello"}, {"type": "text", "text": "!"}],
    ),
    (
        "anthropic",
        "the whole answer in its first event",
        [
            {**THOUGHT, "thinking": "Hm."},
            HIDDEN,
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "toolu_a", "name": "get_weather", "input": {"city": "Oslo"}},
        ],
    ),
    ("bedrock", "reasoning as a stream", [GREETING, SEALED, {"text": "Hello"}]),
    ("bedrock", "an answer whole", [GREETING, SEALED, {"text": "Hello, as the book says"}]),
    (
        "bedrock-invoke",
        "Anthropic, an answer as a stream",
        [THOUGHT, HIDDEN, {"type": "text", "text": "Hello, друг ✓"}],
    ),
    ("bedrock-invoke", "Nova, an answer as a stream", [GREETING, {"text": "Hello"}]),
]


@pytest.mark.parametrize(("name", "example", "blocks"), SIGNED, ids=lambda value: value if type(value) is str else "")
def test_an_answer_goes_back_as_it_came(
    monkeypatch: pytest.MonkeyPatch, name: str, example: str, blocks: list[dict[str, Any]]
) -> None:
    provider = Catalog().provider(name)
    for secret in provider.spec.secrets.values():
        monkeypatch.setenv(secret.env[0], "key")
    found = next(each for each in provider.spec.examples if each.name == example)
    answer = provider.decode(found.reply.body, found.reply.status, dict(found.reply.headers))
    stored = json.loads(json.dumps(answer.message.as_dict()))
    results = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in answer.tool_calls]
    wire = provider.render(["Hi", Message.of(stored), *results, "And now?"], found.model)
    assert json.loads(wire.content)["messages"][1] == {"role": "assistant", "content": blocks}


@pytest.mark.parametrize("name", ["openrouter", "vercel-gateway", "minimax"])
def test_details_that_came_in_pieces_go_back_whole(name: str) -> None:
    def chunk(*details: Any, **delta: Any) -> bytes:
        data = {"choices": [{"index": 0, "delta": {**delta, "reasoning_details": list(details)}}]}
        return b"data: %s\n\n" % json.dumps(data).encode()

    text, summary = {"type": "reasoning.text", "index": 0}, {"type": "reasoning.summary", "index": 0}
    sealed = {"type": "reasoning.encrypted", "index": 0, "id": "rs_1", "data": "eA=="}
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    body = [
        chunk({**text, "text": "A "}, {**summary, "summary": "S"}),
        chunk({**text, "text": "greeting."}, {**summary, "summary": "um."}),
        chunk({**text, "signature": "c2ln"}, sealed, {**sealed, "id": "rs_2"}),
        chunk(tool_calls=[call]),
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n',
    ]
    provider = Catalog().provider(name)
    answer = provider.decode(body)
    result = {"role": "tool", "tool_call_id": "a", "content": "rain"}
    request = ChatRequest.of(["Hi", answer.message, result], "m-1")
    wire = provider.call(request, Deployment(placeholders=True)).wire
    assert json.loads(wire.content)["messages"][1]["reasoning_details"] == [
        {**text, "text": "A greeting.", "signature": "c2ln"},
        {**summary, "summary": "Sum."},
        sealed,
        {**sealed, "id": "rs_2"},
    ]


def test_reasoning_that_nobody_signed_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    said = {"role": "assistant", "content": "Hello", "reasoning_content": "A greeting."}
    wire = Catalog().provider("anthropic").render(["Hi", said, "And now?"], "claude-m")
    assert json.loads(wire.content)["messages"][1]["content"] == [{"type": "text", "text": "Hello"}]
