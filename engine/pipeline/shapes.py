"""A turn as the API writes a message: by the file's template for its role, else in the shape of chat completions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ..errors import UnsupportedError
from ..expressions import OMIT, spend
from ..shaping import CONTENT, NAMES, RAW, RENDERED, ROLES, MessageShaping
from ..weight import NotPlainError, Weighed, weight
from .moulds import Mould, NoMouldError, itself
from .parts import PartShaper
from .passes import joined
from .template import Context, Template
from .turn import Part, Turn

MAX_WEIGHT = 2**20
"""A mould that weighs more is no good: it is rendered, and weighed, with each message."""
SPENT_AT_ONCE = 2**16
"""Of the budget for templates, what moulds cost is taken in pieces of this size."""


class TextMould(NamedTuple):
    """What becomes of a message that is one text, what rendering it costs, and what comes of that weighs."""

    fill: Mould
    cost: int
    where: str
    weight: int
    times: int

    @classmethod
    def of(cls, fill: Mould, cost: int, where: str) -> TextMould:
        """A mould, with what it weighs as an item of a list, and how often it says the text."""
        empty, one = (weight([fill(text)], MAX_WEIGHT) for text in ("", "x"))
        return cls(fill, cost, where, empty, one - empty)


class _Shape:
    """One shape, compiled, and the types of part that it has a place for; without a template, that of chats."""

    def __init__(self, tree: Any, where: str, parts: PartShaper) -> None:
        self.template = None if tree is None else Template(tree, where, NAMES["message"])
        reads = frozenset({"content", "tool_calls"}) if self.template is None else self.template.reads
        rendered = frozenset[str]().union(*(RENDERED.get(name, ()) for name in reads))
        self.reads = reads
        self.makers = () if self.template is None else tuple((name, _NAMED[name]) for name in reads)
        self.raw = frozenset(RAW[name] for name in reads if name in RAW)
        self.accepted = self.raw | {kind for kind in rendered if parts.knows(kind)}
        if self.template is None:
            self.accepted |= {"reasoning"}

    def text_mould(self, wire: str, parts: PartShaper) -> TextMould | None:
        """What becomes of a message that is one text; None where that is not always the same."""
        if "text" not in self.accepted:
            return None
        if self.template is None:
            return TextMould.of(lambda text: {"role": wire, "content": text}, 0, "messages")
        open_names: dict[str, Mould] = {"text": itself, "content": itself}
        fixed = {**dict.fromkeys(NAMES["message"] - {*open_names, "parts"}, OMIT), "role": wire, "omit": OMIT}
        try:
            if "parts" in self.reads:
                one = parts.text_mould(wire)
                open_names["parts"] = lambda text: [one(text)]
            cost = self.template.cost + (parts.text_cost if "parts" in self.reads else 0)
            mould = TextMould.of(self.template.mould(fixed, open_names), cost, self.template.where)
        except (NoMouldError, NotPlainError):
            return None
        return mould if mould.weight < MAX_WEIGHT else None


class MessageShaper:
    """The shapes of a file's `messages`."""

    def __init__(self, shaping: MessageShaping, parts: PartShaper) -> None:
        self._parts = parts
        self._roles = shaping.roles
        self._items = frozenset(shaping.items)
        self._shapes = {role: _Shape(tree, f"messages.shapes.{role}", parts) for role, tree in shaping.shapes.items()}
        self._any = self._shapes.get("any") or _Shape(None, "messages", parts)
        self._moulds: dict[str, TextMould | None] = {}
        templates = [shape.template for shape in self._shapes.values() if shape.template is not None]
        self.outer = parts.outer.union(*(template.outer for template in templates))
        """The names of the call that the templates use."""

    def messages(self, turns: list[Turn], context: Context) -> Weighed:
        """The messages as the API writes them. Raises UnsupportedError for what it cannot take."""
        entries: list[Any] = []
        owed = texts = size = 0
        for turn in turns:
            if turn.text is not None and turn.name is None:
                mould = self._moulds[turn.role] if turn.role in self._moulds else self._text_mould(turn.role)
                if mould is not None:
                    owed += mould.cost
                    if owed > SPENT_AT_ONCE:
                        spend(owed, mould.where)
                        owed = 0
                    entries.append(mould.fill(turn.text))
                    size += mould.weight + mould.times * len(turn.text)
                    texts += 1
                    continue
            if self._items and any(part.type in self._items for part in turn.parts):
                entries.extend(self._split(turn, context))
            else:
                entries.extend(self._message(self._shapes.get(turn.role, self._any), turn, context))
        spend(owed, "messages")  # for the last few
        return Weighed(entries, size if texts == len(entries) else None)

    def _text_mould(self, role: str) -> TextMould | None:
        """The mould for the texts of a role; one of the caller's own invention has none."""
        if role not in ROLES:
            return None
        shape = self._shapes.get(role, self._any)
        mould = None if "text" in self._items else shape.text_mould(self._roles.get(role, role), self._parts)
        self._moulds[role] = mould
        return mould

    def _split(self, turn: Turn, context: Context) -> Iterator[Any]:
        for kind, run in groupby(turn.parts, lambda part: part.type if part.type in self._items else None):
            some = turn.replaced(tuple(run))
            if kind is None and all(part.type == "text" and not part.values["text"] for part in some.parts):
                continue  # callers write "" beside calls, where chat completions have one message for both
            if kind is None:
                yield from self._message(self._shapes.get(turn.role, self._any), some, context)
            elif kind in self._shapes:
                yield from self._message(self._shapes[kind], some, context)
            else:
                yield from self._single(some, kind, context)

    def system(self, parts: Sequence[Part], context: Context) -> Any:
        """The name `system`: one text, or the parts where a caller wrote more than texts and the file can say it."""
        if not parts:
            return OMIT
        if self._parts.keeps_extra and any("extra" in part.values for part in parts):
            return [self._parts.render(part, self._roles.get("system", "system"), context) for part in parts]
        return joined(parts, context)

    def _single(self, turn: Turn, kind: str, context: Context) -> Iterator[Any]:
        """Parts that are entries of their own."""
        wire = self._roles.get(turn.role, turn.role)
        accepted = frozenset({kind} if self._parts.knows(kind) else ())
        for part in self._parts.settled(turn.parts, accepted, wire, context):
            if part.type == "tool_result":
                self._parts.check_result(part, wire, context)
            entry = self._parts.render(part, wire, context)
            if entry is not OMIT:
                yield entry

    def _message(self, shape: _Shape, turn: Turn, context: Context) -> tuple[Any, ...]:
        """One message, or none where no part of it is sent."""
        wire = self._roles.get(turn.role, turn.role)
        if shape.template is None and turn.role == "tool":
            return (self._own_result(turn, wire, context),)
        parts: Sequence[Part] = turn.parts
        for part in turn.parts:
            if part.type == "tool_result":
                self._parts.check_result(part, wire, context)
            if part.type not in shape.accepted:
                parts = self._parts.settled(turn.parts, shape.accepted, wire, context)
                if not parts:
                    return ()
                break
        if shape.template is None:
            return (self._own(parts, turn, wire, context),)
        return (self._shaped(shape, shape.template, parts, turn, wire, context),)

    def _shaped(
        self, shape: _Shape, template: Template, parts: Sequence[Part], turn: Turn, wire: str, context: Context
    ) -> Any:
        names = {name: make(self._parts, parts, turn, wire, context) for name, make in shape.makers}
        entry = template.render(names, context)
        if entry is OMIT:
            raise UnsupportedError(f"{context.owner} has no way to say {turn.place}, a message of the role {wire}")
        if turn.extra and "extra" not in shape.reads:
            context.dropped("messages", dict(turn.extra))
        if turn.name is not None and turn.role != "tool" and "name" not in shape.reads:
            context.dropped("messages", {"name": turn.name})
        return entry

    # --- the shape of chat completions ---

    def _own(self, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> dict[str, Any]:
        content = [part for part in parts if part.type in CONTENT]
        data: dict[str, Any] = {"role": wire, "content": self._parts.content(content, wire, context)}
        if turn.name is not None:
            data["name"] = turn.name
        named = {"reasoning_content": _reasoning, "tool_calls": _only("tool_call")}
        for key, make in named.items():
            value = make(self._parts, parts, turn, wire, context)
            if value is not OMIT:
                data[key] = value
        return data | {key: value for key, value in turn.extra.items() if key not in data}

    def _own_result(self, turn: Turn, wire: str, context: Context) -> dict[str, Any]:
        (part,) = turn.parts
        content = self._parts.content(self._parts.inner(part, wire, context), wire, context)
        data: dict[str, Any] = {"role": wire, "content": "" if content is None else content}
        if turn.name is not None:
            data["name"] = turn.name
        data["tool_call_id"] = part.values["id"]
        return data | {key: value for key, value in turn.extra.items() if key not in data}


# --- the names of a shape ---

Maker = Callable[[PartShaper, Sequence[Part], Turn, str, Context], Any]


def _text(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
    texts = [part.values["text"] for part in parts if part.type == "text"]
    return "\n".join(texts) if texts else OMIT


def _reasoning(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
    return "".join(part.values["text"] for part in parts if part.type == "reasoning") or OMIT


def _all(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
    rendered = (shaper.render(part, wire, context) for part in parts if shaper.knows(part.type))
    return [part for part in rendered if part is not OMIT]


def _only(kind: str) -> Maker:
    def make(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
        return [shaper.render(part, wire, context) for part in parts if part.type == kind] or OMIT

    return make


def _content(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
    return shaper.content([part for part in parts if part.type in CONTENT], wire, context)


def _result(shaper: PartShaper, parts: Sequence[Part], turn: Turn, wire: str, context: Context) -> Any:
    return next((dict(part.values) for part in parts if part.type == "tool_result"), OMIT)


_NAMED: Mapping[str, Maker] = {
    "role": lambda shaper, parts, turn, wire, context: wire,
    "name": lambda shaper, parts, turn, wire, context: OMIT if turn.name is None else turn.name,
    "text": _text,
    "parts": _all,
    "content": _content,
    "images": _only("image"),
    "tool_calls": _only("tool_call"),
    "tool_results": _only("tool_result"),
    "result": _result,
    "reasoning": _reasoning,
    "carry": lambda shaper, parts, turn, wire, context: turn.carry or OMIT,
    "extra": lambda shaper, parts, turn, wire, context: turn.extra or OMIT,
}
"""What each name of a shape holds."""
