"""What a file's own examples show: the fields, words, finish reasons and refusals that are no news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from ..errors import EngineError, ProviderError
from ..messages import ChatResponse
from ..provider import Provider
from ..wire import Headers, ResponseHead
from .declared import Declared, Place
from .heard import Heard, Kind, Word, listen, places_of


@dataclass(slots=True)
class Known:
    """The examples of one file, listened to."""

    places: set[Place] = field(default_factory=set)
    types: dict[Place, set[type]] = field(default_factory=dict)
    words: set[Word] = field(default_factory=set)
    shapes: list[frozenset[Place]] = field(default_factory=list)
    """What was in frames in which no rule finds anything."""
    finishes: set[str] = field(default_factory=set)
    answers: list[tuple[str, frozenset[Place], frozenset[str]]] = field(default_factory=list)
    """Of each whole answer: its codec, its places, and what it lacks."""
    refusals: dict[bool, list[frozenset[Place]]] = field(default_factory=lambda: {True: [], False: []})
    """What was in refusals: in those by their status, and in those inside an answer."""
    faults: set[tuple[int, bytes]] = field(default_factory=set)
    """Statuses and digests of bodies that show a fault."""

    @classmethod
    def of(cls, provider: Provider, declared: Declared) -> Known:
        """What a file's examples show."""
        known = cls()
        for example in provider.spec.examples:
            try:
                readers = provider.for_model(example.model).readers
            except EngineError:  # an example of a model that the file does not take
                readers = provider.readers
            head = ResponseHead(example.reply.status, Headers(example.reply.headers.items()))
            known._add(listen(readers, declared, head, example.reply.body), declared)
        return known

    def _add(self, heard: Heard, declared: Declared) -> None:
        for kind in heard.kinds.values():
            self.words.update(kind.words)
            for place, found in kind.places.items():
                self.places.add(place)
                self.types.setdefault(place, set()).update(found.types)
            if not kind.is_read:
                self.shapes.append(frozenset(kind.places))
        if heard.response.finish_raw is not None:
            self.finishes.add(heard.response.finish_raw)
        if heard.error is None:
            self.answers.append((heard.codec, heard.places, lacks(heard.response, declared)))
        elif _is_refusal(heard):
            self.refusals[heard.status >= 300].append(_shape(heard))
        else:
            self.faults.add((heard.status, heard.digest))

    def shows_fault(self, heard: Heard) -> bool:
        """Whether an example shows this fault, byte by byte: a cut answer excuses no other one."""
        return (heard.status, heard.digest) in self.faults

    def shows_refusal(self, heard: Heard) -> bool:
        """Whether a refusal of an example has all that is in this one."""
        return _within(_shape(heard), self.refusals[heard.status >= 300])

    def shows_shape(self, kind: Kind) -> bool:
        """Whether a frame of an example in which nothing is found has all that is in this one."""
        return _within(frozenset(kind.places), self.shapes)

    def excuses(self, lack: str, heard: Heard) -> bool:
        """Whether an answer that says as much lacks it too, in an example."""
        places, same = heard.places, (answer for answer in self.answers if answer[0] == heard.codec)
        return any(lack in lacking and places <= shown for _, shown, lacking in same)


_OF: WeakKeyDictionary[Provider, tuple[Declared, Known]] = WeakKeyDictionary()


def declared_and_known(provider: Provider) -> tuple[Declared, Known]:
    """What a file's rules say and what its examples show. The examples are heard once, however many answers follow."""
    if provider not in _OF:
        declared = Declared.by(provider.spec.response, provider.spec.errors)
        _OF[provider] = declared, Known.of(provider, declared)
    return _OF[provider]


def lacks(response: ChatResponse, declared: Declared) -> frozenset[str]:
    """What a whole answer does not say, of what the file reads."""
    usage = response.usage
    has_answer = response.text or response.reasoning or response.refusal or response.tool_calls
    tests = {
        "answer": not has_answer,
        "finish": declared.has_finish and response.finish_raw is None,
        "input_tokens": "input_tokens" in declared.tokens and usage.input_tokens is None,
        "output_tokens": "output_tokens" in declared.tokens and usage.output_tokens is None,
    }
    return frozenset(name for name, is_lacking in tests.items() if is_lacking)


def _is_refusal(heard: Heard) -> bool:
    return isinstance(heard.error, ProviderError) and heard.error.kind != "empty"


def _shape(heard: Heard) -> frozenset[Place]:
    """The places in a refusal; of one that is no JSON, that it is text."""
    _, data = heard.refused or (None, None)
    return frozenset(place for place, _ in places_of(data)) or frozenset({("$",)})


def _within(places: frozenset[Place], known: Iterable[frozenset[Place]]) -> bool:
    return any(places <= other for other in known)
