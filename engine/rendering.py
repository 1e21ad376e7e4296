"""The way out: a chat request and a deployment -> the exact bytes of an HTTP request. Templates are compiled once per
file; every value that goes into a URL or a header is checked for what could break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    compile_leaf,
    compile_text,
    compile_tree,
    encode_slot,
)
from .hosts import is_loopback
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
_IN_TEMPLATE = re.compile(r"\{\{.*?\}\}|'\$when': .*?[,}]", re.DOTALL)


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
        self._query = [(name, _text_leaf(value)) for name, value in spec.query.items()]
        self._headers = [(name, _text_leaf(value)) for name, value in spec.headers.items()]
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
        return RenderedCall(wire, params.adjustments, tuple(secrets.values()))

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
        """Whether a template of the file names `name`."""
        return bool(re.search(rf"\b{name}\b", self._template_text))

    @cached_property
    def _template_text(self) -> str:
        spec = self.spec
        texts = [spec.path, *map(str, spec.query.values()), *map(str, spec.headers.values()), str(spec.payload)]
        return " ".join(piece for text in texts for piece in _IN_TEMPLATE.findall(text))

    def _full_url(
        self, values: Mapping[str, Any], settings: Mapping[str, Any], deployment: Deployment, sent: Credentials
    ) -> str:
        base = self._base_url(settings, deployment)
        path = self._path(values)
        if not isinstance(path, str):
            raise ParameterError(f"{self.spec.name}: the path uses something that was not given")
        if path and not path.startswith("/"):
            path = f"/{path}"
        url = base.rstrip("/") + quote(path, safe=_PATH_SAFE)
        pairs = [
            (quote(name, safe=""), quote(value, safe=""))
            for name, render in self._query
            if isinstance(value := render(values), str)
        ]
        return _with_query(url, [*pairs, *sent.query])

    def _base_url(self, settings: Mapping[str, Any], deployment: Deployment) -> str:
        if deployment.base_url is not None:
            return checked_url(deployment.base_url, "the base URL")
        if re.fullmatch(r"\{\{\s*\w+\s*\}\}", self.spec.url):
            url = str(self._url(settings))
            return (
                url if deployment.placeholders and _PLACEHOLDER.search(url) else checked_url(url, "the setting for url")
            )
        for name, value in settings.items():
            used = re.search(rf"\{{\{{[^}}]*\b{re.escape(name)}\b", self.spec.url)
            allowed = deployment.placeholders and _PLACEHOLDER.fullmatch(str(value))
            if used and not allowed and not _HOST_SLOT.fullmatch(str(value)):
                raise ParameterError(
                    f"the setting '{name}' is part of a URL: letters, digits and hyphens, not {value!r}"
                )
        return str(self._url(settings))

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
        for path, value in params.placed:
            payload = Path(path).put({} if payload in (None, OMIT) else payload, value)
        if params.forwarded:
            payload = {**({} if payload in (None, OMIT) else payload), **params.forwarded}
        if payload is None or payload is OMIT:
            return b"", None
        return encode(self.spec.encoding, payload, as_text)


def _text_leaf(value: Any) -> Rendered:
    if not isinstance(value, str):
        text = as_text(value)
        return lambda values: text
    render = compile_leaf(value)

    def leaf(values: Mapping[str, Any]) -> Any:
        # A header or a query parameter has no null: it is left out.
        result = render(values)
        return OMIT if result is None or not isinstance(result, str | int | float | list | dict) else as_text(result)

    return leaf


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    full = f"{url}?" + "&".join(f"{name}={value}" for name, value in pairs)
    if any(isinstance(value, Sensitive) for _, value in pairs):
        return Sensitive(full, f"{url}?" + "&".join(f"{name}={shown(value)}" for name, value in pairs))
    return full


def checked_url(url: str, what: str) -> str:
    """A URL from the caller: http or https, a host, and nothing behind the path. Raises ParameterError."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError as error:
        raise ParameterError(f"{what} cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParameterError(f"{what} is {url[:100]!r}; write http://host or https://host")
    if parts.username is not None or parts.query or parts.fragment or _CONTROL.search(url) or " " in url:
        raise ParameterError(f"{what} has a user, a query, a fragment or a space in it; write https://host/path")
    return url
