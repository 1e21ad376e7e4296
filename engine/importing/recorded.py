"""The examples of a drafted file: the captured exchange as it was recorded, and what is made up, which says so."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..comparison import same
from ..errors import EngineError
from ..messages import ChatResponse
from ..provider import Provider
from .capture import CapturedReply, json_or_none
from .conversation import find
from .frames import framing_of, media_type
from .lines import Lines
from .places import dotted
from .plan import Plan, Trial
from .protocols import conversation_places, differences
from .sections import headers_of, query_of

MAX_REPLY = 64 * 1024
"""A longer reply is shortened, in bytes: an example is read by people."""

_HEAD, _TAIL = 40, 10
_SPLIT: Mapping[str, str] = {"sse": r"(?<=\n\n)|(?<=\r\n\r\n)", "ndjson": r"(?<=\n)", "text": r"(?<=\n)"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reply as an example writes it; `kept` are the bytes that it then stands for."""

    reply: dict[str, Any]
    kept: CapturedReply
    is_shortened: bool = False


def recorded_reply(reply: CapturedReply) -> Recorded:
    """The captured reply, whole or shortened."""
    codec = framing_of(reply)
    head: dict[str, Any] = {"status": reply.status} if reply.status != 200 else {}
    kind = {"headers": {"content-type": media_type(reply)}}
    try:
        text = reply.body.decode()
    except UnicodeDecodeError:
        body = reply.body[:MAX_REPLY]
        written = {**head, **kind, "base64": base64.b64encode(body).decode("ascii")}
        kept = CapturedReply(body, reply.status, reply.content_type)
        return Recorded(written, kept, len(body) < len(reply.body))
    value = json_or_none(text)
    if codec == "json" and value is not None and len(text) <= MAX_REPLY:
        is_usual = media_type(reply) == "application/json"
        return Recorded({**head, **({} if is_usual else kind), "json": value}, reply)
    chunks = [chunk for chunk in re.split(_SPLIT.get(codec, r"(?!)"), text) if chunk]
    is_short = len(text) <= MAX_REPLY
    if not is_short:
        chunks = _shortened(chunks)
    kept = reply if is_short else CapturedReply("".join(chunks).encode(), reply.status, reply.content_type)
    return Recorded({**head, **kind, "chunks": chunks or [""]}, kept, not is_short)


def _shortened(chunks: list[str]) -> list[str]:
    """The beginning and the end; a single piece is cut."""
    if len(chunks) <= _HEAD + _TAIL:
        return [chunk[: MAX_REPLY // len(chunks)] for chunk in chunks]
    return chunks[:_HEAD] + chunks[-_TAIL:]


def expectation(provider: Provider, reply: CapturedReply) -> dict[str, Any]:
    """What a reply comes to by the rules of a file."""
    try:
        answer = provider.decode(reply.body, reply.status, {"content-type": media_type(reply)})
    except EngineError as error:
        return {"error": error.kind}
    return answer_data(answer)


def answer_data(answer: ChatResponse) -> dict[str, Any]:
    """An answer in the words of an example's `expect`, as far as it says something."""
    data: dict[str, Any] = {"text": answer.text}
    if answer.reasoning:
        data["reasoning"] = answer.reasoning
    if answer.tool_calls:
        data["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in answer.tool_calls
        ]
    if answer.finish:
        data["finish"] = answer.finish
    if counters := answer.usage.counters:
        data["usage"] = counters
    return data


def _left(wanted: Any, seen: Any) -> list[str]:
    """What two bodies differ in beside the form of their conversations."""
    skipped = conversation_places(find(wanted), find(seen))
    extras, missing = differences(wanted, seen, skipped)
    return [f"`{dotted(place)}`" for place in (*extras, *missing)]


class ExampleWriter:
    """The section `examples` of a plan. Without a trial it is the first writing, which only serves to be tried."""

    def __init__(self, plan: Plan, trial: Trial | None, lines: Lines) -> None:
        self._plan = plan
        self._trial = trial or Trial()
        self._is_first = trial is None
        self._lines = lines

    def write(self) -> None:
        """Write it."""
        self._lines.append("examples:")
        reply = self._plan.clean.reply
        if reply is None:
            self._lines.say("The request was captured.", 2)
            self._lines.todo("the reply is made up; put a captured one here, or run this again with --reply", 2)
            self._example("a captured request", self._borrowed(), True)
        else:
            recorded = recorded_reply(reply)
            self._lines.say("Captured." + (" The reply was shortened." if recorded.is_shortened else ""), 2)
            if not self._is_first and self._trial.expect.get("error") and reply.status < 400:
                self._lines.todo("the reply does not read as an answer; correct `response`, and then `expect`", 2)
            if not self._is_first and self._trial.expect.get("text") == "":
                self._lines.todo("no text was read; correct `response`, and then `expect`", 2)
            self._example("a captured exchange", (recorded.reply, dict(self._trial.expect) or {"text": ""}), True)
            if reply.status >= 400:
                self._lines.todo("the captured reply is a refusal; an answer is missing, and this one is made up", 2)
                self._example("an answer", self._borrowed(), False)
                return
        self._lines.todo("made up; put a captured refusal here", 2)
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
                self._lines.say(note, 2)
            if request:
                example["request"] = request
        example |= {"reply": reply[0], "expect": reply[1]}
        self._lines.item(example, 2)

    def _call(self) -> dict[str, Any]:
        plan = self._plan
        call: dict[str, Any] = {"messages": plan.found.messages or [{"role": "user", "content": "Hi"}]}
        if plan.fit is not None:
            call |= {} if plan.fit.stream else {"stream": False}
            call |= {**plan.fit.params, **plan.fit.tools}
        elif plan.found.stream is not None and not plan.found.streams:
            call["stream"] = False
        if self._plan.is_for_caller:
            call["settings"] = {"base_url": urlsplit(self._plan.clean.request.url)._replace(path="", query="").geturl()}
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
            if left := _left(wanted, seen):
                return f"TODO: the protocol sends {', '.join(left)} in another way than the captured request did."
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
        _, plain, _ = headers_of(request, self._plan.clean.body.encoding)
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
            wanted[_BODY_KEYS.get(self._plan.clean.body.encoding, "form")] = tree
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
