"""One answer as it grows: rules write into it, events come out of it, and in the end it is a ChatResponse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from .blocks import Blocks, Carried, Slot
from .calls import NO_CALL, ToolCalls
from .characters import Characters, half_at_end, printable, rest_of
from .counters import Counters, merged
from .errors import DecodeError
from .events import DELTAS, Event, Finish, FinishReason, TextDelta, Usage
from .keeps import NOTHING_MORE, Keeps
from .likeness import TRIES, Likeness
from .messages import Adjustment, ChatResponse
from .paths import MISSING
from .runs import Run
from .spec import Response
from .think import NEVER, ThinkSplitter


class _Channel:
    """The pieces of one kind of text, in runs: a run belongs to one block, whose run it is too.

    A cumulative text has its last value, and half a character that ended it.
    """

    __slots__ = ("characters", "half", "last", "runs")

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.characters = Characters()
        self.last = ""
        self.half = ""


class _Channels(dict[str, _Channel]):
    """By their kinds those that something was said in: most answers have one."""

    def __missing__(self, kind: str) -> _Channel:
        return self.setdefault(kind, _Channel())


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that a rule read: what it says of it, and where a frame tells more."""

    value: Any
    kind: str | None = None
    message: Any = None
    code: Any = None


class Answer:
    """What has been read so far. `events` holds what was read since `take()` was last called.

    `runs` are the lists that the next piece of `run_kind` in the slot `run_slot` may be put into with no more ado,
    beside its event: what compiled rules do. While anything is unusual, `run_kind` is no kind, and `add` knows what
    to do. Where tags split the text, a piece of it without `run_mark` is a `run_event`.
    """

    def __init__(
        self,
        response: Response,
        keeps: Keeps = NOTHING_MORE,
        provider: str = "",
        counters: Counters | None = None,
    ) -> None:
        self._response = response
        self._counters = counters if counters is not None else Counters(response.usage)
        self._provider = provider
        self._channels = _Channels()
        self.events: list[Event] = []
        self.runs: tuple[Run, ...] = ()
        self.run_kind = ""
        self.run_mark = NEVER
        self.run_event: type[Event] = TextDelta
        self.run_slot: Slot | None = None
        self.like: Likeness | None = None
        """What the frames are like that tell the next piece of a text; None behind one that told anything else."""
        self.tries = TRIES
        """How often that may still be learnt before it pays."""
        self._usage: dict[str, Any] = {}
        self._normalised: Usage | None = None
        self.finish_raw: str | None = None
        """Why the answer ended, in the API's words, once it has said so."""
        self.id: str | None = None
        self.model: str | None = None
        self._calls = ToolCalls()
        self.open_call = NO_CALL
        """The call that a piece of arguments with its key, and nothing beside them, goes on."""
        self._slots: dict[Any, Slot] = {}
        self.last_slot = Slot(None)
        """The one that the last frame belonged to."""
        self._think = ThinkSplitter(response.think) if response.think is not None else None
        self._blocks = Blocks() if keeps.blocks else None
        self._said: dict[str, Run] | None = {} if keeps.said else None
        self.retold: dict[tuple[int, str], int | None] = {}  # how far a frame tells again what was said
        self.has_ended = False
        """Whether a rule has read that this is the end."""
        self.refused: Refused | None = None
        """The error that a rule has read."""

    def add(self, kind: str, value: Any, slot: Slot | None = None) -> None:
        """The next piece of a kind of text. What is no text says nothing and is passed over."""
        if type(value) is not str or not value:
            if value == "" and self._blocks is not None and kind != "refusal":
                self._blocks.add_empty(kind, slot)
            return
        told = self._told(kind, slot)
        for said in told:
            said.add(value)
        if self._think is not None and kind == "text":
            self._split(self._think, value, slot)
        else:
            self._give(kind, value, slot)
        if told and self.run_kind:
            self.runs += told

    def _split(self, think: ThinkSplitter, value: str, slot: Slot | None) -> None:
        """The next piece of a text that holds reasoning between tags."""
        part = self.run_kind = ""
        for part, piece in think.feed(value):
            self._give(part, piece, slot)
        mark = think.mark
        if self.run_kind and part == think.kind and mark is not None:
            self.run_kind, self.run_mark, self.run_event = "text", mark, DELTAS[part]
        else:
            self.run_kind = ""

    def _told(self, kind: str, slot: Slot | None) -> tuple[Run, ...]:
        """Where texts are kept as the API said them: all of the answer's, and those of the slot."""
        if self._said is None:
            return ()
        all_told = self._said.setdefault(kind, Run())
        return (all_told,) if slot is None else (all_told, slot.said.setdefault(kind, Run()))

    def _give(self, kind: str, value: str, slot: Slot | None = None) -> None:
        characters = self._channels[kind].characters
        value = characters.feed(value)
        self.run_kind = ""
        if not value:
            return
        run = self._run(kind, slot)
        run.add(value)
        self.events.append(DELTAS[kind](value))
        if not characters.has_half:
            self.runs, self.run_kind, self.run_slot = (run,), kind, slot

    def _run(self, kind: str, slot: Slot | None) -> Run:
        """The run that the next piece belongs to: the last of its kind, unless that is another block's."""
        runs = self._channels[kind].runs
        block = self._blocks.of_text(kind, slot) if self._blocks is not None and kind != "refusal" else None
        if runs and (block is None or (block.runs and block.runs[-1] is runs[-1])):
            return runs[-1]
        runs.append(Run())
        if block is not None:
            block.runs.append(runs[-1])
        return runs[-1]

    def add_final(self, kind: str, value: Any, slot: Slot | None = None) -> None:
        """All of the text of the slot, without one all of the answer's: what is missing of it is the next piece.

        Several values in one frame are its parts, one behind the other. A value that does not go on from what came is
        passed over, and so are the parts behind it: it says it in other words.
        """
        if type(value) is not str or self._said is None:
            return
        place = (id(slot), kind)
        told = self.retold.get(place, 0)
        if told == _ALL:
            self.add(kind, value, slot)
        elif told is not None:
            said = (self._said if slot is None else slot.said).setdefault(kind, Run())
            start = said.start(told + 2 * len(value) + 1)  # a character of the value may be two halves in what was said
            if start.startswith(value, told):
                self.retold[place] = told + len(value)
                return
            rest = rest_of(value, start[told:])
            self.retold[place] = None if rest is None else _ALL
            self.add(kind, rest, slot)

    def begin_frame(self) -> None:
        """What follows is another frame: it begins anew where it tells again what was said."""
        self.retold.clear()

    def add_cumulative(self, kind: str, value: Any, slot: Slot | None = None) -> None:
        """All of the text so far; its new end is the next piece. Raises DecodeError when it does not go on."""
        if type(value) is not str:
            return
        channel = self._channels[kind]
        # Half a character at the end is another character, or its other half, when the value comes again.
        half = half_at_end(value)
        whole = printable(value.removesuffix(half))
        if not whole.startswith(channel.last):
            raise DecodeError(f"the {kind} is said to be cumulative, but it does not begin with what came before")
        self.add(kind, whole[len(channel.last) :], slot)
        channel.last, channel.half = whole, half

    def slot(self, key: Any, kind: Any, parent: Slot | None = None) -> Slot:
        """The block that a frame belongs to; one in another block (`parent`) has its key within that.

        A frame that tells no key belongs to the last block, or opens one of its own when it tells a kind. A block's
        kind is what was told last; a frame that tells none takes nothing back.
        """
        key = None if isinstance(key, dict | list) or key is MISSING or key == "" else key
        kind = kind if isinstance(kind, str) else ""
        if key is not None:
            key = key if parent is None or parent.key is None else (parent.key, key)
            found = self._slots.get(key)
            if found is None:
                found = self._slots[key] = Slot(key, parent=parent)
            self.last_slot = found
        elif kind:
            self.last_slot = Slot(None, parent=parent)
        self.last_slot.kind = kind or self.last_slot.kind
        return self.last_slot

    def add_call(self, key: Any, slot: Slot | None = None, **fragment: Any) -> None:
        """A fragment of a tool call."""
        delta = self._calls.add(key, **fragment)
        if delta is not None:
            self.events.append(delta)
        if self._calls.touched is None:
            return
        self.open_call = self._calls.open_call or NO_CALL
        if self._blocks is not None:
            self.run_kind = ""
            self._blocks.add_call(self._calls.touched, slot)

    def begin_carry(self) -> None:
        """An application of a rule that carries something begins."""
        if self._blocks is not None:
            self.run_kind, self.open_call = "", NO_CALL
            self._blocks.begin_carry()

    def carry(self, values: Mapping[str, Carried], slot: Slot | None) -> None:
        """What it carries, now that what it reads has been read."""
        if self._blocks is not None:
            self.run_kind = ""
            self._blocks.carry(values, slot)

    def add_usage(self, value: Any) -> None:
        """A map of counters; later ones replace earlier ones key by key."""
        if isinstance(value, dict):
            merged(self._usage, value)
            self._normalised = None

    def add_usage_of(self, other: Answer) -> None:
        """The counters of another answer, as later ones."""
        merged(self._usage, other._usage)
        self._normalised = None

    def add_meta(self, name: str, value: Any) -> None:
        """The answer's id or the model's name; a number is text here."""
        if type(value) is int or (type(value) is str and value):
            setattr(self, name, printable(str(value)))

    def add_finish(self, value: Any) -> None:
        """Why the answer ended, in the API's words; the last that says something counts."""
        if value is None or value is MISSING or value == "" or isinstance(value, dict | list):
            return
        raw = str(value).lower() if isinstance(value, bool) else printable(str(value))
        table = self._response.finish
        if table.get(raw, table.get("default", raw)) is not None:
            self.finish_raw = raw

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    def settle(self) -> None:
        """Make the last events: what was held back, halves of characters as U+FFFD, usage, and the finish.

        Raises DecodeError for a tool call whose arguments are no JSON, unless the finish is `length`.
        """
        for kind in DELTAS:
            if kind in self._channels and (half := self._channels[kind].half):
                self.add(kind, half)
        for part, piece in self._think.finish() if self._think is not None else ():
            self._give(part, piece)
        for kind in DELTAS:
            if kind in self._channels and (half := self._channels[kind].characters.finish()):
                self._give(kind, half)
        self.events += self._calls.finish()
        finish = self.finish
        self._calls.settled(cut=finish == "length")
        if self._usage:
            self.events.append(self.usage)
        self.events.append(Finish(finish, self.finish_raw))

    @property
    def usage(self) -> Usage:
        """The counters, normalised."""
        if self._normalised is None:
            self._normalised = self._counters.usage(self._usage)
        return self._normalised

    @property
    def finish(self) -> FinishReason:
        """Why the answer ended, in our words."""
        table = self._response.finish
        if self.finish_raw is None:
            reason = table.get("missing", "unknown")
        elif table:
            reason = table.get(self.finish_raw, table.get("default", "unknown"))
        else:
            reason = self.finish_raw if self.finish_raw in SAME_WORDS else "unknown"
        if reason == "stop" and self._calls:
            reason = table.get("with_tools", reason)
        return reason or "unknown"  # type: ignore[return-value]

    def response(self, adjustments: tuple[Adjustment, ...] = ()) -> ChatResponse:
        """The answer so far as a value."""
        texts = {kind: "".join(chain.from_iterable(channel.runs)) for kind, channel in self._channels.items()}
        return ChatResponse(
            text=texts.get("text", ""),
            reasoning=texts.get("reasoning", ""),
            refusal=texts.get("refusal", ""),
            tool_calls=self._calls.so_far(),
            finish=self.finish,
            finish_raw=self.finish_raw,
            usage=self.usage,
            id=self.id,
            model=self.model,
            adjustments=adjustments,
            replay=self._blocks.replay(self._provider) if self._blocks is not None else None,
        )


_ALL: Final = -1
"""All that was said has been told again: what follows is new."""

SAME_WORDS = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""Finish reasons that mean the same in an API that the file says nothing about."""
