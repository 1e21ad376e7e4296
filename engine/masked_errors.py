"""An error without the secrets of its call: it is logged and pickled, and a server may have said the key again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .errors import EngineError, ProviderError
from .messages import ChatResponse, ToolCall
from .redaction import redact
from .secrets import MASK, Secret


def without_secrets(error: EngineError, secrets: tuple[Secret, ...]) -> EngineError:
    """The same error with every secret masked: a server may echo the key that it was sent, and opens sessions."""
    if isinstance(error, ProviderError):
        error.headers = {name: MASK if name.lower() == "set-cookie" else value for name, value in error.headers.items()}
    if secrets:
        error.message = redact(error.message, secrets)
        error.partial = None if error.partial is None else _masked(error.partial, secrets)
        if isinstance(error, ProviderError):
            error.body = redact(error.body, secrets)
            error.headers = {name: redact(value, secrets) for name, value in error.headers.items()}
            error.code = redact(error.code, secrets) if error.code else error.code
    error.args = (error.message,)
    return error


def _masked(answer: ChatResponse, secrets: tuple[Secret, ...]) -> ChatResponse:
    """A part of an answer as it rides on an error, which is logged and pickled: the model may have said the key."""

    def hidden(value: Any) -> Any:
        if isinstance(value, str):
            return redact(value, secrets)
        if isinstance(value, dict):
            return {name: hidden(item) for name, item in value.items()}
        return [hidden(item) for item in value] if isinstance(value, list) else value

    return replace(
        answer,
        **{
            name: hidden(getattr(answer, name))
            for name in ("text", "reasoning", "refusal", "finish_raw", "id", "model")
        },
        tool_calls=tuple(ToolCall(*map(hidden, (call.id, call.name, call.arguments))) for call in answer.tool_calls),
        replay=hidden(answer.replay),
    )
