"""One request of a file, compiled: values -> its URL, its headers and its payload.

Every value that goes into a URL or a header is checked for what could break out of its place. A file's main request is
one of these, and so is each request that goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from operator import is_
from typing import Any
from urllib.parse import quote

from .auth import Credentials
from .errors import ParameterError
from .expressions import (
    FUNCTIONS,
    MAX_SLOT,
    OMIT,
    Rendered,
    TemplateError,
    as_text,
    compile_text,
    compile_tree,
    encode_slot,
    is_template,
    names_in_tree,
    quoted,
)
from .headers import CONTROL
from .secrets import Sensitive, shown
from .spec import Request
from .version import __version__
from .wire import Headers

_CHANGEFUL = frozenset(FUNCTIONS)
"""What may say something else each time."""
_FIXED = frozenset({str, Sensitive, int, float, bool, type(None), type(OMIT)})
"""Types whose values stay what they are."""

USER_AGENT = f"wirefile/{__version__}"

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~:-]*")


class RequestTemplate:
    """A request, compiled; `owner` is whose it is, for messages."""

    def __init__(self, request: Request, owner: str) -> None:
        self.request = request
        self.owner = owner
        self._path: Rendered = compile_text(request.path, encode_slot)
        self._query = [
            (name, quote(name, safe=""), _text_leaf(value, f"query.{name}")) for name, value in request.query.items()
        ]
        self._headers = [(name, name.lower(), _header(name, value)) for name, value in request.headers.items()]
        self._last: tuple[list[Any], Headers] | None = None
        self.payload: Rendered = compile_tree(request.payload)
        self.follow: Rendered = compile_tree(request.follow, "follow")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the templates of this request read."""
        request = self.request
        return names_in_tree([request.path, request.query, request.headers, request.payload, request.follow])

    @cached_property
    def _header_names(self) -> tuple[str, ...]:
        return tuple(names_in_tree(list(self.request.headers.values()), functions=True))

    def url(self, values: Mapping[str, Any], base: str, sent: Credentials) -> str:
        """The whole URL, `base` and what follows it. Raises ParameterError or TemplateError."""
        path = self._path_of(values) if is_template(self.request.path) else self._literal_path
        url = base if self.request.follow is not None else base.rstrip("/") + path
        pairs = self._pairs(values) if self._query else []
        return _with_query(url, [*pairs, *sent.query])

    @cached_property
    def _literal_path(self) -> str:
        return self._path_of({})

    def _path_of(self, values: Mapping[str, Any]) -> str:
        try:
            path = self._path(values)
        except TemplateError as error:
            raise TemplateError(f"path {error}") from None
        if not isinstance(path, str):
            raise ParameterError(f"{self.owner}: the path uses something that was not given")
        if len(path) > MAX_SLOT:
            raise TemplateError(f"path gives {len(path)} characters, and a URL has at most {MAX_SLOT}")
        path = path if not path or path.startswith("/") else f"/{path}"
        return path if _PLAIN_PATH.fullmatch(path) else quote(path, safe=_PATH_SAFE)

    def _pairs(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        pairs = [
            (spelt, _query_slot(name, value))
            for name, spelt, render in self._query
            if isinstance(value := render(values), str)
        ]
        if sum(len(value) for _, value in pairs) > MAX_SLOT:
            raise TemplateError(f"query gives more than the {MAX_SLOT} characters that a URL has at most")
        return pairs

    def headers(self, values: Mapping[str, Any], sent: Credentials, content_type: str | None) -> Headers:
        """All headers that the engine decides. Raises ParameterError or TemplateError."""
        # Most of what they are made of is of a deployment, and the very same for the next call.
        made_of = [sent, content_type, *(values.get(name) for name in self._header_names)]
        if self._last is not None and all(map(is_, made_of, self._last[0])):
            return self._last[1]
        headers = Headers(self._header_pairs(values, sent, content_type))
        if _CHANGEFUL.isdisjoint(self._header_names) and _FIXED.issuperset(map(type, made_of[2:])):
            self._last = made_of, headers
        return headers

    def _header_pairs(
        self, values: Mapping[str, Any], sent: Credentials, content_type: str | None
    ) -> list[tuple[str, str]]:
        rendered = [(name, lowered, render(values)) for name, lowered, render in self._headers]
        given = [(name, lowered, value) for name, lowered, value in rendered if value is not OMIT]
        named = {lowered for _, lowered, _ in given}
        taken = {name.lower() for name, _ in sent.headers}
        pairs = [(name, value) for name, lowered, value in given if lowered not in taken]
        pairs.extend(sent.headers)
        if content_type is not None and "content-type" not in named:
            pairs.append(("content-type", content_type))
        if "user-agent" not in named:
            pairs.append(("user-agent", USER_AGENT))
        pairs.append(("accept-encoding", "identity"))
        return pairs


def _header(name: str, value: Any) -> Rendered:
    """A header's value, checked, or OMIT; one that no call varies is made once."""
    leaf = _text_leaf(value, f"headers.{name}")

    def render(values: Mapping[str, Any]) -> Any:
        text = leaf(values)
        return _checked(name, text) if isinstance(text, str) else OMIT

    if is_template(value):
        return render
    try:
        literal = render({})
    except (ParameterError, TemplateError):
        return render  # each call says so
    return lambda values: literal


def _checked(name: str, value: str) -> str:
    if len(value) > MAX_SLOT:
        raise TemplateError(f"headers.{name} gives {len(value)} characters; a header has at most {MAX_SLOT}")
    if CONTROL.search(value) or not value.isascii():
        raise ParameterError(f"the header '{name}' would hold a line break or a character beyond ASCII")
    return value.strip()


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
