"""The cohere SDK, the first version of its chat."""

from __future__ import annotations

from typing import Any

import cohere

from .intents import KEY, Intent, given, text

HOME = cohere.Client(api_key=KEY)._client_wrapper.get_base_url()


def _client(url: str) -> cohere.Client:
    return cohere.Client(api_key=KEY, base_url=url, max_retries=0)


def _earlier(turn: Any) -> Any:
    kind = cohere.ChatbotMessage if turn["role"] == "assistant" else cohere.UserMessage
    return kind(message=text(turn))


def send(url: str, intent: Intent) -> None:
    *earlier, last = intent.turns
    options = given(
        chat_history=[_earlier(turn) for turn in earlier],
        preamble=intent.system,
        stop_sequences=list(intent.stop),
        max_tokens=intent.limit,
        temperature=intent.temperature,
    )
    asked = {"model": intent.model, "message": text(last), **options}
    if intent.stream:
        next(iter(_client(url).chat_stream(**asked)))
    else:
        _client(url).chat(**asked)
