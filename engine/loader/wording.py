"""Places and values in the words of our messages."""

from __future__ import annotations

from typing import Any

from .document import Place


def dotted(place: Place) -> str:
    """A place: the keys that lead there."""
    return ".".join(str(part) for part in place)


def type_name(value: Any) -> str:
    """What a value is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"{str(value).lower()} (a boolean)"
    for kind, name in ((int, "a whole number"), (float, "a number"), (str, "text"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return "a map"


def shortened(text: str) -> str:
    """A text that may be too long for a message."""
    return text if len(text) <= 60 else text[:57] + "..."
