"""The way out: a chat request and a deployment -> the exact bytes of an HTTP request. Templates are compiled once per
file; every value that goes into a URL or a header is checked for what could break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from . import additions
from .auth import Credentials, Unsigned, Way, compile_auth
from .deployment import Deployment
from .encoding import encode
from .errors import ParameterError, UnsupportedError, UsageError
from .expressions import (
    OMIT,
    Helpers,
    Rendered,
    TemplateError,
    as_text,
    compile_text,
    names_in_tree,
)
from .headers import Pairs, caller_headers, overlaid, secrets_in
from .hosts import is_loopback, private_host
from .messages import Adjustment, ChatRequest
from .params import Resolved, model_of, refuse_adjusted, resolve
from .pipeline import Context, Shaper, check_choice
from .request_template import RequestTemplate
from .secrets import Secret, SensitiveBytes, shown
from .spec import ProviderSpec
from .wire import Headers, WireRequest

_HOST_SLOT = re.compile(r"[A-Za-z0-9-]+")
_PLACEHOLDER = re.compile(r"<[^<>]*>")
_ONE_SETTING = re.compile(r"\{\{\s*\w+\s*\}\}")
_BREAKS_URL = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RenderedCall:
    """A call ready to be sent: the request, what was adjusted on the way, and the secrets to keep out of messages."""

    wire: WireRequest
    adjustments: tuple[Adjustment, ...]
    secrets: tuple[Secret, ...]


class Renderer:
    """A file's request, compiled: turns calls into wire requests."""

    def __init__(self, spec: ProviderSpec, helpers: Helpers | None = None) -> None:
        self.spec = spec
        self._helpers = helpers or Helpers()
        self._ways = [(auth, compile_auth(auth)) for auth in (None, *spec.auth)]
        self._url: Rendered = compile_text(spec.url)
        self._url_names = names_in_tree(spec.url)
        self._main = RequestTemplate(spec.request, spec.name)
        self._shaper = Shaper(spec)

    def render(self, request: ChatRequest, deployment: Deployment) -> RenderedCall:
        """A request rendered for a deployment. Raises UsageError before anything is sent."""
        spec = self.spec
        params = self._with_choice(resolve(spec, request.params), request)
        extra = caller_headers(request.extra_headers)
        settings = deployment.resolve_settings(spec)
        values = self._values(request, params, settings)
        adjustments = (*params.adjustments, *self._shape(request, values), *self._unused(request))
        if deployment.strict:
            refuse_adjusted(spec.name, adjustments)
        auth, secrets = deployment.resolve_auth(spec)
        way = next(way for known, way in self._ways if known is auth)
        sent = way.credentials(secrets)
        try:
            url = self._main.url(values, self._base_url(settings, deployment), sent)
            content, content_type, added = self._content(values, params, request.extra_body, way, secrets)
            unsigned = self._main.headers(values, sent, content_type)
        except TemplateError as error:  # what an expression made of this call's values
            raise ParameterError(f"{spec.name}: {error}") from None
        private = (*secrets.values(), *secrets_in(extra))
        if private and urlsplit(url).scheme == "http" and not is_loopback(urlsplit(url).hostname):
            raise UsageError(f"{spec.name}: a secret is not sent over http to another host; use an https URL")
        wire = WireRequest(spec.method, url, self._with_extra(unsigned, extra)[0], content)
        signed = self._signature(way, wire, settings, secrets)
        headers, replaced = self._with_extra(unsigned.replaced(signed.headers), extra)
        wire = replace(wire, headers=headers)
        return RenderedCall(wire, (*adjustments, *added, *replaced), (*private, *signed.made))

    def _signature(
        self, way: Way, wire: WireRequest, settings: Mapping[str, Any], secrets: Mapping[str, Secret]
    ) -> Credentials:
        """What a signature over the finished request adds."""
        values = {**settings, **self._helpers.functions(), "omit": OMIT}
        try:
            return way.sign(Unsigned(wire, values, self._helpers.clock()), secrets)
        except ParameterError as error:
            failure = ParameterError(f"{self.spec.name}: {error.message}")
        raise failure

    def _with_choice(self, params: Resolved, request: ChatRequest) -> Resolved:
        """The parameters with what becomes of a choice of tools that the file's templates do not read."""
        choice, name = request.tool_choice, self.spec.name
        check_choice(request)
        if choice in (None, "auto") or (request.tools and self._uses("tool_choice")):
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
        for name, param in self.spec.params.items():
            given = request.params.get(name)
            if given is not None and param.maps_to is None and not self._uses(name):
                yield Adjustment(name, "dropped", given)

    def _values(self, request: ChatRequest, params: Resolved, settings: Mapping[str, str | int]) -> dict[str, Any]:
        if request.tools and not self._uses("tools"):
            raise UnsupportedError(f"{self.spec.name} takes no tools; leave them out")
        model = model_of(self.spec, request.model)
        if model is None and self._uses("model"):
            raise ParameterError(f"{self.spec.name} needs a model; say {self.spec.name}:MODEL")
        return {
            **self._helpers.functions(),
            **settings,
            **params.values,
            "model": OMIT if model is None else model,
            "stream": request.stream,
            "omit": OMIT,
        }

    def _shape(self, request: ChatRequest, values: dict[str, Any]) -> list[Adjustment]:
        """Adds to the values what the pipeline makes of messages and tools; gives what it adjusted."""
        context = Context(self.spec.name, dict(values), [])
        try:
            values["tools"], values["tool_choice"] = self._shaper.tools(request.tools, request.tool_choice, context)
            if self._uses("messages") or self._uses("system"):
                values["messages"], values["system"] = self._shaper.messages(request.messages, context)
        except TemplateError as error:
            raise ParameterError(f"{self.spec.name}: {error}") from None
        return context.adjustments

    def _uses(self, name: str) -> bool:
        """Whether a template of the file reads `name`."""
        return name in self._main.names or name in self._shaper.outer

    def _base_url(self, settings: Mapping[str, Any], deployment: Deployment) -> str:
        if deployment.base_url is not None:
            return checked_url(deployment.base_url, "the base URL")
        if _ONE_SETTING.fullmatch(self.spec.url):
            return self._from_settings(settings, deployment, "the setting for url")
        for name in self._url_names & settings.keys():
            value = str(settings[name])
            allowed = deployment.placeholders and _PLACEHOLDER.fullmatch(value)
            if not allowed and not _HOST_SLOT.fullmatch(value):
                raise ParameterError(
                    f"the setting '{name}' is part of a URL: letters, digits and hyphens, not {value[:60]!r}"
                )
        url = self._from_settings(settings, deployment, "the URL that the settings make")
        # Each setting is harmless by itself; four of them could spell a private address.
        if "<" not in url and private_host(urlsplit(url).hostname or ""):
            raise ParameterError(f"{self.spec.name}: the settings make a private host of the URL; give a base URL")
        return url

    def _from_settings(self, settings: Mapping[str, Any], deployment: Deployment, what: str) -> str:
        url = str(self._url(settings))
        return url if deployment.placeholders and _PLACEHOLDER.search(url) else checked_url(url, what)

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

    def _content(
        self,
        values: Mapping[str, Any],
        params: Resolved,
        extra_body: Mapping[str, Any],
        way: Way,
        secrets: Mapping[str, Secret],
    ) -> tuple[bytes, str | None, tuple[Adjustment, ...]]:
        payload = self._main.payload(values)
        names = [*(path for path, _ in params.placed), *params.forwarded, *extra_body]
        if payload is None or payload is OMIT:
            payload = {} if names else OMIT
        if names and not isinstance(payload, dict):
            raise ParameterError(f"{self.spec.name}: the payload is no map that could take {', '.join(names)}")
        adjustments: tuple[Adjustment, ...] = ()
        if names:
            payload = additions.place(payload, params.placed)
            payload, forwarded = additions.forward(payload, params.forwarded)
            payload, merged = additions.merge(payload, extra_body)
            adjustments = (*forwarded, *merged)
        return *self._body(payload, way, secrets), adjustments

    def _body(self, payload: Any, way: Way, secrets: Mapping[str, Secret]) -> tuple[bytes, str | None]:
        """The payload as bytes and their type; with a secret that goes in the body, those to show as well."""
        encoding = self.spec.encoding
        masks = {name: Secret(repr(secret), name=secret.name) for name, secret in secrets.items()}
        # What is shown is made first: where it fails, no frame holds the secret.
        masked = way.fill(payload, masks)
        if masked is OMIT:
            return b"", None
        body, content_type = encode(encoding, masked, as_text)
        if masked is payload:
            return body, content_type
        name = next(iter(secrets.values())).name
        return SensitiveBytes(encode(encoding, way.fill(payload, secrets), as_text)[0], body, name), content_type


def checked_url(url: str, what: str) -> str:
    """A URL from the caller: http or https, a host, and nothing behind the path. Raises ParameterError."""
    if not isinstance(url, str):
        raise ParameterError(f"{what} is text, not a value of type {type(url).__name__}")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError as error:
        raise ParameterError(f"{what} cannot be read: {error}") from None
    if "@" in parts.netloc or "?" in url or "#" in url or _BREAKS_URL.search(url):  # it may hold a password: not shown
        raise ParameterError(
            f"{what} has a user, a query, a fragment, a space or a backslash in it; write https://host/path"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParameterError(f"{what} is {url[:100]!r}; write http://host or https://host")
    return url
