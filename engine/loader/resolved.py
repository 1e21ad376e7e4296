"""A file as it counts, line by line, each with the place that it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .around import Around
from .document import Document, Place
from .inherit import read_whole
from .source import read_file

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_AMBIGUOUS = frozenset({"null", "true", "false", "~", "yes", "no", "on", "off"})


def resolved_lines(path: Path | str, folders: Iterable[Path] = ()) -> list[tuple[str, str]]:
    """The lines of a valid file as block YAML, and for each `file:line` of its value."""
    document = read_whole(read_file(Path(path), str(path)), Around(folders=folders, beside=path).places)
    kept = {key: value for key, value in document.data.items() if key not in ("extends", "unset")}
    return list(_lines(document, kept, (), ""))


def _lines(document: Document, value: Any, place: Place, indent: str) -> Iterator[tuple[str, str]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in entries:
        here = (*place, key)
        head = f"{indent}{_scalar(key)}:" if isinstance(value, dict) else f"{indent}-"
        origin = _origin(document, here)
        if item and isinstance(item, dict | list):
            yield head, origin
            yield from _lines(document, item, here, indent + "  ")
        else:
            yield f"{head} {_scalar(item)}", origin


def _origin(document: Document, place: Place) -> str:
    mark = document.mark(place)
    line, _ = mark.source.position(mark.start)
    return f"{mark.source.file}:{line}"


def _scalar(value: Any) -> str:
    """A scalar, an empty list or an empty map on one line: JSON is YAML, and plain words need no quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _AMBIGUOUS:
        return value
    return json.dumps(value, ensure_ascii=False)
