"""`extends` and `unset`: one parent, maps merge deep, lists and scalars replace, and every value keeps its place.

What is merged is the documents' data with its marks, so that a problem in an inherited value is reported where its
author wrote it. A parent's `name`, `title`, `abstract`, `extends` and `unset` are its own and are not inherited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import Problem, Problems, SpecError
from ..folders import find_file, stems
from ..suggest import did_you_mean
from .around import MAX_CHAIN
from .document import Document, Place
from .source import Mark, Source, read_file
from .versions import version_problem

OWN_KEYS = ("name", "title", "abstract", "extends", "unset")


def inherited(document: Document, places: Sequence[Path], problems: Problems) -> Document:
    """The document with all that it inherits out of these folders; what is wrong with its parents is added."""
    return _with_parent(document, places, problems, (document,))


def read_whole(source: Source, places: Sequence[Path]) -> Document:
    """The document of a sound source with all that it inherits."""
    from .yamltext import read

    return inherited(read(source, Problems()), places, Problems())


def _with_parent(child: Document, places: Sequence[Path], problems: Problems, chain: tuple[Document, ...]) -> Document:
    """`chain` are the files from the one that is examined to this child of theirs."""
    name = child.data.get("extends") if isinstance(child.data, dict) else None
    if not isinstance(name, str) or not name:
        return replace(child, is_torn=isinstance(child.data, dict) and "extends" in child.data)
    torn = replace(child, is_torn=True)
    path = find_file(name, places)
    fault = _fault(name, path, places, [document.source.file for document in chain])
    if path is None or fault is not None:
        rule, message, hint = fault or ("extends-missing", "", "")
        # A circle and a long chain are made by all of their files: the one that is examined is where to begin.
        where = chain[0] if rule in ("extends-cycle", "extends-depth") else child
        named = f" (inherited by {chain[0].source.file})" if where is not chain[0] else ""
        problems.found.append(where.problem(("extends",), rule, message + named, hint))
        return torn
    found = Problems()
    parent = _parent(path, found)
    named = f" (inherited by {chain[0].source.file})"
    problems.found += [replace(problem, message=problem.message + named) for problem in found.found]
    if parent is None or any(problem.rule in SPOILS for problem in found.found):
        return torn
    if not isinstance(parent.data, dict):
        message = f"'{name}' ({parent.source.file}) is no provider file"
        problems.found.append(child.problem(("extends",), "extends-missing", message, "name a file that is a map"))
        return torn
    parent = _with_parent(parent, places, problems, (*chain, parent))
    whole = merged(parent, child, problems)
    return replace(whole, is_torn=parent.is_torn, parents=(parent.source, *parent.parents))


SPOILS = frozenset({"yaml-syntax", "yaml-tab", "too-deep", "encoding", "spec-too-big"})
"""The rules after which a document is not whole, so that nothing more can be said of it."""


def _parent(path: Path, problems: Problems) -> Document | None:
    """A parent as it is written; the same one is read once for all of the files that extend it."""
    try:
        stat = path.stat()
    except OSError:
        _as_written.cache_clear()  # it is gone, and will be told so
        stamp: object = None
    else:
        stamp = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino
    document, found = _as_written(path, stamp)
    problems.found.extend(found)
    return document


@lru_cache(maxsize=64)
def _as_written(path: Path, stamp: object) -> tuple[Document | None, tuple[Problem, ...]]:
    from .yamltext import read  # YAML is not needed to lay one document over another

    found = Problems()
    try:
        document = read(read_file(path, str(path)), found)
    except SpecError as error:
        return None, error.problems
    is_said = isinstance(document.data, dict) and "spec_version" in document.data  # else it is the child's
    if is_said and (wrong := version_problem(document)):
        found.found.append(wrong)
    return document, tuple(found.found)


_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)


def _fault(name: str, path: Path | None, places: Sequence[Path], chain: Sequence[str]) -> tuple[str, str, str] | None:
    if any(char in name for char in "/\\.~%:\0") or _WINDOWS.fullmatch(name):
        return "path-escape", f"'{name}' is a path or a device, and extends takes a name", "write the parent's name"
    if path is None:
        names = stems(places)
        searched = ", ".join(str(place) for place in places if place.is_dir()) or "no folder"
        hint = did_you_mean(name, names) or f"known: {', '.join(names) or 'none'}"
        return "extends-missing", f"there is no file '{name}' to extend in {searched}", hint
    if not any(path.resolve().is_relative_to(place.resolve()) for place in places):
        return "path-escape", f"'{name}' is a link that leads out of the folder, to {path.resolve()}", "copy the file"
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
    given = frozenset(data)
    unset = child.data.get("unset")
    for index, path in enumerate(unset if isinstance(unset, list) else ()):
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
    # What is taken out is overridden as well, whether this file or a later one gives it anew.
    result.overridden = parent.overridden | (given & frozenset(child.data)) | (given - frozenset(data))
    for marks, own in ((result.values, child.values), (result.keys, child.keys)):
        replaced = {place for place in own if place and not isinstance(_at(child.data, place), dict)}
        tops = {place[0] for place in replaced}
        stale = [
            place
            for place in marks
            if place and place[0] in tops and any(place[:size] in replaced for size in range(1, len(place) + 1))
        ]
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
