"""A recorded call in the words of an example: call, steps, request, reply, and what the engine reads in the reply."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..chat_request import ChatRequest
from ..compression import decompressor
from ..deployment import Deployment
from ..display import request_data
from ..errors import EngineError, UsageError
from ..messages import ChatResponse, ToolCall
from ..provider import Provider
from ..spec import ProviderSpec, Read
from ..tape import MAX_BYTES, Take
from ..wire import ResponseHead, WireRequest
from .scrub import Scrubber

MAX_PIECES = 200
"""Into how many pieces a recorded body is cut at most: a file may hold so many values and no more."""

SESSION = "<session>"

_NO_NEWS = frozenset({"accept", "accept-encoding", "content-type", "cookie", "user-agent"})
"""Headers of a request that an example need not name: they follow from the file, or are a session's."""

_TOLD = ("content-type", "retry-after")
"""Headers of a reply that are kept in any case; the others only where the file reads them."""

_NEVER = frozenset({"set-cookie", "authorization", "content-encoding", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call that came to its end. Its replies are given without secrets."""

    provider: Provider
    request: ChatRequest
    deployment: Deployment
    takes: tuple[Take, ...]
    scrubber: Scrubber
    error: EngineError | None

    @property
    def reply(self) -> dict[str, Any]:
        """The last reply: `status`, `headers`, and the body as `chunks` or `base64`, in the words of an example."""
        return self.reply_of(self.takes[-1])

    @property
    def answer(self) -> tuple[bytes, int, dict[str, str]]:
        """The last reply as bytes, status and headers, without secrets. Raises UsageError where that cannot be had."""
        take = self.takes[-1]
        if take.kind != "main" or take.head is None:
            raise UsageError("the call ended before its own request was answered")
        body = b"".join(_plain_chunks(take, take.head))
        clean = b"".join(self.scrubber.pieces([body]))
        if clean != body and _texts([body]) is None:
            raise UsageError("the reply is binary and holds a secret, which cannot be taken out")
        headers = {name.lower(): self.scrubber.text(value) for name, value in take.head.headers.items()}
        return clean, take.head.status, {name: value for name, value in headers.items() if name not in _NEVER}

    def reply_of(self, take: Take) -> dict[str, Any]:
        """One reply. Raises UsageError for a body that cannot be read without its secret."""
        head = take.head
        assert head is not None, "a recording has the head of every reply"
        reply: dict[str, Any] = {"status": head.status} if head.status != 200 else {}
        headers = self._headers(head, take.reads)
        return reply | ({"headers": headers} if headers else {}) | self._body(_plain_chunks(take, head))

    def _headers(self, head: ResponseHead, reads: tuple[Read, ...]) -> dict[str, str]:
        names = dict.fromkeys((*_TOLD, *_asked_headers(self.provider.spec)))
        headers = {name: self.scrubber.text(head.headers[name]) for name in names if name in head.headers}
        headers = {name: value for name, value in headers.items() if name not in _NEVER}
        for read in reads:
            if read.source == "header" and read.where in head.headers:
                headers[read.where.lower()] = SESSION
            elif read.source == "cookie":
                headers["set-cookie"] = f"{read.where}={SESSION}; Path=/"
        return headers

    def _body(self, chunks: list[bytes]) -> dict[str, Any]:
        if not b"".join(chunks):
            return {"text": ""}
        pieces = self.scrubber.pieces(chunks)
        texts = _texts(pieces)
        if texts is not None:
            return {"chunks": texts}
        if pieces != chunks:
            raise UsageError("the reply is binary and holds a secret, which cannot be taken out; nothing is recorded")
        return {"base64": base64.b64encode(b"".join(chunks)).decode()}


def example_of(recorded: Recorded, origin: str) -> dict[str, Any]:
    """The example, without a name. Raises UsageError where a secret would be left in it."""
    scrub = recorded.scrubber
    steps = [
        {"request": _request(take.wire, scrub, origin), "reply": recorded.reply_of(take)}
        for take in recorded.takes
        if take.kind == "step" or take is not recorded.takes[-1]
    ]
    main = recorded.takes[-1]
    example: dict[str, Any] = {"call": scrub.tree(_call(recorded))}
    if steps:
        example["steps"] = steps
    if main.kind == "main":
        example["request"] = _request(main.wire, scrub, origin)
    example["reply"] = recorded.reply
    example["expect"] = _expect(recorded, main, is_answered=main.kind == "main")
    _refuse_secrets(example, scrub)
    return example


def _call(recorded: Recorded) -> dict[str, Any]:
    request, spec = recorded.request, recorded.provider.spec
    call: dict[str, Any] = {"messages": [message.as_dict() for message in request.messages]}
    settings = recorded.deployment.resolve_settings(spec)
    more = {
        "model": request.model,
        "settings": {name: value for name, value in settings.items() if value != spec.settings[name].default},
        "tools": list(request.tools),
        "tool_choice": request.tool_choice,
        **request.params,
        "extra_body": dict(request.extra_body),
        "extra_headers": {name: str.__str__(value) for name, value in request.extra_headers.items()},
    }
    call |= {name: value for name, value in more.items() if value not in (None, [], {})}
    return call if request.stream else call | {"stream": False}


def _request(wire: WireRequest, scrub: Scrubber, origin: str) -> dict[str, Any]:
    data = request_data(wire)
    headers = {name.lower(): value for name, value in data["headers"].items()}
    request: dict[str, Any] = {"method": data["method"]}
    if not origin:  # what stands in the service's place has another URL
        request["url"] = data["url"].partition("?")[0]
    headers = {name: value for name, value in headers.items() if name not in _NO_NEWS}
    said = {"headers": headers, "query": data["query"]} | {k: data[k] for k in ("json", "form", "text") if k in data}
    cleaned: dict[str, Any] = scrub.tree(
        request | {key: value for key, value in said.items() if value not in ({}, None)}
    )
    return cleaned


def _expect(recorded: Recorded, main: Take, *, is_answered: bool) -> dict[str, Any]:
    """What the engine reads in the reply as it is kept; of a call that a step ended, how it ended."""
    if not is_answered:
        return {"error": recorded.error.kind if recorded.error is not None else "protocol"}
    response, kind = _read(recorded, main)
    said = recorded.error.kind if recorded.error is not None else None
    if kind != said:
        told = f"reads as {kind or 'an answer'} by itself, and the call ended as {said or 'an answer'}"
        raise UsageError(f"the reply {told}; such a call cannot be recorded")
    expect: dict[str, Any] = {} if kind is None else {"error": kind}
    more = {
        "text": response.text or None,
        "reasoning": response.reasoning or None,
        "refusal": response.refusal or None,
        "tool_calls": [_tool_call(call) for call in response.tool_calls] or None,
        "finish": response.finish if kind is None else None,
        "usage": response.usage.counters or None,
    }
    return expect | {name: value for name, value in more.items() if value is not None}


def _read(recorded: Recorded, main: Take) -> tuple[ChatResponse, str | None]:
    reply = recorded.reply_of(main)
    body = base64.b64decode(reply["base64"]) if "base64" in reply else "".join(reply.get("chunks", [])).encode()
    try:
        provider = recorded.provider.for_model(recorded.request.model)
        return provider.decode(body, reply.get("status", 200), reply.get("headers", {})), None
    except EngineError as error:
        return error.partial or ChatResponse(), error.kind


def _tool_call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    # Text is compared as text, all else as JSON.
    return {"id": call.id, "name": call.name, "arguments": arguments if isinstance(arguments, dict) else call.arguments}


def _refuse_secrets(example: Mapping[str, Any], scrub: Scrubber) -> None:
    """Raise UsageError for a secret that was not one text on the wire: a model may spell it piece by piece."""
    replies = [example["reply"], *(step["reply"] for step in example.get("steps", ()))]
    bodies = [base64.b64decode(reply["base64"]) for reply in replies if "base64" in reply]
    bodies += ["".join(reply["chunks"]).encode() for reply in replies if "chunks" in reply]
    if scrub.finds(dict(example)) or any(scrub.finds(body) for body in bodies):
        raise UsageError("the answer spells a secret in a way that cannot be taken out; nothing is recorded")


def _asked_headers(spec: ProviderSpec) -> list[str]:
    """The headers that the file's error rules look at."""
    return [test.subject.lower() for rule in spec.errors for test in rule.header if isinstance(test.subject, str)]


def _plain_chunks(take: Take, head: ResponseHead) -> list[bytes]:
    """The pieces of the body, decompressed."""
    coding = head.headers.get("content-encoding", "")
    if coding in ("", "identity"):
        return take.chunks
    try:
        body = decompressor(coding, 8 * MAX_BYTES)
        return [*(body.feed(chunk) for chunk in take.chunks)]
    except EngineError as error:
        raise UsageError(f"the reply cannot be recorded: {error.message}") from None


def _texts(pieces: list[bytes]) -> list[str] | None:
    """The pieces as text, cut between characters; None where they are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        texts = [decoder.decode(piece) for piece in pieces]
        texts[-1] += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    texts = [text for text in texts if text]
    each = -(-len(texts) // MAX_PIECES)
    return ["".join(texts[at : at + each]) for at in range(0, len(texts), each)]
