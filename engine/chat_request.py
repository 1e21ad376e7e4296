"""ChatRequest: one call, as the caller means it, read from what the caller has at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import ParameterError
from .messages import Message, Messages
from .plain import kind_of, plain
from .secrets import Hidden

TOOL_CHOICES = ("auto", "none", "required")
"""What a caller may choose of the tools, beside one of them."""

SPEAKERS = ("system", "developer", "user")
"""Whose messages are their content alone; one without any means nothing to an API."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call, as the caller means it: provider files turn it into their own wire format.

    `params` are the call parameters by name, `stream` asks for a stream. `tool_choice` is "auto", "none", "required",
    or a tool in OpenAI's shape: `{"type": "function", "function": {"name": ...}}`. `extra_body` is merged over the
    finished payload, `extra_headers` go in place of those of the same name: for what the file has no words for.

    >>> ChatRequest.of("Hi", temperature=0.2).messages
    (Message(role='user', content='Hi', tool_calls=(), tool_call_id=None, name=None, extra={}),)
    """

    messages: tuple[Message, ...]
    model: str | None = None
    stream: bool = True
    tools: tuple[Mapping[str, Any], ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    tool_choice: str | Mapping[str, Any] | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        messages: Messages,
        model: str | None = None,
        *,
        stream: bool = True,
        tools: Iterable[Mapping[str, Any]] | None = None,
        tool_choice: str | Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> ChatRequest:
        """A request from what a caller has at hand. Raises ParameterError for what JSON cannot say."""
        given = messages if type(messages) is list else _listed(messages)
        if type(stream) is not bool:
            raise ParameterError(f"stream is true or false, not {kind_of(stream)}")
        if model is not None and not isinstance(model, str):
            raise ParameterError(f"model is a name, not {kind_of(model)}")
        if tools is not None and (not isinstance(tools, Iterable) or isinstance(tools, str | bytes | Mapping)):
            raise ParameterError(f"tools are a list of tools, not {kind_of(tools)}")
        built = tuple(map(Message.of, given))
        if not built:
            raise ParameterError("there is no message to send; give at least one")
        for number, message in enumerate(built):
            if not message.content and message.content != "" and message.role in SPEAKERS:
                raise ParameterError(f"messages.{number}, of the role {message.role}, says nothing; give it 'content'")
        return cls(
            built,
            None if model is None else plain(model, "model"),
            stream,
            () if tools is None else tuple(map(_tool, tools)),
            {name: plain(value, name) for name, value in params.items()},
            None if tool_choice is None else _tool_choice(tool_choice),
            {} if extra_body is None else _mapping(extra_body, "extra_body"),
            {} if extra_headers is None else _headers(extra_headers),
        )


def _listed(messages: Any) -> Sequence[Any]:
    if isinstance(messages, str | Message | Mapping):
        return [messages]
    if not isinstance(messages, list | tuple):
        raise ParameterError(f"messages are text or a list of messages, not {kind_of(messages)}")
    return messages


def forced_tool(choice: str | Mapping[str, Any] | None) -> str | None:
    """The name of the one tool that a choice asks for; None when it leaves the tool open.

    >>> forced_tool({"type": "function", "function": {"name": "f"}}), forced_tool("required")
    ('f', None)
    """
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ParameterError(f"{where} is a mapping, not {kind_of(value)}")
    data: dict[str, Any] = plain(value, where)
    return data


def _headers(value: Any) -> Mapping[str, str]:
    headers = _mapping(value, "extra_headers")
    for name, text in headers.items():
        if not isinstance(text, str):
            raise ParameterError(f"extra_headers: the value of {name!r} is text, not {kind_of(text)}")
    return Hidden(headers) if headers else {}


def _tool(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ParameterError(f"a tool is a mapping, not {kind_of(value)}; as in chat completions")
    tool: dict[str, Any] = plain(value, "tools")
    return tool


def _tool_choice(value: Any) -> str | dict[str, Any]:
    if isinstance(value, str):
        value = plain(value, "tool_choice")
        if value in TOOL_CHOICES:
            return str(value)
    if isinstance(value, Mapping):
        choice: dict[str, Any] = plain(value, "tool_choice")
        if choice.get("type") == "function" and forced_tool(choice) is None:
            raise ParameterError("tool_choice names no tool; write {type: function, function: {name: ...}}")
        if choice:
            return choice
    words = "auto, none, required, or {type: function, function: {name: ...}}"
    shown = repr(value[:60]) if isinstance(value, str) else kind_of(value)
    raise ParameterError(f"tool_choice is one of: {words}; not {shown}")
