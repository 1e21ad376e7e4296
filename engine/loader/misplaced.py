"""What stands where it means nothing: templates in literal places, JSON written as text, references to elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..expressions import is_template, template_at
from .addresses import other_requests
from .document import Place, walk
from .subject import Check, Subject
from .wording import dotted

_LITERAL: tuple[Place, ...] = (("title",), ("models",), ("hosts",), ("messages", "roles"), ("messages", "first_user"))
"""What is sent, or shown, as it is written, and where a template may seem to have a place."""

_LIKE_JSON = re.compile(r"\s*(?:\{\s*(?:[\"']|\w+\s*:)|\[\s*(?:[\[\"']|\{(?!\{)))")
_DATA = ("default", "enum", "values")


def is_json_text(text: Any) -> bool:
    """Whether a payload was written as the text of JSON, in which a caller's quotes would be JSON too."""
    return isinstance(text, str) and _LIKE_JSON.match(text) is not None


def _check_literals(subject: Subject) -> Iterator[Problem]:
    for literal in _LITERAL:
        value: Any = subject.data
        for key in literal:
            value = value.get(key) if isinstance(value, dict) else None
        for place, text in walk(value, literal):
            if place[:2] == ("models", "patches") and place[3:4] != ("match",):
                continue  # the file with that patch is examined by itself
            if is_template(text):
                yield _literal(subject, place, text)


def _literal(subject: Subject, place: Place, text: str) -> Problem:
    if secret := re.search(r"\bsecrets\b", text):
        message = f"{dotted(place)} uses a secret"
        hint = "declare it under `auth`, which sends it"
        return subject.problem(place, "secret-not-allowed-here", message, hint, index=secret.start())
    hint = "write the value itself; no template is worked out here"
    return subject.problem(place, "template-forbidden", f"`{dotted(place)}` is literal", hint, index=template_at(text))


def _check_maps(subject: Subject) -> Iterator[Problem]:
    for place, maps in _maps(subject.data, ()):
        if place[-1:] == ("query",) or place in (("flags",), ("models", "aliases")):
            yield from _check_keys(subject, place, maps)
        if isinstance(maps.get("$ref"), str):
            yield _reference(subject, place, maps["$ref"])


def _check_keys(subject: Subject, place: Place, maps: dict[str, Any]) -> Iterator[Problem]:
    """Keys are literal: those of payloads are seen to where templates are, those of headers by the schema."""
    for key in filter(is_template, maps):
        message = f"a key of `{dotted(place)}` holds a template"
        yield subject.problem((*place, key), "template-forbidden", message, "keys are literal", key=True)


def _reference(subject: Subject, place: Place, says: str) -> Problem:
    inner = [re.sub(r"~1", "/", part) for part in says[1:].split("/")[1:]]
    loops = says.startswith("#") and [str(part) for part in place[: len(inner)]] == inner
    rule = "ref-loop" if loops else "unknown-key" if says.startswith("#") else "remote-ref"
    message = f"'$ref' refers to {says[:60]}, and no reference is followed"
    return subject.problem((*place, "$ref"), rule, message, "write the value out, or use extends", key=True)


def _is_data(place: Place) -> bool:
    """Whether a map is a literal value, whose keys are nobody's but the service's or the author's."""
    if place[:1] == ("examples",):
        return len(place) > 2
    of_param = len(place) > 2 and place[0] == "params" and place[2] in _DATA
    return of_param or (len(place) == 1 and str(place[0]).startswith("x-"))


def _maps(data: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The maps whose keys are the language's, each with its place."""
    if _is_data(place):
        return
    if isinstance(data, dict):
        yield place, data
        for key, value in data.items():
            yield from _maps(value, (*place, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _maps(value, (*place, index))


def _check_json_text(subject: Subject) -> Iterator[Problem]:
    trees: list[tuple[Place, Any]] = [(("payload",), subject.data.get("payload"))]
    for place, request in other_requests(subject):
        trees += [((*place, key), request.get(key)) for key in ("json", "form")]
    for place, tree in trees:
        for where, text in walk(tree, place):
            whole = where == ("payload",) and subject.data.get("encoding", "json") == "json"
            if is_json_text(text) and (whole or "{{" in text):
                hint = "write the tree itself, with templates as leaves"
                yield subject.problem(where, "payload-as-text", "JSON is written as text here", hint)


MISPLACED_CHECKS: tuple[Check, ...] = (_check_literals, _check_maps, _check_json_text)
