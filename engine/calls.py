"""The tool calls of an answer as they grow out of fragments: which call a fragment belongs to, and what is new in it.

The identity rule fits every API whose streams are known: the key is the index where there is one, else the id; a new
call begins when its key has not been seen, or when a fragment has a name and an id that no call of that index has.
A fragment with neither goes on with the last call. `""` and null mean absent. Where no call has an id, a name behind
arguments that came whole begins a new one. Arguments that are an object are whole: told again, they say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .characters import Characters, printable, quoted
from .errors import DecodeError
from .events import ToolCallDelta
from .json_text import is_json
from .messages import ToolCall
from .patches import Patched
from .runs import Run

if TYPE_CHECKING:
    from .blocks import Block

Key = int | float | str | tuple[Any, ...]


class Call:
    """A call as it grows. `block` is the block of the answer that it is."""

    __slots__ = (
        "block",
        "characters",
        "fragments",
        "given_id",
        "id",
        "is_raw",
        "is_whole",
        "key",
        "name",
        "number",
        "patched",
        "pieces",
    )

    def __init__(self, key: Any) -> None:
        self.number = -1  # among the calls that have a name
        self.key = key
        self.id = ""
        self.given_id = ""
        self.name = ""
        self.pieces = Run()  # of the arguments
        self.fragments = 0
        self.characters = Characters()
        self.is_raw = False
        self.is_whole = False  # arguments that came as an object: nothing can go on from them
        self.block: Block | None = None
        self.patched: Patched | None = None  # arguments that come as writes at places

    @property
    def arguments(self) -> str:
        """What has come of them as text."""
        return self.pieces.text

    def go_on(self, text: str) -> ToolCallDelta:
        """Take the next piece of the arguments of an open call."""
        self.fragments += 1
        self.pieces.add(text)
        return ToolCallDelta(self.number, None, None, text)


NO_CALL = Call(object())
"""A call that no fragment belongs to: its key is nobody's."""


class ToolCalls:
    """The calls so far, in the order in which their names came; a delta's index is the call's place in it."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._last: Call | None = None
        self.touched: Call | None = None
        """The one that the last fragment belonged to; None when that said nothing."""
        self._known: dict[tuple[Any, str], Call] = {}
        """By (key, id), by (key, "") the last of a key, and by (None, id) for fragments that leave the key out."""

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(
        self,
        key: Any,
        *,
        id: Any = None,
        name: Any = None,
        arguments: Any = None,
        is_final: bool = False,
        is_raw: bool = False,
        patches: Iterable[tuple[Any, Any]] = (),
    ) -> ToolCallDelta | None:
        """A fragment; what is new in it, or None.

        `is_final` says that `arguments` is all of them, `is_raw` that they are free text and no JSON. `patches` are
        pairs of a place in the arguments and a value; such arguments are given when they are whole.
        """
        key, call_id, call_name, text = _key(key), _word(id), _word(name), _arguments_text(arguments)
        patches = tuple(patches)
        self.touched = None
        if not (call_id or call_name or text or patches):
            return None
        call = self._find(key, call_id, call_name)
        if call is None:
            if key is None and not (call_id or call_name):
                return None
            call = self._begin(key)
        self._last = self.touched = call
        call.is_raw = call.is_raw or is_raw
        self._identify(call, call_id)
        is_first = not call.name and bool(call_name)
        if is_first:
            self._name(call, call_name)
        for place, value in patches:
            call.patched = call.patched or Patched()
            call.patched.write(place, value)
        is_object = text != "" and not isinstance(arguments, str)
        new = "" if call.is_whole else _new_arguments(call, text, is_final or is_object)
        call.is_whole = call.is_whole or is_object
        call.fragments += text != ""
        return _delta(call, new, is_first=is_first)

    @property
    def open_call(self) -> Call | None:
        """The one that the last fragment belonged to, where whatever has its key and only text goes on with it."""
        call = self.touched
        if call is None or not call.name or call.is_whole or call.patched is not None or call.characters.has_half:
            return None
        return call if self._known.get((call.key, "")) is call else None

    def _find(self, key: Any, call_id: str, name: str) -> Call | None:
        found = self._known.get((key, call_id)) if call_id else None
        if found is not None:
            return found
        if key is None:
            return None if call_id or name else self._last
        last = self._known.get((key, ""))
        if last is None:
            return self._last if self._goes_on_without_key(call_id, name) else None
        return None if _begins_another(last, call_id, name) else last

    def _goes_on_without_key(self, call_id: str, name: str) -> bool:
        """Whether a fragment with a new key belongs to the last call, which had none."""
        return self._last is not None and self._last.key is None and not (call_id or name)

    def _begin(self, key: Any) -> Call:
        call = Call(key)
        if key is not None:
            self._known[key, ""] = call
        return call

    def _name(self, call: Call, name: str) -> None:
        call.name = name
        call.number = len(self._calls)
        call.id = call.given_id or f"call_{call.number}"
        self._calls.append(call)

    def _identify(self, call: Call, call_id: str) -> None:
        if call_id and not call.given_id:
            call.given_id = call_id
            self._known[call.key, call_id] = self._known[None, call_id] = call

    def finish(self) -> list[ToolCallDelta]:
        """Say that no fragment follows: arguments that came as writes, and what halves of characters become."""
        deltas = [_delta(call, _rest(call), is_first=False) for call in self._calls]
        return [delta for delta in deltas if delta is not None]

    def settled(self, *, cut: bool) -> tuple[ToolCall, ...]:
        """The calls as values: arguments are JSON text, an empty one is `{}`, a custom tool's are what they are.

        Raises DecodeError for arguments that are no JSON, unless the answer was cut at its length.
        """
        calls = []
        for call in self._calls:
            arguments = call.arguments or (call.patched.text() if call.patched is not None else "")
            if not call.is_raw:
                arguments = arguments if arguments.strip() not in ("", "null") else "{}"
                if not cut and not is_json(arguments):
                    raise DecodeError(f"the arguments of the tool call {quoted(call.name)} are no whole JSON")
            calls.append(ToolCall(call.id, call.name, arguments))
        return tuple(calls)

    def so_far(self) -> tuple[ToolCall, ...]:
        """The calls as they stand."""
        return self.settled(cut=True)


def _begins_another(last: Call, call_id: str, name: str) -> bool:
    """Whether a fragment begins another call than the last of its key.

    Where no call has an id, it does when it has a name and the arguments before it came whole, in one fragment.
    """
    if last.given_id or call_id:
        return bool(last.given_id and call_id and name)
    return bool(last.name and name) and last.fragments == 1 and is_json(last.arguments)


def _key(value: Any) -> Key | None:
    """What can be an index: a number, a word, or the key of a slot in a slot. All else, true and false too, is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | tuple):
        return None
    return value if value != "" else None


def _word(value: Any) -> str:
    return printable(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _delta(call: Call, new: str, *, is_first: bool) -> ToolCallDelta | None:
    if new:
        call.pieces.add(new)
    if is_first:
        return ToolCallDelta(call.number, call.id, call.name, call.arguments)
    # Fragments that come before the name are given with it.
    return ToolCallDelta(call.number, arguments=new) if new and call.name else None


def _rest(call: Call) -> str:
    """What is still to be given of the arguments. Those that came as text are not overruled by writes."""
    held = call.characters.finish()
    return call.patched.text() if call.patched is not None and not (call.pieces or held) else held


def _new_arguments(call: Call, text: str, is_final: bool) -> str:
    if not is_final:
        return call.characters.feed(text)
    text = printable(text)
    known = call.pieces.start(len(text) + 1)
    if not text.startswith(known):
        return ""
    call.characters = Characters()
    return text[len(known) :]


def _arguments_text(value: Any) -> str:
    """Arguments as text: an object is the JSON of it; an empty one says nothing yet."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) and value else ""
