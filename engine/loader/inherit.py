"""`extends` and `unset`: one parent, maps merge deep, lists and scalars replace, and every value keeps its place.

What is merged is the documents' data with its marks, so that a problem in an inherited value is reported where its
author wrote it. A parent's `name`, `title`, `abstract`, `extends` and `unset` are its own and are not inherited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import Problems, SpecError
from ..suggest import did_you_mean
from .source import Mark, read_file
from .yamltext import Document, Place, read

MAX_CHAIN = 8
OWN_KEYS = ("name", "title", "abstract", "extends", "unset")

Find = Callable[[str], Path | None]
"""A parent's file by its name; None when there is none."""


def inherited(document: Document, find: Find, known: Callable[[], list[str]], problems: Problems) -> Document:
    """The document with all that it inherits; what is wrong with its parents is added to `problems`."""
    return _with_parent(document, find, known, problems, (document.source.file,))


def _with_parent(
    child: Document, find: Find, known: Callable[[], list[str]], problems: Problems, chain: tuple[str, ...]
) -> Document:
    name = child.data.get("extends") if isinstance(child.data, dict) else None
    if not isinstance(name, str):
        return child
    path = find(name)
    fault = _fault(name, path, known, chain)
    if path is None or fault is not None:
        problems.found.append(child.problem(("extends",), *(fault or ("extends-missing", "", ""))))
        return child
    try:
        source = read_file(path, str(path))
    except SpecError as error:
        problems.found.extend(error.problems)
        return child
    parent = read(source, problems)
    if not isinstance(parent.data, dict):
        message = f"'{name}' ({source.file}) is no provider file"
        problems.found.append(child.problem(("extends",), "extends-missing", message, "name a file that is a map"))
        return child
    parent = _with_parent(parent, find, known, problems, (*chain, source.file))
    return merged(parent, child, problems)


def _fault(
    name: str, path: Path | None, known: Callable[[], list[str]], chain: tuple[str, ...]
) -> tuple[str, str, str] | None:
    if any(char in name for char in "/\\.~%:\0") or not name:
        return "path-escape", f"'{name}' is a path, and extends takes a name", "write the parent's name"
    if path is None:
        names = known()
        hint = did_you_mean(name, names) or f"known: {', '.join(names) or 'none'}"
        return "extends-missing", f"there is no file '{name}' to extend", hint
    if str(path) in chain:
        return "extends-cycle", f"this extends itself: {' -> '.join((*chain, str(path)))}", "break the circle"
    if len(chain) >= MAX_CHAIN:
        return "extends-depth", f"more than {MAX_CHAIN} files extend each other here", "flatten the chain"
    return None


def merged(parent: Document, child: Document, problems: Problems) -> Document:
    """The child over its parent, after `unset` has taken out of the parent what it names."""
    return laid_over({key: value for key, value in parent.data.items() if key not in OWN_KEYS}, parent, child, problems)


def laid_over(data: dict[str, Any], parent: Document, child: Document, problems: Problems) -> Document:
    """The child over those of its parent's keys that are in `data`, which `unset` may take from."""
    result = Document(child.source, values=dict(parent.values), keys=dict(parent.keys))
    for index, path in enumerate(child.data.get("unset") or ()):
        if not isinstance(path, str):
            continue
        taken = _remove(data, path.split("."))
        if taken:
            result.values, result.keys = _closed_up(result.values, taken), _closed_up(result.keys, taken)
        else:
            message = f"'{path}' is not in what is inherited"
            problems.found.append(
                child.problem(("unset", index), "unset-missing", message, "remove it", severity="warning")
            )
    result.data = _merge(data, child.data)
    result.overridden = parent.overridden | (frozenset(data) & frozenset(child.data))
    for marks, own in ((result.values, child.values), (result.keys, child.keys)):
        replaced = {place for place in own if place and not isinstance(_at(child.data, place), dict)}
        stale = [place for place in marks if any(place[:size] in replaced for size in range(1, len(place) + 1))]
        for place in stale:
            del marks[place]
        marks.update(own)
    return result


def _merge(parent: Any, child: Any) -> Any:
    if not (isinstance(parent, dict) and isinstance(child, dict)):
        return child
    return {
        key: _merge(parent[key], child[key]) if key in parent and key in child else {**parent, **child}[key]
        for key in [*parent, *(key for key in child if key not in parent)]
    }


def _remove(data: Any, keys: list[str]) -> Place:
    """Take one value out of nested maps and lists, in a copy of each on the way: its place, () when there is none."""
    head, *rest = keys
    key = _key(data, head)
    if key is None:
        return ()
    if not rest:
        del data[key]
        return (key,)
    if isinstance(data[key], dict | list):
        data[key] = data[key].copy()
    below = _remove(data[key], rest)
    return (key, *below) if below else ()


def _key(data: Any, segment: str) -> str | int | None:
    """What a segment of a path names in a value; None when it names nothing there."""
    if isinstance(data, dict):
        return segment if segment in data else None
    is_place = isinstance(data, list) and segment.isdecimal() and len(segment) <= 4 and int(segment) < len(data)
    return int(segment) if is_place else None


def _closed_up(marks: Mapping[Place, Mark], taken: Place) -> dict[Place, Mark]:
    """The marks when what stood at `taken` is gone: in a list, what stood behind it moves up."""
    *above, gone = taken
    size = len(above)
    if not isinstance(gone, int):
        return dict(marks)
    moved = {}
    for place, mark in marks.items():
        number = place[size] if len(place) > size and list(place[:size]) == above else None
        if number == gone:
            continue
        if isinstance(number, int) and number > gone:
            place = (*above, number - 1, *place[size + 1 :])
        moved[place] = mark
    return moved


def _at(data: Any, place: Place) -> Any:
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
