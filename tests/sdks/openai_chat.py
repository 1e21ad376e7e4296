"""The openai SDK, chat completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai

from .intents import KEY, Intent, given
from .reading import Reading, count

HOME = str(openai.OpenAI(api_key=KEY).base_url).rstrip("/")


def _client(url: str) -> openai.OpenAI:
    return openai.OpenAI(api_key=KEY, base_url=url, max_retries=0)


def send(url: str, intent: Intent, limit: str = "max_tokens", client: Callable[[str], openai.OpenAI] = _client) -> None:
    """`limit` is the name of the limit: the SDK has both. `client` makes the SDK's client for a URL."""
    options = given(
        tools=list(intent.tools),
        tool_choice=intent.tool_choice,
        stop=list(intent.stop),
        temperature=intent.temperature,
        stream_options={"include_usage": True} if intent.stream else None,
    )
    if intent.limit is not None:
        options[limit] = intent.limit
    client(url).chat.completions.create(
        model=intent.model, messages=list(intent.messages), stream=intent.stream, **options
    )


def read(url: str, is_stream: bool) -> Reading:
    asked: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}
    completions = _client(url).chat.completions
    if is_stream:
        with completions.stream(**asked) as stream:
            for _ in stream:
                pass
            answer = stream.current_completion_snapshot  # the final completion raises for a cut or a filtered answer
    else:
        answer = completions.create(**asked)
    choice, usage = answer.choices[0], answer.usage
    message, extra = choice.message, choice.message.model_extra or {}
    calls = [_call(each) for each in message.tool_calls or ()]
    if message.function_call:  # the older kind, which has no id
        calls.append((None, message.function_call.name, message.function_call.arguments))
    counters = usage and {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "cached_input_tokens": count(usage.prompt_tokens_details, "cached_tokens"),
        "reasoning_tokens": count(usage.completion_tokens_details, "reasoning_tokens"),
    }
    return Reading(
        text=message.content or "",
        reasoning=extra.get("reasoning_content") or extra.get("reasoning") or "",
        refusal=message.refusal or "",
        calls=tuple(calls),
        finish=choice.finish_reason,
        usage=counters or {},
    )


def _call(call: Any) -> tuple[str, str, str]:
    """A call of a function, or of a custom tool, whose input is free text."""
    if call.type == "custom":
        return (call.id, call.custom.name, call.custom.input)
    return (call.id, call.function.name, call.function.arguments)
