"""One call without I/O, as a state table: start, head, feed, finish; failed says whether and when to start again.

A call may take several requests: the journey (steps/) says which is next, and only the last one's reply gives events.
A driver only opens, loops and closes. What it must know (whether there is another request, how long to wait before it
and for the network, what to raise when that is over) it asks here, so that sync and async cannot differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, NamedTuple

from .errors import EngineError, TransportError
from .events import Event, Finish, Usage
from .json_text import LARGE
from .messages import ChatResponse
from .provider import Provider
from .redaction import redact
from .reply import Reply
from .retry import RetryBudget, date_refusal, wait_before_retry
from .spec import Timeouts
from .steps import Journey, StepCache
from .steps.reading import StepReply
from .tape import Tape
from .wire import ResponseHead, WireRequest

if TYPE_CHECKING:
    from .rendering import RenderedCall

DRAIN_SECONDS = 2.0
"""How long the network is waited for after the answer's end was seen: usage may follow it."""
DRAIN_BYTES = 256 * 1024
"""How much is read after the answer's end was seen; a server that says more than usage there may never stop."""
REFUSAL_SECONDS = 5.0
"""How long the network is waited for to bring the words of a refusal; its status says enough without them."""
CLEANUP_SECONDS = 3.0
"""How long all clean-up requests of a call may take together."""


class State(Enum):
    """Where a call stands."""

    READY = auto()  # nothing sent, or about to be sent again
    OPENING = auto()  # sent; no head yet
    READING = auto()  # the body comes
    DONE = auto()  # the answer is whole
    FAILED = auto()  # an error was raised


TRANSITIONS: dict[tuple[State, str], State] = {
    (State.READY, "start"): State.OPENING,
    (State.OPENING, "head"): State.READING,
    (State.READING, "feed"): State.READING,
    (State.READING, "finish"): State.DONE,
    (State.READING, "next"): State.READY,
    (State.READY, "retry"): State.READY,
    (State.OPENING, "retry"): State.READY,
    (State.READING, "retry"): State.READY,
    (State.READY, "fail"): State.FAILED,
    (State.OPENING, "fail"): State.FAILED,
    (State.READING, "fail"): State.FAILED,
    (State.DONE, "fail"): State.FAILED,
}
"""What may happen when, and where it leads; anything else is a driver's mistake."""

Wait = Literal["first_byte", "idle", "total", "drain"]


class Patience(NamedTuple):
    """How many seconds to wait for the network now, and which deadline that is."""

    seconds: float
    phase: Wait


class Exchange:
    """One call. `clock` gives monotonic seconds, `random` numbers in [0, 1), `wall` seconds since 1970.

    `cache` keeps what calls share: access tokens, and what cached steps read; `budget` is what they may try again
    together. On `tape`, if there is one, all that goes over the wire is kept.
    """

    def __init__(
        self,
        provider: Provider,
        call: RenderedCall,
        timeouts: Timeouts,
        clock: Callable[[], float],
        random: Callable[[], float],
        *,
        cache: StepCache | None = None,
        wall: Callable[[], float] = time.time,
        tape: Tape | None = None,
        budget: RetryBudget | None = None,
    ) -> None:
        self._provider = provider
        cache = cache if cache is not None else StepCache()
        self._journey = Journey(provider.spec, provider.readers, call, cache, wall)
        self._tape = tape
        self._budget = budget if budget is not None else RetryBudget()
        self._clock = clock
        self._random = random
        self.timeouts = timeouts
        self._idle = Patience(timeouts.idle, "idle")
        self.state = State.READY
        self.attempts = 0
        self.pause = 0.0
        self._tries = 0  # of the request that is next
        self._reply: Reply | StepReply = self._journey.reply()
        self._began: float | None = None
        self._attempt_began = 0.0
        self._waits_since: float | None = None
        self._drained = 0.0  # seconds waited for what an answer can do without
        self._drained_bytes = 0
        self._has_bytes = False
        self._head: ResponseHead | None = None
        self._has_one_request = call.route is None

    def _next(self, action: str) -> State:
        try:
            return TRANSITIONS[self.state, action]
        except KeyError:
            raise RuntimeError(f"an exchange that is {self.state.name} cannot {action}") from None

    def _step(self, action: str) -> None:
        self.state = self._next(action)

    @property
    def has_request(self) -> bool:
        """Whether there is a request to send, now or after a pause."""
        return self.state is State.READY

    @property
    def is_at_main(self) -> bool:
        """Whether the next request is the one whose reply is the answer."""
        return self._journey.is_at_main

    def turn(self) -> Hashable | None:
        """What the next request is for, if calls share it: one of them asks at a time, and the others wait.

        Asked again when the wait is over, it says whether there still is something to ask for. Raises the error of
        whoever asked in the meantime.
        """
        try:
            return self._journey.turn(self._clock())
        except EngineError as error:
            self._step("fail")
            raise self._told(error) from None

    def late_for_turn(self) -> None:
        """The wait for a turn has lasted until the total deadline. Raises TransportError."""
        # Whatever reply is at hand: it may be the refusal that made this call wait.
        self.failed(self._timeout("total"))

    def start(self) -> WireRequest:
        """The request to send now. The total deadline runs from the first start on. Raises EngineError."""
        self._step("start")
        now = self._clock()
        self._began = now if self._began is None else self._began
        self._attempt_began, self._has_bytes = now, False
        self._drained, self._drained_bytes = 0.0, 0
        self._head = None
        if not self._tries:
            self._budget.began(now)
        self.attempts += 1
        self._tries += 1
        self.pause = 0.0
        wire = self._journey.request()
        if self.attempts > 1 or not self._has_one_request:  # else it is at hand
            self._reply = self._journey.reply()
        if self._tape is not None:
            self._tape.sent(self._journey.take(wire))
            self._tape.hide(self._journey.secrets)
        return wire

    def head(self, head: ResponseHead) -> None:
        """Take status and headers; raises what they alone decide."""
        self._step("head")
        if self._tape is not None:
            self._tape.head(head)
        self._head = head
        self._reply.head(head)

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes. Events before a fault are given first; then `fault` is set and to be raised."""
        if self.state is not State.READING:
            self._step("feed")
        self._has_bytes = True
        if self._reply.is_settled:
            self._drained += 0.0 if self._waits_since is None else self._clock() - self._waits_since
            self._drained_bytes += len(data)
        self._waits_since = None
        if self._tape is not None:
            self._tape.feed(data)
        events = self._reply.feed(data)
        # Some services give a finish reason with every piece: where the answer goes on, its end was none.
        if self._drained_bytes and any(not isinstance(event, Usage | Finish) for event in events):
            self._drained, self._drained_bytes = 0.0, 0
        return events

    def finish(self) -> list[Event]:
        """Say that the body has ended. An error leaves the call where it was: it may be tried again."""
        done = self._next("finish")
        events = self._reply.finish()
        if isinstance(self._reply, StepReply):
            return self._arrived(self._reply)
        self.state = done
        self._noted_end()
        return events

    def _noted_end(self, error: EngineError | None = None) -> None:
        if self._tape is not None:
            self._tape.hide(self._journey.secrets)
            self._tape.ended(error)

    def _arrived(self, reply: StepReply) -> list[Event]:
        """Go on behind a reply that is no answer; that of a poll turns out to be the answer when it is done."""
        pause = self._journey.arrived(reply, self._clock())
        if pause is not None:
            self._step("next")
            self.pause, self._tries = pause, 0
            return []
        self._reply = answer = Reply(self._provider.readers, self._journey.adjustments, self._journey.secrets)
        answer.head(reply.plain_head)
        events = answer.feed(reply.body)
        if answer.fault is None:
            events += answer.finish()
        self._step("finish")
        self._noted_end()
        return events

    def cleanup(self) -> list[WireRequest]:
        """The requests that take back what a call had begun that did not come to its end; each is given once."""
        return [] if self.is_done else self._journey.cleanup()

    @property
    def is_done(self) -> bool:
        """Whether the answer is whole."""
        return self.state is State.DONE and self.fault is None

    @property
    def fault(self) -> EngineError | None:
        """What the answer turned out to be instead of whole."""
        return self._reply.fault

    def takes_long(self, data: bytes = b"") -> bool:
        """Whether `feed`, or without bytes `finish`, may take so long that others should not wait for it."""
        return self._reply.held + len(data) >= LARGE and self._reply.takes_long(data)

    @property
    def response(self) -> ChatResponse:
        """The answer so far; after `finish` all of it."""
        response = self._reply.response
        return replace(response, attempts=self.attempts) if self.attempts > 1 else response

    @property
    def is_settled(self) -> bool:
        """Whether what the call comes to is known, and the rest of the body can only add to it."""
        return self._reply.is_settled

    def time_left(self) -> float:
        """Seconds until the total deadline, which begins to run now if it has not."""
        now = self._clock()
        self._began = now if self._began is None else self._began
        return self._began + self.timeouts.total - now

    def patience(self) -> Patience:
        """How long to wait for the next bytes (or the head). Not above 0 when a deadline has passed. Raises the fault.

        The wait begins now: what the consumer of the events did in between is no silence of the network.
        """
        if self._reply.fault is not None:
            raise self._reply.fault
        now = self._waits_since = self._clock()
        left = (now if self._began is None else self._began) + self.timeouts.total - now
        if self._reply.is_settled:
            here = Patience(self._drain_left(), "drain")
        elif self._has_bytes:
            here = self._idle
        else:
            here = Patience(self._attempt_began + self.timeouts.first_byte - now, "first_byte")
        return here if here.seconds <= left else Patience(left, "total")

    def _drain_left(self) -> float:
        if self._reply.is_refused:
            return REFUSAL_SECONDS - self._drained
        return DRAIN_SECONDS - self._drained if self._drained_bytes < DRAIN_BYTES else 0.0

    def timed_out(self, phase: Wait) -> None:
        """A wait is over. Raises TransportError, unless the call is settled and was only read on."""
        if not self.is_settled:
            raise self._timeout(phase) from None

    def _timeout(self, phase: Wait) -> TransportError:
        seconds = getattr(self.timeouts, phase)
        words = {
            "first_byte": "no byte of the answer came",
            "idle": "nothing more came",
            "total": "the answer did not end",
        }
        message = f"{words[phase]} within {seconds:g} s (timeout.{phase}); try again, or raise the timeout"
        return TransportError(message, kind="timeout", phase=phase)  # type: ignore[arg-type]

    def broke_off(self, error: EngineError) -> None:
        """The network failed in the body. Raises the error, unless the call is settled and was only read on."""
        if not self.is_settled:
            raise error from None

    def failed(self, error: EngineError) -> float:
        """What to do about an error: seconds to wait before the next `start`, or the error itself is raised."""
        date_refusal(error)
        error = self._told(self._reply.failed(error))
        wait, renews = None, False
        if not self._reply.has_given_events and self.state in (State.OPENING, State.READING):
            renews = self._journey.renews(error)
            wait = self._wait_before(error, renews)
        if wait is None:
            error = self._journey.explained(error)
            self._journey.failed(error)
            self._step("fail")
            self._noted_end(error)
            # The frames below hold raw bytes of the answer, in which a server may echo the key.
            error.__context__ = None
            raise error.with_traceback(None)
        self._step("retry")
        if self._tape is not None:
            self._tape.forget(shared=renews)
        return wait

    def _wait_before(self, error: EngineError, renews: bool) -> float | None:
        """Seconds to wait before another try; None where there is none, or no time for it, or too many were allowed."""
        policy = self._journey.policy
        wait = 0.0 if renews else wait_before_retry(policy, self._tries, error, self._random)
        if wait is None or wait >= self.time_left():
            return None
        if renews:
            self._tries = 0
        elif not self._budget.allows(self._clock(), policy.max):
            return None
        return wait

    def _told(self, error: EngineError) -> EngineError:
        error.attempts = self.attempts
        error.provider = self._provider.name
        error.elapsed = 0.0 if self._began is None else self._clock() - self._began
        named = self._head.request_id if self._head is not None else None
        error.request_id = redact(named or "", self._journey.secrets) or None
        if error.partial is not None:
            error.partial = replace(error.partial, attempts=max(self.attempts, 1))
        return error
