"""What was found in a body -> the same body with templates in its places, and how messages are shaped for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .conversation import Found
from .history import History
from .leaves import Condition, Expression, leaves, literal, put, written
from .places import JSON_INSIDE, Place, at

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME_NAME = re.compile(r".*(?:time|stamp|date|created|_at|At|ts|now)", re.IGNORECASE)
_HISTORY_NAME = re.compile(r".*(?:history|messages|context|conversation|turns)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Templated:
    """A body with templates, `shaping` for the file's section `messages`, and what is left to the author."""

    payload: Any
    shaping: dict[str, Any] = field(default_factory=dict)
    todos: Mapping[Place, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    """What is new in every call, so that no example can hold it."""
    has_history: bool = True


def templated(tree: Any, found: Found) -> Templated:
    """The body as the file's `payload`."""
    todos: dict[Place, str] = {}
    changes: list[str] = []
    shaping: dict[str, Any] = {}
    result = tree
    for place, (name, _, _) in found.params.items():
        result = put(result, place, Expression(name))
    if found.stream is not None:
        result = put(result, found.stream, Expression("stream"))
    if found.model is not None:
        result = put(result, found.model, Expression("model"))
    if found.system is not None:
        shaping["system"] = "field"
        result = _with_system(result, found.system)
    if found.history is not None:
        shaping |= _shaping(found.history, todos, changes, has_system=found.system is not None)
        rest = "messages" if found.prompt is None else "messages[:-1]"
        result = put(result, found.history.place, Expression(rest))
    if found.prompt is not None:
        result = put(result, found.prompt, _prompt(tree, found))
        if found.history is None:
            shaping["shapes"] = {"any": "{{ text }}"}
            todos.setdefault(
                found.prompt,
                "the service takes one text, so earlier messages are put before the prompt; check that it likes this",
            )
    _note_fixed(result, (), todos)
    return Templated(
        written(result), shaping, todos, tuple(changes), has_history=found.history is not None and bool(found.messages)
    )


def _prompt(tree: Any, found: Found) -> Expression:
    assert found.prompt is not None
    text = at(tree, found.prompt)
    before, _, behind = text.partition(found.prompt_text)
    if found.history is None:
        return Expression("messages | join('\n\n')", before, behind)
    inner = found.history.text if not found.history.is_plain else ("content",)
    return Expression(f"(messages | last){_access(inner)}", before, behind)


def _access(place: Place) -> str:
    return "".join(
        f".{key}" if isinstance(key, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key) else f"[{key!r}]"
        for key in place
    )


def _with_system(tree: Any, place: Place) -> Any:
    """The system's text as a template; a map or a list around it is left out where there is none."""
    names = [position for position, key in enumerate(place) if isinstance(key, str) and key != JSON_INSIDE]
    tree = put(tree, place, Expression("system"))
    if len(place) > 1 and names and names[0] < len(place) - 1 and JSON_INSIDE not in place:
        outer = place[: names[0] + 1]
        within = at(tree, outer)
        if isinstance(within, dict):
            return put(tree, outer, {"$when": Condition("system is defined"), **within})
        return put(tree, outer, Expression(f"{literal(within)} if system is defined"))
    return tree


def _shaping(history: History, todos: dict[Place, str], changes: list[str], *, has_system: bool) -> dict[str, Any]:
    """The keys of `messages` that make the API's messages of ours."""
    if history.is_plain:
        return {}
    shapes: dict[str, Any] = {}
    for (role, _), item in reversed(list(zip(history.pairs, history.items, strict=True))):
        if role not in shapes:
            shapes[role] = _shape(item, history, todos, changes)
    different = [shape for index, shape in enumerate(shapes.values()) if shape not in list(shapes.values())[:index]]
    user = shapes.get("user", next(iter(shapes.values())))
    shaping: dict[str, Any] = {"shapes": {"any": user}}
    if len(different) > 1:
        shaping["shapes"] = {role: shape for role, shape in sorted(shapes.items()) if shape != user} | {"any": user}
    roles = _roles(history, todos) if history.role is not None else {}
    if has_system:
        roles.pop("system", None)  # no message of that role is left
    if roles:
        shaping["roles"] = roles
    return shaping


def _shape(item: dict[str, Any], history: History, todos: dict[Place, str], changes: list[str]) -> Any:
    shape: Any = put(item, history.text, Expression("text"))
    if history.role is not None:
        shape = put(shape, history.role, Expression("role"))
    for place, leaf in leaves(item, ()):
        values = [at(other, place) for other in history.items]
        if isinstance(leaf, str) and place not in (history.text, history.role):
            if UUID.fullmatch(leaf):
                shape = put(shape, place, Expression("uuid4()"))
                changes.append(f"`{'.'.join(map(str, place))}` of each message")
            elif _is_time(place, leaf):
                todos[(*history.place, *place)] = _time_todo(at(item, place))
            elif len(set(map(str, values))) > 1:
                todos[(*history.place, *place)] = "this differs from message to message, and the file sends one value"
            elif at(item, history.text) == leaf:
                shape = put(shape, place, Expression("text"))  # the same text twice: `content` and `parts`
    return written(shape)


_PARTNERS: Mapping[str, str] = {"human": "assistant", "client": "bot", "me": "bot", "question": "answer"}


def _roles(history: History, todos: dict[Place, str]) -> dict[str, str]:
    assert history.role is not None
    theirs = {role: str(at(item, history.role)) for (role, _), item in zip(history.pairs, history.items, strict=True)}
    user = theirs.get("user", "user")
    if "assistant" not in theirs and user != "user":
        guess = _PARTNERS.get(user.lower(), "assistant")
        theirs["assistant"] = guess.upper() if user.isupper() else guess.capitalize() if user[:1].isupper() else guess
        todos[history.place] = f"no answer was in the captured history, so the role '{theirs['assistant']}' is a guess"
    if user.isupper() and "system" not in theirs:
        theirs["system"] = "SYSTEM"
    return {role: name for role, name in theirs.items() if name != role}


def _note_fixed(tree: Any, place: Place, todos: dict[Place, str]) -> None:
    """Say of ids and times that they are those of the captured call."""
    for where, leaf in leaves(tree, place):
        key = next((part for part in reversed(where) if isinstance(part, str) and part != JSON_INSIDE), "")
        if isinstance(leaf, str) and UUID.fullmatch(leaf):
            todos.setdefault(
                where, 'an id of the captured call, the same in every call; "{{ uuid4() }}" makes new ones'
            )
        elif isinstance(leaf, str) and "<REDACTED>" in leaf:
            todos.setdefault(where, "this looked like a secret and was taken out; the service may need it")
        elif _is_time((key,), leaf):
            todos.setdefault(where, _time_todo(leaf))
        elif leaf == [] and _HISTORY_NAME.fullmatch(key):
            todos.setdefault(where, "empty in the captured call; if it holds earlier messages, capture a later call")


def _is_time(place: Place, leaf: Any) -> bool:
    is_named = bool(place) and isinstance(place[-1], str) and _TIME_NAME.fullmatch(place[-1]) is not None
    return is_named and type(leaf) in (int, float) and (1e9 < leaf < 3e9 or 1e12 < leaf < 3e12)


def _time_todo(leaf: float) -> str:
    new = "now()" if leaf < 1e10 else "now() * 1000"
    return f'the time of the captured call; "{{{{ {new} }}}}" is that of each call'
