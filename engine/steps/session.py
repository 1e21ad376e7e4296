"""What the replies before the main one have opened: cookies and values that go on with the call, and show nowhere.

Which values open a session is told by where they stand in a reply, by their names, and by where a later request says
them. A call of one request has no session.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..headers import is_credential_name
from ..redaction import redact
from ..secrets import Secret, Sensitive, shown, shown_bytes
from ..spec import ProviderSpec, Step
from ..wire import Headers, WireRequest
from .cookies import CookieJar

_STEP_VALUE = re.compile(r"\bsteps\.(\w+)\.(\w+)")

MIN_HIDDEN = 8
"""Shorter values of a session are not looked for in messages."""


class Session:
    """The cookies and the hidden values of one call."""

    def __init__(self, spec: ProviderSpec) -> None:
        self._spec = spec
        self._jar = CookieJar()
        self._hidden: list[Secret] = []

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not show in a message."""
        return tuple(self._hidden)

    def hide(self, values: Iterable[Any]) -> None:
        """Keep values out of messages; a short text would be found where it means something else."""
        texts = [value for value in values if isinstance(value, str) and len(value) >= MIN_HIDDEN]
        self._hidden.extend(Secret(text, name="session") for text in texts)

    def take_cookies(self, url: str, fields: Iterable[str]) -> None:
        """Remember what the `set-cookie` fields of a reply from `url` say."""
        self._jar.take(url, fields)
        self.hide(self._jar.values)

    def joined_by(self, wire: WireRequest) -> WireRequest:
        """A request as it is sent in the session: with its cookies, and shown without what opens it."""
        return self._veiled(self._with_cookies(wire))

    def _with_cookies(self, wire: WireRequest) -> WireRequest:
        cookies = self._jar.header(str.__str__(wire.url))
        if not cookies:
            return wire
        own = wire.headers.get("cookie")
        value = Sensitive(own + "; " + cookies, f"{shown(own)}; ***") if own else Sensitive(cookies, "***")
        pairs = [pair for pair in wire.headers.pairs if pair[0].lower() != "cookie"]
        return replace(wire, headers=Headers([*pairs, ("cookie", value)]))

    def _veiled(self, wire: WireRequest) -> WireRequest:
        """The request, shown without what opens the session, wherever the file has put it."""
        hidden = tuple(self._hidden)
        if not hidden:
            return wire
        pairs = ((name, redact(shown(value), hidden)) for name, value in wire.headers.pairs)
        body = redact(shown_bytes(wire.content).decode(errors="surrogateescape"), hidden)
        content = body.encode(errors="surrogateescape")
        seen = WireRequest(wire.method, redact(shown(wire.url), hidden), Headers(pairs), content)
        veiled = wire.masked_by(seen)
        return veiled if content != shown_bytes(wire.content) else replace(veiled, content=wire.content)

    def opens(self, step: Step, name: str) -> bool:
        """Whether a value of a reply opens a session: where it stands there, its name, or where it goes says so."""
        read = step.read[name]
        if read.source in ("header", "cookie"):
            return True
        words = (name, *read.where.split(".")[-1:]) if read.source == "json" else (name,)
        return any(map(is_credential_name, words)) or f"{step.name}.{name}" in self._sent_in_headers

    @cached_property
    def _sent_in_headers(self) -> frozenset[str]:
        """The values of steps that a later request says in a header."""
        requests = (self._spec.request, *(step.request for step in self._spec.steps))
        texts = [value for request in requests for value in request.headers.values() if isinstance(value, str)]
        return frozenset(f"{step}.{name}" for text in texts for step, name in _STEP_VALUE.findall(text))
