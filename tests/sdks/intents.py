"""What a caller wants, in canonical (OpenAI's) shape: the same for our files and for every SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KEY = "test-key-1234"
"""Every secret of every test."""

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""A PNG of one pixel, in base64; it has '+' or '/', so that a wrong alphabet shows."""


def function(name: str, description: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


WEATHER = function("get_weather", "The weather in a city", city={"type": "string", "description": "its name"})
ADD = function("add", "Adds whole numbers", numbers={"type": "array", "items": {"type": "integer"}})


def call(identity: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call whose arguments are the JSON text that every SDK's encoder would write."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


@dataclass(frozen=True, slots=True)
class Intent:
    """One call. `limit` is the most tokens of the answer, None where the caller does not say."""

    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: Any = None
    stop: tuple[str, ...] = ()
    limit: int | None = None
    temperature: float | None = None
    stream: bool = False
    model: str = field(default="m-1")

    def on(self, model: str) -> Intent:
        return replace(self, model=model)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters by their canonical names."""
        given = {"max_tokens": self.limit, "stop": list(self.stop) or None, "temperature": self.temperature}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def functions(self) -> list[Mapping[str, Any]]:
        return [tool["function"] for tool in self.tools]

    @property
    def forced(self) -> str | None:
        """The name of the only function that is to be called."""
        return self.tool_choice["function"]["name"] if isinstance(self.tool_choice, Mapping) else None

    @property
    def system(self) -> str | None:
        texts = [message["content"] for message in self.messages if message["role"] == "system"]
        return "\n\n".join(texts) if texts else None

    @property
    def turns(self) -> list[Mapping[str, Any]]:
        """The messages without the system's."""
        return [message for message in self.messages if message["role"] != "system"]

    def name_of(self, identity: str) -> str:
        """The function of the call that a result answers."""
        calls = [each for message in self.messages for each in message.get("tool_calls", ())]
        return next(each["function"]["name"] for each in calls if each["id"] == identity)


def parts(message: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts of a message: ("text", text), ("image", base64 of a PNG), ("call", (id, name, arguments))."""
    content = message.get("content")
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or ():
        if part["type"] == "text":
            yield "text", part["text"]
        else:
            yield "image", part["image_url"]["url"].partition("base64,")[2]
    for each in message.get("tool_calls", ()):
        yield "call", (each["id"], each["function"]["name"], json.loads(each["function"]["arguments"]))


def text(message: Mapping[str, Any]) -> str:
    """All text of a message."""
    return "".join(value for kind, value in parts(message) if kind == "text")


def given(**values: Any) -> dict[str, Any]:
    """The arguments that say something."""
    return {name: value for name, value in values.items() if value not in (None, [], (), {})}


def _user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DOT}"}}
HISTORY = (
    {"role": "system", "content": "Be brief. Отвечай «по-русски»."},
    _user("Привет! 123"),
    {"role": "assistant", "content": "Здравствуйте {{ 7*7 }}"},
    _user("None"),
)
RESULTS = (
    _user("Weather in Oslo, and 2+3?"),
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [call("call_aaa1", "get_weather", city="Oslo"), call("call_bbb2", "add", numbers=[2, 3])],
    },
    {"role": "tool", "tool_call_id": "call_aaa1", "content": "4° and rain"},
    {"role": "tool", "tool_call_id": "call_bbb2", "content": "5"},
)
AGAIN = (
    *RESULTS,
    {"role": "assistant", "content": "It rains, and 5."},
    _user("And Rome?"),
    {"role": "assistant", "content": "Let me look.", "tool_calls": [call("call_ccc3", "get_weather", city="Rome")]},
    {"role": "tool", "tool_call_id": "call_ccc3", "content": "sunny"},
)

INTENTS: Mapping[str, Intent] = {
    "a question": Intent((_user("Hi"),)),
    "a stream": Intent((_user("Hi"),), stream=True),
    "system and history": Intent(HISTORY),
    "an image": Intent((_user({"type": "text", "text": "What is this?"}, IMAGE),)),
    "limits": Intent((_user("Count"),), limit=64, temperature=0.5),
    "stop texts": Intent((_user("Count"),), stop=("END", "\n\n")),
    "tools": Intent((_user("Weather in Oslo?"),), tools=(WEATHER, ADD)),
    "tools by choice": Intent((_user("Weather in Oslo?"),), tools=(WEATHER, ADD), tool_choice="auto"),
    "tools required": Intent((_user("Weather in Oslo?"),), tools=(WEATHER, ADD), tool_choice="required"),
    "a forced tool": Intent(
        (_user("Weather in Oslo?"),),
        tools=(WEATHER, ADD),
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    ),
    "tool results": Intent(RESULTS, tools=(WEATHER, ADD)),
    "tools twice": Intent(AGAIN, tools=(WEATHER, ADD), stream=True),
}
