"""Canonical messages as turns: a role and a list of typed parts, with each tool result led to its call.

What a caller gives that no API could take is found here: a result without its call, a link that is none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import ParameterError
from ..messages import Message, ToolCall
from ..weight import Weighed, weight
from .media import MEDIA
from .turn import NOTHING, Part, Turn


def turns_of(messages: Sequence[Message], owner: str, *, replay: bool) -> list[Turn]:
    """The conversation as turns; with `replay`, reasoning and carried values of `owner`'s answers are parts of them.

    Raises ParameterError for what no API could take.
    """
    calls = _Calls()
    turns: list[Turn] = []
    for number, message in enumerate(messages):
        role, content = message.role, message.content
        is_more = message.extra or message.tool_calls or message.replay is not None or role in _TOOL
        if type(content) is str and not is_more:
            turns.append(Turn(role, None, number, message.name, text=content))
        else:
            turns.append(_turn(message, number, calls, owner, replay))
    return turns


def as_given(messages: Sequence[Message], roles: Mapping[str, str]) -> Weighed:
    """The messages for a file that changes nothing of them but roles; calls and results without an id are given one.

    Where each is a role and a text, their weight is known.

    Raises ParameterError for what `turns_of` would refuse.
    """
    calls = _Calls()
    made: list[dict[str, Any]] = []
    texts = size = 0
    for number, message in enumerate(messages):
        role, content = message.role, message.content
        if role in _TOOL or message.tool_calls or isinstance(content, tuple):
            turn = _turn(message, number, calls, "", False)
            data = _identified(message, turn.parts).as_chat_message()
        elif message.extra or message.name is not None or message.tool_call_id is not None:
            if "function_call" in message.extra:
                calls.made(message, f"messages.{number}")
            data = message.as_chat_message()
        elif type(content) is str:
            role = roles.get(role, role)
            made.append({"role": role, "content": content})
            size += _OF_A_TEXT + len(role) + len(content)
            texts += 1
            continue
        else:
            data = {"role": role, "content": content}
        if role in roles:
            data["role"] = roles[role]
        made.append(data)
    return Weighed(made, size if texts == len(made) else None)


_OF_A_TEXT = weight([{"role": "", "content": ""}], 100)
"""What a message weighs beside its role and its text."""


def _identified(message: Message, parts: tuple[Part, ...]) -> Message:
    if message.role == "tool" and not message.tool_call_id:
        return replace(message, tool_call_id=parts[0].values["id"])
    if all(call.id for call in message.tool_calls):
        return message
    ids = [part.values["id"] for part in parts if part.type == "tool_call"]
    named = zip(message.tool_calls, ids, strict=True)
    return replace(message, tool_calls=tuple(replace(call, id=identity) for call, identity in named))


_TOOL = ("tool", "function")


def _turn(message: Message, number: int, calls: _Calls, owner: str, replay: bool) -> Turn:
    place = f"messages.{number}"
    if message.role in _TOOL:
        return Turn("tool", (_result(message, place, calls),), number, message.name, extra=_rest(message))
    made = calls.made(message, place) if message.tool_calls or "function_call" in message.extra else ()
    carried = _replayed(message, made, place, owner) if replay else None
    if carried is not None:
        parts, carry = carried
        return Turn(message.role, parts, number, message.name, carry, _rest(message))
    parts = (*_reasoning(message, place, replay), *_content(message, place), *made)
    return Turn(message.role, parts, number, message.name, extra=_rest(message))


# --- content ---


def _content(message: Message, place: str) -> Iterator[Part]:
    if isinstance(message.content, str):
        yield Part("text", {"text": message.content}, place)
    elif message.content is not None:
        for number, own in enumerate(message.content):
            yield _part(own, f"{place}.content.{number}")
    refusal = message.extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Part("refusal", {"text": refusal}, place)


def _part(own: Mapping[str, Any], place: str) -> Part:
    kind = own.get("type")
    if kind in ("text", "refusal"):
        text = own.get(kind)
        if not isinstance(text, str):
            raise ParameterError(f"{place} is of the type {kind} and has no '{kind}' that is text")
        return Part(kind, _with_extra({"text": text}, own, kind), place, own)
    if isinstance(kind, str) and kind in MEDIA:
        type_, read = MEDIA[kind]
        return Part(type_, _with_extra(read(own, place), own, kind), place, own)
    return Part("other", NOTHING, place, own)


def _with_extra(values: dict[str, Any], own: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    extra = {key: value for key, value in own.items() if key not in ("type", kind)} if len(own) > 2 else None
    return {**values, "extra": extra} if extra else values


_NAMED = frozenset({"refusal", "function_call", "reasoning_content", "reasoning", "is_error"})
"""Keys of a message beyond Message's own that become parts, or names of their own."""


def _rest(message: Message) -> Mapping[str, Any]:
    """What else the caller wrote; a key that says nothing (SDKs write them out) counts as not there."""
    if not message.extra:
        return NOTHING
    return {key: value for key, value in message.extra.items() if key not in _NAMED and value not in (None, [], {})}


# --- what an earlier answer carried ---


def _reasoning(message: Message, place: str, replay: bool) -> Iterator[Part]:
    if not replay or message.role != "assistant":
        return
    for key in ("reasoning_content", "reasoning"):
        text = message.extra.get(key)
        if isinstance(text, str) and text:
            yield Part("reasoning", {"text": text}, place)
            return


def _replayed(
    message: Message, made: tuple[Part, ...], place: str, owner: str
) -> tuple[tuple[Part, ...], Mapping[str, Any]] | None:
    """The parts as they came, in their order; None when they came from elsewhere, or the message was edited."""
    replay = message.replay
    if replay is None or message.role != "assistant" or replay.get("from") != owner:
        return None
    blocks = replay["blocks"]
    said = "".join(str(block.get("text", "")) for block in blocks if block["type"] == "text")
    ids = [block.get("id", "") for block in blocks if block["type"] == "tool_call"]
    if said != _plain_text(message) or ids != [call.id for call in message.tool_calls]:
        return None
    calls = iter(made)
    parts: list[Part] = []
    carry: dict[str, Any] = {}
    for block in blocks:
        brought = block.get("carry") or NOTHING
        if block["type"] == "message":
            carry |= brought
        elif block["type"] == "tool_call":
            call = next(calls)
            parts.append(call._replace(values={**call.values, "carry": brought}) if brought else call)
        else:
            values = {"text": str(block.get("text", ""))}
            parts.append(Part(block["type"], {**values, "carry": brought} if brought else values, place))
    return tuple(parts), carry


def _plain_text(message: Message) -> str:
    if isinstance(message.content, tuple):
        return "".join(str(part.get("text", "")) for part in message.content if part.get("type") == "text")
    return message.content or ""


# --- calls and their results ---


class _Open:
    """A call that has no result yet, or had one since it was noted."""

    __slots__ = ("id", "is_answered", "name")

    def __init__(self, identity: str, name: str) -> None:
        self.id = identity
        self.name = name
        self.is_answered = False


class _Calls:
    """The calls that a conversation makes, so that each result finds its own: by its id the last, else the first."""

    def __init__(self) -> None:
        self._by_id: dict[str, deque[_Open]] = {}
        self._by_name: dict[str | None, deque[_Open]] = {None: deque()}  # under None all of them
        self._closed: set[str] = set()
        self._count = 0

    def made(self, message: Message, place: str) -> tuple[Part, ...]:
        """The calls of an assistant's message; one without an id is given one."""
        calls = message.tool_calls or _legacy_call(message, place)
        if calls and message.role != "assistant":
            raise ParameterError(f"{place}, of the role {message.role}, makes tool calls, which an assistant does")
        seen: set[str] = set()
        parts = []
        for call in calls:
            if call.id in seen:
                raise ParameterError(f"{place} makes two tool calls with the id '{call.id}'; give each its own")
            if call.id:
                seen.add(call.id)
            identity = call.id or f"call_{self._count}"
            self._count += 1
            self._note(_Open(identity, call.name))
            self._closed.discard(identity)
            values = {"id": identity, "name": call.name, "arguments": call.arguments or "{}"}
            parts.append(Part("tool_call", values, place))
        return tuple(parts)

    def _note(self, call: _Open) -> None:
        self._by_id.setdefault(call.id, deque()).append(call)
        self._by_name.setdefault(call.name, deque()).append(call)
        self._by_name[None].append(call)

    def answered(self, message: Message, place: str) -> tuple[str, str]:
        """The id and the name of the call that a result is for. Raises ParameterError when there is none."""
        given = message.tool_call_id
        calls = self._by_id.get(given) if given else self._by_name.get(message.name)
        take = deque.pop if given else deque.popleft
        while calls:
            call = take(calls)
            if not call.is_answered:
                call.is_answered = True
                self._closed.add(call.id)
                return call.id, call.name
        if given in self._closed:
            raise ParameterError(
                f"{place} is a second result of the tool call '{given}'; give one result for each call"
            )
        which = (
            f"the tool call '{given}'" if given else f"a call of '{message.name}'" if message.name else "a tool call"
        )
        raise ParameterError(f"{place} is the result of {which}, which no message before it makes")


def _legacy_call(message: Message, place: str) -> tuple[ToolCall, ...]:
    """A `function_call`, from the days before tools."""
    call = message.extra.get("function_call")
    if call is None:
        return ()
    name, arguments = (call.get("name"), call.get("arguments", "{}")) if isinstance(call, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise ParameterError(f"{place} has a function_call without a 'name', or whose 'arguments' are no JSON text")
    return (ToolCall("", name, arguments),)


def _result(message: Message, place: str, calls: _Calls) -> Part:
    identity, name = calls.answered(message, place)
    inner = tuple(_content(message, place))
    text = "\n".join(part.values["text"] for part in inner if part.type == "text")
    values: dict[str, Any] = {"id": identity, "name": name, "text": text}
    if isinstance(message.extra.get("is_error"), bool):
        values["is_error"] = message.extra["is_error"]
    return Part("tool_result", values, place, None, inner)
