"""Whether a request fits the file: its path, its method, and the shape of its body against the payload's templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from ..comparison import same
from ..expressions import as_text
from ..spec import ProviderSpec

_SLOT = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def path_fits(spec: ProviderSpec, path: str) -> bool:
    """Whether a request's path is the file's, with something in each slot.

    The path of the file's `url` is left out: who calls a mock puts its address in the place of the whole URL.
    """
    return path_matches(spec.path, path)


def path_matches(template: str, path: str) -> bool:
    """Whether a path is that of a template, with something in each slot."""
    return _read(template, path) is not None or (not template and path == "/")


def slot_in(template: str, path: str, name: str) -> str | None:
    """What a path says in the slot of one name alone; None where the template has no such slot.

    >>> slot_in("/model/{{ model }}/invoke", "/model/a%3A0/invoke", "model")
    'a:0'
    """
    match = _read(template, path)
    slots = [slot[0].strip("{} ") for slot in _SLOT.finditer(template)]
    return unquote(match[slots.index(name) + 1]) if match is not None and name in slots else None


def _read(template: str, path: str) -> re.Match[str] | None:
    """A path read by its template: a group for each slot."""
    wanted = template if template.startswith("/") or not template else f"/{template}"
    pieces = []
    position = 0
    for slot in _SLOT.finditer(wanted):
        pieces.append(re.escape(wanted[position : slot.start()]))
        pieces.append("(.+)" if "path_segments" in slot[0] else "([^/]+)")
        position = slot.end()
    pieces.append(re.escape(wanted[position:]))
    return re.fullmatch("".join(pieces), path)


def body_faults(spec: ProviderSpec, body: Any) -> list[str]:
    """What in a JSON body, or a form's fields, is not as the payload says; empty when all of it is."""
    placed = {param.maps_to for param in spec.params.values() if param.maps_to}
    placed |= {auth.options["key"] for auth in spec.auth if auth.type == "body"}
    template = spec.payload
    if spec.encoding in ("form", "multipart") and isinstance(template, Mapping):  # all of its values are text
        template = {key: as_text(leaf) if isinstance(leaf, int | float) else leaf for key, leaf in template.items()}
    return list(_faults(template, body, "", placed, open_top=spec.unknown_params == "forward"))


def _faults(template: Any, value: Any, path: str, placed: set[str], *, open_top: bool = False) -> Iterator[str]:
    if isinstance(template, Mapping):
        yield from _map_faults(template, value, path, placed, open_top)
    elif isinstance(template, list):
        if not isinstance(value, list):
            yield f"{path or 'the body'} is no list"
    elif isinstance(template, str) and _SLOT.search(template):
        whole = _SLOT.fullmatch(template)
        if not whole and not isinstance(value, str):
            yield f"{path} is no text"
    elif not same(template, value):
        yield f"{path} is {value!r}, it is always {template!r}"


def _map_faults(template: Mapping[str, Any], value: Any, path: str, placed: set[str], open_top: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path or 'the body'} is no object"
        return
    for key, leaf in template.items():
        here = f"{path}.{key}" if path else key
        if key == "$when":
            continue
        if key in value:
            yield from _faults(leaf, value[key], here, placed)
        elif not _may_be_left_out(leaf):
            yield f"{here} is missing"
    for key in value:
        here = f"{path}.{key}" if path else key
        known = key in template or any(place == here or place.startswith(f"{here}.") for place in placed)
        if not known and not open_top:
            yield f"{here} is unknown"


def _may_be_left_out(leaf: Any) -> bool:
    if isinstance(leaf, Mapping):
        return "$when" in leaf
    return isinstance(leaf, str) and _SLOT.search(leaf) is not None


def prompt_of(spec: ProviderSpec, body: Any, query: Mapping[str, str] = MappingProxyType({})) -> str:
    """The text that a request asks about: the last message where the file puts it, else the longest text there is."""
    found = [*_said(spec.query, query), *_said(spec.payload, body)]
    for value in reversed(found):
        if isinstance(value, list) and value:
            return _text_of(value[-1])
    texts = [value for value in found if isinstance(value, str)]
    return max(texts, key=len) if texts else longest_text(body)


def longest_text(body: Any) -> str:
    """The longest text in a body: where nothing is known of it, that is what was said."""
    return max(_texts(body), key=len, default="")


def _said(template: Any, value: Any) -> Iterator[Any]:
    if isinstance(template, Mapping) and isinstance(value, Mapping):
        for key, leaf in template.items():
            if key in value:
                yield from _said(leaf, value[key])
    elif isinstance(template, list) and isinstance(value, list):
        for leaf, item in zip(template, value, strict=False):
            yield from _said(leaf, item)
    elif isinstance(template, str) and re.search(r"\{\{[^}]*\bmessages\b", template):
        yield value


def _text_of(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else message
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "\n".join(text for text in parts if isinstance(text, str))
    return content if isinstance(content, str) else max(_texts(message), key=len, default="")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
