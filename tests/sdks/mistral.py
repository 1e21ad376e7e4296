"""The mistralai SDK, chat completions."""

from __future__ import annotations

from typing import Any

from mistralai.client import Mistral
from mistralai.client.sdkconfiguration import SERVERS

from .intents import KEY, Intent, given
from .reading import Reading

HOME = next(iter(SERVERS.values())) + "/v1"
CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def _client(url: str) -> Mistral:
    return Mistral(api_key=KEY, server_url=url.removesuffix("/v1"))


def _message(intent: Intent, turn: Any) -> Any:
    if turn["role"] == "tool":
        return {**turn, "name": intent.name_of(turn["tool_call_id"])}
    if not isinstance(turn["content"], list):
        return dict(turn)
    content = [
        part if part["type"] == "text" else {"type": "image_url", "image_url": part["image_url"]["url"]}
        for part in turn["content"]
    ]
    return {**turn, "content": content}


def send(url: str, intent: Intent) -> None:
    forced = {"type": "function", "function": {"name": intent.forced}}
    options = given(
        tools=list(intent.tools),
        tool_choice=forced if intent.forced else CHOICES.get(intent.tool_choice),
        stop=list(intent.stop),
        max_tokens=intent.limit,
        temperature=intent.temperature,
    )
    chat = _client(url).chat
    method = chat.stream if intent.stream else chat.complete
    method(model=intent.model, messages=[_message(intent, turn) for turn in intent.messages], **options)


def read(url: str, is_stream: bool) -> Reading:
    chat = _client(url).chat
    asked: Any = {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}
    if not is_stream:
        answer = chat.complete(**asked)
        return _reading([answer.choices[0].message], [answer.choices[0].finish_reason], [answer.usage])
    chunks = [event.data for event in chat.stream(**asked)]
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == 0]
    finishes = [choice.finish_reason for choice in choices]
    return _reading([choice.delta for choice in choices], finishes, [chunk.usage for chunk in chunks])


def _reading(messages: list[Any], finishes: list[Any], usages: list[Any]) -> Reading:
    text, thoughts, calls = "", "", []
    for message in messages:
        for part in [message.content] if isinstance(message.content, str) else message.content or ():
            if isinstance(part, str):
                text += part
            elif part.type == "text":
                text += part.text
            elif part.type == "thinking":
                thoughts += "".join(each.text for each in part.thinking if each.type == "text")
        for call in message.tool_calls or ():
            arguments = call.function.arguments
            calls.append((call.id, call.function.name, arguments))
    finish = [each for each in finishes if each]
    usage = next((each for each in reversed(usages) if each), None)
    counters = usage and {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens}
    return Reading(
        text=text,
        reasoning=thoughts,
        calls=tuple(calls),
        finish=str(finish[-1]) if finish else None,
        usage={name: value for name, value in (counters or {}).items() if value},  # 0 is its word for none
    )
