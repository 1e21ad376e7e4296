"""The blocks of an answer as they grow: runs of reasoning and text, tool calls, and the opaque values that an API wants
to see again with them (signatures, encrypted reasoning). What comes out is what the next call may say again.

A block is what a slot makes; text without a slot goes on with the block before it when that is of its kind. An opaque
value belongs to its slot's block, else to the block that the same application of a rule made, else to the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from .runs import Run

if TYPE_CHECKING:
    from .calls import Call


class Block:
    """A run of one kind of text, or a tool call."""

    __slots__ = ("call", "carry", "kind", "runs")

    def __init__(self, kind: str, call: Call | None = None) -> None:
        self.kind = kind
        self.call = call
        self.runs: list[Run] = []
        self.carry: dict[str, Any] = {}


@dataclass(slots=True)
class Slot:
    """A block that frames belong to: its key, and its kind once a frame has told it.

    `parent` is the slot that it is a part of; `block` is the last that was made in it, `said` its texts by their kind.
    """

    key: Any
    kind: str | None = None
    parent: Slot | None = None
    block: Block | None = None
    said: dict[str, Run] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Carried:
    """An opaque value. A list of maps may come in pieces: those of one `by` are one, the texts at `append` grow."""

    value: Any
    by: tuple[str, ...] = ()
    append: tuple[str, ...] = ()


class Blocks:
    """The blocks so far, in the order in which they began."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._open: Block | None = None  # the one that text without a slot may go on with
        self._made: Block | None = None  # by the rule's application that carries something
        self._before: Block | None = None  # the open one when that began
        self._is_carrying = False
        self._message: dict[str, Any] = {}

    def of_text(self, kind: str, slot: Slot | None) -> Block:
        """The block that the next piece of text belongs to; its pieces are put into its runs."""
        block = self._open if slot is None else slot.block
        if block is None or block.kind != kind:
            block = self._begin(Block(kind), slot)
            self._open = block if slot is None else None
        self._made = block
        return block

    def add_empty(self, kind: str, slot: Slot | None) -> None:
        """A text without a character is a block where it comes with an opaque value, and nothing elsewhere."""
        if self._is_carrying:
            self.of_text(kind, slot)

    def add_call(self, call: Call, slot: Slot | None) -> None:
        """A fragment of a tool call; the call is a block once it has a name."""
        if call.block is None:
            if not call.name:
                return
            call.block = self._begin(Block("tool_call", call), slot)
            self._open = None
        self._made = call.block

    def _begin(self, block: Block, slot: Slot | None) -> Block:
        self._blocks.append(block)
        if slot is not None:
            slot.block = block
            if slot.parent is not None and slot.parent.block is None:
                slot.parent.block = block
        return block

    def begin_carry(self) -> None:
        """What follows until `carry` is one application of a rule: its text is a block of its own."""
        self._before, self._open, self._made = self._open, None, None
        self._is_carrying = True

    def carry(self, values: Mapping[str, Carried], slot: Slot | None) -> None:
        """The opaque values of this application. A slot without a block is one of hidden reasoning."""
        block = self._made if slot is None else slot.block or self._made or self._begin(Block("reasoning"), slot)
        kept = self._message if block is None else block.carry
        for name, carried in values.items():
            kept[name] = _extended(kept.get(name), carried)
        self._open = self._before if block is None else None
        self._is_carrying = False

    def replay(self, provider: str) -> dict[str, Any] | None:
        """The blocks as plain data; None when there is neither reasoning nor an opaque value among them."""
        if not self._message and not any(block.kind == "reasoning" or block.carry for block in self._blocks):
            return None
        blocks = [_plain(block) for block in self._blocks]
        if self._message:
            blocks.append({"type": "message", "carry": _copied(self._message)})
        return {"from": provider, "blocks": blocks}


def _plain(block: Block) -> dict[str, Any]:
    says = {"text": "".join(chain.from_iterable(block.runs))} if block.call is None else {"id": block.call.id}
    carry = {"carry": _copied(block.carry)} if block.carry else {}
    return {"type": block.kind, **says, **carry}


def _copied(carry: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that does not grow with the answer."""
    return {
        name: [_copied_item(item) for item in value] if isinstance(value, list) else value
        for name, value in carry.items()
    }


def _copied_item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {key: value.text if isinstance(value, Run) else value for key, value in item.items()}


class _Items(list[Any]):
    """The items of an opaque list, and those that may go on by what tells them apart: their values at the keys `by`."""

    def __init__(self) -> None:
        super().__init__()
        self.by: tuple[str, ...] = ()
        self.places: dict[tuple[Any, ...] | None, Any] = {}

    def tell_apart(self, by: tuple[str, ...]) -> None:
        """Say by which keys; to be said before `places` is asked."""
        if self.by != by:
            self.by, self.places = by, {_place(item, by): item for item in self}


def _extended(known: Any, carried: Carried) -> Any:
    """A list goes on with the one before it; anything else takes its place."""
    value = carried.value
    if not isinstance(value, list):
        return value
    items = known if isinstance(known, _Items) else _Items()
    if not carried.by:
        items.extend(value)
        items.by = ()
        return items
    items.tell_apart(carried.by)
    for item in value:
        place = _place(item, carried.by)
        earlier = items.places.get(place) if place is not None else None
        if earlier is not None:
            _merge(earlier, item, carried.append)
            continue
        item = dict(item) if isinstance(item, dict) else item
        items.append(item)
        items.places[place] = item
    return items


def _place(item: Any, by: tuple[str, ...]) -> tuple[Any, ...] | None:
    """What tells an item apart; None for one that says nothing of the kind."""
    place = tuple(item.get(key) for key in by) if isinstance(item, dict) else ()
    is_one = all(isinstance(value, str | int | None) for value in place) and any(value is not None for value in place)
    return place if is_one else None


def _merge(earlier: dict[str, Any], piece: Mapping[str, Any], append: Sequence[str]) -> None:
    for key, value in piece.items():
        known = earlier.get(key)
        if key in append and isinstance(known, Run) and isinstance(value, str):
            known.add(value)
        elif key in append and isinstance(known, str) and isinstance(value, str):
            earlier[key] = Run([known, value])
        elif value is not None or key not in earlier:
            earlier[key] = value
