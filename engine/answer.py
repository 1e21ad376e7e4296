"""One answer as it grows: rules write into it, events come out of it, and in the end it is a ChatResponse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .calls import ToolCalls
from .characters import Characters, half_at_end, printable
from .errors import DecodeError
from .events import Event, Finish, FinishReason, ReasoningDelta, RefusalDelta, TextDelta, Usage
from .messages import Adjustment, ChatResponse
from .paths import MISSING, first_of
from .spec import Response, UsageMap
from .think import ThinkSplitter

DELTAS: Final[Mapping[str, type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta]]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
}
"""The kinds of text that an answer has, and the event of each."""


class _Channel:
    """The pieces of one kind of text. A cumulative one has its last value, and half a character that ended it."""

    __slots__ = ("characters", "half", "last", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.characters = Characters()
        self.last = ""
        self.half = ""


@dataclass(slots=True)
class Slot:
    """A block that frames belong to: its key, and its kind once a frame has told it."""

    key: Any
    kind: str | None = None


class Answer:
    """What has been read so far. `events` holds what was read since `take()` was last called."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._channels = {kind: _Channel() for kind in DELTAS}
        self._events: list[Event] = []
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        self.meta: dict[str, str] = {}
        self._calls = ToolCalls()
        self._slots: dict[Any, Slot] = {}
        self._slot = Slot(None)  # the last that a frame belonged to
        self._think = ThinkSplitter(response.think) if response.think is not None else None

    def add(self, kind: str, value: Any) -> None:
        """The next piece of a kind of text. What is no text says nothing and is passed over."""
        if type(value) is not str or not value:
            return
        if self._think is not None and kind == "text":
            for part, piece in self._think.feed(value):
                self._give(part, piece)
            return
        self._give(kind, value)

    def _give(self, kind: str, value: str) -> None:
        channel = self._channels[kind]
        value = channel.characters.feed(value)
        if value:
            channel.pieces.append(value)
            self._events.append(DELTAS[kind](value))

    def add_cumulative(self, kind: str, value: Any) -> None:
        """All of the text so far; its new end is the next piece. Raises DecodeError when it does not go on."""
        if type(value) is not str:
            return
        channel = self._channels[kind]
        # Half a character at the end is another character, or its other half, when the value comes again.
        half = half_at_end(value)
        whole = printable(value.removesuffix(half))
        if not whole.startswith(channel.last):
            raise DecodeError(f"the {kind} is said to be cumulative, but it does not begin with what came before")
        self.add(kind, whole[len(channel.last) :])
        channel.last, channel.half = whole, half

    def slot(self, key: Any, kind: Any) -> Slot:
        """The block that a frame belongs to.

        A frame that tells no key belongs to the last block, or opens one of its own when it tells a kind. A block's
        kind is what was told last; a frame that tells none takes nothing back.
        """
        key = None if isinstance(key, dict | list) or key is MISSING or key == "" else key
        kind = kind if isinstance(kind, str) else ""
        if key is not None:
            self._slot = self._slots.setdefault(key, Slot(key))
        elif kind:
            self._slot = Slot(None)
        self._slot.kind = kind or self._slot.kind
        return self._slot

    def add_call(self, key: Any, **fragment: Any) -> None:
        """A fragment of a tool call."""
        delta = self._calls.add(key, **fragment)
        if delta is not None:
            self._events.append(delta)

    def add_usage(self, value: Any) -> None:
        """A map of counters; later ones replace earlier ones key by key, save that null takes nothing back."""
        if isinstance(value, dict):
            known = self._usage
            known.update({key: count for key, count in value.items() if count is not None or key not in known})

    def add_meta(self, name: str, value: Any) -> None:
        """The answer's id or the model's name; a number is text here."""
        if type(value) is int or (type(value) is str and value):
            self.meta[name] = printable(str(value))

    def add_finish(self, value: Any) -> None:
        """Why the answer ended, in the API's words; the last that says something counts."""
        if value is None or value is MISSING or value == "" or isinstance(value, dict | list):
            return
        raw = str(value).lower() if isinstance(value, bool) else printable(str(value))
        table = self._response.finish
        if table.get(raw, table.get("default", raw)) is not None:
            self._finish = raw

    @property
    def is_finished(self) -> bool:
        """Whether the API has said why the answer ended."""
        return self._finish is not None

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self._events = self._events, []
        return events

    def settle(self) -> None:
        """Make the last events: what was held back, halves of characters as U+FFFD, usage, and the finish.

        Raises DecodeError for a tool call whose arguments are no JSON, unless the finish is `length`.
        """
        for kind, channel in self._channels.items():
            self.add(kind, channel.half)
        for part, piece in self._think.finish() if self._think is not None else ():
            self._give(part, piece)
        for kind, channel in self._channels.items():
            self._give(kind, channel.characters.finish())
        self._events += self._calls.finish()
        self._calls.settled(cut=self.finish == "length")
        if self._usage:
            self._events.append(self.usage)
        self._events.append(Finish(self.finish, self._finish))

    @property
    def usage(self) -> Usage:
        """The counters, normalised."""
        return _normalised(self._response.usage, self._usage)

    @property
    def finish(self) -> FinishReason:
        """Why the answer ended, in our words."""
        table = self._response.finish
        if self._finish is None:
            reason = table.get("missing", "unknown")
        elif table:
            reason = table.get(self._finish, table.get("default", "unknown"))
        else:
            reason = self._finish if self._finish in _SAME_WORDS else "unknown"
        if reason == "stop" and self._calls:
            reason = table.get("with_tools", reason)
        return reason or "unknown"  # type: ignore[return-value]

    def response(self, adjustments: tuple[Adjustment, ...] = ()) -> ChatResponse:
        """The answer so far as a value."""
        texts = {kind: "".join(channel.pieces) for kind, channel in self._channels.items()}
        return ChatResponse(
            text=texts["text"],
            reasoning=texts["reasoning"],
            refusal=texts["refusal"],
            tool_calls=self._calls.so_far(),
            finish=self.finish,
            finish_raw=self._finish,
            usage=self.usage,
            id=self.meta.get("id"),
            model=self.meta.get("model"),
            adjustments=adjustments,
        )


_SAME_WORDS = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""Finish reasons that mean the same in an API that the file says nothing about."""


def _count(value: Any) -> int | None:
    """A counter; numbers in text are numbers, anything else says nothing, and so does one below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = int(value)
    except (ValueError, OverflowError):
        return None
    return count if count >= 0 else None


def _normalised(usage_map: UsageMap, raw: Mapping[str, Any]) -> Usage:
    counts = {name: _count(first_of(paths)(dict(raw))) for name, paths in usage_map.counters.items()}
    written = _count(first_of(usage_map.cache_write_tokens)(dict(raw)))
    totals = (
        (usage_map.input_excludes_cached, "input_tokens", (counts.get("cached_input_tokens"), written)),
        (usage_map.output_excludes_reasoning, "output_tokens", (counts.get("reasoning_tokens"),)),
    )
    for excludes, total, parts in totals:
        whole = counts.get(total)
        if excludes and whole is not None:
            counts[total] = whole + sum(part or 0 for part in parts)
    return Usage(**counts, raw=dict(raw))
