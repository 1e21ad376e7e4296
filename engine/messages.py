"""What is said and what comes back: messages, and the answer that a call ends in. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import ParameterError
from .events import FinishReason, Usage
from .plain import Sayable, kind_of, plain, plain_text

BLOCK_TYPES = ("reasoning", "text", "tool_call", "message")
"""What a block of `replay` can be; `message` stands for all of the answer."""


@dataclass(frozen=True, slots=True)
class ToolCall(Sayable):
    """A call that the model asks for. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str = "{}"

    def as_dict(self) -> dict[str, Any]:
        """The call in OpenAI's shape."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True, slots=True)
class Message(Sayable):
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
        if cls is Message and type(value) is dict and len(value) == 2 and "role" in value and "content" in value:
            role, content = value["role"], value["content"]
            if type(role) is str and role and type(content) is str:
                if not (role.isascii() and content.isascii()):
                    plain_text(role, "messages")
                    plain_text(content, "messages")
                message: Any = _Draft(role, content)
                message.__class__ = cls
                return message  # type: ignore[no-any-return]  # it is one by now
        if isinstance(value, str):
            return cls("user", plain(value, "messages"))
        if not isinstance(value, Mapping | Message):
            raise ParameterError(f"a message is a mapping with 'role' and 'content', not {kind_of(value)}")
        data = plain(value, "messages")
        replay = _replay(data.pop("replay", None))
        role, content = data.pop("role", None), data.pop("content", None)
        if not isinstance(role, str) or not role:
            raise ParameterError("a message needs a 'role': system, user, assistant or tool")
        if not (content is None or isinstance(content, str | list)):
            raise ParameterError(f"a message's 'content' is text or a list of parts, not {kind_of(content)}")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict):
                raise ParameterError(f"a part of a message's 'content' is a mapping, not {kind_of(part)}")
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


class _Draft(Sayable):
    """A message in the making: a role and a text, as nearly all are. It has the slots of one, and becomes one.

    The `__init__` of a frozen dataclass takes five times as long, and a conversation may have thousands of messages.
    """

    __slots__ = Message.__slots__

    def __init__(self, role: str, content: str) -> None:
        self.role = role
        self.content = content
        self.tool_calls = ()
        self.tool_call_id = self.name = self.replay = None
        self.extra: dict[str, Any] = {}


Messages = str | Message | Mapping[str, Any] | Sequence[Message | Mapping[str, Any] | str]
"""What the doors take as `messages`: one text, one message, or a list of them."""


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


def _text_or_none(data: dict[str, Any], key: str) -> str | None:
    value = data.pop(key, None)
    if value is None or isinstance(value, str):
        return value
    raise ParameterError(f"a message's '{key}' is text, not {kind_of(value)}")


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
            raise ParameterError(f"the id of the tool call {function['name']!r} is text, not {kind_of(identity)}")
        calls.append(ToolCall(identity or "", function["name"], arguments if arguments.strip() else "{}"))
    return tuple(calls)
