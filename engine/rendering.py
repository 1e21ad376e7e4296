"""The way out: a chat request and a deployment -> the exact bytes of an HTTP request. Templates are compiled once per
file; every value that goes into a URL or a header is checked for what could break out of its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from . import additions
from .auth import Access
from .chat_request import ChatRequest
from .deployment import Deployment
from .errors import ParameterError, UnsupportedError
from .expressions import OMIT, Helpers, TemplateError, bounded
from .headers import Pairs, caller_headers, overlaid, secrets_in
from .messages import Adjustment
from .params import Parameters, Resolved, model_of, refuse_adjusted
from .pipeline import Context, Shaper, check_choice
from .route import Legs, Ready, Route, identity_of, refuse_open_secret
from .secrets import Secret, shown
from .spec import ProviderSpec
from .standing import Standings
from .token_call import TokenCall
from .weight import Weighed
from .wire import Headers, WireRequest


@dataclass(frozen=True, slots=True)
class RenderedCall:
    """A call ready to be sent: its requests, what was adjusted on the way, and the secrets to keep out of messages.

    A call of one request has it in `only`; where others go before it, `route` renders each when its turn comes.
    `signed_anew` gives the one request with a signature of now, for another try: it holds a time, perhaps a nonce.
    """

    only: WireRequest | None
    adjustments: tuple[Adjustment, ...]
    secrets: tuple[Secret, ...]
    route: Route | None = None
    signed_anew: Callable[[], Ready] | None = None

    @property
    def wire(self) -> WireRequest:
        """The main request, with `<steps.NAME.VALUE>` where a value would stand that an earlier reply brings."""
        return self.wires[-1]

    @property
    def wires(self) -> list[WireRequest]:
        """All requests of the call in their order, as far as they are known before the first is sent."""
        if self.only is not None:
            return [self.only]
        return self.route.looked_at() if self.route is not None else []


class Renderer:
    """A file's request, compiled: turns calls into wire requests."""

    def __init__(self, spec: ProviderSpec, helpers: Helpers | None = None) -> None:
        self.spec = spec
        self._helpers = helpers or Helpers()
        self._params = Parameters(spec)
        self._legs = Legs(spec)
        self._main = self._legs.main
        self._standings = Standings(spec, self._legs.base, self._helpers)
        self._shaper = Shaper(spec)
        self._used = self._legs.names | self._shaper.outer
        """The names that the templates of the file read."""
        self._unread = tuple(
            name for name, param in spec.params.items() if param.maps_to is None and name not in self._used
        )

    @bounded
    def render(self, request: ChatRequest, deployment: Deployment) -> RenderedCall:
        """A request rendered for a deployment. Raises UsageError before anything is sent."""
        spec = self.spec
        params = self._with_choice(self._params.resolve(request.params), request)
        extra = caller_headers(request.extra_headers) if request.extra_headers else ()
        standing = self._standings.of(deployment)
        values = self._values(request, params, standing.names)
        shaped, known = self._shape(request, values)
        adjustments = (*params.adjustments, *shaped, *self._unused(request))
        if deployment.strict:
            refuse_adjusted(spec.name, adjustments)
        access, territory = standing.access(), standing.territory
        private = (*standing.secrets, *secrets_in(extra)) if extra else standing.secrets
        # The caller's own headers may be credentials too: they go where those may go.
        main = partial(self._render_main, params, request.extra_body, extra, private, known)
        token = standing.auth.token if standing.auth is not None else None
        if not spec.steps and token is None:
            try:
                ready = main(values, territory.own, access)
            except TemplateError as error:  # what an expression made of this call's values
                raise ParameterError(f"{spec.name}: {error}") from None
            again = partial(self._signed_anew, ready.unsigned, extra, access) if ready.unsigned else None
            return RenderedCall(
                ready.wire, (*adjustments, *ready.adjustments), (*private, *ready.made), signed_anew=again
            )
        settings, secrets = standing.settings, access.secrets
        call = TokenCall(token, secrets, settings, self._helpers) if token is not None else None
        route = Route(self._legs, deployment, settings, values, territory, main, access, call, identity_of(secrets))
        return RenderedCall(None, (*adjustments, *route.rehearse()), private, route)

    def _render_main(
        self,
        params: Resolved,
        extra_body: Mapping[str, Any],
        extra: Pairs,
        private: tuple[Secret, ...],
        known: Weighed | None,
        values: Mapping[str, Any],
        base: str,
        access: Access | None,
    ) -> Ready:
        """The main request; without access, neither credentials nor the caller's own headers go with it."""
        may = access or Access.NOBODYS
        url = self._main.url(values, base, may.credentials)
        payload, added = self._payload(values, params, extra_body)
        content, content_type = may.body(self.spec.encoding, payload, known)
        unsigned = self._main.headers(values, may.credentials, content_type)
        wire = WireRequest(self.spec.method, url, unsigned, content)
        if access is None:
            return Ready(wire, added)
        refuse_open_secret(url, bool(private), self.spec.name)
        if not extra and not access.way.signs:
            return Ready(wire, added)
        ready = self._signed(wire, extra, may)
        return replace(ready, adjustments=(*added, *ready.adjustments))

    def _signed(self, wire: WireRequest, extra: Pairs, access: Access) -> Ready:
        """A request with the caller's own headers, and signed with them."""
        signed = access.signature(replace(wire, headers=self._with_extra(wire.headers, extra)[0]))
        headers, replaced = self._with_extra(wire.headers.replaced(signed.headers), extra)
        return Ready(replace(wire, headers=headers), replaced, signed.made, wire if signed.headers else None)

    def _signed_anew(self, wire: WireRequest, extra: Pairs, access: Access) -> Ready:
        return self._signed(wire, extra, replace(access, now=self._helpers.clock()))

    def _with_choice(self, params: Resolved, request: ChatRequest) -> Resolved:
        """The parameters with what becomes of a choice of tools that the file's templates do not read."""
        choice, name = request.tool_choice, self.spec.name
        if choice is None:
            return params
        check_choice(request)
        if choice == "auto" or (request.tools and self._uses("tool_choice")):
            return params
        if request.tools and self._shaper.settles(choice):
            return params
        if self.spec.unknown_params == "error" and request.tools:
            raise UnsupportedError(f"{name} takes no tool_choice; leave it out")
        if self.spec.unknown_params == "forward" and request.tools:
            adjustment = Adjustment("tool_choice", "forwarded", choice, choice)
            forwarded = {**params.forwarded, "tool_choice": choice}
            return replace(params, forwarded=forwarded, adjustments=(*params.adjustments, adjustment))
        return replace(params, adjustments=(*params.adjustments, Adjustment("tool_choice", "dropped", choice)))

    def _unused(self, request: ChatRequest) -> Iterator[Adjustment]:
        """What was given for declared params that nothing in the request reads: it is dropped, and said to be."""
        for name in self._unread:
            given = request.params.get(name)
            if given is not None:
                yield Adjustment(name, "dropped", given)

    def _values(self, request: ChatRequest, params: Resolved, names: Mapping[str, Any]) -> dict[str, Any]:
        if request.tools and not self._uses("tools"):
            raise UnsupportedError(f"{self.spec.name} takes no tools; leave them out")
        model = model_of(self.spec, request.model)
        if model is None and self._uses("model"):
            raise ParameterError(f"{self.spec.name} needs a model; say {self.spec.name}:MODEL")
        return {
            **names,
            **params.values,
            "model": OMIT if model is None else model,
            "stream": request.stream,
            "omit": OMIT,
        }

    def _shape(self, request: ChatRequest, values: dict[str, Any]) -> tuple[list[Adjustment], Weighed | None]:
        """Adds to the values what the pipeline makes of messages and tools; gives what it adjusted, and the messages
        with their weight."""
        known: Weighed | None = None
        context = Context(self.spec.name, dict(values), [])
        try:
            values["tools"], values["tool_choice"] = self._shaper.tools(request.tools, request.tool_choice, context)
            if self._uses("messages") or self._uses("system"):
                known, values["system"] = self._shaper.messages(request.messages, context)
                values["messages"] = known.items
        except TemplateError as error:
            raise ParameterError(f"{self.spec.name}: {error}") from None
        return context.adjustments, known

    def _uses(self, name: str) -> bool:
        """Whether a template of the file reads `name`."""
        return name in self._used

    def _with_extra(self, headers: Headers, extra: Pairs) -> tuple[Headers, tuple[Adjustment, ...]]:
        """The headers with the caller's own, and what gave way to them."""
        if self.spec.encoding == "multipart" and any(name.lower() == "content-type" for name, _ in extra):
            raise ParameterError("extra_headers: a multipart body needs the engine's own content-type; leave it out")
        pairs, replaced = overlaid(headers.pairs, extra)
        sent = {name.lower(): shown(value) for name, value in extra}
        return Headers(pairs), tuple(
            Adjustment(f"extra_headers.{name}", "replaced", shown(value), sent[name.lower()])
            for name, value in replaced
        )

    def _payload(
        self, values: Mapping[str, Any], params: Resolved, extra_body: Mapping[str, Any]
    ) -> tuple[Any, tuple[Adjustment, ...]]:
        payload = self._main.payload(values)
        names = [*(path for path, _ in params.placed), *params.forwarded, *extra_body]
        if names and payload is None and self.spec.method == "GET":
            raise ParameterError(f"{self.spec.name}: a GET has no body that could take {', '.join(names)}")
        if payload is None or payload is OMIT:
            payload = {} if names else OMIT
        if names and not isinstance(payload, dict):
            raise ParameterError(f"{self.spec.name}: the payload is no map that could take {', '.join(names)}")
        if not names:
            return payload, ()
        payload = additions.place(payload, params.placed)
        if not params.forwarded and not extra_body:
            return payload, ()
        payload, forwarded = additions.forward(payload, params.forwarded)
        payload, merged = additions.merge(payload, extra_body)
        return payload, (*forwarded, *merged)
