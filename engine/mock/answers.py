"""What the mock says to a request, as values: a reply to a step, a refusal, an answer of the examples or made up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..comparison import same
from ..deployment import Deployment
from ..display import body_data, request_data
from ..errors import EngineError
from ..examples import request_of
from ..failures import kind_of
from ..provider import Provider
from ..spec import Example
from .reencode import content_type, reencode
from .shape import body_faults, path_fits, prompt_of, slot_in
from .steps import Rehearsed


@dataclass(frozen=True, slots=True)
class Served:
    """What is sent for a request, and in a word why."""

    status: int
    headers: dict[str, str]
    body: bytes
    because: str


class Answers:
    """What a provider's service would say at `url`; one that is busy refuses everything."""

    def __init__(self, provider: Provider, url: str, *, is_busy: bool) -> None:
        self._provider = provider
        self._url = url
        self._is_busy = is_busy
        spec = provider.spec
        has_more = bool(spec.steps) or any(auth.token is not None for auth in spec.auth)
        self._rehearsed = Rehearsed(provider, url) if has_more else None
        """What the examples say about requests before the main one; None for a file of one request."""

    def to(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Served:
        """What to send for a request."""
        observed = _observed(method, target, headers, body)
        if self._rehearsed is not None and not self._is_busy:
            step = self._rehearsed.reply_to(observed, _body_of(observed))
            if step is not None:
                return Served(step[0].status, dict(step[0].headers), step[0].body, step[1])
        refusal = self._refusal(observed, headers)
        if refusal is not None:
            return refusal
        if self._is_busy:
            return self._busy()
        example = self._matching(observed)
        if example is not None:
            return _served(example, f"the example '{example.name}'")
        return self._spoken(observed)

    def _refusal(self, observed: dict[str, Any], headers: dict[str, str]) -> Served | None:
        spec = self._provider_for(observed).spec
        if spec.follow is not None:
            is_known = self._rehearsed is not None and self._rehearsed.is_main(observed)
            return None if is_known else error(404, f"no example of {spec.name} has a step that leads here")
        if not path_fits(spec, observed["path"]):
            return error(404, f"this mock of {spec.title} has {spec.path or '/'}, not {observed['path'][:200]}")
        if observed["method"] != spec.method:
            return error(405, f"this mock of {spec.title} takes {spec.method}, not {observed['method']}")
        missing = [name for name in self._credential_headers() if name not in headers]
        if missing:
            return error(401, f"the header {missing[0]} is missing")
        body = _body_of(observed)
        if spec.encoding != "text" and spec.payload is not None:
            if not isinstance(body, dict | list) and not isinstance(spec.payload, str):
                return error(400, f"the body is no {spec.encoding}")
            faults = body_faults(spec, body)
            if faults:
                return error(400, f"the body does not fit the file's payload: {'; '.join(faults[:3])}")
        return None

    def _provider_for(self, observed: dict[str, Any]) -> Provider:
        """The provider as it is for the model that a request names in its body, or in its path."""
        spec = self._provider.spec
        model = _said_for("model", spec.payload, _body_of(observed)) or slot_in(spec.path, observed["path"], "model")
        try:
            return self._provider.for_model(model) if isinstance(model, str) else self._provider
        except EngineError:  # a model that the file does not allow, or patches that do not go together
            return self._provider

    def _credential_headers(self) -> list[str]:
        auth = self._provider.spec.auth[:1]
        if not auth or any(self._provider.spec.secrets[name].optional for name in auth[0].secrets):
            return []
        header = auth[0].header if len(self._provider.spec.auth) == 1 else None
        return [header] if header else []

    def _matching(self, observed: dict[str, Any]) -> Example | None:
        """The first answer among the examples whose request this is; errors are for `fault`."""
        for example in self._provider.spec.examples:
            if "error" not in example.expect and self._is_request_of(example, observed):
                return example
        return None

    def _is_request_of(self, example: Example, observed: dict[str, Any]) -> bool:
        wire = self._main_of(example)
        return (
            wire is not None
            and (self._rehearsed is None or self._rehearsed.prompt is None)
            and urlsplit(wire["url"]).path == observed["path"]
            and self._without_key(wire["query"]) == self._without_key(observed["query"])
            and same(_body_of(wire), _body_of(observed))
        )

    def _main_of(self, example: Example) -> dict[str, Any] | None:
        if self._rehearsed is not None:
            return self._rehearsed.main_of(example)
        try:
            deployment = Deployment(base_url=self._url, settings=example.settings, placeholders=True)
            return request_data(self._provider.call(request_of(example), deployment).wire)
        except EngineError:
            return None

    def _without_key(self, query: dict[str, str]) -> dict[str, str]:
        """A query without what authentication adds to it: an example has a placeholder there."""
        keys = {auth.options["name"] for auth in self._provider.spec.auth if auth.type == "query"}
        keys |= {auth.options.get("send", {}).get("query", "") for auth in self._provider.spec.auth}
        return {name: value for name, value in query.items() if name not in keys}

    def _busy(self) -> Served:
        for example in self._provider.spec.examples:
            if example.reply.status in (429, 503, 529) or kind_of(example.reply.status) == "unavailable":
                return _served(example, f"the example '{example.name}'")
        return error(503, "this mock was told to be busy")

    def _spoken(self, observed: dict[str, Any]) -> Served:
        """An answer that says that it is a mock, in the wire format of the first example that can carry it."""
        provider = self._provider_for(observed)
        spec = provider.spec
        body = _body_of(observed)
        prompt = prompt_of(spec, body, observed["query"]) or (self._rehearsed and self._rehearsed.prompt) or ""
        text = f"This is a mock of {spec.title}; no model has answered. You said: «{prompt}»"
        answers = [example for example in spec.examples if "error" not in example.expect]
        streamed = _asks_for_stream(spec.payload, body)
        for example in sorted(answers, key=lambda example: streamed not in (None, example.stream)):
            spoken = reencode(provider, example, text)
            if spoken is not None:
                codec, content = spoken
                return Served(200, {"content-type": content_type(codec)}, content, f"a text like '{example.name}'")
        return error(501, f"no example of {spec.name} shows how it answers with text; add one")


def _said_for(name: str, template: Any, value: Any) -> Any:
    """What the body says where the payload says `name` and no more; None when it says nothing."""
    if isinstance(template, dict) and isinstance(value, dict):
        for key, leaf in template.items():
            found = _said_for(name, leaf, value.get(key))
            if found is not None:
                return found
    return value if isinstance(template, str) and template.replace(" ", "") == f"{{{{{name}}}}}" else None


def _asks_for_stream(template: Any, body: Any) -> bool | None:
    """Whether the body asks for a stream; None when it does not say."""
    said = _said_for("stream", template, body)
    return said if isinstance(said, bool) else None


def _observed(method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    parts = urlsplit(target)
    observed = {"method": method, "path": parts.path, "query": dict(parse_qsl(parts.query, keep_blank_values=True))}
    return observed | body_data(headers.get("content-type", ""), body)


def _body_of(request: dict[str, Any]) -> Any:
    """A request's body as plain data; None when it has none."""
    return next((request[key] for key in ("json", "form", "text") if key in request), None)


def _served(example: Example, because: str) -> Served:
    return Served(example.reply.status, dict(example.reply.headers), example.reply.body, because)


def error(status: int, message: str) -> Served:
    """An error in the shape that most APIs have."""
    body = json.dumps({"error": {"message": message, "type": "mock"}}, ensure_ascii=False).encode()
    return Served(status, {"content-type": "application/json"}, body, message)
