"""A captured reply -> how it is framed, and where in its frames the text, the reason of the end and the usage are.

What stays in doubt is said in `todos`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..framing import Frame
from .capture import CapturedReply
from .endings import NO_END, counters_in, mark_in, reason_in
from .frames import frames_of, framing_of, is_sentinel, unwrapped
from .places import Place, dotted
from .series import Frames, Series


@dataclass(frozen=True, slots=True)
class Answer:
    """The file's `response` section, as far as the reply shows it."""

    response: dict[str, Any]
    todos: tuple[str, ...] = ()


def answer_of(reply: CapturedReply) -> Answer:
    """How the reply is read."""
    codec = framing_of(reply)
    frames = frames_of(codec, reply.body)
    if codec == "text" or not frames:
        return _plain_text(reply)
    values, unwrap, sentinels = unwrapped(codec, frames)
    if not values:
        return _texts_in_frames(codec, frames)
    return _Reader(codec, Frames(values), unwrap, sentinels).answer()


def _plain_text(reply: CapturedReply) -> Answer:
    text = reply.body.decode("utf-8", "replace")
    todos: tuple[str, ...] = ()
    if re.match(r"\s*<(?:!doctype|html)", text, re.IGNORECASE):
        todos = ("the captured reply is a web page, not an answer: the request was probably refused. Capture another",)
    elif re.match(r'[0-9a-f]{1,2}:["{\[]', text):
        todos = (
            "each line of the reply begins with a number and a colon, a framing that the language does not know: the "
            "lines are given as they are. Ask the service for plain text or server-sent events",
        )
    return Answer({"codec": "text"}, todos)


def _texts_in_frames(codec: str, frames: list[Frame]) -> Answer:
    """Events whose data is text and no JSON."""
    response: dict[str, Any] = {"codec": codec, "unwrap": ["text"]}
    names = [frame.event for frame in frames]
    sizes: dict[str | None, int] = {}
    for frame in frames:
        sizes[frame.event] = sizes.get(frame.event, 0) + len(frame.data)
    last = frames[-1]
    ends = is_sentinel(last.data)
    speaking = max(sizes, key=lambda name: sizes[name])
    others = {name for name in names if name != speaking}
    rule: dict[str, Any] = {"text": "$"}
    if others and speaking is not None:
        rule = {"when": {"event": speaking}} | rule
    response["rules"] = [rule]
    if ends:
        response["end"] = last.data
    elif last.event is not None and names.count(last.event) == 1 and last.event != speaking:
        response["end"] = {"event": last.event}
    else:
        response["end"] = "body"
    response["finish"] = {"missing": "stop"}
    todos = () if response["end"] != "body" else (NO_END,)
    return Answer(response, todos)


class _Reader:
    """What the frames of one reply, as values, say of how they are read."""

    def __init__(self, codec: str, frames: Frames, unwrap: list[Any], sentinels: list[str]) -> None:
        self._codec = codec
        self._frames = frames
        self._unwrap = unwrap
        self._sentinels = sentinels
        self._series = frames.series()
        self._todos: list[str] = []

    def answer(self) -> Answer:
        speaking = max(self._series, key=lambda one: one.score(), default=None)
        response: dict[str, Any] = {"codec": self._codec}
        if self._unwrap:
            response["unwrap"] = self._unwrap
        rules: list[dict[str, Any]] = []
        if speaking is None or speaking.score() == 0:
            self._todos.append("no text was found in the reply: say where it is")
            rules.append({"text": "text"})
        else:
            rules.append(self._text_rule(speaking))
        if reasoning := self._reasoning(speaking):
            rules.append(reasoning)
        reason, counters = reason_in(self._frames, self._todos), counters_in(self._frames)
        said = {key: dotted(found[0]) for key, found in (("finish", reason), ("usage", counters)) if found is not None}
        if "when" not in rules[0] and "for" not in rules[0]:
            rules[0] |= said
        elif said:
            rules.append(said)
        response["rules"] = rules
        end = self._end(has_reason=reason is not None)
        if end is not None:
            response["end"] = end
        response["finish"] = {"missing": "stop"} if reason is None else reason[1]
        if counters is not None:
            response["usage"] = counters[1]
        return Answer(response, tuple(self._todos))

    def _text_rule(self, speaking: Series) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        rivals = [
            one for one in self._series if one.place == speaking.place and one.kind != speaking.kind and any(one.texts)
        ]
        if rivals and speaking.kind is not None:
            rule["when"] = self._frames.when(speaking.kind)
        if (items := self._items(speaking)) is not None:
            rule |= {"for": dotted((*items[0], "*")), "text": dotted(items[1])}
            return rule
        path = dotted(speaking.place)
        if speaking.is_growing and len(set(speaking.texts) - {""}) == 2:
            self._todos.append(
                "of two texts the second begins with the first: whether each is all of the text is a guess"
            )
        rule["text"] = {"path": path, "mode": "cumulative"} if speaking.is_growing else path
        return rule

    def _items(self, speaking: Series) -> tuple[Place, Place] | None:
        """Where the text stands in several items of one list: the list, and the place in an item."""
        for position, key in enumerate(speaking.place):
            if type(key) is not int:
                continue
            before, behind = speaking.place[:position], speaking.place[position + 1 :]
            others = [
                one
                for one in self._series
                if len(one.place) == len(speaking.place)
                and one.kind == speaking.kind
                and one.place[:position] == before
                and one.place[position + 1 :] == behind
                and one.place != speaking.place
                and any(one.texts)
            ]
            if others and behind:
                self._todos.append(
                    f"`{dotted(before)}` has several items: check that all of them are text of the answer"
                )
                return before, behind
        return None

    def _reasoning(self, speaking: Series | None) -> dict[str, Any] | None:
        for one in self._series:
            if one is speaking or not one.is_reasoning or not one.whole:
                continue
            shared = any(other.place == one.place and other.kind != one.kind for other in self._series)
            rule = {"when": self._frames.when(one.kind)} if shared and one.kind is not None else {}
            path = dotted(one.place)
            return rule | {"reasoning": {"path": path, "mode": "cumulative"} if one.is_growing else path}
        return None

    def _end(self, *, has_reason: bool) -> Any:
        if self._codec == "json":
            return None
        if self._sentinels:
            return self._sentinels[-1]
        end = "finish" if has_reason else mark_in(self._frames)
        if end is None:
            self._todos.append(NO_END)
        return end or "body"
