"""A captured reply -> how it is framed, and where in its frames the text, the reason of the end and the usage are.

The text is the place whose values, over all frames, make the longest text that varies; whether they are pieces or
grow is told by whether each goes on from the one before. What stays in doubt is said in `todos`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..framing import Frame
from .capture import CapturedReply
from .frames import Place, dotted, frames_of, framing_of, is_sentinel, unwrapped, walk

_TEXTS = re.compile(
    r"text|content|delta|answer|response|message|output|token|reply|result|generated_?text|value|chunk|msg|completion"
    r"|data|parts?|v",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    r"(?:.*[-_])?(?:id|uuid|model|object|type|event|role|created|timestamp|status|name|version|fingerprint|url|time|date"
    r"|at|finish_?reason|stop_?reason|done_?reason|lang(?:uage)?|signature|author|op|p|path|title|prompt|query|question)"
    r"|.*(?:Id|At|Reason|Type|Model)",
)
_NO_PROSE = re.compile(r"[0-9a-f-]{16,}|https?://\S+|(?:\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)+")
_REASONING = re.compile(r".*(?:reason(?:ing)?|think(?:ing)?|thought)(?:_?(?:content|text))?", re.IGNORECASE)
_FINISH = re.compile(r"(?:finish|stop|done|end|completion)_?reason|finish_?type|stop_?type", re.IGNORECASE)
_DONE = re.compile(r"(?:is_?)?(?:done|end|final|finished|finish|last|complete|completed|is_?last|stop)", re.IGNORECASE)
_KINDS = ("type", "event", "event_type", "eventType", "kind", "object", "msg_type", "op", "status", "action", "cmd")
_COUNTER = re.compile(r".*(?:tokens?(?:_?count)?|eval_count|TokenCount)", re.IGNORECASE)
_COUNTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cached_input_tokens", re.compile(r".*cached.*|.*cache_read.*", re.IGNORECASE)),
    ("reasoning_tokens", re.compile(r".*(?:reasoning|thinking|thought).*", re.IGNORECASE)),
    ("input_tokens", re.compile(r".*(?:prompt|input).*", re.IGNORECASE)),
    ("output_tokens", re.compile(r".*(?:completion|output|generat|candidate|response).*|eval_count", re.IGNORECASE)),
)
FINISHES: Mapping[str, str] = {
    **dict.fromkeys(
        ("stop", "end_turn", "eos", "complete", "completed", "finished", "end", "done", "success", "stop_sequence",
         "eos_token", "normal", "finish"), "stop",
    ),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "token_limit", "max_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call", "tool-calls"), "tool_calls"),
    **dict.fromkeys(("content_filter", "safety", "refusal", "blocked", "content-filter"), "content_filter"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The file's `response` section, as far as the reply shows it."""

    response: dict[str, Any]
    todos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def answer_of(reply: CapturedReply) -> Answer:
    """How the reply is read."""
    codec = framing_of(reply)
    frames = frames_of(codec, reply.body)
    if codec == "text" or not frames:
        return _plain_text(reply)
    values, unwrap, sentinels = unwrapped(codec, frames)
    if not values:
        return _texts_in_frames(codec, frames)
    return _Reader(codec, values, unwrap, sentinels).answer()


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
    todos = () if response["end"] != "body" else (_NO_END,)
    return Answer(response, todos)


_NO_END = "nothing in the reply says that it is whole, so the end of the body does; name a last event, if there is one"


def _sayable(place: Place) -> bool:
    """Whether a path can lead there."""
    keys = [key for key in place if isinstance(key, str)]
    return all(key and not re.search(r"[.\[\]*\s{]|^\$", key) for key in keys)


@dataclass
class _Series:
    """The texts at one place, in the frames of one kind."""

    kind: str | None
    place: Place
    texts: list[str] = field(default_factory=list)

    @property
    def is_growing(self) -> bool:
        """Whether each text is all of the text so far."""
        said = [text for text in self.texts if text]
        return len(set(said)) > 1 and all(after.startswith(before) for before, after in pairwise(said))

    @property
    def whole(self) -> str:
        return self.texts[-1] if self.is_growing else "".join(self.texts)

    def score(self) -> float:
        """How much it is like the text of an answer."""
        said = [text for text in self.texts if text]
        names = [key for key in self.place if isinstance(key, str)]
        name = names[-1] if names else ""
        if not said or (_NO_TEXT.fullmatch(name) and len(names) > 0):
            return 0.0
        if len(said) > 3 and len(set(said)) == 1:
            return 0.0  # the same in every frame
        points = float(min(len(self.whole), 2000))
        points *= 3.0 if _TEXTS.fullmatch(name) else 1.0
        points *= 0.2 if any(map(_REASONING.fullmatch, (*names, self.kind or ""))) else 1.0
        points *= 0.1 if _NO_PROSE.fullmatch(self.whole) else 1.0
        # What comes in pieces is said once more, whole, by some last frame.
        return points * (1.5 if len(said) > 1 else 1.0)


class _Reader:
    """The frames of one reply, as values."""

    def __init__(self, codec: str, values: list[tuple[Frame, Any]], unwrap: list[Any], sentinels: list[str]) -> None:
        self._codec = codec
        self._frames = values
        self._unwrap = unwrap
        self._sentinels = sentinels
        self._kind = self._kind_key()
        self._todos: list[str] = []

    def answer(self) -> Answer:
        series = self._series()
        speaking = max(series, key=lambda one: one.score(), default=None)
        response: dict[str, Any] = {"codec": self._codec}
        if self._unwrap:
            response["unwrap"] = self._unwrap
        rules: list[dict[str, Any]] = []
        if speaking is None or speaking.score() == 0:
            self._todos.append("no text was found in the reply: say where it is")
            rules.append({"text": "text"})
        else:
            rules.append(self._text_rule(speaking, series))
        if reasoning := self._reasoning(series, speaking):
            rules.append(reasoning)
        said = self._reasons() | self._counters()
        finishes, counters = said.pop("finishes", {}), said.pop("usage_map", {})
        if "when" not in rules[0] and "for" not in rules[0]:
            rules[0] |= said
        elif said:
            rules.append(said)
        response["rules"] = rules
        end = self._end("finish" in said)
        if end is not None:
            response["end"] = end
        if finishes:
            response["finish"] = finishes
        elif "finish" not in said:
            response["finish"] = {"missing": "stop"}
        if counters:
            response["usage"] = counters
        return Answer(response, tuple(self._todos))

    # --- what tells frames apart ---

    def _kind_key(self) -> str | None:
        """`event` for the names of events, else the key whose texts sort the frames; None where nothing does."""
        if len({frame.event for frame, _ in self._frames}) > 1:
            return "event"
        for key in _KINDS:
            said = [value.get(key) if isinstance(value, dict) else None for _, value in self._frames]
            distinct = {text for text in said if isinstance(text, str)}
            if (
                1 < len(distinct) <= max(2, len(said) // 2 + 1)
                and sum(isinstance(t, str) for t in said) > len(said) / 2
            ):
                return f".{key}"
        return None

    def _kind_of(self, frame: Frame, value: Any) -> str | None:
        if self._kind is None:
            return None
        said = frame.event if self._kind == "event" else value.get(self._kind[1:]) if isinstance(value, dict) else None
        return said if isinstance(said, str) else None

    def _when(self, kind: str | None) -> dict[str, Any]:
        assert self._kind is not None
        return {"event" if self._kind == "event" else self._kind[1:]: kind}

    def _series(self) -> list[_Series]:
        found: dict[tuple[str | None, Place], _Series] = {}
        for frame, value in self._frames:
            kind = self._kind_of(frame, value)
            for place, leaf in walk(value, ()):
                if isinstance(leaf, str) and _sayable(place):
                    found.setdefault((kind, place), _Series(kind, place)).texts.append(leaf)
        return list(found.values())

    # --- what the rules say ---

    def _text_rule(self, speaking: _Series, series: list[_Series]) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        rivals = [one for one in series if one.place == speaking.place and one.kind != speaking.kind and any(one.texts)]
        if rivals and speaking.kind is not None:
            rule["when"] = self._when(speaking.kind)
        if (items := self._items(speaking, series)) is not None:
            rule |= {"for": dotted((*items[0], "*")), "text": dotted(items[1])}
            return rule
        path = dotted(speaking.place)
        if speaking.is_growing and len(set(speaking.texts) - {""}) == 2:
            self._todos.append(
                "of two texts the second begins with the first: whether each is all of the text is a guess"
            )
        rule["text"] = {"path": path, "mode": "cumulative"} if speaking.is_growing else path
        return rule

    def _items(self, speaking: _Series, series: list[_Series]) -> tuple[Place, Place] | None:
        """Where the text stands in several items of one list: the list, and the place in an item."""
        for position, key in enumerate(speaking.place):
            if type(key) is not int:
                continue
            before, behind = speaking.place[:position], speaking.place[position + 1 :]
            others = [
                one
                for one in series
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

    def _reasoning(self, series: list[_Series], speaking: _Series | None) -> dict[str, Any] | None:
        for one in series:
            names = [key for key in one.place if isinstance(key, str)]
            is_named = any(map(_REASONING.fullmatch, names)) or bool(one.kind and _REASONING.fullmatch(one.kind))
            if one is speaking or not is_named or not one.whole or not (names and not _NO_TEXT.fullmatch(names[-1])):
                continue
            shared = any(other.place == one.place and other.kind != one.kind for other in series)
            rule = {"when": self._when(one.kind)} if shared and one.kind is not None else {}
            path = dotted(one.place)
            return rule | {"reasoning": {"path": path, "mode": "cumulative"} if one.is_growing else path}
        return None

    def _reasons(self) -> dict[str, Any]:
        """Where the reason of the end is, and what its words mean."""
        for _, value in reversed(self._frames):
            for place, leaf in walk(value, ()):
                key = place[-1] if place else ""
                if (
                    isinstance(leaf, str)
                    and leaf
                    and isinstance(key, str)
                    and _FINISH.fullmatch(key)
                    and _sayable(place)
                ):
                    words = self._words(place)
                    unknown = [word for word in words if word.lower() not in FINISHES]
                    for word in unknown:
                        self._todos.append(f"what the finish reason '{word}' means is a guess")
                    return {"finish": dotted(place), "finishes": {w: FINISHES.get(w.lower(), "stop") for w in words}}
        return {}

    def _words(self, place: Place) -> list[str]:
        from .conversation import at

        said = (at(value, place) for _, value in self._frames)
        return list(dict.fromkeys(word for word in said if isinstance(word, str) and word))

    def _counters(self) -> dict[str, Any]:
        """Where the counters of tokens are: those of the last frame that has some."""
        for _, value in reversed(self._frames):
            for place, leaf in walk(value, ()):
                if not isinstance(leaf, dict) or not _sayable(place):
                    continue
                found: dict[str, str] = {}
                for inner, number in walk(leaf, ()):
                    key = inner[-1] if inner else ""
                    if isinstance(number, int) and isinstance(key, str) and _COUNTER.fullmatch(key) and len(inner) <= 2:
                        name = next((name for name, pattern in _COUNTERS if pattern.fullmatch(key)), None)
                        if name is not None and _sayable(inner):
                            found.setdefault(name, dotted(inner))
                if {"input_tokens", "output_tokens"} <= found.keys() and len(place) <= 3:
                    order = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
                    counters = {name: found[name] for name in order if name in found}
                    return {"usage": dotted(self._deepest(place, counters)), "usage_map": self._below(place, counters)}
        return {}

    def _deepest(self, place: Place, counters: Mapping[str, str]) -> Place:
        """The innermost map that holds all counters."""
        heads = {path.split(".")[0] for path in counters.values()}
        if len(heads) == 1 and all("." in path for path in counters.values()):
            return (*place, heads.pop())
        return place

    def _below(self, place: Place, counters: dict[str, str]) -> dict[str, str]:
        if self._deepest(place, counters) == place:
            return counters
        return {name: path.partition(".")[2] for name, path in counters.items()}

    def _end(self, has_finish: bool) -> Any:
        if self._codec == "json":
            return None
        if self._sentinels:
            return self._sentinels[-1]
        frame, last = self._frames[-1]
        before = self._frames[:-1]
        if has_finish:
            return "finish"
        if isinstance(last, dict):
            for place, leaf in walk(last, ()):
                key = place[-1] if place else ""
                if leaf is True and isinstance(key, str) and _DONE.fullmatch(key) and _sayable(place):
                    return [{"path": dotted(place), "equals": True}]
        kind = self._kind_of(frame, last)
        if kind is not None and all(self._kind_of(*one) != kind for one in before):
            return self._when(kind) if self._kind == "event" else {"path": self._kind[1:], "equals": kind}  # type: ignore[index]
        self._todos.append(_NO_END)
        return "body"
