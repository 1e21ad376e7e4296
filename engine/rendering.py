"""The way out: a chat request and a deployment -> the exact bytes of an HTTP request. Templates are compiled once per
file; every value that goes into a URL or a header is checked for what could break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from .auth import Credentials, credentials
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
    compile_tree,
    encode_slot,
    names_in_tree,
)
from .hosts import is_loopback, private_host
from .messages import Adjustment, ChatRequest
from .params import Resolved, resolve
from .paths import Path
from .secrets import Secret, Sensitive, shown
from .spec import ProviderSpec
from .suggest import did_you_mean
from .version import __version__
from .wire import Headers, WireRequest

USER_AGENT = f"wirefile/{__version__}"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HOST_SLOT = re.compile(r"[A-Za-z0-9-]+")
_PLACEHOLDER = re.compile(r"<[^<>]*>")
_ONE_SETTING = re.compile(r"\{\{\s*\w+\s*\}\}")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_BREAKS_URL = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RenderedCall:
    """A call ready to be sent: the request, what was adjusted on the way, and the secrets to keep out of messages."""

    wire: WireRequest
    adjustments: tuple[Adjustment, ...]
    secrets: tuple[Secret, ...]


class Renderer:
    """A file's request, compiled: turns calls into wire requests."""

    def __init__(self, spec: ProviderSpec) -> None:
        self.spec = spec
        self._url: Rendered = compile_text(spec.url)
        self._path: Rendered = compile_text(spec.path, encode_slot)
        self._query = [(name, _text_leaf(value, f"query.{name}")) for name, value in spec.query.items()]
        self._headers = [(name, _text_leaf(value, f"headers.{name}")) for name, value in spec.headers.items()]
        self._payload: Rendered = compile_tree(spec.payload)

    def render(self, request: ChatRequest, deployment: Deployment) -> RenderedCall:
        """A request rendered for a deployment. Raises UsageError before anything is sent."""
        spec = self.spec
        params = resolve(spec, request.params)
        settings = deployment.resolve_settings(spec)
        auth, secrets = deployment.resolve_auth(spec)
        values = self._values(request, params, settings)
        sent = credentials(auth, secrets)
        try:
            url = self._full_url(values, settings, deployment, sent)
            content, content_type = self._content(values, params)
            headers = self._all_headers(values, sent, content_type)
        except TemplateError as error:  # what an expression made of this call's values
            raise ParameterError(f"{spec.name}: {error}") from None
        if secrets and urlsplit(url).scheme == "http" and not is_loopback(urlsplit(url).hostname):
            raise UsageError(f"{spec.name}: a secret is not sent over http to another host; use an https URL")
        wire = WireRequest(spec.method, url, headers, content)
        adjustments = (*params.adjustments, *self._unused(request))
        return RenderedCall(wire, adjustments, tuple(secrets.values()))

    def _unused(self, request: ChatRequest) -> Iterator[Adjustment]:
        """What was given for declared params that nothing in the request reads: it is dropped, and said to be."""
        for name, param in self.spec.params.items():
            given = request.params.get(name)
            if given is not None and param.maps_to is None and not self._uses(name):
                yield Adjustment(name, "dropped", given)

    def model_of(self, request: ChatRequest) -> str | None:
        """The model on the wire: the call's, by its alias or its name, else the default. Raises ParameterError."""
        models = self.spec.models
        asked = request.model or models.default
        model = models.aliases.get(asked, asked) if asked else None
        if models.allow and model not in models.allow:
            known = [*models.allow, *models.aliases]
            hint = did_you_mean(asked or "", known) or f"its models: {', '.join(known)}"
            what = f"has no model '{asked}'" if asked else "needs a model"
            raise ParameterError(f"{self.spec.name} {what}; {hint}")
        return model

    def _values(self, request: ChatRequest, params: Resolved, settings: Mapping[str, str | int]) -> dict[str, Any]:
        if request.tools and not self._uses("tools"):
            raise UnsupportedError(f"{self.spec.name} takes no tools; leave them out")
        model = self.model_of(request)
        if model is None and self._uses("model"):
            raise ParameterError(f"{self.spec.name} needs a model; say {self.spec.name}:MODEL")
        return {
            **Helpers().functions(),
            **settings,
            **params.values,
            "model": OMIT if model is None else model,
            "messages": [message.as_dict() for message in request.messages],
            "tools": list(request.tools) or OMIT,
            "stream": request.stream,
            "omit": OMIT,
        }

    def _uses(self, name: str) -> bool:
        """Whether a template of the file reads `name`."""
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        spec = self.spec
        return names_in_tree([spec.path, spec.query, spec.headers, spec.payload])

    def _full_url(
        self, values: Mapping[str, Any], settings: Mapping[str, Any], deployment: Deployment, sent: Credentials
    ) -> str:
        base = self._base_url(settings, deployment)
        try:
            path = self._path(values)
        except TemplateError as error:
            raise TemplateError(f"path {error}") from None
        if not isinstance(path, str):
            raise ParameterError(f"{self.spec.name}: the path uses something that was not given")
        if path and not path.startswith("/"):
            path = f"/{path}"
        url = base.rstrip("/") + quote(path, safe=_PATH_SAFE)
        pairs = [
            (quote(name, safe=""), _query_slot(name, value))
            for name, render in self._query
            if isinstance(value := render(values), str)
        ]
        return _with_query(url, [*pairs, *sent.query])

    def _base_url(self, settings: Mapping[str, Any], deployment: Deployment) -> str:
        if deployment.base_url is not None:
            return checked_url(deployment.base_url, "the base URL")
        if _ONE_SETTING.fullmatch(self.spec.url):
            return self._from_settings(settings, deployment, "the setting for url")
        for name in names_in_tree(self.spec.url) & set(settings):
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

    def _all_headers(self, values: Mapping[str, Any], sent: Credentials, content_type: str | None) -> Headers:
        pairs: list[tuple[str, str]] = []
        for name, render in self._headers:
            value = render(values)
            if not isinstance(value, str):
                continue
            if _CONTROL.search(value) or not value.isascii():
                raise ParameterError(f"the header '{name}' would hold a line break or a character beyond ASCII")
            pairs.append((name, value.strip()))
        named = {name.lower() for name, _ in pairs}
        pairs = [pair for pair in pairs if pair[0].lower() not in {name.lower() for name, _ in sent.headers}]
        pairs.extend(sent.headers)
        if content_type is not None and "content-type" not in named:
            pairs.append(("content-type", content_type))
        if "user-agent" not in named:
            pairs.append(("user-agent", USER_AGENT))
        pairs.append(("accept-encoding", "identity"))
        return Headers(pairs)

    def _content(self, values: Mapping[str, Any], params: Resolved) -> tuple[bytes, str | None]:
        payload = self._payload(values)
        if payload is None or payload is OMIT:
            payload = {} if params.placed or params.forwarded else OMIT
        if (params.placed or params.forwarded) and not isinstance(payload, dict):
            names = ", ".join([path for path, _ in params.placed] + list(params.forwarded))
            raise ParameterError(f"{self.spec.name}: the payload is no map that could take {names}")
        for path, value in params.placed:
            payload = Path(path).put(payload, value)
        if params.forwarded:
            payload = {**payload, **params.forwarded}
        if payload is OMIT:
            return b"", None
        return encode(self.spec.encoding, payload, as_text)


def _text_leaf(value: Any, where: str) -> Rendered:
    """A header or a query parameter: text, or OMIT. It has no null: that is left out as well."""
    if not isinstance(value, str):
        text = as_text(value)
        return lambda values: text
    render = compile_tree(value, where)

    def leaf(values: Mapping[str, Any]) -> Any:
        result = render(values)
        if result is None or result is OMIT:
            return OMIT
        try:
            return as_text(result)
        except TemplateError as error:
            raise TemplateError(f"{where} {error}") from None

    return leaf


def _query_slot(name: str, value: str) -> str:
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise TemplateError(f"query.{name} gives half a character, which no URL can hold") from None


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    full = f"{url}?" + "&".join(f"{name}={value}" for name, value in pairs)
    if any(isinstance(value, Sensitive) for _, value in pairs):
        return Sensitive(full, f"{url}?" + "&".join(f"{name}={shown(value)}" for name, value in pairs))
    return full


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
