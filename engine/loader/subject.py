"""A document under examination: what every check is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem
from ..shaping import COLLECTIONS, NAMES
from .document import Document, Place

RESERVED_NAMES = frozenset({"model", "messages", "stream", "tools", "tool_choice", "omit"})
"""The names that every template of a call may use, beside its params and settings."""

AUTH_NAMES = frozenset({"method", "path", "query", "body", "secrets", "omit"})
"""The names that templates of `auth` may use beside settings: the finished request, and the secrets."""

AUTH_SCOPES: Mapping[str, frozenset[str]] = {
    "settings": frozenset(),
    "auth": AUTH_NAMES,
    "token": frozenset({"secrets", "assertion", "omit"}),
}
"""What templates may use that make no part of a request of the call, beside settings."""

TEXT_ENCODINGS = ("form", "multipart", "text")
"""Encodings whose values are text: a list or a map has no place in them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A document under examination, and the names that its templates may use.

    `shipped` says that it came with the package; `allow_env` names protected variables that the caller lets it read;
    `redirected` says that a base URL of the caller's stands for its `url`. `templated` and
    `paths` are the places that the schema marks as such.
    """

    document: Document
    data: Mapping[str, Any]
    shipped: bool
    allow_env: frozenset[str] = frozenset()
    redirected: bool = False
    templated: frozenset[Place] = frozenset()
    paths: frozenset[Place] = frozenset()
    _names: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    def section(self, name: str) -> dict[str, Any]:
        """A map at the top of the file; empty when it is missing or no map."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def maps(self, name: str) -> dict[str, dict[str, Any]]:
        """Those values of a map at the top that are maps themselves."""
        return {key: value for key, value in self.section(name).items() if isinstance(value, dict)}

    def names(self, scope: str) -> frozenset[str]:
        """The names that a template of `scope` may use: settings, auth, call, steps, or a place of the pipeline."""
        if scope not in self._names:
            self._names[scope] = self._names_of(scope)
        return self._names[scope]

    def _names_of(self, scope: str) -> frozenset[str]:
        if scope == "steps":
            return frozenset({"steps"})
        settings = frozenset(self.section("settings"))
        if scope in AUTH_SCOPES:
            return settings | AUTH_SCOPES[scope]
        if scope in NAMES:
            return settings | frozenset(self.section("params")) | NAMES[scope] | {"model", "stream", "omit"}
        steps = frozenset({"steps"}) if self.data.get("steps") else frozenset()  # which of them, steps.py sees to
        return settings | steps | self.reserved() | frozenset(self.section("params"))

    def reserved(self) -> frozenset[str]:
        """The names that every call has; `system` is one where the file takes it out of the messages."""
        takes_system = self.section("messages").get("system") == "field"
        return RESERVED_NAMES | {"system"} if takes_system else RESERVED_NAMES

    def collections(self, scope: str = "call") -> frozenset[str]:
        """The names that hold lists or maps."""
        key = f"collections of {scope}"
        if key not in self._names:
            self._names[key] = self._collections_of(scope)
        return self._names[key]

    def _collections_of(self, scope: str) -> frozenset[str]:
        if scope in NAMES:
            return COLLECTIONS & NAMES[scope]
        declared = {name for name, param in self.maps("params").items() if _is_collection(param.get("type"))}
        return frozenset({"messages", "tools", *declared})

    def is_templated(self, place: Place) -> bool:
        """Whether templates may stand at a place: the schema marks it, or something around it."""
        return any(place[:size] in self.templated for size in range(1, len(place) + 1))

    def problem(self, place: Place, rule: str, message: str, hint: str = "", **where: Any) -> Problem:
        """A problem at a place; `where` is that of Document.problem."""
        return self.document.problem(place, rule, message, hint, **where)


def _is_collection(kinds: Any) -> bool:
    """Whether a param of these types is a list or a map, whatever a caller gives."""
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return all(kind in ("array", "object") for kind in kinds)


def ways(subject: Subject) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The ways to authenticate, each with its place; there is one, or a list of them."""
    auth = subject.data.get("auth")
    places: list[tuple[Place, Any]] = [(("auth",), auth)]
    if isinstance(auth, list):
        places = [(("auth", index), way) for index, way in enumerate(auth)]
    for place, way in places:
        if isinstance(way, dict):
            yield place, way


def both(subject: Subject, where: str, first: Place, second: Place) -> Problem:
    """The problem of two keys of which one must go: at the later one, with the place of the other."""
    places = {place: subject.problem(place, "", "", key=True) for place in (first, second)}
    if (places[first].line, places[first].column) > (places[second].line, places[second].column):
        first, second = second, first
    message = f"`{where}` has both '{first[-1]}' and '{second[-1]}', the first in line {places[first].line}"
    return subject.problem(second, "conflict", message, "keep one of them", key=True)


Check = Callable[[Subject], Iterator[Problem]]
