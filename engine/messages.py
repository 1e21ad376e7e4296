"""What a caller says and gets: messages, the request of one call, and the answer it ends in. Values only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import ParameterError
from .events import FinishReason, Usage
from .secrets import Hidden

MAX_DEPTH = 64
"""How deep a value from the caller may nest; deeper JSON is refused before it is built."""

MAX_INT_BITS = 13_287
"""4000 digits: Python refuses to write numbers beyond 4300 as text."""

TOOL_CHOICES = ("auto", "none", "required")
"""What a caller may choose of the tools, beside one of them."""

SPEAKERS = ("system", "developer", "user")
"""Whose messages are their content alone; one without any means nothing to an API."""

BLOCK_TYPES = ("reasoning", "text", "tool_call", "message")
"""What a block of `replay` can be; `message` stands for all of the answer."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str = "{}"

    def as_dict(self) -> dict[str, Any]:
        """The call in OpenAI's shape."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: a role, and text or parts. `extra` keeps the keys that we do not name.

    `replay` is what an earlier answer carried for the next call: `{"from": provider, "blocks": [...]}`, each block with
    its `type` (reasoning, text, tool_call, message) and its `text`, `id` and `carry` where it has them.

    >>> Message("user", "Hi").as_dict()
    {'role': 'user', 'content': 'Hi'}
    >>> Message.of({"role": "user", "content": "Hi"}) == Message("user", "Hi")
    True
    """

    role: str
    content: str | tuple[Any, ...] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    replay: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, value: Message | Mapping[str, Any] | str) -> Message:
        """A message from OpenAI's shape, from a plain string (the user's text), or from a Message.

        Raises ParameterError when it is none of them, or holds what JSON cannot say.
        """
        if isinstance(value, str):
            return cls("user", plain(value, "messages"))
        if not isinstance(value, Mapping | Message):
            raise ParameterError(f"a message is a mapping with 'role' and 'content', not {_kind(value)}")
        data = plain(value, "messages")
        replay = _replay(data.pop("replay", None))
        role, content = data.pop("role", None), data.pop("content", None)
        if not isinstance(role, str) or not role:
            raise ParameterError("a message needs a 'role': system, user, assistant or tool")
        if not (content is None or isinstance(content, str | list)):
            raise ParameterError(f"a message's 'content' is text or a list of parts, not {_kind(content)}")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict):
                raise ParameterError(f"a part of a message's 'content' is a mapping, not {_kind(part)}")
        return cls(
            role,
            tuple(content) if isinstance(content, list) else content,
            _tool_calls(data.pop("tool_calls", None)),
            _text_or_none(data, "tool_call_id"),
            _text_or_none(data, "name"),
            data,
            replay,
        )

    def as_dict(self) -> dict[str, Any]:
        """The message as plain data, which `of` takes back: OpenAI's shape, and `replay` where there is one."""
        data = self.as_chat_message()
        return data if self.replay is None else data | {"replay": plain(self.replay, "messages")}

    def as_chat_message(self) -> dict[str, Any]:
        """The message in OpenAI's shape: plain data, keys that say nothing left out, and nothing to be replayed."""
        data: dict[str, Any] = {"role": self.role}
        data["content"] = list(self.content) if isinstance(self.content, tuple) else self.content
        if self.name is not None:
            data["name"] = self.name
        if self.tool_calls:
            data["tool_calls"] = plain(self.tool_calls, "messages")
        if self.tool_call_id is not None:
            data["tool_call_id"] = self.tool_call_id
        return data | {key: value for key, value in self.extra.items() if key not in data}


Messages = str | Message | Mapping[str, Any] | Sequence[Message | Mapping[str, Any] | str]
"""What the doors take as `messages`: one text, one message, or a list of them."""


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
        tools: Iterable[Mapping[str, Any]] | None = (),
        tool_choice: str | Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> ChatRequest:
        """A request from what a caller has at hand. Raises ParameterError for what JSON cannot say."""
        tools = () if tools is None else tools
        if isinstance(messages, str | Message | Mapping):
            messages = [messages]
        if not isinstance(messages, list | tuple):
            raise ParameterError(f"messages are text or a list of messages, not {_kind(messages)}")
        if type(stream) is not bool:
            raise ParameterError(f"stream is true or false, not {_kind(stream)}")
        if model is not None and not isinstance(model, str):
            raise ParameterError(f"model is a name, not {_kind(model)}")
        if not isinstance(tools, Iterable) or isinstance(tools, str | bytes | Mapping):
            raise ParameterError(f"tools are a list of tools, not {_kind(tools)}")
        built = tuple(Message.of(message) for message in messages)
        if not built:
            raise ParameterError("there is no message to send; give at least one")
        for number, message in enumerate(built):
            if message.content in (None, ()) and message.role in SPEAKERS:
                raise ParameterError(f"messages.{number}, of the role {message.role}, says nothing; give it 'content'")
        return cls(
            built,
            plain(model, "model"),
            stream,
            tuple(_tool(tool) for tool in tools),
            {name: plain(value, name) for name, value in params.items()},
            _tool_choice(tool_choice),
            _mapping(extra_body, "extra_body"),
            _headers(extra_headers),
        )


def forced_tool(choice: str | Mapping[str, Any] | None) -> str | None:
    """The name of the one tool that a choice asks for; None when it leaves the tool open.

    >>> forced_tool({"type": "function", "function": {"name": "f"}}), forced_tool("required")
    ('f', None)
    """
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


AdjustmentAction = Literal["dropped", "clamped", "renamed", "defaulted", "forwarded", "replaced"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What was done to a parameter on its way to the wire: `given` by the caller, `sent` in its place."""

    parameter: str
    action: AdjustmentAction
    given: Any = None
    sent: Any = None

    def __str__(self) -> str:
        given, sent = _brief(self.given), _brief(self.sent)
        words = {
            "dropped": f"{given} is not sent: this API has no such parameter",
            "clamped": f"{given} is out of range, {sent} is sent",
            "renamed": f"is sent as {sent}",
            "defaulted": f"{sent} is sent by default",
            "forwarded": f"{given} is sent as it is: the file does not know it",
            "replaced": f"{sent} is sent in place of {given}",
        }
        return f"{self.parameter}: {words[self.action]}"


def _brief(value: Any) -> str:
    """A value in a message of one line: it may be a whole conversation."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


@dataclass(frozen=True, slots=True)
class ChatResponse:
    """The whole answer. `text` never holds reasoning or a refusal; `finish` is our word, `finish_raw` the API's.

    >>> from engine import Catalog
    >>> whole = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "model": "m-1"}'
    >>> answer = Catalog().provider("openai").decode(whole)
    >>> answer.text, answer.finish, answer.model
    ('Hi', 'stop', 'm-1')
    >>> answer.message.as_dict()
    {'role': 'assistant', 'content': 'Hi'}
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: FinishReason = "unknown"
    finish_raw: str | None = None
    usage: Usage = field(default_factory=Usage)
    id: str | None = None
    model: str | None = None
    adjustments: tuple[Adjustment, ...] = ()
    replay: Mapping[str, Any] | None = field(default=None, repr=False)
    """What the next call may say again, as `Message.replay`; None without reasoning and without opaque values."""
    attempts: int = field(default=1, repr=False, compare=False)
    """How many requests it took: retries, and the steps and tokens before it."""

    @property
    def message(self) -> Message:
        """The answer as a message of the next call."""
        content = self.text or (None if self.tool_calls else "")
        return Message("assistant", content, self.tool_calls, replay=self.replay)


def plain(value: Any, where: str) -> Any:
    """A copy of `value` made of JSON's types alone. Raises ParameterError naming `where` for anything else."""
    try:
        return _copied(value, where, 0)
    except ParameterError:
        raise
    except Exception as error:  # a class of the caller's own, whose methods fail in their own ways
        raise ParameterError(f"{where} holds {_kind(value)} that cannot be read: {type(error).__name__}") from error


def _copied(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ParameterError(f"{where} nests deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    for kind, copy in _SCALARS.items():
        if isinstance(value, kind):
            return copy(value, where)
    if isinstance(value, Message | ToolCall):
        value = value.as_dict()
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ParameterError(f"{where} has a key that is {_kind(key)}; JSON's keys are text")
        return {_plain_text(key, where): _copied(item, where, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_copied(item, where, depth + 1) for item in value]
    raise ParameterError(f"{where} holds {_kind(value)}, which JSON cannot say")


# Subclasses (an enum's members, text of a template engine) become what they are made of.


def _plain_text(value: str, where: str) -> str:
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"{where} holds half a character (a lone surrogate), which UTF-8 cannot say; repair the text"
            raise ParameterError(message) from None
    return text


def _plain_int(value: int, where: str) -> int:
    number = int.__int__(value)
    if number.bit_length() > MAX_INT_BITS:
        raise ParameterError(f"{where} holds a number of more than 4000 digits")
    return number


def _plain_float(value: float, where: str) -> float:
    number = float.__float__(value)
    if not math.isfinite(number):
        raise ParameterError(f"{where} is {number}, which JSON cannot say; give a finite number")
    return number


_SCALARS: Mapping[type[Any], Callable[[Any, str], Any]] = {str: _plain_text, int: _plain_int, float: _plain_float}


def _text_or_none(data: dict[str, Any], key: str) -> str | None:
    value = data.pop(key, None)
    if value is None or isinstance(value, str):
        return value
    raise ParameterError(f"a message's '{key}' is text, not {_kind(value)}")


def _replay(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    blocks = value.get("blocks") if isinstance(value, dict) else None
    if not isinstance(blocks, list) or not isinstance(value.get("from"), str):
        raise ParameterError("a message's 'replay' is what an earlier answer gave: 'from' and a list of 'blocks'")
    for block in blocks:
        is_block = isinstance(block, dict) and block.get("type") in BLOCK_TYPES
        if not is_block or not isinstance(block.get("carry", {}), dict):
            raise ParameterError("a message's 'replay' is given as the answer gave it: blocks with 'type', 'carry'")
    replay: dict[str, Any] = value
    return replay


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ParameterError(f"{where} is a mapping, not {_kind(value)}")
    data: dict[str, Any] = plain(value, where)
    return data


def _headers(value: Any) -> Mapping[str, str]:
    headers = _mapping(value, "extra_headers")
    for name, text in headers.items():
        if not isinstance(text, str):
            raise ParameterError(f"extra_headers: the value of {name!r} is text, not {_kind(text)}")
    return Hidden(headers) if headers else {}


def _tool(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ParameterError(f"a tool is a mapping, not {_kind(value)}; as in chat completions")
    tool: dict[str, Any] = plain(value, "tools")
    return tool


def _tool_choice(value: Any) -> str | dict[str, Any] | None:
    if value is None:
        return None
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
    shown = repr(value[:60]) if isinstance(value, str) else _kind(value)
    raise ParameterError(f"tool_choice is one of: {words}; not {shown}")


def _tool_calls(value: Any) -> tuple[ToolCall, ...]:
    if not value:
        return ()
    calls = []
    for call in value if isinstance(value, list) else [value]:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise ParameterError("a tool call needs 'function' with a 'name'; as in chat completions")
        arguments = function.get("arguments", "{}")
        if not isinstance(arguments, str):
            raise ParameterError(f"the arguments of the tool call {function['name']!r} are JSON text")
        identity = call.get("id")
        if not (identity is None or isinstance(identity, str)):
            raise ParameterError(f"the id of the tool call {function['name']!r} is text, not {_kind(identity)}")
        calls.append(ToolCall(identity or "", function["name"], arguments if arguments.strip() else "{}"))
    return tuple(calls)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"
