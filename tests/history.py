"""What the calls of a test came to, and what must be true of every call; witness.py notes them.

The verdicts are functions of what was recorded, and are given when the test is over.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote, quote_plus

from engine import ChatResponse, EngineError, Finish, ReasoningDelta, TextDelta
from engine.events import Event, RefusalDelta
from engine.secrets import MASK

TESTS = str(Path(__file__).resolve().parent)

PASSES: Final[tuple[type[BaseException], ...]] = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
"""What crosses the doors beside our own errors: how Python ends something from outside."""

LIBRARIES: Final = frozenset(
    {"httpx", "httpcore", "h11", "anyio", "ssl", "socket", "json", "jinja2", "yaml", "jsonschema", "zlib", "binascii"}
)
"""Whose exceptions cross no door, not even one that a test's own transport has raised."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: with an answer, or with an error and what had come before it.

    An error is kept as what it shows, and not itself: its traceback would keep alive what the call held.
    """

    answer: ChatResponse | None = None
    error: type[BaseException] | None = None
    shown: str = ""
    attempts: int = 0
    has_partial: bool = True
    is_callers: bool = False

    @classmethod
    def of(cls, error: BaseException, answer: ChatResponse | None = None, *, is_told: bool = False) -> Outcome:
        """The outcome that an error is. `answer` is what had come where the error does not carry it; all that the
        error shows is kept where it `is_told`.
        """
        partial = getattr(error, "partial", None)
        return cls(
            answer if partial is None else partial,
            type(error),
            "\n".join((str(error), repr(error), repr(error.args), repr(vars(error)))) if is_told else "",
            getattr(error, "attempts", 0),
            partial is not None,
            _is_callers(error),
        )


def _is_callers(error: BaseException) -> bool:
    """Whether the caller's own code has raised it, or a call has other arguments than the door takes."""
    trace: TracebackType | None = error.__traceback__
    if isinstance(error, TypeError) and trace is not None and trace.tb_next is None:
        return True
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(TESTS)


@dataclass(slots=True)
class Call:
    """One call through a door. `given` are its events, None at a door that gives none."""

    door: str
    provider: str
    given: list[Event] | None = None
    outcome: Outcome | None = None
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{self.door} of {self.provider}"  # and no more: it stands in frames that tests look at


@dataclass(slots=True)
class History:
    """The calls since the last test."""

    calls: list[Call] = field(default_factory=list)

    def begin(self, door: str, provider: str, given: list[Event] | None = None) -> Call:
        """A call that has just been made."""
        call = Call(door, provider, given)
        self.calls.append(call)
        return call

    def take(self) -> list[Call]:
        """The calls so far; the next test begins without them."""
        calls, self.calls = self.calls, []
        return calls

    def __repr__(self) -> str:
        return "History"


# --- what must be true ---


def is_foreign(call: Call, outcome: Outcome) -> str | None:
    """Nothing but our own errors crosses a door."""
    error = outcome.error
    if error is None or issubclass(error, (EngineError, *PASSES)):
        return None
    is_library = error.__module__.partition(".")[0] in LIBRARIES
    if outcome.is_callers and not is_library:
        return None
    return f"{error.__module__}.{error.__qualname__} crossed"


def lacks_partial(call: Call, outcome: Outcome) -> str | None:
    """An error behind the sending carries what had come."""
    is_ours = outcome.error is not None and issubclass(outcome.error, EngineError)
    if is_ours and outcome.attempts and not outcome.has_partial:
        return f"{outcome.error.__name__} was raised after sending, without `partial`"  # type: ignore[union-attr]  # is_ours
    return None


def tells_otherwise(call: Call, outcome: Outcome) -> str | None:
    """The texts of the events are the text of the answer; what was given is neither lost nor given twice."""
    if call.given is None or outcome.answer is None:
        return None
    for kind, event in (("text", TextDelta), ("reasoning", ReasoningDelta), ("refusal", RefusalDelta)):
        given = "".join([each.text for each in call.given if type(each) is event])
        held = getattr(outcome.answer, kind)
        if given != held and not _may_differ(given, held, outcome):
            return f"the events' {kind} is {given[-200:]!r}, the answer's is {held[-200:]!r}"
    return None


def _may_differ(given: str, held: str, outcome: Outcome) -> bool:
    """Whether a call was left before all was given, or an error has masked the secrets in what it carries."""
    if outcome.error is None:
        return False
    if issubclass(outcome.error, EngineError):
        return MASK in held and given.startswith(held.partition(MASK)[0])
    return held.startswith(given)


def goes_on_after_its_end(call: Call, outcome: Outcome) -> str | None:
    """Finish comes once, and last; a whole answer has it, and no other."""
    if call.given is None:
        return None
    at = [index for index, event in enumerate(call.given) if type(event) is Finish]
    if at and at != [len(call.given) - 1]:
        return f"Finish came at {at} of {len(call.given)} events"
    if not at and outcome.error is None:
        return "the answer is whole, and Finish never came"
    return None


def shows_a_secret(call: Call, outcome: Outcome) -> str | None:
    """An error, and what rides on it, holds no secret of its call, in no spelling."""
    found = spelt(outcome.shown, call.secrets)
    return f"the error shows a secret of the call, {found}" if found else None


def gives_a_secret(call: Call, outcome: Outcome) -> str | None:
    """So do events and answers, if the service does not say it."""
    found = spelt(f"{outcome.answer!r}\n{call.given!r}", call.secrets) if call.secrets else ""
    return f"the answer shows a secret of the call, {found}" if found else None


VERDICTS: Final[Mapping[str, Callable[[Call, Outcome], str | None]]] = {
    "foreign": is_foreign,
    "partial": lacks_partial,
    "twice": tells_otherwise,
    "finish": goes_on_after_its_end,
    "secret": shows_a_secret,
    "echo": gives_a_secret,
}
"""By the name that an excuse gives."""


def verdicts(calls: list[Call], excused: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is wrong with some calls; one that nobody has read to an end says nothing yet."""
    for call in calls:
        for name, verdict in VERDICTS.items():
            if call.outcome is not None and name not in excused and (found := verdict(call, call.outcome)):
                yield f"{call!r}: {found}"


def spelt(text: str, secrets: tuple[str, ...]) -> str:
    """How a text spells one of some secrets; empty when it does not."""
    text = f"{text}\n{text.replace(chr(92) * 2, chr(92))}"  # as it is, and as repr has quoted it
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
        spellings = {
            "as it is": (secret,),
            "in base64": (encoded, encoded.translate(str.maketrans("+/", "-_"))),
            "URL-encoded": (quote(secret, safe=""), quote_plus(secret), quote(secret)),
            "JSON-escaped": (json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]),
        }
        for how, forms in spellings.items():
            if any(form in text for form in forms):
                return how
    return ""
