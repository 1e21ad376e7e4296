"""The bytes of a captured reply -> its framing, its frames, and the JSON values in them, unwrapped."""

from __future__ import annotations

import base64
import re
from typing import Any

from ..errors import EngineError
from ..framing import FRAMINGS, MEDIA_TYPES, Frame
from .capture import CapturedReply, json_or_none
from .places import Place, dotted, walk

MAX_FRAMES = 5000
"""So many frames say how the others are."""


def framing_of(reply: CapturedReply) -> str:
    """The codec of a reply, by its bytes first: services are careless with content types.

    >>> framing_of(CapturedReply(b'data: {"a": 1}'))
    'sse'
    """
    text = reply.body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    kind = reply.content_type.partition(";")[0].strip().lower()
    if kind in MEDIA_TYPES["aws_eventstream"]:
        return "aws_eventstream"
    if kind in MEDIA_TYPES["sse"] or re.match(r"(?:(?:(?:event|id|retry)?:[^\n]*)?\r?\n)*data:", text):
        return "sse"
    whole = json_or_none(text)
    if isinstance(whole, dict):
        return "ndjson" if kind in MEDIA_TYPES["ndjson"] else "json"
    if isinstance(whole, list):
        return "json_array" if len(whole) > 1 and all(isinstance(item, dict) for item in whole) else "json"
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(isinstance(json_or_none(line), dict) for line in lines[:50]):
        return "ndjson"
    return "text"


def media_type(reply: CapturedReply) -> str:
    """The content type that it came with, else the one that its framing goes by."""
    return reply.content_type or MEDIA_TYPES[framing_of(reply)][0]


def frames_of(codec: str, body: bytes) -> list[Frame]:
    """The frames of a body, also one that breaks off."""
    decoder = FRAMINGS[codec]()
    try:
        found = decoder.feed(body) + decoder.finish()
    except EngineError:
        return []
    if decoder.unfinished is not None:
        found.append(decoder.unfinished)
    return found[:MAX_FRAMES]


def is_sentinel(data: str) -> bool:
    """Whether the data of a frame is a word in brackets or capitals, as streams end with."""
    return re.fullmatch(r"\[?<?[A-Z_ ]{2,20}>?\]?|\[[A-Za-z_ ]{2,20}\]", data.strip()) is not None


def unwrapped(codec: str, frames: list[Frame]) -> tuple[list[tuple[Frame, Any]], list[Any], list[str]]:
    """The values in the frames, how they were reached, and the frames that are no JSON."""
    parsed = [(frame, json_or_none(frame.data)) for frame in frames]
    values = [(frame, value) for frame, value in parsed if value is not None]
    rest = [frame.data for frame, value in parsed if value is None]
    if len(values) * 2 < len(frames) or (rest and not all(map(is_sentinel, set(rest)))):
        return [], [], []
    unwrap: list[Any] = ["json"]
    inner = _inside(values)
    if inner is not None:
        place, steps, deeper = inner
        unwrap += [{"at": dotted(place)}, *steps, "json"]
        # A frame without it goes on as it is.
        values = [(frame, deeper.get(index, value)) for index, (frame, value) in enumerate(values)]
    return values, unwrap if len(unwrap) > 1 else [], rest


def _inside(values: list[tuple[Frame, Any]]) -> tuple[Place, list[str], dict[int, Any]] | None:
    """A place that holds JSON as text, plain or in base64, in most frames."""
    found: dict[Place, dict[int, Any]] = {}
    encoded: set[Place] = set()
    for index, (_, value) in enumerate(values):
        for place, leaf in walk(value, ()):
            if not isinstance(leaf, str) or not place or len(leaf) < 2:
                continue
            inner = json_or_none(leaf) if leaf[0] in "{[" else None
            if inner is None and len(leaf) >= 8 and re.fullmatch(r"[A-Za-z0-9+/]+=*", leaf):
                inner = json_or_none(_decoded(leaf))
                if isinstance(inner, dict):
                    encoded.add(place)
            if isinstance(inner, dict):
                found.setdefault(place, {})[index] = inner
    for place, inner_values in found.items():
        if len(inner_values) * 2 > len(values) and len(values) > 1:
            return place, ["base64"] if place in encoded else [], inner_values
    return None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""
