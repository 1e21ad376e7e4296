"""Whether one of the abstract files is what a captured request speaks, and what would differ from it.

The files themselves decide. Each is rendered for the conversation that was found, and the result is laid beside what
was captured: the end of the path, the place of the messages, the other keys. A captured reply is read by its rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..chat_request import ChatRequest
from ..comparison import same
from ..deployment import Deployment
from ..errors import EngineError
from ..fitting import fits
from ..folders import PROTOCOLS, builtin_folder
from ..loader import load
from ..provider import Provider
from ..spec import Models, Param, ProviderSpec
from ..wire import WireRequest
from .capture import CapturedReply, CapturedRequest, json_or_none
from .conversation import Found, find
from .frames import media_type
from .places import Place, at, dotted

STAND_IN = "https://host.example.com"
"""A host for rendering: the captured one may be one that only the caller may name."""

_SLOT = re.compile(r"\{\{(.*?)\}\}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Fit:
    """How a captured request is a call of a protocol, and in what it differs."""

    protocol: ProviderSpec
    prefix: str
    path: str | None
    model: str
    stream: bool
    params: Mapping[str, Any]
    tools: Mapping[str, Any]
    extras: Mapping[Place, Any]
    unset: tuple[str, ...]
    query: Mapping[str, str | None]
    is_read: bool | None
    rendered: WireRequest = field(repr=False)

    @property
    def rank(self) -> tuple[int, ...]:
        """The higher, the better it fits."""
        return (self.path is None, self.is_read is True, -len(self.unset), -len(self.extras))


@cache
def protocols() -> tuple[ProviderSpec, ...]:
    """The abstract files that came with the package; each is read once."""
    paths = sorted((builtin_folder() / PROTOCOLS).glob("*.yaml"), key=lambda path: path.stem)
    return tuple(load(path, shipped=True) for path in paths)


def best_fit(request: CapturedRequest, tree: Any, found: Found, reply: CapturedReply | None) -> Fit | None:
    """The protocol that fits best, or None where none does."""
    if not isinstance(tree, dict) or not found.messages or request.method != "POST":
        return None
    fits: list[Fit] = []
    for spec in protocols():
        for stream in (True, False):
            fit = _fit(spec, request, tree, found, reply, stream=stream)
            if fit is not None:
                fits.append(fit)
    return max(fits, key=lambda fit: fit.rank, default=None)


def _fit(
    spec: ProviderSpec, request: CapturedRequest, tree: Any, found: Found, reply: CapturedReply | None, *, stream: bool
) -> Fit | None:
    if found.stream is not None and found.streams is not stream:
        return None
    captured_path = urlsplit(request.url).path
    match = _path_pattern(spec.path).search(captured_path)
    model = unquote(match.groupdict().get("model") or "") if match else ""
    model = model or found.model_text
    if not model:
        return None
    prefix = captured_path[: match.start()] if match else ""
    params = dict(_params(spec, tree))
    provider = _concrete(spec, STAND_IN + prefix, model)
    try:
        tools = _tools(tree)
        asked = ChatRequest.of(found.messages, model, stream=stream, **tools, **params)
        wire = provider.call(asked, Deployment(placeholders=True)).wire
    except EngineError:
        return None
    if (
        match
        and urlsplit(wire.url).path != captured_path
        and unquote(urlsplit(wire.url).path) != unquote(captured_path)
    ):
        return None
    rendered = json_or_none(wire.content.decode())
    theirs = find(rendered)
    if theirs.pairs != found.pairs or _places(theirs)[0] != _places(found)[0]:
        return None
    skipped = conversation_places(theirs, found)
    extras, missing = differences(tree, rendered, skipped)
    extras, conditions = _with_their_maps(spec, extras)
    unset = [f"payload.{dotted(place)}" for place in (*missing, *conditions)]
    taken = {dotted(place) for place in extras}
    unset += [f"params.{name}" for name, param in spec.params.items() if param.maps_to in taken]
    if _reads_elsewhere(spec, found):
        return None
    is_read = _reads(provider.for_model(model), reply)
    # Keys like `model` and `messages` alone are in a hundred APIs: without the path, the reply must speak for it.
    if is_read is False or (match is None and not is_read):
        return None
    url = urlsplit(request.url)._replace(path=prefix, query="").geturl()
    path = None if match else captured_path
    query = _query(request, wire)
    return Fit(spec, url, path, model, stream, params, tools, extras, tuple(unset), query, is_read, wire)


def _path_pattern(path: str) -> re.Pattern[str]:
    """The end of a URL's path as a protocol writes it."""
    pieces: list[str] = []
    at_text = 0
    for slot in _SLOT.finditer(path):
        pieces.append(re.escape(path[at_text : slot.start()]))
        pieces.append("(?P<model>.+?)" if slot[1].strip() == "model" else "[^/]+?")
        at_text = slot.end()
    return re.compile("".join([*pieces, re.escape(path[at_text:])]) + "$")


def _concrete(spec: ProviderSpec, url: str, model: str) -> Provider:
    """The protocol as a provider that needs no key."""
    tree = {key: value for key, value in spec.tree.items() if key != "auth"} | {"abstract": False, "url": url}
    return Provider(replace(spec, is_abstract=False, url=url, auth=(), models=_models(spec, model), tree=tree))


def _models(spec: ProviderSpec, model: str) -> Models:
    return replace(spec.models, default=model, allow=())


def conversation_places(*found: Found) -> set[Place]:
    """The keys of bodies under which their conversations stand."""
    return {place for one in found for place in _places(one) if place is not None}


def _places(found: Found) -> tuple[Place | None, Place | None]:
    """Where the conversation stands, and where the system's text does: the key of the body for each."""
    place = found.history.place if found.history else found.prompt
    return place and place[:1], found.system and found.system[:1]


def _reads_elsewhere(spec: ProviderSpec, found: Found) -> bool:
    """A body with a history and a prompt beside it is none of one list."""
    return found.history is not None and found.prompt is not None


def _params(spec: ProviderSpec, tree: Any) -> Iterator[tuple[str, Any]]:
    """Values of the protocol's parameters in a body: where each goes is read out of the file."""
    for name, param in spec.params.items():
        places = [_place(param.maps_to)] if param.maps_to else list(_uses(spec.payload, name, ()))
        for place in places:
            value = at(tree, place)
            if value is None or isinstance(value, dict):
                continue
            given = next((key for key, sent in (param.values or {}).items() if same(sent, value)), value)
            if _fits(param, given):
                yield name, given
                break


def _tools(tree: Any) -> dict[str, Any]:
    """The tools that a body offers, where they have the shape that callers give them."""
    tools, choice = tree.get("tools"), tree.get("tool_choice")
    is_ours = isinstance(tools, list) and all(isinstance(tool, dict) and "function" in tool for tool in tools)
    if not is_ours or not tools:
        return {}
    return {"tools": tools} | ({"tool_choice": choice} if choice is not None else {})


def _with_their_maps(spec: ProviderSpec, extras: Mapping[Place, Any]) -> tuple[dict[Place, Any], tuple[Place, ...]]:
    """Extras in a map that the protocol may leave out need it always; tools are the caller's to give, and no extra."""
    kept: dict[Place, Any] = {}
    conditions: list[Place] = []
    for place, value in extras.items():
        template = at(spec.payload, place[:1])
        if "tools" in str(template) or "tool_choice" in str(template):
            continue
        kept[place] = value
        maps = (place[:length] for length in range(1, len(place) + 1))
        conditions += [(*one, "$when") for one in maps if "$when" in (at(spec.payload, one) or ())]
    return kept, tuple(dict.fromkeys(conditions))


def _place(path: str) -> Place:
    return tuple(int(key) if key.isdigit() else key for key in path.split("."))


def _uses(payload: Any, name: str, place: Place) -> Iterator[Place]:
    """The places of a payload whose template is about one parameter alone."""
    if isinstance(payload, str) and (slot := _SLOT.fullmatch(payload)):
        words = set(_WORD.findall(slot[1])) - {"if", "is", "string", "else", "defined", "not", "none", "default"}
        if words == {name}:
            yield place
    for key, item in payload.items() if isinstance(payload, dict) else ():
        yield from _uses(item, name, (*place, key))


def _fits(param: Param, value: Any) -> bool:
    """Whether a call may give the value; another stands in the payload as it was captured."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        least, most = (value if bound is None else bound for bound in (param.min, param.max))
        if not least <= value <= most:
            return False
    return any(fits(kind, value) for kind in param.type) and (not param.enum or value in param.enum)


def differences(captured: Any, rendered: Any, skipped: set[Place]) -> tuple[dict[Place, Any], tuple[Place, ...]]:
    """What only the captured body has or has otherwise, and what only the rendered one has."""
    extras: dict[Place, Any] = {}
    missing: list[Place] = []

    def compare(left: Any, right: Any, place: Place) -> None:
        if place in skipped:
            return
        if isinstance(left, dict) and isinstance(right, dict):
            for key in [*left, *(key for key in right if key not in left)]:
                where = (*place, key)
                if key not in right and where not in skipped:
                    extras[where] = left[key]
                elif key not in left and where not in skipped:
                    if right[key] is not False:  # `stream: false` says what saying nothing says
                        missing.append(where)
                elif key in left and key in right:
                    compare(left[key], right[key], where)
        elif not same(left, right):
            extras[place] = left

    compare(captured, rendered, ())
    return extras, tuple(missing)


def _query(request: CapturedRequest, wire: WireRequest) -> dict[str, str | None]:
    """The parameters of the URL that differ; None for one that was not sent."""
    sent = {name: value for name, value in request.query if not re.fullmatch(r"<[A-Za-z0-9_]+>", value)}
    ours = dict(parse_qsl(urlsplit(wire.url).query, keep_blank_values=True))
    changed: dict[str, str | None] = {name: value for name, value in sent.items() if ours.get(name) != value}
    return changed | {name: None for name in ours if name not in sent}


def _reads(provider: Provider, reply: CapturedReply | None) -> bool | None:
    """Whether the protocol's rules read the reply; None where there is none, or it is a refusal."""
    if reply is None or reply.status >= 400:
        return None
    try:
        answer = provider.decode(reply.body, reply.status, {"content-type": media_type(reply)})
    except EngineError:
        return False
    return bool(answer.text or answer.tool_calls or answer.refusal)
