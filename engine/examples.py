"""A file's examples as contract tests: the request rendered and compared, the reply decoded whole and at many cuts.

Nothing is sent, and no setting or secret is needed: what is missing shows as <NAME>.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from .chat_request import ChatRequest
from .comparison import NOTHING, Place, Words, differences
from .deployment import Deployment
from .dialogue import lines
from .display import request_data, response_data
from .errors import EngineError
from .events import Usage
from .messages import Adjustment, ChatResponse, ToolCall
from .provider import Provider, recorded
from .reply import Reply
from .spec import Example
from .wire import Headers, ResponseHead

if TYPE_CHECKING:
    from .rendering import RenderedCall

TWO_WAY_LIMIT = 4096
"""Bodies up to this many bytes are cut in two at every place; longer ones at seeded places."""

RANDOM_CUTS = 24
SEED = 20_231


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in an example that did not hold: its place in the example, what that says, and what was observed.

    Either of the two is NOTHING where there is no such value, and other `Words` where something is told instead of a
    value. With a `cut`, what was observed is the answer to the reply in these pieces, and `expected` that to it whole.
    """

    example: str
    line: int
    place: Place
    expected: Any
    observed: Any
    cut: str = ""

    @property
    def path(self) -> str:
        """The place with dots."""
        return ".".join(map(str, self.place))

    def __str__(self) -> str:
        where = f" ({self.cut})" if self.cut else ""
        return f"{self.path}{where}: expected {self.expected!r}, observed {self.observed!r}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a reply came to; equal outcomes are the same answer."""

    response: ChatResponse | None
    error: str | None
    status: int | None = None

    def says(self, key: str) -> Any:
        """What an example can expect; NOTHING where it did not come to that."""
        if key == "error":
            return NOTHING if self.error is None else self.error
        return NOTHING if self.response is None else getattr(self.response, key)

    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        data: dict[str, Any] = {} if self.error is None else {"error": self.error, "status": self.status}
        if self.response is not None:
            data |= response_data(self.response)
            del data["message"]  # says the same once more
        return data


Proven = set[tuple[object, ...]]
"""Replies that are the same answer at every cut, each with the rules that it was read by."""


def run_example(
    provider: Provider, example: Example, *, thorough: bool = True, proven: Proven | None = None
) -> list[Failure]:
    """Everything that does not hold in one example; empty when all of it does.

    Without `thorough` the reply is cut into its chunks and into bytes only. Files that inherit both an example and the
    rules that it is read by share the work of the cuts through one set of `proven` replies.
    """
    proven = set() if proven is None else proven
    try:
        request = request_of(example)
        if provider.spec.is_abstract:  # a protocol has no place to send anything: its replies are read, no more
            return list(
                _compare_reply(provider.for_model(example.model), example, {}, _cuts(example, thorough), proven)
            )
        call = provider.call(request, Deployment(settings=example.settings, placeholders=True))
        provider = provider.for_model(example.model)
    except EngineError as error:
        if example.expect.get("error") == error.kind:
            return []
        return [_told(example, ("call",), "a request", f"{error.kind}: {error.message}")]
    failures, is_answered = _compare_requests(provider, example, call)
    if not is_answered:
        return failures
    adjustments = _actions(call.adjustments)
    return failures + list(_compare_reply(provider, example, adjustments, _cuts(example, thorough), proven))


def _compare_requests(provider: Provider, example: Example, call: RenderedCall) -> tuple[list[Failure], bool]:
    """What differs in the requests of an example, and whether it came to the one whose reply is the answer."""
    failures: list[Failure] = []
    said = 0
    try:
        if not example.steps:
            return list(_compare_request(example, example.request, request_data(call.wire), ("request",))), True
        for wire, step in lines(provider, example, call):
            expected = example.request if step is None else step.request
            place: Place = ("request",) if step is None else ("steps", said, "request")
            failures += _compare_request(example, expected, request_data(wire), place)
            said += step is not None
    except EngineError as error:
        if example.expect.get("error") != error.kind:
            told = f"{error.kind}: {error.message}"
            where: Place = ("steps", max(said - 1, 0)) if example.steps else ("call",)
            failures.append(_told(example, where, "a reply" if example.steps else "a request", told))
        return failures, False
    return failures, True


def request_of(example: Example) -> ChatRequest:
    """The call of an example. Raises ParameterError for one that nobody could make."""
    params = dict(example.params)
    offered: dict[str, Any] = {"tools": example.tools, "tool_choice": example.tool_choice}
    return ChatRequest.of(example.messages, example.model, stream=example.stream, **offered, **params)


def _compare_request(
    example: Example, wanted: Mapping[str, Any], observed: Mapping[str, Any], at: Place
) -> Iterator[Failure]:
    for key, expected in wanted.items():
        seen = observed.get(key, NOTHING)
        if key == "url" and "?" not in expected:
            seen = urlunsplit(urlsplit(observed["url"])._replace(query=""))
        if key == "headers":
            lower = {name.lower(): value for name, value in observed["headers"].items()}
            seen = {name: lower[name.lower()] for name in expected if name.lower() in lower}
        yield from _differing(example, expected, seen, (*at, key))


def _compare_reply(
    provider: Provider,
    example: Example,
    adjustments: Mapping[str, str | list[str]],
    cuts: Iterable[tuple[str, list[bytes]]],
    proven: Proven,
) -> Iterator[Failure]:
    body = example.reply.body
    whole = _outcome(provider, example, [body])
    for key, expected in example.expect.items():
        observed = adjustments if key == "adjustments" else whole.says(key)
        seen = NAMED[key](expected, observed) if key in NAMED and observed is not NOTHING else observed
        yield from _differing(example, expected, seen, ("expect", key))
    if "error" not in example.expect and whole.error is not None:
        yield _told(example, ("expect",), "an answer", f"error: {whole.error}")
    reading = _reading_of(provider, example)
    for name, chunks in cuts if reading not in proven else ():
        outcome = _outcome(provider, example, chunks)
        if outcome != whole:
            yield from _differing(example, whole.data(), outcome.data(), ("expect",), name)
            return
    proven.add(reading)


def _differing(example: Example, expected: Any, observed: Any, at: Place, cut: str = "") -> Iterator[Failure]:
    for place, due, seen in differences(expected, observed, at):
        yield Failure(example.name, example.line, place, due, seen, cut)


def _told(example: Example, place: Place, expected: str, observed: str) -> Failure:
    return Failure(example.name, example.line, place, Words(expected), Words(observed))


def _reading_of(provider: Provider, example: Example) -> tuple[object, ...]:
    """All that an outcome follows from: the rules of the answer, and what was answered."""
    rules = json.dumps([provider.spec.tree.get(key) for key in ("response", "errors", "limits")])
    return rules, example.reply.status, tuple(example.reply.headers.items()), example.reply.chunks


def _named_counters(expected: Mapping[str, Any], usage: Usage) -> dict[str, Any]:
    return {counter: getattr(usage, counter) for counter in expected}


def _named_adjustments(expected: Mapping[str, str], done: Mapping[str, str | list[str]]) -> dict[str, str]:
    """What was done to the parameters that an example names; of several actions the one that it names, or the first."""
    actions = {name: _many(done[name]) for name in expected if name in done}
    return {name: expected[name] if expected[name] in many else many[0] for name, many in actions.items()}


def _many(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _named_calls(expected: list[Mapping[str, Any]], calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    """The calls with the keys that an example names of each; all keys of those that it does not know."""
    every: dict[str, Any] = {"id": "", "name": "", "arguments": {}}
    named = [*expected, *[every] * len(calls)]
    return [{key: _call_value(call, key, due[key]) for key in due} for due, call in zip(named, calls, strict=False)]


def _call_value(call: ToolCall, key: str, expected: Any) -> Any:
    """A value of a call; arguments are compared as JSON where an example gives them as no text."""
    value: str = getattr(call, key)
    if key != "arguments" or isinstance(expected, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


NAMED: Mapping[str, Callable[[Any, Any], Any]] = {
    "usage": _named_counters,
    "adjustments": _named_adjustments,
    "tool_calls": _named_calls,
}
"""Of these an example names a part: what was observed, as much of it as is named."""


def _actions(adjustments: Iterable[Adjustment]) -> dict[str, str | list[str]]:
    """What was done to each parameter: one action, or a list of them (clamped, and renamed)."""
    done: dict[str, list[str]] = {}
    for adjustment in adjustments:
        done.setdefault(adjustment.parameter, []).append(adjustment.action)
    return {name: actions[0] if len(actions) == 1 else actions for name, actions in done.items()}


def _outcome(provider: Provider, example: Example, chunks: list[bytes]) -> _Outcome:
    reply = Reply(provider.readers)  # not by provider.decode: an example knows no secret, and looks for none
    head = ResponseHead(example.reply.status, Headers(example.reply.headers.items()))
    try:
        for _ in recorded(reply, head, chunks):
            pass
    except EngineError as error:
        return _Outcome(error.partial, error.kind, getattr(error, "status", None))
    return _Outcome(reply.response, None)


def _cuts(example: Example, thorough: bool) -> Iterator[tuple[str, list[bytes]]]:
    body = example.reply.body
    yield "as its chunks", list(example.reply.chunks)
    yield "byte by byte", [body[at : at + 1] for at in range(len(body))]
    if not thorough:
        return
    dice = random.Random(SEED)
    if len(body) <= TWO_WAY_LIMIT:
        places = range(1, len(body))
    else:
        places = sorted(dice.sample(range(1, len(body)), RANDOM_CUTS))  # type: ignore[assignment]
    for place in places:
        yield f"cut at byte {place}", [body[:place], body[place:]]
    for number in range(RANDOM_CUTS if len(body) > 2 else 0):
        amount = dice.randint(1, min(len(body) - 1, 12))
        edges = [0, *sorted(dice.sample(range(1, len(body)), amount)), len(body)]
        yield f"random cut {number}", [body[a:b] for a, b in pairwise(edges)]
