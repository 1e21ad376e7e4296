"""Dotted paths: read one value out of a frame. `choices.0.delta.content`, a number indexes a list, `$` is the whole.

Compiled once per file, then a plain walk: no template engine runs per frame. Nothing here raises for what the data
holds: a path that leads nowhere gives MISSING.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

MAX_SEGMENTS = 32
MAX_INDEX = 9999
"""A larger number in a path is a mistake, and `put` would fill a list up to it."""
MAX_KEPT = 4096
"""So many paths, and lists of them, are kept compiled: those of a hundred files."""


class _Missing:
    """The value of a path that leads nowhere. False, so that `get(...) or default` reads well."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

Getter = Callable[[Any], Any]

_INDEX = re.compile("0|[1-9][0-9]*")  # 007 is a key like any other


_FOREIGN = (
    (re.compile(r"/"), "no slashes; write a.b.0.c"),
    (re.compile(r"-[0-9]+"), "no places from the end; rules read what has come so far"),
    (re.compile(r"[?(@'\"]|[0-9]*:[0-9]*(?::-?[0-9]*)?\Z"), "no filters, quotes or slices; write a.b.0.c"),
)
"""How segments of other languages of paths begin, and what is said of them."""


class PathError(ValueError):
    """The text is no path, or one that could read everything (`rule`).

    `offset` is the place of the mistake in it, None where it is the whole of it.
    """

    def __init__(self, message: str, offset: int | None = 0, rule: str = "bad-path") -> None:
        super().__init__(message)
        self.offset = offset
        self.rule = rule


class Path:
    """A compiled path.

    >>> Path("choices.0.text").get({"choices": [{"text": "Hi"}]})
    'Hi'
    >>> Path("choices.0.text").get({"choices": []})
    MISSING
    """

    __slots__ = ("keys", "text")

    def __init__(self, text: str, *, many: bool = False) -> None:
        self.text = text
        self.keys = _parsed(text, many)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def get(self, data: Any) -> Any:
        """The value at the path, or MISSING."""
        for key in self.keys:
            data = data.get(key, MISSING) if type(data) is dict and type(key) is str else _step(data, key)
            if data is MISSING:
                return MISSING
        return data

    def each(self, data: Any) -> Iterator[Any]:
        """Every value that the path matches, `*` standing for each item of a list."""
        return _walk(data, self.keys)

    def obstacle(self, data: Any) -> str | None:
        """What `put` would have to overwrite on the way: the path of a value that is neither a map nor a list for it.

        >>> Path("a.b.c").obstacle({"a": {"b": "text"}})
        'a.b'
        """
        for position, key in enumerate(self.keys):
            if data is None or data is MISSING:
                return None
            if not (type(data) is dict or (type(data) is list and type(key) is int)):
                return ".".join(map(str, self.keys[:position]))
            data = _step(data, key)
        return None

    def put(self, data: Any, value: Any) -> Any:
        """A copy of `data` with `value` at the path; what is missing on the way is made, a list where a number is."""
        return _put(data, self.keys, value)


def first_of(paths: str | Sequence[str]) -> Getter:
    """One getter for a path or a list of them: the first value that is there and says something.

    null, "" and [] say nothing; where all that is there says nothing, the last of it is given as it is.

    >>> first_of(["delta.text", "text"])({"delta": {"text": ""}, "text": "Hi"})
    'Hi'
    """
    return _first_of(paths if type(paths) is tuple else (paths,) if isinstance(paths, str) else tuple(paths))


@lru_cache(MAX_KEPT)
def _first_of(paths: tuple[str, ...]) -> Getter:
    getters = [Path(text).get for text in paths]
    if len(getters) == 1:
        return getters[0]

    def get(data: Any) -> Any:
        value: Any = MISSING
        for getter in getters:
            found = getter(data)
            if found is MISSING:
                continue
            value = found
            if found is not None and found != "" and found != []:
                break
        return value

    return get


@lru_cache(MAX_KEPT)
def _parsed(text: str, many: bool) -> tuple[str | int, ...]:
    segments = text.split(".")
    if segments[0] == "$":
        segments = segments[1:]
        if not segments:
            return ()
    if len(segments) > MAX_SEGMENTS:
        raise PathError(f"a path has at most {MAX_SEGMENTS} segments", None, "path-too-costly")
    if text.startswith("$..") or "**" in segments:
        raise PathError("a path leads to one place; `..` and `**` search everything", None, "path-too-costly")
    keys: list[str | int] = []
    offset = len(text) - len(".".join(segments))
    for segment in segments:
        _check_segment(segment, offset, many)
        is_index = _INDEX.fullmatch(segment) is not None
        if is_index and (len(segment) > len(str(MAX_INDEX)) or int(segment) > MAX_INDEX):
            raise PathError(f"a number in a path is at most {MAX_INDEX}", offset)
        keys.append(int(segment) if is_index else segment)
        offset += len(segment) + 1
    return tuple(keys)


def _check_segment(segment: str, offset: int, many: bool) -> None:
    if not segment:
        raise PathError("a path has no empty segments; write a.b.0.c", offset)
    if "[" in segment or "]" in segment:
        raise PathError("a path has no brackets; write items.0 for items[0]", offset)
    if segment == "*" and not many:
        raise PathError("'*' is only for `for`; a path that is read has one place", offset)
    if segment != segment.strip() or any(sign in segment for sign in ("{{", "{%", "{#")):
        raise PathError("a path is plain keys with dots between them, no spaces and no templates", offset)
    for pattern, words in _FOREIGN:
        if pattern.match(segment):
            raise PathError(f"a path has {words}", offset)


def _step(data: Any, key: str | int) -> Any:
    if type(data) is dict:
        return data.get(key if type(key) is str else str(key), MISSING)
    if type(data) is list and type(key) is int and key < len(data):
        return data[key]
    return MISSING


def _walk(data: Any, keys: tuple[str | int, ...]) -> Iterator[Any]:
    for position, key in enumerate(keys):
        if key == "*":
            for item in data if type(data) is list else ():
                yield from _walk(item, keys[position + 1 :])
            return
        data = _step(data, key)
        if data is MISSING:
            return
    yield data


def _put(data: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if type(data) is list and type(key) is int:
        items = list(data) + [None] * (key + 1 - len(data))
        items[key] = _put(items[key], rest, value)
        return items
    if type(key) is int and type(data) is not dict:
        return _put([], keys, value)
    known = data if type(data) is dict else {}
    return known | {str(key): _put(known.get(str(key)), rest, value)}
