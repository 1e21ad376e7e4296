"""What was captured -> the text of a provider file, with a comment where something was decided or left open.

The draft is tried before it is given away: its call is rendered and laid beside the captured request, its reply is
decoded, and what differs is said at the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..deployment import Deployment
from ..display import request_data
from ..errors import EngineError, Problem, SpecError, UsageError
from ..examples import Failure, run_example, same
from ..loader import load_text, problems_of_text
from ..loader.yamlout import yaml_text
from ..messages import ChatRequest
from ..provider import Provider
from .answer import Answer, answer_of
from .capture import CapturedReply, CapturedRequest, body_of, json_or_none
from .conversation import JSON_INSIDE, Found, Place, find
from .credentials import Cleaned, cleaned
from .examples import expectation, recorded_reply
from .protocols import Fit, best_fit
from .sections import headers_of, place_of, query_of, variable_name
from .template import Templated, templated, without, written

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted file: its text, the problems that it has, and the examples in it that do not hold."""

    text: str
    problems: tuple[Problem, ...] = ()
    failures: tuple[Failure, ...] = ()
    protocol: str | None = None
    variables: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether `validate` and `test` would pass."""
        return not self.failures and not any(problem.severity == "error" for problem in self.problems)

    @property
    def open_questions(self) -> int:
        """How many places are left to the author."""
        return self.text.count("# TODO")


def draft(
    name: str, request: CapturedRequest, reply: CapturedReply | None = None, *, prompt: str | None = None
) -> Draft:
    """The provider file `name` for a captured request. Raises UsageError for a name that no file can have."""
    check_name(name)
    body = body_of(request)
    host = urlsplit(request.url).hostname or ""
    clean = cleaned(request, body, reply, variable_name(name, host))
    text_prompt = clean.scrub(prompt) if prompt else None
    plan = _Plan.of(name, clean, text_prompt)
    first = _Writer(plan).text()
    text = _Writer(plan, _tried(first, plan)).text()
    if clean.leaks(text):
        text = clean.scrub(text)
    problems = tuple(problems_of_text(text.encode(), f"{name}.yaml"))
    variables = tuple(variable for secret in clean.secrets.values() for variable in secret["env"])
    return Draft(text, problems, _failures(text), plan.fit.protocol.name if plan.fit else None, variables)


def check_name(name: str) -> None:
    """Raise UsageError for a name that no file can have."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name[:60]}' is no name of a provider: small letters, digits and hyphens, e.g. my-api")


def _failures(text: str) -> tuple[Failure, ...]:
    try:
        provider = Provider(load_text(text))
    except SpecError:
        return ()
    return tuple(
        failure for example in provider.spec.examples for failure in run_example(provider, example, thorough=False)
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that was decided, before it is written."""

    name: str
    clean: Cleaned
    found: Found
    tree: Any
    is_in_query: bool
    fit: Fit | None
    templated: Templated | None
    answer: Answer | None

    @classmethod
    def of(cls, name: str, clean: Cleaned, prompt: str | None) -> _Plan:
        tree, is_in_query = clean.body.tree, False
        if tree is None and clean.request.query:
            tree, is_in_query = query_of(clean.request), True
        if isinstance(tree, str):
            found = Found(prompt=(), prompt_text=prompt if prompt and prompt in tree else tree)
        else:
            found = find(tree, prompt)
        fit = None if is_in_query or clean.body.encoding != "json" else _fit(clean, tree, found)
        bare = _without_secret(tree, clean)
        return cls(
            name, clean, found, tree, is_in_query, fit,
            None if fit else templated(bare, found), _answer(clean, fit),
        )  # fmt: skip


def _fit(clean: Cleaned, tree: Any, found: Found) -> Fit | None:
    return best_fit(clean.request, _without_secret(tree, clean), found, clean.reply)


def _without_secret(tree: Any, clean: Cleaned) -> Any:
    """The body without the secret that `auth` puts there."""
    if clean.auth and clean.auth["type"] == "body":
        return without(tree, tuple(clean.auth["key"].split(".")))
    return tree


def _answer(clean: Cleaned, fit: Fit | None) -> Answer | None:
    if fit is not None:
        return None
    if clean.reply is not None and clean.reply.status < 400:
        return answer_of(clean.reply)
    todo = "no answer was captured: this gives what arrives as it is. Run this again with --reply"
    if "event-stream" in clean.request.header("accept"):
        response: dict[str, Any] = {"codec": "sse", "unwrap": ["text"], "rules": [{"text": "$"}], "end": "body"}
        return Answer(response, (todo,))
    return Answer({"codec": "text"}, (todo,))


@dataclass(frozen=True, slots=True)
class _Trial:
    """What the first writing came to: the request that it renders, and what it reads out of the reply."""

    request: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def _tried(text: str, plan: _Plan) -> _Trial:
    try:
        provider = Provider(load_text(text))
    except SpecError:
        return _Trial(fault="the file is not valid yet")
    example = provider.spec.examples[0]
    expect: Mapping[str, Any] = {}
    if plan.clean.reply is not None:
        expect = expectation(provider.for_model(example.model), recorded_reply(plan.clean.reply).kept)
    try:
        asked = ChatRequest.of(example.messages, example.model, stream=example.stream, **example.params)
        wire = provider.call(asked, Deployment(settings=example.settings, placeholders=True)).wire
    except EngineError as error:
        return _Trial(expect=expect, fault=f"the captured call cannot be made again: {error.message}")
    return _Trial(request_data(wire), expect)


class _Writer:
    """The file's text, section by section, in the order in which a call happens."""

    def __init__(self, plan: _Plan, trial: _Trial | None = None) -> None:
        self._plan = plan
        self._trial = trial or _Trial()
        self._is_first = trial is None
        self._lines: list[str] = []
        url, self._path, self._is_for_caller = place_of(plan.clean.request.url)
        self._url = url
        if plan.fit is not None:
            self._url, self._path = plan.fit.prefix, plan.fit.path or ""

    def text(self) -> str:
        """All of it."""
        for write in (
            *(self._opening, self._identity, self._models, self._credentials, self._params, self._place),
            *(self._query, self._headers, self._messages, self._payload, self._response, self._errors, self._examples),
        ):
            write()
        return "\n".join(self._lines) + "\n"

    # --- pieces ---

    def _say(self, text: str, indent: int = 0) -> None:
        """A comment, wrapped."""
        margin = " " * indent + "# "
        line = margin
        for word in _one_line(text).split(" "):
            if len(line) + len(word) > 118 and line != margin:
                self._lines.append(line.rstrip())
                line = margin
            line += word + " "
        self._lines.append(line.rstrip())

    def _todo(self, text: str, indent: int = 0) -> None:
        self._say(f"TODO: {text}", indent)

    def _put(self, key: str, value: Any, indent: int = 0) -> None:
        text = yaml_text({key: value}, indent=indent)
        self._lines += (" " * indent + text).split("\n")

    # --- sections ---

    def _opening(self) -> None:
        plan = self._plan
        self._lines.append("# yaml-language-server: $schema=provider.schema.json")
        self._say("For completion in an editor: wirefile schema > provider.schema.json")
        captured = "a captured request and its reply" if plan.clean.reply else "a captured request; no reply was given"
        self._say(f"Written by `wirefile new` from {captured}. What it could not decide is marked TODO.")
        for note in (*plan.clean.request.notes, *plan.clean.body.notes):
            self._say(f"- {note}")

    def _identity(self) -> None:
        self._put("spec_version", 1)
        self._put("name", self._plan.name)
        self._put("title", self._plan.name.replace("-", " ").title())
        fit = self._plan.fit
        if fit is None:
            if not (self._plan.templated and self._plan.templated.has_history):
                self._put("flags", {"supports_message_history": False})
            return
        by = "the reply reads by its rules" if fit.is_read else "no answer was captured to prove it"
        self._say(f"The path and the body are those of this protocol; {by}. `wirefile show {fit.protocol.name}` prints it."
                  if fit.path is None else
                  f"The body and the reply are those of this protocol. `wirefile show {fit.protocol.name}` prints it.")  # fmt: skip
        self._put("extends", fit.protocol.name)
        self._unset(fit)

    def _unset(self, fit: Fit) -> None:
        gone = [f"payload.{'.'.join(map(str, place))}" for place in fit.missing]
        gone += [f"query.{name}" for name, value in fit.query.items() if value is None]
        if self._plan.clean.auth is None and "auth" in fit.protocol.tree:
            gone.append("auth")
        if not gone:
            return
        if gone != ["auth"]:
            self._say("The captured request did not have these, which the protocol sends.")
        if any(".stream_options" in path for path in gone):
            self._todo("without stream_options, a stream says nothing about usage; take it out of this list to try")
        self._put("unset", gone)

    def _models(self) -> None:
        fit, found = self._plan.fit, self._plan.found
        model = fit.model if fit else found.model_text
        if model:
            self._put("models", {"default": model})
        elif fit is None:
            self._todo("no model was found in the request; if the service has several: models: {default: NAME}")

    def _credentials(self) -> None:
        clean = self._plan.clean
        if clean.auth is None:
            self._todo("no secret was found; if the service wants one, declare `secrets` and `auth`")
        else:
            self._say("The value is read from the environment, and goes to this file's host only.")
            self._put("secrets", clean.secrets)
            if clean.auth.get("name") == "cookie":
                self._todo("the only credential is the browser's cookie, which will expire; use a key, if there is one")
            fit = self._plan.fit
            inherited = fit.protocol.tree.get("auth") if fit else None
            if not same(inherited, clean.auth):
                if isinstance(inherited, dict) and inherited.get("type") != clean.auth["type"]:
                    # Maps merge: as a list, it replaces what is inherited.
                    self._put("auth", [clean.auth])
                else:
                    self._put("auth", clean.auth)
        for todo in clean.todos:
            self._todo(todo)

    def _params(self) -> None:
        if self._plan.fit is not None:
            return
        params = {name: declared | {"default": value} for _, (name, declared, value) in self._plan.found.params.items()}
        if params:
            self._say("Parameters of a call; the defaults are the captured values.")
            self._put("params", params)

    def _place(self) -> None:
        if self._is_for_caller:
            self._say("The host is not public, or not reached over https: only the caller may name it.")
            variable = variable_name(self._plan.name, "")("URL", "")
            self._put("settings", {"base_url": {"env": variable}})
            self._put("url", "{{ base_url }}")
            prefix = urlsplit(self._url).path
            path = self._path or (self._plan.fit.protocol.path if self._plan.fit and prefix else "")
            if path:
                self._put("path", prefix + path if not self._path or self._plan.fit else path)
        else:
            self._put("url", self._url)
            if self._path:
                self._put("path", written(self._path))
        if self._plan.clean.request.method != "POST":
            self._put("method", self._plan.clean.request.method)

    def _query(self) -> None:
        plan = self._plan
        if plan.is_in_query:
            assert plan.templated is not None
            self._note_places("query")
            self._put("query", plan.templated.payload)
            return
        query = plan.fit.query if plan.fit else query_of(plan.clean.request)
        said = {name: written(value) for name, value in query.items() if value is not None}
        if said:
            self._put("query", said)

    def _headers(self) -> None:
        kept, _, notes = headers_of(self._plan.clean.request, self._encoding)
        if self._plan.fit is not None:
            inherited = self._plan.fit.protocol.headers
            lower = {name.lower(): value for name, value in inherited.items()}
            kept = {name: value for name, value in kept.items() if lower.get(name) != value}
        for note in notes:
            if note.startswith("the browser also"):
                self._todo(note)
            else:
                self._say(note[0].upper() + note[1:] + ".")
        if kept:
            self._put("headers", kept)

    @property
    def _encoding(self) -> str:
        return self._plan.clean.body.encoding

    def _messages(self) -> None:
        plan = self._plan
        if plan.templated is None or not plan.templated.shaping:
            return
        self._say("How each message of a conversation becomes the API's.")
        self._put("messages", plan.templated.shaping)

    def _payload(self) -> None:
        plan = self._plan
        if plan.fit is not None:
            extras: Any = {}
            for place, value in plan.fit.extras.items():
                extras = _grown(extras, place, written(value))
            if extras:
                self._say("What the captured request has beside the protocol's keys.")
                self._put("payload", extras)
            return
        if self._encoding != "json":
            self._put("encoding", self._encoding)
        assert plan.templated is not None
        if plan.clean.body.tree is None:
            if not plan.is_in_query:
                self._todo("the request has no body, and no prompt was found in its URL: say where the prompt goes")
            return
        payload = plan.templated.payload
        if not plan.found.messages:
            self._todo('the prompt was not found in the body; put "{{ messages }}" where it goes, or use --prompt TEXT')
        if not isinstance(payload, dict) or not payload:
            self._put("payload", payload)
            self._note_places("payload")
            return
        self._say("The body. {{ }} holds what a call says; all else is sent as it is written here.")
        self._lines.append("payload:")
        for key, value in payload.items():
            for place, todo in plan.templated.todos.items():
                if place[:1] == (key,):
                    self._todo(f"{_where(place)}: {todo}", 2)
            self._put(key, value, 2)

    def _note_places(self, section: str) -> None:
        assert self._plan.templated is not None
        for place, todo in self._plan.templated.todos.items():
            self._todo(f"{section} {_where(place)}: {todo}")

    def _response(self) -> None:
        answer = self._plan.answer
        if answer is None:
            return
        self._say("How the answer is framed, and where in it the text is.")
        for todo in answer.todos:
            self._todo(todo)
        self._put("response", answer.response)

    def _errors(self) -> None:
        if self._plan.fit is None:
            self._todo("what refusals look like is not known; statuses have their usual meaning. E.g. errors: "
                       "[{status: 429, body: {path: error.code, equals: no_credit}, kind: quota, message: error.message}]")  # fmt: skip

    # --- examples ---

    def _examples(self) -> None:
        self._lines.append("examples:")
        reply = self._plan.clean.reply
        if reply is None:
            self._say("The request was captured.", 2)
            self._todo("the reply is made up; put a captured one here, or run this again with --reply", 2)
            self._example("a captured request", self._borrowed(), True)
        else:
            recorded = recorded_reply(reply)
            self._say("Captured." + (" The reply was shortened." if recorded.is_shortened else ""), 2)
            if not self._is_first and self._trial.expect.get("error") and reply.status < 400:
                self._todo("the reply does not read as an answer; correct `response`, and then `expect`", 2)
            if not self._is_first and self._trial.expect.get("text") == "":
                self._todo("no text was read; correct `response`, and then `expect`", 2)
            self._example("a captured exchange", (recorded.reply, dict(self._trial.expect) or {"text": ""}), True)
            if reply.status >= 400:
                self._todo("the captured reply is a refusal; an answer is missing, and this one is made up", 2)
                self._example("an answer", self._borrowed(), False)
                return
        self._todo("made up; put a captured refusal here", 2)
        self._example("a refused key", ({"status": 401, "text": ""}, {"error": "auth"}), False)

    def _borrowed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A reply that is made up: the protocol's own example, or a word in the framing that is assumed."""
        fit = self._plan.fit
        if fit is not None:
            for example in fit.protocol.tree.get("examples", ()):
                if example["call"].get("stream", True) is fit.stream and example["expect"].get("text"):
                    return example["reply"], {key: example["expect"][key] for key in ("text",)}
        codec = self._plan.answer.response["codec"] if self._plan.answer else "text"
        if codec == "sse":
            head = {"content-type": "text/event-stream"}
            return {"headers": head, "chunks": ["data: Hello\n\n"]}, {"text": "Hello"}
        return {"text": "Hello"}, {"text": "Hello"}

    def _example(self, name: str, reply: tuple[dict[str, Any], dict[str, Any]], is_captured: bool) -> None:
        call = self._call() if is_captured else self._plain_call()
        example: dict[str, Any] = {"name": name, "call": call}
        if is_captured and not self._is_first:
            request, notes = self._request()
            for note in notes:
                self._say(note, 2)
            if request:
                example["request"] = request
        example |= {"reply": reply[0], "expect": reply[1]}
        text = yaml_text(example, indent=4)
        self._lines += f"  - {text}".split("\n")

    def _call(self) -> dict[str, Any]:
        plan = self._plan
        call: dict[str, Any] = {"messages": plan.found.messages or [{"role": "user", "content": "Hi"}]}
        if plan.fit is not None:
            call |= {} if plan.fit.stream else {"stream": False}
            call |= plan.fit.params
        elif plan.found.stream is not None and not plan.found.streams:
            call["stream"] = False
        if self._is_for_caller:
            call["settings"] = {"base_url": urlsplit(self._url)._replace(path="").geturl()}
        return call

    def _plain_call(self) -> dict[str, Any]:
        """The shortest call that the file takes."""
        settings = {key: value for key, value in self._call().items() if key == "settings"}
        return {"messages": [{"role": "user", "content": "Hi"}]} | settings

    def _request(self) -> tuple[dict[str, Any], list[str]]:
        """The captured request as the example holds it, and what must be said of it."""
        observed = self._trial.request
        if not observed:
            return {}, [f"TODO: {self._trial.fault}"]
        notes: list[str] = []
        wanted = self._captured()
        for key in list(wanted):
            seen = observed.get(key)
            if key == "url":
                seen = str(seen).partition("?")[0]
            if key == "headers":
                seen = {name: value for name, value in observed["headers"].items() if name in wanted[key]}
            if key == "query":
                seen = dict(observed["query"])
            if same(wanted[key], seen):
                continue
            notes.append(self._difference(key, wanted[key], seen))
            if self._plan.fit is not None and key == "json":
                wanted[key] = seen
            else:
                del wanted[key]
        return wanted, notes

    def _difference(self, key: str, wanted: Any, seen: Any) -> str:
        fit, shaped = self._plan.fit, self._plan.templated
        if fit is not None and key == "json":
            if isinstance(seen, dict) and same(
                wanted, {name: value for name, value in seen.items() if name != "stream"}
            ):
                return "The captured request left `stream` out, which says the same as `stream: false`."
            return "`request.json` is as the protocol writes it; the captured body said the same in another form."
        if shaped is not None and shaped.changes and key in ("json", "form"):
            return f"`request.{key}` is left out: {', '.join(shaped.changes)} is new in each call."
        return (
            f"TODO: what this file renders differs from the captured request in `{key}`; compare with `wirefile render`"
        )

    def _captured(self) -> dict[str, Any]:
        plan = self._plan
        request = plan.clean.request
        wanted: dict[str, Any] = {"method": request.method} if request.method != "POST" else {}
        parts = urlsplit(request.url)
        wanted["url"] = parts._replace(path="" if parts.path == "/" else parts.path, query="").geturl()
        _, plain, _ = headers_of(request, self._encoding)
        headers = plain | self._sent_secret()
        if headers:
            wanted["headers"] = headers
        query = query_of(request)
        if plan.clean.auth and plan.clean.auth["type"] == "query":
            query = dict(request.query)
        if query:
            wanted["query"] = {name: value for name, value in query.items() if "<REDACTED>" not in value}
        tree = plan.clean.body.tree
        if tree is not None:
            wanted[_BODY_KEYS.get(self._encoding, "form")] = tree
        if "json" in wanted and "json" not in self._trial.request:
            # Where the content type is another, an example compares the text.
            content = self._trial.request.get("content", "")
            if same(json_or_none(content), wanted["json"]):
                del wanted["json"]
                wanted["text"] = content
        return wanted

    def _sent_secret(self) -> dict[str, str]:
        """The header of the file's credential."""
        auth = self._plan.clean.auth
        if auth is None or auth["type"] in ("query", "body", "basic"):
            return {}
        variables = [secret["env"][0] for secret in self._plan.clean.secrets.values()]
        name = "authorization" if auth["type"] == "bearer" else auth["name"]
        prefix = "Bearer " if auth["type"] == "bearer" else auth.get("prefix", "")
        return {name: f"{prefix}<{variables[0]}>"}


_BODY_KEYS: Mapping[str, str] = {"json": "json", "text": "text"}


def _where(place: Place) -> str:
    return ".".join("(JSON)" if key == JSON_INSIDE else str(key) for key in place) or "body"


def _grown(tree: Any, place: Place, value: Any) -> Any:
    """A map with a value at a place, the maps on the way made."""
    key, rest = place[0], place[1:]
    return {**tree, key: _grown(tree.get(key, {}), rest, value) if rest else value}


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
