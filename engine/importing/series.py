"""The frames of a reply sorted by kind, and the series of texts in them: one of these is the text of the answer.

It is the series that, over all frames, makes the longest text that varies; whether its texts are pieces or grow is told
by whether each goes on from the one before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..framing import Frame
from .places import Place, is_sayable, walk

_TEXTS = re.compile(
    r"text|content|delta|answer|response|message|output|token|reply|result|generated_?text|value|chunk|msg|completion"
    r"|data|parts?|v",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    r"(?:.*[-_])?(?:id|uuid|model|object|type|event|role|created|timestamp|status|name|version|fingerprint|url|time|date"
    r"|at|finish_?reason|stop_?reason|done_?reason|lang(?:uage)?|signature|author|op|p|path|title|prompt|query|question)"
    r"|.*(?:Id|At|Reason|Type|Model)",
)
_NO_PROSE = re.compile(r"[0-9a-f-]{16,}|https?://\S+|(?:\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)+")
_REASONING = re.compile(r".*(?:reason(?:ing)?|think(?:ing)?|thought)(?:_?(?:content|text))?", re.IGNORECASE)
_KINDS = ("type", "event", "event_type", "eventType", "kind", "object", "msg_type", "op", "status", "action", "cmd")


@dataclass
class Series:
    """The texts at one place, in the frames of one kind."""

    kind: str | None
    place: Place
    texts: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The keys that lead there."""
        return [key for key in self.place if isinstance(key, str)]

    @property
    def is_reasoning(self) -> bool:
        """Whether it is named as reasoning is."""
        is_named = any(map(_REASONING.fullmatch, (*self.names, self.kind or "")))
        return is_named and bool(self.names and not _NO_TEXT.fullmatch(self.names[-1]))

    @property
    def is_growing(self) -> bool:
        """Whether each text is all of the text so far."""
        said = [text for text in self.texts if text]
        return len(set(said)) > 1 and all(after.startswith(before) for before, after in pairwise(said))

    @property
    def whole(self) -> str:
        """All of the text."""
        return self.texts[-1] if self.is_growing else "".join(self.texts)

    def score(self) -> float:
        """How much it is like the text of an answer."""
        said = [text for text in self.texts if text]
        name = self.names[-1] if self.names else ""
        if not said or _NO_TEXT.fullmatch(name):
            return 0.0
        if len(said) > 3 and len(set(said)) == 1:
            return 0.0  # the same in every frame
        points = float(min(len(self.whole), 2000))
        points *= 3.0 if _TEXTS.fullmatch(name) else 1.0
        points *= 0.2 if any(map(_REASONING.fullmatch, (*self.names, self.kind or ""))) else 1.0
        points *= 0.1 if _NO_PROSE.fullmatch(self.whole) else 1.0
        # What comes in pieces is said once more, whole, by some last frame.
        return points * (1.5 if len(said) > 1 else 1.0)


class Frames:
    """The frames of one reply as values, and what tells those of one kind from the others."""

    def __init__(self, values: list[tuple[Frame, Any]]) -> None:
        self.values = values
        self._kind = self._kind_key()

    def _kind_key(self) -> str | None:
        """`event` for the names of events, else the key whose texts sort the frames; None where nothing does."""
        if len({frame.event for frame, _ in self.values}) > 1:
            return "event"
        for key in _KINDS:
            said = [value.get(key) if isinstance(value, dict) else None for _, value in self.values]
            distinct = {text for text in said if isinstance(text, str)}
            if (
                1 < len(distinct) <= max(2, len(said) // 2 + 1)
                and sum(isinstance(t, str) for t in said) > len(said) / 2
            ):
                return f".{key}"
        return None

    def kind_of(self, frame: Frame, value: Any) -> str | None:
        """The kind of one of them; None where it has none."""
        if self._kind is None:
            return None
        said = frame.event if self._kind == "event" else value.get(self._kind[1:]) if isinstance(value, dict) else None
        return said if isinstance(said, str) else None

    def when(self, kind: str) -> dict[str, Any]:
        """What a rule asks for a kind."""
        assert self._kind is not None
        return {"event" if self._kind == "event" else self._kind[1:]: kind}

    @property
    def end(self) -> dict[str, Any] | None:
        """What says that the last frame is the last; None where its kind comes before."""
        kind = self.kind_of(*self.values[-1])
        if self._kind is None or kind is None or any(self.kind_of(*one) == kind for one in self.values[:-1]):
            return None
        return self.when(kind) if self._kind == "event" else {"path": self._kind[1:], "equals": kind}

    def series(self) -> list[Series]:
        """The texts at each place, for each kind."""
        found: dict[tuple[str | None, Place], Series] = {}
        for frame, value in self.values:
            kind = self.kind_of(frame, value)
            for place, leaf in walk(value, ()):
                if isinstance(leaf, str) and is_sayable(place):
                    found.setdefault((kind, place), Series(kind, place)).texts.append(leaf)
        return list(found.values())
