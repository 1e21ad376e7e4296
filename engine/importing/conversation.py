"""A body -> where the conversation, the model, the stream flag and the parameters stand in it.

Nothing here knows a service: a conversation is a list of messages, or one text under a name that prompts have. What is
found is given as places; template.py puts templates there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .history import TEXT_KEYS, History, history_in, role_of, text_of
from .params import params_in
from .places import JSON_INSIDE, Place, is_within, last_name, walk

_PROMPTS = (
    *("prompt", "query", "question", "userinput", "usermessage", "message", "userprompt", "inputtext", "chatinput"),
    *(
        "input",
        "inputs",
        "ask",
        "q",
        "text",
        "content",
        "msg",
        "searchtext",
        "instruction",
        "request",
        "body",
        "search",
    ),
)

_SYSTEMS = frozenset(
    ("system", "systemprompt", "systemmessage", "instructions", "systeminstruction", "preamble", "systemtext")
)

_MODELS = frozenset(
    ("model", "modelid", "modelname", "modelslug", "modeltype", "modelkey", "modeluri", "llm", "llmmodel", "engine",
     "deployment", "chatmodel", "selectedmodel", "modelversion")
)  # fmt: skip

_STREAMS = frozenset(("stream", "streaming", "isstream", "streammode", "enablestream", "streamresponse", "usestream"))


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found in a body."""

    history: History | None = None
    prompt: Place | None = None
    prompt_text: str = ""
    system: Place | None = None
    system_text: str = ""
    model: Place | None = None
    model_text: str = ""
    stream: Place | None = None
    streams: bool | None = None
    params: Mapping[Place, tuple[str, dict[str, Any], Any]] = field(default_factory=dict)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation as a caller would say it."""
        said: list[dict[str, Any]] = []
        if self.system is not None:
            said.append({"role": "system", "content": self.system_text})
        said += self.history.messages if self.history else []
        if self.prompt is not None:
            said.append({"role": "user", "content": self.prompt_text})
        return said

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Role and text of each message."""
        return [(role_of(message["role"]), text_of(message.get("content"))) for message in self.messages]


def find(tree: Any, prompt: str | None = None) -> Found:
    """What a body holds; `prompt` is the text that the user typed, where that is known.

    >>> find({"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}).messages
    [{'role': 'user', 'content': 'Hi'}]
    """
    leaves = list(walk(tree, (), json_too=True))
    history = history_in(leaves, prompt)
    inside = history.place if history else None
    texts = [(place, value) for place, value in leaves if isinstance(value, str) and not is_within(place, inside)]
    system = _system(leaves, inside)
    model = _by_name(texts, _MODELS, _is_model)
    taken = {place for place, _ in (system, model) if place is not None}
    free = [(place, value) for place, value in texts if place not in taken and not _covers(place, leaves)]
    found_prompt, text = _prompt(free, prompt, history)
    stream = next(((place, value) for place, value in leaves if last_name(place) in _STREAMS and _is_flag(value)), None)
    return Found(
        history,
        found_prompt,
        text,
        *system,
        *model,
        stream[0] if stream else None,
        _flag(stream[1]) if stream else None,
        dict(params_in(leaves, inside)),
    )


def _covers(place: Place, leaves: list[tuple[Place, Any]]) -> bool:
    """Whether a text is JSON that was looked into."""
    return any(other[: len(place) + 1] == (*place, JSON_INSIDE) for other, _ in leaves)


def _system(leaves: list[tuple[Place, Any]], inside: Place | None) -> tuple[Place | None, str]:
    for place, value in leaves:
        if last_name(place) in _SYSTEMS and not is_within(place, inside):
            if isinstance(value, str) and value:
                return place, value
            texts = [(where, leaf) for where, leaf in walk(value, place, json_too=True) if isinstance(leaf, str)]
            texts = [(where, leaf) for where, leaf in texts if last_name(where) in TEXT_KEYS]
            if len(texts) == 1 and texts[0][1]:
                return texts[0]
    return None, ""


def _prompt(texts: list[tuple[Place, str]], prompt: str | None, history: History | None) -> tuple[Place | None, str]:
    if prompt is not None:
        if history and any(prompt in text for _, text in history.pairs):
            return None, ""
        holding = [(place, value) for place, value in texts if prompt in value]
        if holding:
            return min(holding, key=lambda one: len(one[1]))[0], prompt
    ranked = [(place, value) for place, value in texts if value.strip() and last_name(place) in _PROMPTS]
    ranked.sort(key=lambda one: (_PROMPTS.index(last_name(one[0])), len(one[0])))
    if history is not None:
        # Beside a history, only a text whose name leaves no doubt; one that ends with the user is whole.
        is_whole = history.pairs[-1][0] == "user"
        ranked = [one for one in ranked if not is_whole and len(one[0]) <= len(history.place)]
        return ranked[0] if ranked else (None, "")
    if ranked:
        return ranked[0]
    long = [(place, value) for place, value in texts if value.count(" ") >= 2 and "://" not in value]
    return max(long, key=lambda one: len(one[1])) if long else (None, "")


def _by_name(texts: list[tuple[Place, str]], names: frozenset[str], fits: Any) -> tuple[Place | None, str]:
    for place, value in sorted(texts, key=lambda one: len(one[0])):
        owner = last_name(place[:-1]) if len(place) > 1 else ""
        is_named = last_name(place) in names or (owner in names and last_name(place) in ("id", "name", "slug"))
        if is_named and fits(value):
            return place, value
    return None, ""


def _is_model(value: str) -> bool:
    return bool(re.fullmatch(r"[\w.:/@+-]{1,120}", value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or value in ("true", "false")


def _flag(value: Any) -> bool:
    return value is True or value == "true"
