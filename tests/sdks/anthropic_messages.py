"""The anthropic SDK, messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anthropic

from .intents import KEY, Intent, given, parts
from .reading import Reading, count

HOME = str(anthropic.Anthropic(api_key=KEY).base_url).rstrip("/")
CHOICES = {"auto": {"type": "auto"}, "required": {"type": "any"}}
ENOUGH = 4096
"""The API must be told a limit; where the caller does not say one, the choice is the client's."""


def _client(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0)


def _block(kind: str, value: Any) -> dict[str, Any]:
    if kind == "text":
        return {"type": "text", "text": value}
    if kind == "image":
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": value}}
    identity, name, arguments = value
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def _messages(intent: Intent) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for turn in intent.turns:
        if turn["role"] != "tool":
            messages.append({"role": turn["role"], "content": [_block(*part) for part in parts(turn)]})
            continue
        if messages[-1]["role"] != "user":  # all results of a turn stand in one message of the user
            messages.append({"role": "user", "content": []})
        block = {"type": "tool_result", "tool_use_id": turn["tool_call_id"], "content": turn["content"]}
        messages[-1]["content"].append(block)
    return messages


def send(url: str, intent: Intent, client: Callable[[str], Any] = _client) -> None:
    """`client` makes the SDK's client for a URL: it has others for other places."""
    choice = {"type": "tool", "name": intent.forced} if intent.forced else CHOICES.get(intent.tool_choice)
    options = given(
        system=intent.system,
        tools=[
            {"name": each["name"], "description": each["description"], "input_schema": each["parameters"]}
            for each in intent.functions
        ],
        tool_choice=choice,
        stop_sequences=list(intent.stop),
        # not among the SDK's arguments any more, while the API still takes it from models that have it
        extra_body=given(temperature=intent.temperature),
    )
    client(url).messages.create(
        model=intent.model,
        messages=_messages(intent),
        max_tokens=intent.limit or ENOUGH,
        stream=intent.stream,
        **options,
    )


def read(url: str, is_stream: bool) -> Reading:
    asked: Mapping[str, Any] = {"model": "m-1", "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
    messages = _client(url).messages
    if is_stream:
        with messages.stream(**asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = messages.create(**asked)
    blocks, usage = answer.content, answer.usage
    return Reading(
        text="".join(block.text for block in blocks if block.type == "text"),
        reasoning="".join(block.thinking for block in blocks if block.type == "thinking"),
        calls=tuple((block.id, block.name, json.dumps(block.input)) for block in blocks if block.type == "tool_use"),
        finish=answer.stop_reason,
        usage=_counters(usage) if usage else {},
    )


def _counters(usage: Any) -> dict[str, int | None]:
    """Our counters: input is all of the prompt, what was read from and written to a cache too."""
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return {
        "input_tokens": usage.input_tokens + cached,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cache_read_input_tokens,
        "reasoning_tokens": count(usage.output_tokens_details, "thinking_tokens"),
    }
