"""The openai SDK, Responses."""

from __future__ import annotations

from typing import Any

import openai

from .intents import KEY, Intent, given, parts
from .reading import Reading, count

HOME = str(openai.OpenAI(api_key=KEY).base_url).rstrip("/")


def _client(url: str) -> openai.OpenAI:
    return openai.OpenAI(api_key=KEY, base_url=url, max_retries=0)


def _items(intent: Intent) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for turn in intent.turns:
        if turn["role"] == "tool":
            items.append({"type": "function_call_output", "call_id": turn["tool_call_id"], "output": turn["content"]})
            continue
        word = "output_text" if turn["role"] == "assistant" else "input_text"
        content = []
        for kind, value in parts(turn):
            if kind == "text":
                content.append({"type": word, "text": value})
            elif kind == "image":
                content.append({"type": "input_image", "image_url": f"data:image/png;base64,{value}"})
        if content:
            items.append({"type": "message", "role": turn["role"], "content": content})
        items += [
            {
                "type": "function_call",
                "call_id": each["id"],
                "name": each["function"]["name"],
                "arguments": each["function"]["arguments"],
            }
            for each in turn.get("tool_calls", ())
        ]
    return items


def send(url: str, intent: Intent, is_inline: bool = False) -> None:
    """With `is_inline` what the system says is an item, and no instruction."""
    items = _items(intent)
    if is_inline and intent.system:
        items.insert(0, {"type": "message", "role": "system", "content": intent.system})
    options = given(
        instructions=None if is_inline else intent.system,
        tools=[{"type": "function", **each} for each in intent.functions],
        tool_choice={"type": "function", "name": intent.forced} if intent.forced else intent.tool_choice,
        max_output_tokens=intent.limit,
        temperature=intent.temperature,
    )
    _client(url).responses.create(model=intent.model, input=items, stream=intent.stream, **options)


def read(url: str, is_stream: bool) -> Reading:
    responses = _client(url).responses
    if is_stream:
        # the plain stream: its accumulating twin needs content_index, which llama.cpp leaves out
        ends = ("response.completed", "response.incomplete", "response.failed")
        with responses.create(model="m-1", input="Hi", stream=True) as events:
            answer = next(event.response for event in events if event.type in ends)
    else:
        answer = responses.create(model="m-1", input="Hi")
    contents = [content for item in answer.output if item.type == "message" for content in item.content]
    thoughts = [item for item in answer.output if item.type == "reasoning"]
    calls = [item for item in answer.output if item.type in ("function_call", "custom_tool_call")]
    usage, why = answer.usage, answer.incomplete_details
    counters = usage and {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": count(usage.input_tokens_details, "cached_tokens"),
        "reasoning_tokens": count(usage.output_tokens_details, "reasoning_tokens"),
    }
    return Reading(
        text="".join(content.text for content in contents if content.type == "output_text"),
        reasoning="".join(part.text for item in thoughts for part in (*item.summary, *(item.content or ()))),
        refusal="".join(content.refusal for content in contents if content.type == "refusal"),
        calls=tuple((each.call_id, each.name, getattr(each, "arguments", None) or each.input) for each in calls),
        finish=(why and why.reason) or answer.status,
        usage=counters or {},
    )
