"""What an answer holds, listened to while the engine reads it: its frames by kind, and what each kind has in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import EngineError
from ..failures import data_of
from ..framing import Frame
from ..messages import ChatResponse
from ..paths import MISSING, Path, first_of
from ..provider import recorded
from ..readers import Readers
from ..reply import Reply
from ..wire import ResponseHead
from .declared import Asked, Declared, Place

MAX_DEPTH = 32
"""Places are told apart so far down; paths of a file reach no deeper."""

MAX_KINDS = 500
"""Kinds of frames that are told apart: a server may make up a word for each."""

MAX_WORD = 100
"""A longer text is no word that tells kinds apart."""

Word = tuple[Asked, str]


@dataclass(slots=True)
class Found:
    """What stood at one place: how often, of which types, and what first."""

    first: Any
    count: int = 0
    types: set[type] = field(default_factory=set)

    def add(self, other: Found) -> None:
        """Take in what stood at the same place elsewhere."""
        self.count += other.count
        self.types |= other.types


@dataclass(slots=True)
class Kind:
    """Frames of one kind: the words that say it, whether a rule reads something in them, and all that is in them."""

    words: tuple[Word, ...]
    is_read: bool
    first: Any
    count: int = 0
    places: dict[Place, Found] = field(default_factory=dict)


@dataclass(slots=True)
class Heard:
    """All that was heard of one reply."""

    status: int
    codec: str = ""
    kinds: dict[tuple[bool, tuple[Word, ...]], Kind] = field(default_factory=dict)
    refused: tuple[str | None, Any] | None = None
    """The event name and the data of the frame, or of the body, that is a refusal."""
    knows_refusal: bool = False
    digest: bytes = b""
    """What tells the body from every other."""
    response: ChatResponse = field(default_factory=ChatResponse)
    error: EngineError | None = None

    @property
    def places(self) -> frozenset[Place]:
        """Every place that says something."""
        return frozenset(place for kind in self.kinds.values() for place in kind.places)


class _Listener(Reply):
    """A reply that notes what the engine reads."""

    def __init__(self, readers: Readers, declared: Declared) -> None:
        super().__init__(readers)
        self._declared = declared
        self.heard = Heard(0)

    def head(self, head: ResponseHead) -> None:
        self.heard.status = head.status
        super().head(head)

    def _loop(self) -> None:
        return None  # every frame is looked at by itself

    def _apply(self, frame: Frame, data: Any) -> None:
        heard = self.heard
        heard.codec = self._reader.codec
        heard.refused = (frame.event, data)  # until it turns out to be none
        super()._apply(frame, data)
        heard.refused = None
        self._note(frame.event, data)

    def _note(self, event: str | None, data: Any) -> None:
        declared, kinds = self._declared, self.heard.kinds
        words = tuple(_words(declared, event, data))
        places = list(places_of(data, declared.opaque))
        is_read = not places or self._reads(event, data, {place for place, _ in places})
        if len(kinds) >= MAX_KINDS and (is_read, words) not in kinds:
            words = ()
        kind = kinds.setdefault((is_read, words), Kind(words, is_read, data))
        kind.count += 1
        for place, value in places:
            kind.places.setdefault(place, Found(value)).add(Found(value, 1, {type(value)}))

    def _reads(self, event: str | None, data: Any, here: set[Place]) -> bool:
        """Whether a rule holds for a frame and finds something in it."""
        rules = self._declared.rules.get(self.heard.codec, ())
        return any((not rule.places or rule.places & here) and rule.holds(event, data) for rule in rules)

    def judge(self) -> None:
        """Say whether what was refused is a refusal that the file knows."""
        failures, heard, head = self._readers.failures, self.heard, self._head
        if heard.refused is None and self.is_refused:
            heard.refused = (None, data_of(bytes(self._start)))
        if heard.refused is not None:
            event, data = heard.refused
            in_stream = bool(heard.codec) and self._reader is not self._readers.whole
            is_read = self._answer.refused is not None
            heard.knows_refusal = is_read or failures.match(head, event, data, in_stream=in_stream) is not None


def listen(readers: Readers, declared: Declared, head: ResponseHead, chunks: bytes | Iterable[bytes]) -> Heard:
    """What a response holds, and what it came to. Raises nothing for what the bytes hold."""
    listener = _Listener(readers, declared)
    heard, digest = listener.heard, hashlib.sha256()
    try:
        for _ in recorded(listener, head, _digested(chunks, digest)):
            pass
    except EngineError as error:
        heard.error = error
    listener.judge()
    heard.digest, heard.response = digest.digest(), listener.response
    return heard


def _digested(chunks: bytes | Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
        digest.update(chunk)
        yield chunk


def merged(kinds: Iterable[Kind]) -> dict[Place, Found]:
    """What stood at each place in frames of several kinds."""
    places: dict[Place, Found] = {}
    for kind in kinds:
        for place, found in kind.places.items():
            places.setdefault(place, Found(found.first)).add(found)
    return places


def places_of(data: Any, opaque: Iterable[Place] = ()) -> Iterator[tuple[Place, Any]]:
    """Every place in some data below its top, with the value there; nothing of what is in an opaque one."""
    opaque = frozenset(opaque)
    rest: list[tuple[Place, Any]] = [((), data)]
    while rest:
        place, value = rest.pop()
        if place:
            yield place, value
        if place in opaque or len(place) >= MAX_DEPTH:
            continue
        if isinstance(value, dict):
            rest.extend(((*place, _key(key)), item) for key, item in value.items())
        elif isinstance(value, list):
            rest.extend(((*place, "*"), item) for item in value)


def _key(key: str) -> str:
    # A path cannot tell a map with numbers for keys from a list, and no more does this.
    return "*" if key.isascii() and key.isdigit() else key


def _words(declared: Declared, event: str | None, data: Any) -> Iterator[Word]:
    if event is not None:
        yield Asked((), ()), event[:MAX_WORD]
    seen = set()
    for asked in declared.asked:
        for item in _items(asked, data) if asked.paths else ():
            word = first_of(asked.paths)(item)
            if isinstance(word, str) and len(word) <= MAX_WORD and (asked, word) not in seen:
                seen.add((asked, word))
                yield asked, word


def _items(asked: Asked, data: Any) -> Iterator[Any]:
    items = [data]
    for each in asked.scope:
        items = [item for outer in items for item in Path(each, many=True).each(outer)]
    yield from (item for item in items if item is not MISSING)
