"""What of a provider file counts once it is judged: its spec is built of this, and the cache keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .document import Document, Place

Line = tuple[str, int]
"""A file and the number of a line in it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a spec is built of: the file's name, its data with all that it inherits, and where the examples and the
    patches in it are written.
    """

    file: str
    data: dict[str, Any]
    examples: Sequence[Line]
    patches: Sequence[Line]

    @classmethod
    def of(cls, document: Document) -> Whole:
        """What of a document counts once it is judged."""

        def lines(above: Place, items: Iterable[Any]) -> list[Line]:
            places = (document.problem((*above, index), "", "") for index, _ in enumerate(items))
            return [(place.file, place.line) for place in places]

        data: dict[str, Any] = document.data
        patches = lines(("models", "patches"), data.get("models", {}).get("patches", ()))
        return cls(document.source.file, data, lines(("examples",), data.get("examples", ())), patches)
