"""The tool calls of an answer as they grow out of fragments: which call a fragment belongs to, and what is new in it.

The identity rule fits every API whose streams are known: the key is the index where there is one, else the id; a new
call begins when its key has not been seen, or when a fragment has a name and an id that differs from the stored one.
`""` and null mean absent.
"""

from __future__ import annotations

import json
from typing import Any

from .errors import DecodeError
from .events import ToolCallDelta
from .messages import ToolCall
from .paths import MISSING


class _Call:
    __slots__ = ("arguments", "given_id", "id", "index", "is_raw", "name")

    def __init__(self, index: int, *, is_raw: bool) -> None:
        self.index = index
        self.id = ""
        self.given_id = ""
        self.name = ""
        self.arguments = ""
        self.is_raw = is_raw


class ToolCalls:
    """The calls so far, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_key: dict[Any, _Call] = {}

    def __bool__(self) -> bool:
        return any(call.name for call in self._calls)

    def add(
        self, key: Any, *, id: Any = None, name: Any = None, arguments: Any = None, is_final: bool, is_raw: bool
    ) -> ToolCallDelta | None:
        """A fragment; what is new in it, or None. `is_final` says that `arguments` is all of them."""
        call_id, call_name = _word(id), _word(name)
        call = self._find(key, call_id, call_name, is_raw)
        if call is None:
            return None
        first = not call.name and bool(call_name)
        call.id = call.id or call_id or (f"call_{call.index}" if call_name else "")
        call.given_id = call.given_id or call_id
        call.name = call.name or call_name
        new = _new_arguments(call, _arguments_text(arguments), is_final)
        call.arguments += new
        if not call.name or not (first or new):
            return None  # fragments that come before the name are given with it
        return ToolCallDelta(
            call.index, call.id if first else None, call.name if first else None, call.arguments if first else new
        )

    def _find(self, key: Any, call_id: str, name: str, is_raw: bool) -> _Call | None:
        key = None if isinstance(key, dict | list) or key is MISSING else key
        key = key if key is not None else call_id or None
        if key is None and not name:
            return self._calls[-1] if self._calls else None
        call = self._by_key.get(key) if key is not None else None
        another = call is not None and call_id and name and call.given_id and call.given_id != call_id
        if call is None or another:
            call = _Call(len(self._calls), is_raw=is_raw)
            self._calls.append(call)
            if key is not None:
                self._by_key[key] = call
        return call

    def settled(self, *, cut: bool) -> tuple[ToolCall, ...]:
        """The calls as values: arguments are JSON text, an empty one is `{}`, a custom tool's are what they are.

        Raises DecodeError for arguments that are no JSON, unless the answer was cut at its length.
        """
        calls = []
        for call in self._calls:
            if not call.name:
                continue
            arguments = call.arguments
            if not call.is_raw:
                arguments = arguments if arguments.strip() not in ("", "null") else "{}"
                if not cut and not _is_json(arguments):
                    raise DecodeError(f"the arguments of the tool call '{call.name[:60]}' are no whole JSON")
            calls.append(ToolCall(call.id, call.name, arguments))
        return tuple(calls)

    def so_far(self) -> tuple[ToolCall, ...]:
        """The calls as they stand."""
        return self.settled(cut=True)


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _arguments_text(value: Any) -> str:
    """Arguments as text: an object is the JSON of it; an empty one says nothing yet."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) and value else ""


def _new_arguments(call: _Call, text: str, is_final: bool) -> str:
    if not is_final:
        return text
    return text[len(call.arguments) :] if text.startswith(call.arguments) else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
