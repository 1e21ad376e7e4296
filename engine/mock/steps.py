"""The mock's part in calls of several requests: what the examples say about the requests before the main one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..comparison import same
from ..deployment import Deployment
from ..dialogue import Line, lines
from ..display import request_data
from ..errors import EngineError
from ..examples import request_of
from ..paths import Path
from ..provider import Provider
from ..spec import Example, Reply, Request
from .shape import longest_text, path_matches

TOKEN_SECONDS = 3600


class Rehearsed:
    """The dialogues of a file's examples, as they go when this mock's address stands for all of its hosts."""

    def __init__(self, provider: Provider, url: str) -> None:
        self._provider = provider
        self._url = url
        self._dialogues = {example.name: self._lines_of(example) for example in provider.spec.examples}
        self.prompt: str | None = None
        """What the last step said that is in no example: the answer is to quote it."""

    def _lines_of(self, example: Example) -> list[Line]:
        spoken: list[Line] = []
        try:
            deployment = Deployment(base_url=self._url, settings=example.settings, placeholders=True)
            call = self._provider.call(request_of(example), deployment)
            if call.route is None or not (example.steps or not self._provider.spec.steps):
                return [(call.wire, None)]
            # One by one: what was spoken before a reply that leads to an error counts.
            spoken.extend(lines(self._provider.for_model(example.model), example, call))
        except EngineError:  # an example of an error, or of a call that cannot be made
            pass
        return spoken

    def main_of(self, example: Example) -> dict[str, Any] | None:
        """The main request of an example; None where it does not come to that."""
        wires = [wire for wire, step in self._dialogues[example.name] if step is None]
        return request_data(wires[0]) if wires else None

    def is_main(self, observed: Mapping[str, Any]) -> bool:
        """Whether a request goes where the main request of an example goes."""
        mains = (self.main_of(example) for example in self._provider.spec.examples)
        return any(main is not None and _place_of(main) == _place_of(observed) for main in mains)

    def reply_to(self, observed: Mapping[str, Any], body: Any) -> tuple[Reply, str] | None:
        """The reply to a request before the main one, and why; None when it is no such request.

        Of several to one place the last is given: a poll is done at once.
        """
        spec = self._provider.spec
        found = [
            (request_data(wire), step.reply, example)
            for example in spec.examples
            if "error" not in example.expect
            for wire, step in self._dialogues[example.name]
            if step is not None and self._is_same_step(request_data(wire), observed)
        ]
        exact = [known for known in found if same(_body_of(known[0]), body)]
        if found:
            if body is not None and self._token_reply(observed) is None:
                self.prompt = None if exact else longest_text(body)
            _, reply, example = (exact or found)[-1]
            return reply, f"a step of the example '{example.name}'"
        if (token := self._token_reply(observed)) is not None:
            return token, "a token of this mock"
        cleanups = [step.cleanup for step in spec.steps if step.cleanup is not None]
        if any(self._goes_to(request, observed) for request in cleanups):
            return Reply(200, {"content-type": "application/json"}, (b"{}",)), "the clean-up of a step"
        return None

    def _is_same_step(self, known: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
        """Whether two requests go to one place, or to places that differ in the slots of one step's path."""
        place, other = _place_of(known), _place_of(observed)
        if place == other:
            return True
        requests = [step.request for step in self._provider.spec.steps if step.request.follow is None]
        return place[0] == other[0] and any(
            path_matches(template, place[1]) and path_matches(template, other[1])
            for request in requests
            for template in (request.path, urlsplit(request.url).path + request.path)
        )

    def _goes_to(self, request: Request, observed: Mapping[str, Any]) -> bool:
        if request.method != observed["method"]:
            return False
        return request.follow is not None or path_matches(urlsplit(request.url).path + request.path, observed["path"])

    def _token_reply(self, observed: Mapping[str, Any]) -> Reply | None:
        for auth in self._provider.spec.auth:
            if auth.token is not None and self._goes_to(auth.token.request, observed):
                body = Path(auth.token.value[0]).put({}, "a-token-of-this-mock")
                if auth.token.expires and not auth.token.is_date:
                    body = Path(auth.token.expires[0]).put(body, TOKEN_SECONDS * auth.token.unit)
                return Reply(200, {"content-type": "application/json"}, (json.dumps(body).encode(),))
        return None


def _place_of(request: Mapping[str, Any]) -> tuple[str, str]:
    path = request["path"] if "path" in request else urlsplit(request["url"]).path
    return request["method"], path or "/"


def _body_of(request: Mapping[str, Any]) -> Any:
    return next((request[key] for key in ("json", "form", "text") if key in request), None)
