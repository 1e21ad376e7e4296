"""Where a call stands among its requests: which is next, what those before it brought, and what is to be taken back.

Pure like the exchange that drives it: time comes in as seconds. What is shared between calls goes through a StepCache,
and who may ask for it, one call at a time, is the drivers' to see to (`turn`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import EngineError, ProviderError
from ..failures import Failures, said
from ..masked_errors import without_secrets
from ..messages import Adjustment
from ..paths import first_of
from ..readers import Readers
from ..reply import Reply
from ..retry import is_keyed
from ..rules import compile_condition
from ..secrets import Secret
from ..spec import Poll, ProviderSpec, RetryPolicy, TokenRequest
from ..tape import Take
from ..wire import Headers, ResponseHead, WireRequest
from .cache import StepCache
from .reading import StepReply, refused, seconds_in, set_cookies, values_in, values_of

if TYPE_CHECKING:
    from ..rendering import RenderedCall
    from ..route import Leg
    from .session import Session

TOKEN = "token"
"""The name under which a token request keeps its token."""


class Journey:
    """The requests of one call. `wall` gives seconds since 1970: some services say until when a token is good."""

    def __init__(
        self, spec: ProviderSpec, readers: Readers, call: RenderedCall, cache: StepCache, wall: Callable[[], float]
    ) -> None:
        self._spec = spec
        self._readers = readers
        self._call = call
        self._cache = cache
        self._wall = wall
        self._ahead: list[Leg | None] = list(call.route.order if call.route is not None else (None,))
        self._found: dict[str, Mapping[str, Any]] = {}
        self._shared: dict[Hashable, Mapping[str, Any]] = {}
        self._token: Secret | None = None
        self._made: tuple[Secret, ...] = ()
        self._url = ""
        self._polling_since: float | None = None
        self._noted: dict[Hashable, int] = {}
        self._has_renewed = False
        self._has_asked = False
        self._open: list[str] = []  # the steps that a clean-up takes back
        self._keyed: WireRequest | None = None  # a request that may be sent again, with the key that it has

    @cached_property
    def _session(self) -> Session:
        from .session import Session  # with what reads cookies; a call of one request has no use for it

        return Session(self._spec)

    @property
    def _hidden(self) -> tuple[Secret, ...]:
        return self._session.secrets if self._call.route is not None else ()

    # --- what is next ---

    @property
    def _leg(self) -> Leg | None:
        return self._ahead[0]

    @property
    def is_at_main(self) -> bool:
        """Whether the next request is the one whose reply is the answer."""
        return len(self._ahead) == 1

    @property
    def poll(self) -> Poll | None:
        """How the next request is repeated, if it is."""
        return self._spec.poll if self._leg is None else self._leg.poll

    @property
    def policy(self) -> RetryPolicy:
        """When the next request is tried again: what may be repeated is, even where a loss leaves it open."""
        is_safe = self._spec.method == "GET" if self._leg is None else self._leg.may_be_repeated
        may = is_safe or self._keyed is not None
        return replace(self._spec.retry, idempotent=True) if may else self._spec.retry

    def turn(self, now: float) -> Hashable | None:
        """What one call at a time asks for, when the next request is for such a thing; what is known is passed by.

        Raises the error that another call met while this one stood in the queue: all who waited share it.
        """
        while self._leg is not None and (key := self._leg.key) is not None:
            values = self._cache.get(key, now)
            if values is None:
                count = self._noted.setdefault(key, self._cache.failures(key))
                if error := self._cache.failure_since(key, count):
                    raise error
                return key
            self._take_shared(self._leg, values)
            self._ahead.pop(0)
        return None

    def _take_shared(self, leg: Leg, values: Mapping[str, Any]) -> None:
        if leg.key is not None:
            self._shared[leg.key] = values
        if leg.step is None:
            self._token = Secret(values[TOKEN], name="access token")
        else:
            self._found[leg.step.name] = values
            self._session.hide(values.values())

    # --- one request and its reply ---

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not show in a message."""
        token = () if self._token is None else (self._token,)
        return (*self._call.secrets, *token, *self._made, *self._hidden)

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """What was changed in the call on its way."""
        return self._call.adjustments

    def request(self) -> WireRequest:
        """The next request. Raises UsageError, or ProviderError for a URL that it may not go to."""
        if self._leg is None:
            assert self._call.only is not None, "a call without a route has one request"
            wire = self._once_more() if self._has_asked else self._call.only
            self._has_asked = True
            self._keyed = wire if is_keyed(wire.headers) else None
            return wire
        if self._keyed is not None:
            return self._keyed
        assert self._call.route is not None
        ready = self._call.route.request(self._leg, self._found, self._token)
        wire, self._made = ready.wire, ready.made
        self._url = str.__str__(wire.url)
        wire = self._session.joined_by(wire) if self._leg.kind != "token" else wire
        # Rendered once more it would have another key, and signed with the same time it could be refused.
        self._keyed = wire if is_keyed(wire.headers) and ready.unsigned is None else None
        return wire

    def _once_more(self) -> WireRequest:
        """The only request of the call for another try."""
        assert self._call.only is not None
        if self._call.signed_anew is None:
            return self._call.only
        ready = self._call.signed_anew()
        self._made = ready.made
        return ready.wire

    def take(self, wire: WireRequest) -> Take:
        """The request that is next, for a tape."""
        if self._leg is None:
            return Take(wire, "main")
        reads = () if self._leg.step is None else tuple(self._leg.step.read.values())
        return Take(wire, self._leg.kind, self._leg.key is not None, reads)

    def reply(self) -> Reply | StepReply:
        """What takes the reply to the next request."""
        if self.is_at_main and self.poll is None:
            return Reply(self._readers, self.adjustments, self.secrets)
        what = self._leg.what if self._leg is not None else self._spec.name
        if self.is_at_main:
            return StepReply(what, self._readers, self.secrets, self._readers.limits.body_bytes)
        return StepReply(what, self._readers, self.secrets)

    def arrived(self, reply: StepReply, now: float) -> float | None:
        """Take a reply that is no answer: seconds to wait before the next request; None where it is the answer.

        Raises ProviderError for one that does not bring what it should.
        """
        leg, self._keyed = self._leg, None
        if leg is None or leg.kind != "token":
            self._take_cookies(leg, reply.head_taken)
        if self.poll is not None and not self._is_over(self.poll, reply, now):
            return self.poll.every
        self._polling_since = None
        if self.is_at_main:
            return None
        assert leg is not None
        if leg.step is None:
            self._take_token(leg, reply, now)
        else:
            self._take_step(leg, reply, now)
        self._ahead.pop(0)
        return 0.0

    def _take_cookies(self, leg: Leg | None, head: ResponseHead) -> None:
        # A step that is kept for later calls hands on what it reads: its cookies would be there in the first call only.
        if leg is not None and leg.key is None and (fields := set_cookies(head)):
            self._session.take_cookies(self._url, fields)

    def _take_step(self, leg: Leg, reply: StepReply, now: float) -> None:
        step = leg.step
        assert step is not None
        # Hidden before a value that is not there makes a refusal of the reply. All that is shared opens a session.
        read, opens = values_in(step.read, reply), self._session.opens
        self._session.hide(value for name, value in read.items() if leg.key is not None or opens(step, name))
        values = values_of(leg.what, step.read, reply)
        self._found[step.name] = values
        if step.cleanup is not None:
            self._open.append(step.name)
        if leg.key is None:
            return
        self._take_shared(leg, values)
        life = step.expires_in
        self._keep(leg, values, seconds_in(first_of(life)(reply.data)) if isinstance(life, str) else life, now)

    def _keep(self, leg: Leg, values: Mapping[str, Any], seconds: float | None, now: float) -> None:
        assert leg.key is not None
        if seconds is not None:
            self._cache.put(leg.key, values, seconds, now)

    def _take_token(self, leg: Leg, reply: StepReply, now: float) -> None:
        token = self._token_spec
        value = first_of(token.value)(reply.data)
        if not isinstance(value, str) or not _is_sendable(value):
            raise refused("its reply has no access token where the file's `value` looks for it", reply, "auth")
        values = {TOKEN: value}
        self._take_shared(leg, values)
        assert leg.key is not None
        if not token.expires:
            self._cache.put(leg.key, values, None, now)
            return
        said = seconds_in(first_of(token.expires)(reply.data))
        if said is not None:
            seconds = said / token.unit
            self._cache.put(leg.key, values, seconds - self._wall() if token.is_date else seconds, now)

    @property
    def _token_spec(self) -> TokenRequest:
        assert self._call.route is not None
        assert self._call.route.token is not None
        return self._call.route.token.spec

    # --- polling ---

    def _is_over(self, poll: Poll, reply: StepReply, now: float) -> bool:
        """Whether a reply says that what is polled for is done. Raises ProviderError when it never will be."""
        what = self._leg.what if self._leg is not None else self._spec.name
        data = reply.data
        if poll.fail and compile_condition(poll.fail)(None, data):
            words = said(data)
            raise refused(f"{what}: the provider gave up" + (f": {words}" if words else ""), reply, "unavailable")
        if compile_condition(poll.until)(None, data):
            return True
        self._polling_since = now if self._polling_since is None else self._polling_since
        if now + poll.every - self._polling_since > poll.seconds:
            message = f"{what}: not done within {poll.seconds:g} s (poll.for); try again, or raise it"
            raise refused(message, reply, "timeout")
        return False

    # --- what goes wrong ---

    def renews(self, error: EngineError) -> bool:
        """Whether an error says that something kept is used up: then it is fetched anew, once, and the call goes on."""
        if self._has_renewed or not self._shared or self._is_fetching:
            return False
        if not isinstance(error, ProviderError) or not self._is_stale(error):
            return False
        assert self._call.route is not None
        self._has_renewed, self._keyed = True, None
        for key, values in self._shared.items():
            self._cache.drop(key, values)
        again = [leg for leg in self._call.route.order if leg.key in self._shared]
        self._shared.clear()
        self._ahead[:0] = again
        return True

    @property
    def _is_fetching(self) -> bool:
        return self._leg is not None and self._leg.kind == "token"

    def _is_stale(self, error: ProviderError) -> bool:
        if error.status == 401:
            return True
        if self._call.route is None or self._call.route.token is None:
            return False
        return Failures(self._token_spec.refresh).knows(error)

    def explained(self, error: EngineError) -> EngineError:
        """The error as the caller gets it: one about the token names the host that refused it."""
        error = without_secrets(error, self._hidden)  # with what the reply itself has brought
        if not self._is_fetching or not isinstance(error, ProviderError):
            return error
        host = WireRequest("GET", self._url, Headers()).origin.partition("://")[2]
        error.message = f"no access token from {host}: {error.message}"
        error.kind = "auth"
        return error

    def failed(self, error: EngineError) -> None:
        """The call is over with an error; who stands in the queue for the same thing is told."""
        if self._leg is not None and self._leg.key is not None:
            self._cache.failed(self._leg.key, error)

    def cleanup(self) -> list[WireRequest]:
        """The requests that take back what was begun, the last first; each is given once."""
        wires = [self._cleanup_of(name) for name in reversed(self._open)]
        self._open.clear()
        return [wire for wire in wires if wire is not None]

    def _cleanup_of(self, name: str) -> WireRequest | None:
        route = self._call.route
        step = next(step for step in self._spec.steps if step.name == name)
        assert route is not None
        assert step.cleanup is not None
        try:
            return self._session.joined_by(route.cleanup(step.cleanup, self._found, self._token).wire)
        except EngineError:  # it must not stand before the error that the call ended with
            return None


def _is_sendable(token: str) -> bool:
    """Whether a token can stand in a header."""
    return bool(token) and token.isascii() and token.isprintable() and token == token.strip()
