"""What a reply says where it ends: the reason, the counters of tokens, and the mark that it is whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..events import COUNTERS
from .places import Place, at, dotted, is_sayable, walk
from .series import Frames

_FINISH = re.compile(r"(?:finish|stop|done|end|completion)_?reason|finish_?type|stop_?type", re.IGNORECASE)
_DONE = re.compile(r"(?:is_?)?(?:done|end|final|finished|finish|last|complete|completed|is_?last|stop)", re.IGNORECASE)
_COUNTER = re.compile(r".*(?:tokens?(?:_?count)?|eval_count|TokenCount)", re.IGNORECASE)
_COUNTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cached_input_tokens", re.compile(r".*cached.*|.*cache_read.*", re.IGNORECASE)),
    ("reasoning_tokens", re.compile(r".*(?:reasoning|thinking|thought).*", re.IGNORECASE)),
    ("input_tokens", re.compile(r".*(?:prompt|input).*", re.IGNORECASE)),
    ("output_tokens", re.compile(r".*(?:completion|output|generat|candidate|response).*|eval_count", re.IGNORECASE)),
)
FINISHES: Mapping[str, str] = {
    **dict.fromkeys(
        ("stop", "end_turn", "eos", "complete", "completed", "finished", "end", "done", "success", "stop_sequence",
         "eos_token", "normal", "finish"), "stop",
    ),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "token_limit", "max_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call", "tool-calls"), "tool_calls"),
    **dict.fromkeys(("content_filter", "safety", "refusal", "blocked", "content-filter"), "content_filter"),
}  # fmt: skip

NO_END = "nothing in the reply says that it is whole, so the end of the body does; name a last event, if there is one"


def reason_in(frames: Frames, todos: list[str]) -> tuple[Place, dict[str, str]] | None:
    """Where the reason of the end is, and what its words mean."""
    for _, value in reversed(frames.values):
        for place, leaf in walk(value, ()):
            if isinstance(leaf, str) and leaf and _is_named(place, _FINISH):
                words = _words(frames, place)
                unknown = (word for word in words if word.lower() not in FINISHES)
                todos += [f"what the finish reason '{word}' means is a guess" for word in unknown]
                return place, {word: FINISHES.get(word.lower(), "stop") for word in words}
    return None


def _is_named(place: Place, names: re.Pattern[str]) -> bool:
    key = place[-1] if place else ""
    return isinstance(key, str) and names.fullmatch(key) is not None and is_sayable(place)


def _words(frames: Frames, place: Place) -> list[str]:
    said = (at(value, place) for _, value in frames.values)
    return list(dict.fromkeys(word for word in said if isinstance(word, str) and word))


def counters_in(frames: Frames) -> tuple[Place, dict[str, str]] | None:
    """Where the counters of tokens are: the map that holds those of the last frame with some, and their paths in it."""
    for _, value in reversed(frames.values):
        for place, leaf in walk(value, ()):
            if not isinstance(leaf, dict) or not is_sayable(place) or len(place) > 3:
                continue
            found = _counters(leaf)
            if {"input_tokens", "output_tokens"} <= found.keys():
                return _innermost(place, {name: found[name] for name in COUNTERS if name in found})
    return None


def _counters(value: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, number in walk(value, ()):
        if isinstance(number, int) and len(place) <= 2 and _is_named(place, _COUNTER):
            name = next((name for name, pattern in _COUNTERS if pattern.fullmatch(str(place[-1]))), None)
            if name is not None:
                found.setdefault(name, dotted(place))
    return found


def _innermost(place: Place, counters: dict[str, str]) -> tuple[Place, dict[str, str]]:
    """The innermost map that holds all counters, and their paths in it."""
    heads = {path.partition(".")[0] for path in counters.values()}
    if len(heads) == 1 and all("." in path for path in counters.values()):
        return (*place, heads.pop()), {name: path.partition(".")[2] for name, path in counters.items()}
    return place, counters


def mark_in(frames: Frames) -> Any:
    """What shows in the last frame that the answer is whole; None where nothing does."""
    last = frames.values[-1][1]
    for place, leaf in walk(last, ()) if isinstance(last, dict) else ():
        if leaf is True and _is_named(place, _DONE):
            return [{"path": dotted(place), "equals": True}]
    return frames.end
