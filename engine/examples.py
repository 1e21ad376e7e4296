"""A file's examples as contract tests: the request rendered and compared, the reply decoded whole and at many cuts.

Nothing is sent, and no setting or secret is needed: what is missing shows as <NAME>.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from .deployment import Deployment
from .dialogue import lines
from .display import request_data
from .errors import EngineError
from .events import Usage
from .messages import Adjustment, ChatRequest, ChatResponse, ToolCall
from .provider import Provider
from .spec import Example

if TYPE_CHECKING:
    from .rendering import RenderedCall

TWO_WAY_LIMIT = 4096
"""Bodies up to this many bytes are cut in two at every place; longer ones at seeded places."""

RANDOM_CUTS = 24
SEED = 20_231


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in an example that did not hold: `path` in the example, what it says, and what was observed."""

    example: str
    line: int
    path: str
    expected: Any
    observed: Any
    cut: str = ""

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
        if key == "error":
            return self.error
        if self.response is None:
            return None
        if key == "usage":
            return self.response.usage
        if key == "adjustments":
            return _actions(self.response.adjustments)
        return getattr(self.response, key)


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
        return [Failure(example.name, example.line, "call", "a request", f"{error.kind}: {error.message}")]
    failures, is_answered = _compare_requests(provider, example, call)
    if not is_answered:
        return failures
    adjustments = _actions(call.adjustments)
    return failures + list(_compare_reply(provider, example, adjustments, _cuts(example, thorough), proven))


def _compare_requests(provider: Provider, example: Example, call: RenderedCall) -> tuple[list[Failure], bool]:
    """What differs in the requests of an example, and whether it came to the one whose reply is the answer."""
    if not example.steps:
        return list(_compare_request(example, example.request, request_data(call.wire), "request")), True
    failures: list[Failure] = []
    said = 0
    try:
        for wire, step in lines(provider, example, call):
            expected = example.request if step is None else step.request
            path = "request" if step is None else f"steps.{said}.request"
            failures += _compare_request(example, expected, request_data(wire), path)
            said += step is not None
    except EngineError as error:
        if example.expect.get("error") != error.kind:
            told = f"{error.kind}: {error.message}"
            failures.append(Failure(example.name, example.line, f"steps.{max(said - 1, 0)}", "a reply", told))
        return failures, False
    return failures, True


def request_of(example: Example) -> ChatRequest:
    """The call of an example. Raises ParameterError for one that nobody could make."""
    params = dict(example.params)
    offered: dict[str, Any] = {"tools": example.tools, "tool_choice": example.tool_choice}
    return ChatRequest.of(example.messages, example.model, stream=example.stream, **offered, **params)


def _compare_request(
    example: Example, wanted: Mapping[str, Any], observed: Mapping[str, Any], at: str
) -> Iterator[Failure]:
    for key, expected in wanted.items():
        seen = observed.get(key)
        if key == "url" and "?" not in expected:
            seen = urlunsplit(urlsplit(observed["url"])._replace(query=""))
        if key == "headers":
            lower = {name.lower(): value for name, value in observed["headers"].items()}
            for name, value in expected.items():
                if lower.get(name.lower()) != value:
                    path = f"{at}.headers.{name}"
                    yield Failure(example.name, example.line, path, value, lower.get(name.lower()))
        elif not same(expected, seen):
            place, due, got = difference(expected, seen, f"{at}.{key}")
            yield Failure(example.name, example.line, place, due, got)


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
        if not _holds(key, expected, observed):
            shown = f"{observed} ({_trouble(whole)})" if key != "error" and whole.error else observed
            yield Failure(example.name, example.line, f"expect.{key}", expected, shown)
    if "error" not in example.expect and whole.error is not None:
        yield Failure(example.name, example.line, "expect", "an answer", _trouble(whole))
    reading = _reading_of(provider, example)
    for name, chunks in cuts if reading not in proven else ():
        outcome = _outcome(provider, example, chunks)
        if outcome != whole:
            yield Failure(example.name, example.line, "reply", _told(whole), _told(outcome), name)
            return
    proven.add(reading)


def _reading_of(provider: Provider, example: Example) -> tuple[object, ...]:
    """All that an outcome follows from: the rules of the answer, and what was answered."""
    rules = json.dumps([provider.spec.tree.get(key) for key in ("response", "errors", "limits")])
    return rules, example.reply.status, tuple(example.reply.headers.items()), example.reply.chunks


def _holds(key: str, expected: Any, observed: Any) -> bool:
    if key == "usage":
        if not isinstance(observed, Usage):
            return False
        return all(getattr(observed, counter) == value for counter, value in expected.items())
    if key == "adjustments":
        return all(action in _many(observed.get(name)) for name, action in expected.items())
    if key == "tool_calls":
        calls = observed or ()
        return len(calls) == len(expected) and all(map(_is_call, expected, calls))
    return same(expected, observed)


def _actions(adjustments: Iterable[Adjustment]) -> dict[str, str | list[str]]:
    """What was done to each parameter: one action, or a list of them (clamped, and renamed)."""
    done: dict[str, list[str]] = {}
    for adjustment in adjustments:
        done.setdefault(adjustment.parameter, []).append(adjustment.action)
    return {name: actions[0] if len(actions) == 1 else actions for name, actions in done.items()}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_call(expected: Mapping[str, Any], call: ToolCall) -> bool:
    """Whether a call is what an example says of it; arguments are compared as JSON where they are no text."""
    for key, value in expected.items():
        observed: Any = getattr(call, key)
        if key == "arguments" and not isinstance(value, str):
            try:
                observed = json.loads(observed)
            except ValueError:
                return False
        if not same(value, observed):
            return False
    return True


def _outcome(provider: Provider, example: Example, chunks: list[bytes]) -> _Outcome:
    try:
        response = provider.decode(chunks, example.reply.status, example.reply.headers)
    except EngineError as error:
        return _Outcome(error.partial, error.kind, getattr(error, "status", None))
    return _Outcome(response, None)


def _trouble(outcome: _Outcome) -> str:
    return f"error: {outcome.error}"


def _told(outcome: _Outcome) -> str:
    text = outcome.response.text if outcome.response else ""
    return f"error {outcome.error} after {text!r}" if outcome.error else repr(text)


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


def same(expected: Any, observed: Any) -> bool:
    """JSON equality: true is not 1, and 1 is 1.0.

    >>> same({"a": 1}, {"a": True}), same([1, "x"], [1.0, "x"])
    (False, True)
    """
    if isinstance(expected, bool) or isinstance(observed, bool):
        return expected is observed
    if isinstance(expected, dict) and isinstance(observed, dict):
        return expected.keys() == observed.keys() and all(same(expected[key], observed[key]) for key in expected)
    if isinstance(expected, list) and isinstance(observed, list):
        return len(expected) == len(observed) and all(map(same, expected, observed))
    return bool(expected == observed)


def difference(expected: Any, observed: Any, path: str) -> tuple[str, Any, Any]:
    """The first place where two values differ: its path, and the two values there."""
    if isinstance(expected, dict) and isinstance(observed, dict):
        for key in [*expected, *(key for key in observed if key not in expected)]:
            left, right = expected.get(key, "nothing"), observed.get(key, "nothing")
            if not same(left, right):
                return difference(left, right, f"{path}.{key}")
    if isinstance(expected, list) and isinstance(observed, list) and len(expected) == len(observed):
        for index, (left, right) in enumerate(zip(expected, observed, strict=True)):
            if not same(left, right):
                return difference(left, right, f"{path}.{index}")
    return path, expected, observed
