"""The cohere SDK, chat v2."""

from __future__ import annotations

from typing import Any

import cohere

from .intents import KEY, Intent, given, parts
from .reading import Reading

HOME = cohere.ClientV2(api_key=KEY)._client_wrapper.get_base_url()


def _client(url: str) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=KEY, base_url=url, max_retries=0)


def _message(turn: Any) -> Any:
    if turn["role"] == "tool":
        return cohere.ToolChatMessageV2(tool_call_id=turn["tool_call_id"], content=turn["content"])
    if turn["role"] == "system":
        return cohere.SystemChatMessageV2(content=turn["content"])
    if turn["role"] == "assistant":
        calls = [cohere.ToolCallV2(**each) for each in turn.get("tool_calls", ())]
        word = "tool_plan" if calls else "content"  # what is said beside calls is the plan of them
        return cohere.AssistantChatMessageV2(**given(**{word: turn["content"]}, tool_calls=calls))
    content = [
        cohere.TextContent(text=value)
        if kind == "text"
        else cohere.ImageUrlContent(image_url=cohere.ImageUrl(url=f"data:image/png;base64,{value}"))
        for kind, value in parts(turn)
    ]
    return cohere.UserChatMessageV2(content=turn["content"] if isinstance(turn["content"], str) else content)


def send(url: str, intent: Intent) -> None:
    forced = [tool for tool in intent.tools if tool["function"]["name"] == intent.forced]
    options = given(
        tools=[cohere.ToolV2(**tool) for tool in forced or intent.tools],  # the way to force one: send it alone
        tool_choice="REQUIRED" if forced or intent.tool_choice == "required" else None,
        stop_sequences=list(intent.stop),
        max_tokens=intent.limit,
        temperature=intent.temperature,
    )
    asked = {"model": intent.model, "messages": [_message(turn) for turn in intent.messages], **options}
    if intent.stream:
        next(_client(url).chat_stream(**asked))
    else:
        _client(url).chat(**asked)


def _counters(usage: Any) -> dict[str, int | None]:
    tokens = usage and usage.tokens
    if not tokens:
        return {}
    names = {"input_tokens": tokens.input_tokens, "output_tokens": tokens.output_tokens}
    return {name: None if value is None else int(value) for name, value in names.items()}


def read(url: str, is_stream: bool) -> Reading:
    asked = {"model": "m-1", "messages": [cohere.UserChatMessageV2(content="Hi")]}
    return _streamed(_client(url).chat_stream(**asked)) if is_stream else _whole(_client(url).chat(**asked))


def _whole(answer: Any) -> Reading:
    message = answer.message
    contents = message.content or ()
    return Reading(
        text="".join(each.text for each in contents if each.type == "text"),
        reasoning="".join(each.thinking for each in contents if each.type == "thinking") or (message.tool_plan or ""),
        calls=tuple(
            (each.id, each.function.name, each.function.arguments or "{}") for each in message.tool_calls or ()
        ),
        finish=answer.finish_reason,
        usage=_counters(answer.usage),
    )


def _streamed(events: Any) -> Reading:
    texts: dict[str, str] = {"text": "", "reasoning": ""}
    calls: list[list[str]] = []
    finish, usage = None, {}
    for event in events:
        if event.type in ("content-start", "content-delta"):
            content = event.delta.message.content
            texts["text"] += content.text or ""
            texts["reasoning"] += content.thinking or ""
        elif event.type == "tool-plan-delta":
            texts["reasoning"] += event.delta.message.tool_plan
        elif event.type == "tool-call-start":
            call = event.delta.message.tool_calls
            calls.append([call.id, call.function.name, call.function.arguments or ""])
        elif event.type == "tool-call-delta":
            calls[-1][2] += event.delta.message.tool_calls.function.arguments
        elif event.type == "message-end":
            finish, usage = event.delta.finish_reason, _counters(event.delta.usage)
    return Reading(**texts, calls=tuple(map(tuple, calls)), finish=finish, usage=usage)
