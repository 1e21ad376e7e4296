"""One request of a file, compiled: values -> its URL, its headers and its payload.

Every value that goes into a URL or a header is checked for what could break out of its place. A file's main request is
one of these, and so is each request that goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from .auth import Credentials
from .errors import ParameterError
from .expressions import (
    MAX_SLOT,
    OMIT,
    Rendered,
    TemplateError,
    as_text,
    compile_text,
    compile_tree,
    encode_slot,
    names_in_tree,
    quoted,
)
from .headers import CONTROL
from .secrets import Sensitive, shown
from .spec import Request
from .version import __version__
from .wire import Headers

USER_AGENT = f"wirefile/{__version__}"

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


class RequestTemplate:
    """A request, compiled; `owner` is whose it is, for messages."""

    def __init__(self, request: Request, owner: str) -> None:
        self.request = request
        self.owner = owner
        self._path: Rendered = compile_text(request.path, encode_slot)
        self._query = [(name, _text_leaf(value, f"query.{name}")) for name, value in request.query.items()]
        self._headers = [(name, _text_leaf(value, f"headers.{name}")) for name, value in request.headers.items()]
        self.payload: Rendered = compile_tree(request.payload)
        self.follow: Rendered = compile_tree(request.follow, "follow")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the templates of this request read."""
        request = self.request
        return names_in_tree([request.path, request.query, request.headers, request.payload, request.follow])

    def url(self, values: Mapping[str, Any], base: str, sent: Credentials) -> str:
        """The whole URL, `base` and what follows it. Raises ParameterError or TemplateError."""
        try:
            path = self._path(values)
        except TemplateError as error:
            raise TemplateError(f"path {error}") from None
        if not isinstance(path, str):
            raise ParameterError(f"{self.owner}: the path uses something that was not given")
        if len(path) > MAX_SLOT:
            raise TemplateError(f"path gives {len(path)} characters, and a URL has at most {MAX_SLOT}")
        if path and not path.startswith("/"):
            path = f"/{path}"
        is_whole = self.request.follow is not None
        url = base if is_whole else base.rstrip("/") + quote(path, safe=_PATH_SAFE)
        pairs = [
            (quote(name, safe=""), _query_slot(name, value))
            for name, render in self._query
            if isinstance(value := render(values), str)
        ]
        if sum(len(value) for _, value in pairs) > MAX_SLOT:
            raise TemplateError(f"query gives more than the {MAX_SLOT} characters that a URL has at most")
        return _with_query(url, [*pairs, *sent.query])

    def headers(self, values: Mapping[str, Any], sent: Credentials, content_type: str | None) -> Headers:
        """All headers that the engine decides. Raises ParameterError or TemplateError."""
        pairs: list[tuple[str, str]] = []
        for name, render in self._headers:
            value = render(values)
            if not isinstance(value, str):
                continue
            if len(value) > MAX_SLOT:
                raise TemplateError(f"headers.{name} gives {len(value)} characters; a header has at most {MAX_SLOT}")
            if CONTROL.search(value) or not value.isascii():
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
        return quoted(value)
    except TemplateError as error:
        raise TemplateError(f"query.{name} {error}") from None


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    start = f"{url}&" if "?" in url else f"{url}?"  # a URL that is followed may have a query already
    full = start + "&".join(name + "=" + value for name, value in pairs)
    if any(isinstance(value, Sensitive) for _, value in pairs):
        return Sensitive(full, start + "&".join(f"{name}={shown(value)}" for name, value in pairs))
    return full
