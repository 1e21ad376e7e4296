"""The ollama SDK, its native chat."""

from __future__ import annotations

import base64
import json
from typing import Any

import ollama

from .intents import KEY, Intent, given, parts, text
from .reading import Reading

HOME = str(ollama.Client()._client.base_url).rstrip("/")


def _client(url: str) -> ollama.Client:
    return ollama.Client(host=url, headers={"authorization": f"Bearer {KEY}"})


def _message(intent: Intent, turn: Any) -> ollama.Message:
    if turn["role"] == "tool":
        return ollama.Message(role="tool", content=turn["content"], tool_name=intent.name_of(turn["tool_call_id"]))
    found = list(parts(turn))
    calls = [
        ollama.Message.ToolCall(function=ollama.Message.ToolCall.Function(name=value[1], arguments=value[2]))
        for kind, value in found
        if kind == "call"
    ]
    images = [ollama.Image(value=base64.b64decode(value)) for kind, value in found if kind == "image"]
    return ollama.Message(role=turn["role"], **given(content=text(turn), images=images, tool_calls=calls))


def send(url: str, intent: Intent) -> None:
    options = given(num_predict=intent.limit, stop=list(intent.stop), temperature=intent.temperature)
    answer = _client(url).chat(
        model=intent.model,
        messages=[_message(intent, turn) for turn in intent.messages],
        tools=list(intent.tools) or None,
        stream=intent.stream,
        options=options or None,
    )
    if intent.stream:
        next(iter(answer))


def read(url: str, is_stream: bool) -> Reading:
    asked: Any = {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}
    client = _client(url)
    answers = list(client.chat(stream=True, **asked)) if is_stream else [client.chat(**asked)]
    calls = [each.function for answer in answers for each in answer.message.tool_calls or ()]
    last = answers[-1]
    return Reading(
        text="".join(answer.message.content or "" for answer in answers),
        reasoning="".join(answer.message.thinking or "" for answer in answers),
        calls=tuple((None, each.name, json.dumps(dict(each.arguments))) for each in calls),
        finish=last.done_reason,
        usage={"input_tokens": last.prompt_eval_count, "output_tokens": last.eval_count},
    )
