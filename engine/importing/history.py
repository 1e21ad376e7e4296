"""A list of messages in a body: its place, and where in each the role and the text are.

Nothing here knows a service: messages are maps in which a text at one place is a role, and at another what was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .places import JSON_INSIDE, Place, at, last_name, walk

ROLES: Mapping[str, str] = {
    **dict.fromkeys(("user", "human", "client", "me", "customer", "question"), "user"),
    **dict.fromkeys(("assistant", "model", "bot", "ai", "chatbot", "agent", "answer"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function"), "tool"),
}

_ROLE_KEYS = re.compile(r"role|author|sender|from|speaker|type|user_?type|name|who", re.IGNORECASE)

TEXT_KEYS = ("content", "text", "message", "parts", "value", "body", "prompt", "msg", "data", "query", "contents")

_PLAIN_KEYS = frozenset(("role", "content", "name", "tool_calls", "tool_call_id"))


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
            (role_of(at(item, self.role)) if self.role else "user", text_of(at(item, self.text))) for item in self.items
        ]


def history_in(leaves: list[tuple[Place, Any]], prompt: str | None) -> History | None:
    """The history among all that is in a body; one that holds the prompt, where that is known."""
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
    if role is None and not (last_name(place) in ("messages", "contents", "conversation") and "role" not in value[0]):
        return None
    text = _text_place(value, role)
    return None if text is None else History(place, tuple(value), role, text)


def _is_plain(item: dict[str, Any]) -> bool:
    content = item.get("content")
    is_content = isinstance(content, str) or (
        isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)
    )
    is_role = item.get("role") in ("system", "developer", "user", "assistant", "tool")
    return is_role and item.keys() <= _PLAIN_KEYS and (is_content or "tool_calls" in item)


def text_of(content: Any) -> str:
    """The text of a content: itself, or that of its parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _role_place(items: list[dict[str, Any]]) -> Place | None:
    places = [
        place for place, leaf in walk(items[0], (), json_too=True) if isinstance(leaf, str) and _is_role_key(place)
    ]
    places.sort(key=lambda place: (len(place), "role" not in last_name(place)))
    for place in places:
        values = [at(item, place) for item in items]
        if not all(isinstance(value, str) for value in values):
            continue
        known = [value.lower() in ROLES for value in values]
        # Besides the user, a service may call the other by a name of its own.
        if all(known) or (any(known) and last_name(place) != "type" and len(set(values)) == 2):
            return place
    return None


def _is_role_key(place: Place) -> bool:
    return len(place) in (1, 2) and all(isinstance(key, str) and _ROLE_KEYS.fullmatch(key) for key in place)


def _text_place(items: list[dict[str, Any]], role: Place | None) -> Place | None:
    """Where every message has its text; a message with several texts has none."""
    counts: dict[Place, int] = {}
    for item in items:
        for place, leaf in walk(item, (), json_too=True):
            if isinstance(leaf, str) and place != role and _is_text_place(place) and JSON_INSIDE not in place:
                counts[place] = counts.get(place, 0) + 1
    everywhere = [place for place, count in counts.items() if count == len(items)]
    everywhere.sort(key=lambda place: (TEXT_KEYS.index(place[0]) if place[0] in TEXT_KEYS else 99, len(place)))
    return everywhere[0] if everywhere else None


def _is_text_place(place: Place) -> bool:
    names = [key for key in place if isinstance(key, str)]
    return bool(names) and all(name in TEXT_KEYS for name in names) and all(key in (0, *names) for key in place)


def role_of(value: Any) -> str:
    """Whose message it is, in our words; a name of a service's own is that of its model."""
    return ROLES.get(str(value).lower(), "assistant")
