"""The requests of one call: each is rendered when its turn comes, from what the replies before it brought.

A file without steps and without token requests has one, which is rendered at once. Which request is next, and what came
of those before, is the business of steps/journey.py; here is only what is sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from .auth import ACCESS_TOKEN, Access
from .base_url import BaseUrl, Territory
from .deployment import Deployment
from .errors import EngineError, ParameterError, UsageError
from .expressions import OMIT, TemplateError, bounded
from .hosts import is_loopback
from .messages import Adjustment
from .request_template import RequestTemplate
from .secrets import Secret, Sensitive, shown
from .spec import Poll, ProviderSpec, Request, Step
from .token_call import TokenCall
from .wire import WireRequest

_SHOWN_STEP = re.compile(r"%3C(steps(?:\.[A-Za-z0-9_]+)+)%3E")

Found = Mapping[str, Mapping[str, Any]]
"""What the steps have brought: values by the step's name and their own."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A request that can be sent, what its making changed, and what was made with a secret: tokens, signatures.

    `unsigned` is the request before it was signed; None where it is not.
    """

    wire: WireRequest
    adjustments: tuple[Adjustment, ...] = ()
    made: tuple[Secret, ...] = ()
    unsigned: WireRequest | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One request of a call. One with a `key` is shared: what it brings is good for every call with that key."""

    kind: Literal["token", "step", "main"]
    what: str
    request: Request
    key: Hashable | None = None
    step: Step | None = None
    poll: Poll | None = None

    @property
    def may_be_repeated(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.request.method == "GET" or self.kind == "token"


class Legs:
    """The requests of a file, compiled."""

    def __init__(self, spec: ProviderSpec) -> None:
        self.spec = spec
        self.base = BaseUrl(spec.url, spec.name)
        self.main = RequestTemplate(spec.request, spec.name)
        self.legs = (
            *(Leg("step", _step_name(step), step.request, step=step, poll=step.poll) for step in spec.steps),
            Leg("main", spec.name, spec.request, poll=spec.poll),
        )
        self._others: dict[int, tuple[RequestTemplate, BaseUrl | None]] = {}
        for step in spec.steps:
            for request in (step.request, *([step.cleanup] if step.cleanup else ())):
                self._add(request, f"{spec.name}: {_step_name(step)}")
        for auth in spec.auth:
            if auth.token is not None:
                self._add(auth.token.request, f"{spec.name}: the token request")

    def _add(self, request: Request, owner: str) -> None:
        base = BaseUrl(request.url, owner) if request.url else None
        self._others[id(request)] = (RequestTemplate(request, owner), base)

    def of(self, request: Request) -> tuple[RequestTemplate, BaseUrl | None]:
        """The template of a request, and its URL where it has one of its own."""
        return self._others[id(request)]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the templates of all requests of a call read."""
        steps = [self._others[id(r)][0].names for s in self.spec.steps for r in (s.request, s.cleanup) if r]
        return self.main.names.union(*steps)


def _step_name(step: Step) -> str:
    return f"the step '{step.name}'"


@dataclass(frozen=True)
class Route:
    """The requests of one call for one deployment.

    `main` renders the main request: (values, its URL before the path, access or None where none may go).
    """

    legs: Legs
    deployment: Deployment
    settings: Mapping[str, Any]
    values: Mapping[str, Any]
    territory: Territory
    main: Callable[[Mapping[str, Any], str, Access | None], Ready]
    access: Access
    token: TokenCall | None = None
    identity: str = ""

    @property
    def order(self) -> tuple[Leg, ...]:
        """All requests of the call, the main one last."""
        legs = tuple(replace(leg, key=self._key(leg)) for leg in self.legs.legs)
        if self.token is None:
            return legs
        token = Leg("token", "the token request", self.token.spec.request)
        return (replace(token, key=self._key(token)), *legs)

    def _key(self, leg: Leg) -> Hashable | None:
        """What is shared is good for one file, one deployment and one credential."""
        is_shared = leg.kind == "token" or (leg.step is not None and leg.step.expires_in is not None)
        if not is_shared:
            return None
        spec = self.legs.spec
        settings = tuple(sorted((name, str(value)) for name, value in self.settings.items()))
        return spec.file, spec.name, leg.what, self.territory.own, settings, self.identity

    def request(self, leg: Leg, found: Found, token: Secret | None) -> Ready:
        """The request of a leg. Raises UsageError, or ProviderError for a URL that leads elsewhere."""
        return self._checked(lambda: self._render(leg, found, token))

    def cleanup(self, request: Request, found: Found, token: Secret | None) -> Ready:
        """The request that takes a step back."""
        return self._checked(lambda: self._other(request, found, token))

    def looked_at(self) -> list[WireRequest]:
        """All requests in their order, with `<steps.NAME.VALUE>` where a value of a reply would stand."""
        return [self._looked_at(leg) for leg in self.order]

    def rehearse(self) -> tuple[Adjustment, ...]:
        """What the making of the main request changes. Raises what is wrong with it before any other is sent.

        Where an expression asks more of a value than that it is text, nothing can be known before that value.
        """
        with suppress(TemplateError):
            return self._main(self._stand_ins(), self._some_token).adjustments
        return ()

    def _stand_ins(self) -> Found:
        return {step.name: {name: f"<steps.{step.name}.{name}>" for name in step.read} for step in self.legs.spec.steps}

    @property
    def _some_token(self) -> Secret | None:
        return Secret(f"<{ACCESS_TOKEN}>", name=ACCESS_TOKEN) if self.token is not None else None

    def _looked_at(self, leg: Leg) -> WireRequest:
        wire = self.request(leg, self._stand_ins(), self._some_token).wire
        url = _plainly(str.__str__(wire.url))
        return replace(wire, url=Sensitive(url, _plainly(shown(wire.url))) if isinstance(wire.url, Sensitive) else url)

    def _render(self, leg: Leg, found: Found, token: Secret | None) -> Ready:
        if leg.kind == "main":
            return self._main(found, token)
        return self._token() if leg.kind == "token" else self._other(leg.request, found, token)

    @bounded
    def _checked(self, render: Callable[[], Ready]) -> Ready:
        try:
            return render()
        except TemplateError as error:  # what an expression made of this call's values
            raise ParameterError(f"{self.legs.spec.name}: {error}") from None

    def _main(self, found: Found, token: Secret | None) -> Ready:
        values, base = {**self.values, "steps": found}, self.territory.own
        if self.legs.spec.follow is not None:
            base = self._followed(self.legs.main, values)
        return self.main(values, base, self._sent(base, token))

    def _other(self, request: Request, found: Found, token: Secret | None) -> Ready:
        template, own = self.legs.of(request)
        values = {**self.values, "steps": found}
        base = self._base(own) if request.follow is None else self._followed(template, values)
        return simple_request(template, values, base, self._sent(base, token) or Access.NOBODYS)

    def _base(self, own: BaseUrl | None) -> str:
        return self.territory.own if own is None else self.territory.place(own.of(self.settings, self.deployment))

    def _followed(self, template: RequestTemplate, values: Mapping[str, Any]) -> str:
        url = template.follow(values)
        if isinstance(url, str) and url.startswith("<steps."):  # a request to look at
            return url
        return self.territory.followed(url, "a URL in a reply")

    def _sent(self, base: str, token: Secret | None) -> Access | None:
        return self.access.with_token(token) if self.territory.takes_credentials(base) else None

    def _token(self) -> Ready:
        assert self.token is not None, "only a route with a token request has a leg for it"
        template, own = self.legs.of(self.token.spec.request)
        base = self._base(own)
        refuse_open_secret(base, True, self.legs.spec.name)
        # What is shown is made first: most of what can go wrong does so here, where no frame holds a secret.
        shown = simple_request(template, self.token.values(masked=True), base, Access.NOBODYS).wire
        real = self._with_secrets(template, base)
        if real is None:  # raised here, and without a reason: its words and its frames would hold a secret
            owner = self.legs.spec.name
            raise ParameterError(f"{owner}: the token request cannot be made of these secrets; set them again")
        return Ready(real.masked_by(shown))

    def _with_secrets(self, template: RequestTemplate, base: str) -> WireRequest | None:
        assert self.token is not None
        try:
            return simple_request(template, self.token.values(masked=False), base, Access.NOBODYS).wire
        except (EngineError, TemplateError):
            return None


def simple_request(template: RequestTemplate, values: Mapping[str, Any], base: str, access: Access) -> Ready:
    """A request that is not the main one: its templates and the access say all of it."""
    request, sent = template.request, access.credentials
    payload = template.payload(values)
    content, content_type = access.body(request.encoding, OMIT if payload is None else payload)
    url = template.url(values, base, sent)
    refuse_open_secret(url, bool(access.secrets), template.owner)
    wire = WireRequest(request.method, url, template.headers(values, sent, content_type), content)
    signed = access.signature(wire)
    return Ready(replace(wire, headers=wire.headers.replaced(signed.headers)), made=signed.made)


def _plainly(url: str) -> str:
    """A URL to look at, in which the stand-in for a value of a step is not percent-encoded."""
    return _SHOWN_STEP.sub(lambda match: unquote(match[0]), url)


def refuse_open_secret(url: str, has_secret: bool, owner: str) -> None:
    """Raise UsageError where a secret would go over plain http to another machine."""
    if not has_secret or url.startswith("https:"):
        return
    parts = urlsplit(shown(url))  # a key in the query is not left in a frame
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(f"{owner}: a secret is not sent over http to another host; use an https URL")


def identity_of(secrets: Mapping[str, Secret]) -> str:
    """A word for whose credentials these are, from which they cannot be read."""
    said = "\0".join(f"{name}\0{secret.reveal()}" for name, secret in sorted(secrets.items()))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
