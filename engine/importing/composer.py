"""A plan -> the text of a file: its sections in the order in which a call happens, with comments where they help."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..comparison import same
from .leaves import written
from .lines import Lines
from .places import JSON_INSIDE, Place
from .plan import Plan, Trial
from .protocols import Fit
from .recorded import ExampleWriter
from .sections import headers_of, place_of, query_of, variable_name
from .template import Templated


class Composer:
    """The file's text, section by section, in the order in which a call happens."""

    def __init__(self, plan: Plan, trial: Trial | None = None) -> None:
        self._plan = plan
        self._lines = Lines()
        self._examples = ExampleWriter(plan, trial, self._lines)
        self._url, self._path = place_of(plan.clean.request.url)
        if plan.fit is not None:
            self._url, self._path = plan.fit.prefix, plan.fit.path or ""

    def text(self) -> str:
        """All of it."""
        for write in (
            *(self._opening, self._identity, self._models, self._credentials, self._params, self._place),
            *(self._query, self._headers, self._messages, self._payload, self._response, self._errors),
        ):
            write()
        self._examples.write()
        return "\n".join(self._lines) + "\n"

    # --- sections ---

    def _opening(self) -> None:
        plan = self._plan
        self._lines.append("# yaml-language-server: $schema=provider.schema.json")
        self._lines.say("For completion in an editor: wirefile schema > provider.schema.json")
        captured = "a captured request and its reply" if plan.clean.reply else "a captured request; no reply was given"
        self._lines.say(f"Written by `wirefile new` from {captured}. What it could not decide is marked TODO.")
        for note in (*plan.clean.request.notes, *plan.clean.body.notes):
            self._lines.say(f"- {note}")

    def _identity(self) -> None:
        self._lines.put("spec_version", 1)
        self._lines.put("name", self._plan.name)
        self._lines.put("title", self._plan.name.replace("-", " ").title())
        fit = self._plan.fit
        if fit is None:
            if not (self._plan.templated and self._plan.templated.has_history):
                self._lines.put("flags", {"supports_message_history": False})
            return
        alike = "path and the body" if fit.path is None else "body and the reply"
        proof = "" if fit.is_read else "; no answer was captured to prove it"
        self._lines.say(
            f"The {alike} are those of this protocol{proof}: `wirefile show {fit.protocol.name}` prints it."
        )
        self._lines.put("extends", fit.protocol.name)
        self._unset(fit)

    def _unset(self, fit: Fit) -> None:
        gone = list(fit.unset)
        gone += [f"query.{name}" for name, value in fit.query.items() if value is None]
        if self._plan.clean.auth is None and "auth" in fit.protocol.tree:
            gone.append("auth")
        if not gone:
            return
        if any(path.endswith(".$when") for path in gone):
            self._lines.say("A map that has lost its `$when` is sent in every call, as the captured one was.")
        if any(path.startswith("params.") for path in gone):
            self._lines.say("A parameter whose captured value the protocol does not take stands in `payload` instead.")
        if any(path.startswith(("payload.", "query.")) and not path.endswith(".$when") for path in gone):
            self._lines.say("The captured request did not have these, which the protocol sends.")
        if any(".stream_options" in path for path in gone):
            self._lines.todo("without stream_options, streams say nothing about usage; take it out of this list to try")
        self._lines.put("unset", gone)

    def _models(self) -> None:
        fit, found = self._plan.fit, self._plan.found
        model = fit.model if fit else found.model_text
        if model:
            self._lines.put("models", {"default": model})
        elif fit is None:
            self._lines.todo("no model was found in the request; if the service has several: models: {default: NAME}")

    def _credentials(self) -> None:
        clean = self._plan.clean
        if clean.auth is None:
            self._lines.todo("no secret was found; if the service wants one, declare `secrets` and `auth`")
        else:
            self._lines.say("The value is read from the environment, and goes to this file's host only.")
            self._lines.put("secrets", clean.secrets)
            if clean.auth.get("name") == "cookie":
                self._lines.todo("the only credential is a cookie, which will expire; use a key, if there is one")
            fit = self._plan.fit
            inherited = fit.protocol.tree.get("auth") if fit else None
            if not same(inherited, clean.auth):
                if isinstance(inherited, dict) and inherited.get("type") != clean.auth["type"]:
                    # Maps merge: as a list, it replaces what is inherited.
                    self._lines.put("auth", [clean.auth])
                else:
                    self._lines.put("auth", clean.auth)
        for todo in clean.todos:
            self._lines.todo(todo)

    def _params(self) -> None:
        if self._plan.fit is not None:
            return
        params = {name: declared | {"default": value} for _, (name, declared, value) in self._plan.found.params.items()}
        if params:
            self._lines.say("Parameters of a call; the defaults are the captured values.")
            self._lines.put("params", params)

    def _place(self) -> None:
        if self._plan.is_for_caller:
            self._lines.say("The host is not public, or not reached over https: only the caller may name it.")
            variable = variable_name(self._plan.name, "")("URL", "")
            self._lines.put("settings", {"base_url": {"env": variable}})
            self._lines.put("url", "{{ base_url }}")
            prefix = urlsplit(self._url).path
            path = self._path or (self._plan.fit.protocol.path if self._plan.fit and prefix else "")
            if path:
                self._lines.put("path", prefix + path if not self._path or self._plan.fit else path)
        else:
            self._lines.put("url", self._url)
            if self._path:
                self._lines.put("path", written(self._path))
        if self._plan.clean.request.method != "POST":
            self._lines.put("method", self._plan.clean.request.method)

    def _query(self) -> None:
        plan = self._plan
        if plan.is_in_query:
            assert plan.templated is not None
            self._note_places("query")
            self._lines.put("query", plan.templated.payload)
            return
        query = plan.fit.query if plan.fit else query_of(plan.clean.request)
        said = {name: written(value) for name, value in query.items() if value is not None}
        if said:
            self._lines.put("query", said)

    def _headers(self) -> None:
        kept, _, notes = headers_of(self._plan.clean.request, self._encoding)
        if self._plan.fit is not None:
            inherited = self._plan.fit.protocol.headers
            lower = {name.lower(): value for name, value in inherited.items()}
            kept = {name: value for name, value in kept.items() if lower.get(name) != value}
        for note in notes:
            if note.startswith("the browser also"):
                self._lines.todo(note)
            else:
                self._lines.say(note[0].upper() + note[1:] + ".")
        if kept:
            self._lines.put("headers", kept)

    @property
    def _encoding(self) -> str:
        return self._plan.clean.body.encoding

    def _messages(self) -> None:
        plan = self._plan
        if plan.templated is None or not plan.templated.shaping:
            return
        self._lines.say("How each message of a conversation becomes the API's.")
        self._lines.put("messages", plan.templated.shaping)

    def _payload(self) -> None:
        plan = self._plan
        if plan.fit is not None:
            self._extras(plan.fit)
            return
        if self._encoding != "json":
            self._lines.put("encoding", self._encoding)
        if plan.clean.body.tree is None and not plan.is_in_query:
            self._lines.todo("the request has no body, and no prompt was found in its URL: say where the prompt goes")
        elif plan.clean.body.tree is not None and plan.templated is not None:
            if not plan.found.messages:
                what = 'put "{{ messages }}" where it goes, or use --prompt TEXT'
                self._lines.todo(f"the prompt was not found in the body; {what}")
            self._body(plan.templated)

    def _extras(self, fit: Fit) -> None:
        extras: Any = {}
        for place, value in fit.extras.items():
            extras = _grown(extras, place, written(value))
        if extras:
            self._lines.say("What the captured request has beside the protocol's keys.")
            self._lines.put("payload", extras)

    def _body(self, body: Templated) -> None:
        payload = body.payload
        if not isinstance(payload, dict) or not payload:
            self._lines.put("payload", payload)
            self._note_places("payload")
            return
        self._lines.say("The body. {{ }} holds what a call says; all else is sent as it is written here.")
        self._lines.append("payload:")
        for key, value in payload.items():
            for place, todo in body.todos.items():
                if place[:1] == (key,):
                    self._lines.todo(f"{_where(place)}: {todo}", 2)
            self._lines.put(key, value, 2)

    def _note_places(self, section: str) -> None:
        assert self._plan.templated is not None
        for place, todo in self._plan.templated.todos.items():
            self._lines.todo(f"{section} {_where(place)}: {todo}")

    def _response(self) -> None:
        answer = self._plan.answer
        think = self._plan.think
        if answer is None:
            if think:
                self._lines.todo(_THINK)
                self._lines.put("response", {"think": dict(think)})
            return
        self._lines.say("How the answer is framed, and where in it the text is.")
        for todo in answer.todos:
            self._lines.todo(todo)
        if think:
            self._lines.todo(_THINK)
        self._lines.put("response", answer.response | ({"think": dict(think)} if think else {}))

    def _errors(self) -> None:
        if self._plan.fit is None:
            self._lines.todo("refusals are known by their status alone. What one says in its body is told like this:")
            self._lines.append(f"# errors: {_ERRORS}")


_THINK = "the captured answer begins with this tag, so what is inside is taken for reasoning"
_ERRORS = "[{status: 429, body: {path: error.code, equals: no_credit}, kind: quota, message: error.message}]"


def _where(place: Place) -> str:
    return ".".join("(JSON)" if key == JSON_INSIDE else str(key) for key in place) or "body"


def _grown(tree: Any, place: Place, value: Any) -> Any:
    """A map with a value at a place, the maps on the way made."""
    key, rest = place[0], place[1:]
    return {**tree, key: _grown(tree.get(key, {}), rest, value) if rest else value}
