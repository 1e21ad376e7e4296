"""How an answer differs from what a provider file declares: a report, never an error.

An API changes in small steps that no call stumbles over: a field more, an event of a new type, a finish reason that
nobody has heard of, counters that are gone. What a file knows are the places that its rules read and all that its own
examples show; the rest is drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..answer import SAME_WORDS
from ..errors import EngineError, ProviderError
from ..loader.inline import masked
from ..provider import Provider
from ..redaction import cleaned
from ..wire import Headers, ResponseHead
from .declared import Declared, Place
from .heard import Heard, Kind, Word, listen, merged
from .known import Known, declared_and_known, lacks

KINDS: Mapping[str, str] = {
    "no-end": "the body ended before what the file names as the end",
    "unreadable": "the body, or a frame of it, cannot be read as the file says",
    "empty": "the body holds nothing",
    "no-answer": "an answer without text, reasoning, refusal and tool calls",
    "unknown-error": "a refusal of a shape that no error rule and no example knows",
    "unknown-finish": "a finish reason that the file's `finish` does not know",
    "missing-finish": "no finish reason where the file reads one",
    "missing-usage": "no count of tokens where the file reads one",
    "unknown-event": "a frame, or a part of one, of a type that no rule asks for and no example shows",
    "unread-frame": "a frame in which no rule finds anything, of a shape that no example shows",
    "changed-type": "a value of another type than in the examples",
    "unknown-counter": "a counter beside those that the file reads",
    "unknown-field": "a field that no rule reads and no example shows",
}
"""What can drift, and what it means; the most important first."""

MAX_SHOWN = 80
MAX_DRIFTS = 200
"""How many drifts are reported at most: a hostile answer may hold a million new fields."""

_TYPES: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "a map",
    list: "a list",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: its kind, where it is, what it is, how often it came, and the first value as JSON, shortened."""

    kind: str
    path: str
    message: str
    count: int = 1
    example: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.kind, self.path, self.message) if part)


def drift(
    provider: Provider,
    chunks: bytes | Iterable[bytes],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> tuple[Drift, ...]:
    """What in the bytes of a response the provider's file does not know, the most important first.

    Raises nothing for what the bytes hold. For the rules of a model's patches, give `provider.for_model(model)`.

    >>> from engine import Catalog
    >>> provider = Catalog().provider("openai")
    >>> found = drift(provider, b'data: {"choices": [{"delta": {"mood": "good"}}]}\\n\\n')
    >>> [(item.kind, item.path) for item in found][-1]
    ('unknown-field', 'choices.*.delta.mood')
    """
    head = ResponseHead(status, Headers((headers or {}).items()))
    declared, known = declared_and_known(provider)
    heard = listen(provider.readers, declared, head, cleaned(chunks, provider.known_secrets()))
    if known.shows_fault(heard):
        return ()
    order = list(KINDS)
    found = sorted(_drifts(heard, declared, known, provider), key=lambda item: (order.index(item.kind), item.path))
    return tuple(found[:MAX_DRIFTS])


def _drifts(heard: Heard, declared: Declared, known: Known, provider: Provider) -> Iterator[Drift]:
    if heard.error is not None:
        yield from _of_error(heard, heard.error, known)
    else:
        yield from _of_answer(heard, declared, known)
    yield from _of_finish(heard, known, provider)
    yield from _of_kinds(heard, declared, known)
    yield from _of_places(heard, declared, known)


def _of_error(heard: Heard, error: EngineError, known: Known) -> Iterator[Drift]:
    if not isinstance(error, ProviderError):
        kind = "no-end" if error.kind == "truncated" else "unreadable"
        yield Drift(kind, "", _clean(error.message, 300))
    elif error.kind == "empty":
        yield Drift("empty", "", _clean(error.message, 300))
    elif not (heard.knows_refusal or known.shows_refusal(heard)):
        event, data = heard.refused or (None, None)
        message = f"no error rule and no example knows this refusal; {_clean(error.message, 300)}"
        yield Drift("unknown-error", event or f"HTTP {heard.status}", message, 1, _shown(data))


_LACKS: Mapping[str, tuple[str, str, str]] = {
    "answer": ("no-answer", "", "the answer is whole, but no rule has found text, reasoning or a tool call in it"),
    "finish": ("missing-finish", "finish", "the answer gives no finish reason; the file reads one"),
    "input_tokens": ("missing-usage", "usage.input_tokens", "the answer does not say it; the file reads it"),
    "output_tokens": ("missing-usage", "usage.output_tokens", "the answer does not say it; the file reads it"),
}


def _of_answer(heard: Heard, declared: Declared, known: Known) -> Iterator[Drift]:
    for lack in lacks(heard.response, declared):
        if not known.excuses(lack, heard):
            yield Drift(*_LACKS[lack])


def _of_finish(heard: Heard, known: Known, provider: Provider) -> Iterator[Drift]:
    reason, table = heard.response.finish_raw, provider.spec.response.finish
    if reason is None or reason in (table or SAME_WORDS) or reason in known.finishes:
        return
    message = f"the finish reason {_shown(reason)} is not in `response.finish`; it is read as {heard.response.finish}"
    yield Drift("unknown-finish", "finish", message, 1, _shown(reason))


def _of_kinds(heard: Heard, declared: Declared, known: Known) -> Iterator[Drift]:
    """The words for kinds of frames, and of parts of them, that are new, and frames in which nothing is found."""
    seen: dict[Word, tuple[int, Any]] = {}
    for kind in heard.kinds.values():
        new = _new_words(kind, declared, known)
        for word in new:
            count, first = seen.get(word, (0, kind.first))
            seen[word] = (count + kind.count, first)
        if not new and _is_unread(kind, known):
            path = kind.words[0][1] if kind.words else "frame"
            message = f"no rule finds anything in it{_times(kind.count)}"
            yield Drift("unread-frame", _clean(path), message, kind.count, _shown(kind.first))
    for (asked, name), (count, first) in seen.items():
        message = f"no rule asks for {_shown(name)}, and no example shows it{_times(count)}"
        yield Drift("unknown-event", _clean(asked.name), message, count, _shown(first))


def _new_words(kind: Kind, declared: Declared, known: Known) -> list[Word]:
    return [pair for pair in kind.words if pair not in known.words and not declared.knows(*pair)]


def _is_strange(kind: Kind, declared: Declared, known: Known) -> bool:
    """Whether a kind of frame is reported as such: nothing more is said of its fields."""
    new = _new_words(kind, declared, known)
    return any(not asked.scope for asked, _ in new) or _is_unread(kind, known)


def _is_unread(kind: Kind, known: Known) -> bool:
    """Whether no rule finds anything in frames that no example shows, neither by a word nor by what is in them."""
    return not (kind.is_read or any(word in known.words for word in kind.words) or known.shows_shape(kind))


def _of_places(heard: Heard, declared: Declared, known: Known) -> Iterator[Drift]:
    """Fields and counters that are new, each once and without what is in it, and values of another type."""
    places = merged(kind for kind in heard.kinds.values() if not _is_strange(kind, declared, known))
    new: set[Place] = set()
    for place, found in sorted(places.items(), key=lambda item: len(item[0])):
        example = _shown(found.first)
        if place[:-1] in new:
            new.add(place)
        elif place not in declared.places and place not in known.places:
            new.add(place)
            is_counter = any(place[: len(at)] == at for at in declared.counters if at)
            message = f"no rule reads it, and no example shows it{_times(found.count)}: {example}"
            name = "unknown-counter" if is_counter else "unknown-field"
            yield Drift(name, _path(place), message, found.count, example)
        elif place not in declared.opaque and (change := _change(known.types.get(place, set()), found.types)):
            new.add(place)
            yield Drift("changed-type", _path(place), change, found.count, example)


def _change(known: set[type], seen: set[type]) -> str:
    before = {_TYPES[kind] for kind in known} - {"null"}
    now = {_TYPES[kind] for kind in seen} - {"null"}
    if not before or now <= before:
        return ""
    return f"it is {' or '.join(sorted(now - before))}; the examples show {' or '.join(sorted(before))}"


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _path(place: Place) -> str:
    return _clean(".".join(place), 200)


def _shown(value: Any) -> str:
    """A value as one short line of JSON that shows no key."""
    try:
        return _clean(json.dumps(value, ensure_ascii=False))
    except (RecursionError, ValueError):
        return "..."


def _clean(text: str, limit: int = MAX_SHOWN) -> str:
    text = masked(text[: 100 * limit])
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
