"""Arguments of a tool call that come as writes at places (`$.a.b[0]` = ...) instead of as text: the JSON they make.

Texts that are written at one place go on with each other; any other value takes the place of what was there.
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling describes such writes.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from .characters import printable, quoted
from .errors import DecodeError

MAX_DEPTH = 32

_STEP = re.compile(r"\.([^.\[\]]+)|\[(0|[1-9][0-9]{0,8})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class _Text:
    """A text that grows: its pieces are joined once."""

    __slots__ = ("pieces",)

    def __init__(self, piece: str) -> None:
        self.pieces = [piece]


class Patched:
    """A JSON object that grows by writes at places.

    >>> patched = Patched()
    >>> patched.write("$.city", "Par")
    >>> patched.write("$.city", "is")
    >>> patched.write("$.days[0]", 2)
    >>> patched.text()
    '{"city": "Paris", "days": [2]}'
    """

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def write(self, place: Any, value: Any) -> None:
        """Put `value` at a JSONPath of keys and indexes. Raises DecodeError for any other path."""
        keys = _keys(place)
        holder: Any = self._root
        for key, following in pairwise(keys):
            inner = _at(holder, key, place)
            if not isinstance(inner, list if isinstance(following, int) else dict):
                inner = [] if isinstance(following, int) else {}
                holder[key] = inner
            holder = inner
        known = _at(holder, keys[-1], place)
        if isinstance(known, _Text) and isinstance(value, str):
            known.pieces.append(value)
        else:
            holder[keys[-1]] = _Text(value) if isinstance(value, str) else value

    def text(self) -> str:
        """The object as JSON text."""
        return printable(json.dumps(self._root, ensure_ascii=False, default=lambda text: "".join(text.pieces)))


def _keys(place: Any) -> list[str | int]:
    text = place if isinstance(place, str) else ""
    keys: list[str | int] = []
    position = 1
    while position < len(text) and len(keys) <= MAX_DEPTH:
        step = _STEP.match(text, position)
        if step is None:
            break
        index = step[2]
        keys.append(int(index) if index is not None else next(key for key in step.group(1, 3, 4) if key is not None))
        position = step.end()
    whole = text.startswith("$") and position == len(text) and keys and isinstance(keys[0], str)
    if not whole or len(keys) > MAX_DEPTH:
        raise DecodeError(f"a piece of a tool call's arguments belongs at {quoted(str(place))}, which is no such place")
    return keys


def _at(holder: Any, key: str | int, place: Any) -> Any:
    """What is there so far. A list grows by one: to fill it up to any place would let a few bytes take all memory."""
    if isinstance(key, str):
        return holder.get(key)
    if key > len(holder):
        raise DecodeError(f"a piece of a tool call's arguments belongs at {quoted(place)}, and nothing came before it")
    if key == len(holder):
        holder.append(None)
    return holder[key]
