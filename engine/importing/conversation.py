"""A body -> where the conversation, the model, the stream flag and the parameters stand in it.

Nothing here knows a service: a conversation is a list of maps with a role and a text, or one text under a name that
prompts have. What is found is given as places; template.py puts templates there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .capture import json_or_none

Place = tuple[str | int, ...]
JSON_INSIDE = "\0json"
"""The segment of a place that stands for: parse the text that is here."""

ROLES: Mapping[str, str] = {
    **dict.fromkeys(("user", "human", "client", "me", "customer", "question"), "user"),
    **dict.fromkeys(("assistant", "model", "bot", "ai", "chatbot", "agent", "answer"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function"), "tool"),
}
_ROLE_KEYS = re.compile(r"role|author|sender|from|speaker|type|user_?type|name|who", re.IGNORECASE)
_TEXT_KEYS = ("content", "text", "message", "parts", "value", "body", "prompt", "msg", "data", "query", "contents")
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

PARAMS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "temperature": ("temperature", {"type": "number", "min": 0, "max": 2}),
    "topp": ("top_p", {"type": "number", "min": 0, "max": 1}),
    "topk": ("top_k", {"type": "integer", "min": 0}),
    **dict.fromkeys(
        ("maxtokens", "maxoutputtokens", "maxnewtokens", "maxcompletiontokens", "numpredict", "maxlength", "ntokens"),
        ("max_tokens", {"type": "integer", "min": 1}),
    ),
    "seed": ("seed", {"type": "integer"}),
    "presencepenalty": ("presence_penalty", {"type": "number", "min": -2, "max": 2}),
    "frequencypenalty": ("frequency_penalty", {"type": "number", "min": -2, "max": 2}),
    **dict.fromkeys(("stop", "stopsequences"), ("stop", {"type": ["string", "array"]})),
}


@dataclass(frozen=True, slots=True)
class History:
    """A list of messages: its place, and where in each the role and the text are. No `role`: all are the user's."""

    place: Place
    items: tuple[dict[str, Any], ...]
    role: Place | None
    text: Place
    is_plain: bool = False
    """Whether the messages have the shape that callers give them: role and content, and no other keys."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as a caller would say them."""
        if self.is_plain:
            return list(self.items)
        return [{"role": role, "content": text} for role, text in self.pairs]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Role and text of each message."""
        return [
            (_role(at(item, self.role)) if self.role else "user", _said(at(item, self.text))) for item in self.items
        ]


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
        return [(_role(message["role"]), _said(message.get("content"))) for message in self.messages]


def find(tree: Any, prompt: str | None = None) -> Found:
    """What a body holds; `prompt` is the text that the user typed, where that is known.

    >>> find({"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}).messages
    [{'role': 'user', 'content': 'Hi'}]
    """
    leaves = list(_walk(tree, ()))
    history = _history(leaves, prompt)
    inside = history.place if history else None
    texts = [
        (place, value)
        for place, value in leaves
        if isinstance(value, str) and not (inside is not None and place[: len(inside)] == inside)
    ]
    system = _system(leaves, inside)
    model = _by_name(texts, _MODELS, _is_model)
    taken = {place for place, _ in (system, model) if place is not None}
    free = [(place, value) for place, value in texts if place not in taken and not _covers(place, leaves)]
    found_prompt, text = _prompt(free, prompt, history)
    stream = next(((place, value) for place, value in leaves if _name(place) in _STREAMS and _is_flag(value)), None)
    return Found(
        history,
        found_prompt,
        text,
        *system,
        *model,
        stream[0] if stream else None,
        _flag(stream[1]) if stream else None,
        dict(_params(leaves, inside)),
    )


def at(tree: Any, place: Place) -> Any:
    """The value at a place, or None."""
    for key in place:
        if key == JSON_INSIDE:
            tree = json_or_none(tree) if isinstance(tree, str) else None
        elif isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def _walk(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """Everything in a tree with its place, outer before inner; also what stands in texts that are JSON."""
    yield place, value
    if isinstance(value, str) and value[:1] in ("{", "[") and JSON_INSIDE not in place:
        inner = json_or_none(value)
        if isinstance(inner, dict | list) and inner:
            yield from _walk(inner, (*place, JSON_INSIDE))
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _walk(item, (*place, key))


def _covers(place: Place, leaves: list[tuple[Place, Any]]) -> bool:
    """Whether a text is JSON that was looked into."""
    return any(other[: len(place) + 1] == (*place, JSON_INSIDE) for other, _ in leaves)


def _name(place: Place) -> str:
    """The last name of a place, without case and hyphens; nothing for an item of a list."""
    return re.sub(r"[-_]", "", place[-1]).lower() if place and isinstance(place[-1], str) else ""


# --- the conversation ---


def _history(leaves: list[tuple[Place, Any]], prompt: str | None) -> History | None:
    found = [history for place, value in leaves if (history := _as_history(place, value))]
    if prompt is not None:
        holding = [one for one in found if any(prompt in text for _, text in one.pairs)]
        found = holding or found
    # The outermost; of several beside each other, the longest.
    found.sort(key=lambda one: (one.role is None, len(one.place), -len(one.items)))
    return found[0] if found else None


def _as_history(place: Place, value: Any) -> History | None:
    if not (isinstance(value, list) and value and all(isinstance(item, dict) and item for item in value)):
        return None
    if all(map(_is_plain, value)):
        return History(place, tuple(value), ("role",), ("content",), is_plain=True)
    role = _role_place(value)
    if role is None and not (_name(place) in ("messages", "contents", "conversation") and "role" not in value[0]):
        return None
    text = _text_place(value, role)
    return None if text is None else History(place, tuple(value), role, text)


_PLAIN_KEYS = frozenset(("role", "content", "name", "tool_calls", "tool_call_id"))


def _is_plain(item: dict[str, Any]) -> bool:
    content = item.get("content")
    is_content = isinstance(content, str) or (
        isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)
    )
    is_role = item.get("role") in ("system", "developer", "user", "assistant", "tool")
    return is_role and item.keys() <= _PLAIN_KEYS and (is_content or "tool_calls" in item)


def _said(content: Any) -> str:
    """The text of a content: itself, or that of its parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _role_place(items: list[dict[str, Any]]) -> Place | None:
    places = [place for place, leaf in _walk(items[0], ()) if isinstance(leaf, str) and _is_role_key(place)]
    places.sort(key=lambda place: (len(place), "role" not in _name(place)))
    for place in places:
        values = [at(item, place) for item in items]
        if not all(isinstance(value, str) for value in values):
            continue
        known = [value.lower() in ROLES for value in values]
        # Besides the user, a service may call the other by a name of its own.
        if all(known) or (any(known) and _name(place) != "type" and len(set(values)) == 2):
            return place
    return None


def _is_role_key(place: Place) -> bool:
    return len(place) in (1, 2) and all(isinstance(key, str) and _ROLE_KEYS.fullmatch(key) for key in place)


def _text_place(items: list[dict[str, Any]], role: Place | None) -> Place | None:
    """Where every message has its text; a message with several texts has none."""
    counts: dict[Place, int] = {}
    for item in items:
        for place, leaf in _walk(item, ()):
            if isinstance(leaf, str) and place != role and _is_text_place(place) and JSON_INSIDE not in place:
                counts[place] = counts.get(place, 0) + 1
    everywhere = [place for place, count in counts.items() if count == len(items)]
    everywhere.sort(key=lambda place: (_TEXT_KEYS.index(place[0]) if place[0] in _TEXT_KEYS else 99, len(place)))
    return everywhere[0] if everywhere else None


def _is_text_place(place: Place) -> bool:
    names = [key for key in place if isinstance(key, str)]
    return bool(names) and all(name in _TEXT_KEYS for name in names) and all(key in (0, *names) for key in place)


def _role(value: Any) -> str:
    return ROLES.get(str(value).lower(), "assistant")


def _system(leaves: list[tuple[Place, Any]], inside: Place | None) -> tuple[Place | None, str]:
    for place, value in leaves:
        if _name(place) in _SYSTEMS and (inside is None or place[: len(inside)] != inside):
            if isinstance(value, str) and value:
                return place, value
            texts = [(where, leaf) for where, leaf in _walk(value, place) if isinstance(leaf, str)]
            texts = [(where, leaf) for where, leaf in texts if _name(where) in _TEXT_KEYS]
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
    ranked = [(place, value) for place, value in texts if value.strip() and _name(place) in _PROMPTS]
    ranked.sort(key=lambda one: (_PROMPTS.index(_name(one[0])), len(one[0])))
    if history is not None:
        # Beside a history, only a text whose name leaves no doubt; one that ends with the user is whole.
        is_whole = history.pairs[-1][0] == "user"
        ranked = [one for one in ranked if not is_whole and len(one[0]) <= len(history.place)]
        return ranked[0] if ranked else (None, "")
    if ranked:
        return ranked[0]
    long = [(place, value) for place, value in texts if value.count(" ") >= 2 and "://" not in value]
    return max(long, key=lambda one: len(one[1])) if long else (None, "")


# --- the rest ---


def _by_name(texts: list[tuple[Place, str]], names: frozenset[str], fits: Any) -> tuple[Place | None, str]:
    for place, value in sorted(texts, key=lambda one: len(one[0])):
        owner = _name(place[:-1]) if len(place) > 1 else ""
        is_named = _name(place) in names or (owner in names and _name(place) in ("id", "name", "slug"))
        if is_named and fits(value):
            return place, value
    return None, ""


def _is_model(value: str) -> bool:
    return bool(re.fullmatch(r"[\w.:/@+-]{1,120}", value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or value in ("true", "false")


def _flag(value: Any) -> bool:
    return value is True or value == "true"


def _params(
    leaves: list[tuple[Place, Any]], inside: Place | None
) -> Iterator[tuple[Place, tuple[str, dict[str, Any], Any]]]:
    """Parameters that have a name of our own: the place, our name, its declaration and the value."""
    taken: set[str] = set()
    for place, value in leaves:
        known = PARAMS.get(_name(place))
        if known is None or known[0] in taken or (inside is not None and place[: len(inside)] == inside):
            continue
        name, declared = known
        typed = _typed(value, declared["type"])
        if typed is None:
            continue
        taken.add(name)
        beyond = not isinstance(typed, str | list) and not (
            declared.get("min", typed) <= typed <= declared.get("max", typed)
        )
        bounds = {key: bound for key, bound in declared.items() if not (beyond and key in ("min", "max"))}
        yield place, (name, bounds, typed)


def _typed(value: Any, kind: Any) -> Any:
    """The value as its parameter's type; None where it has another. Forms hold numbers as texts."""
    if isinstance(kind, list):
        return value if value and isinstance(value, str | list) else None
    if isinstance(value, str):
        inner = json_or_none(value)
        value = inner if str(inner) == value else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if kind == "integer" and not isinstance(value, int) else value
