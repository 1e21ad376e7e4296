"""The examples of a drafted file: the captured exchange, and what is made up where nothing was captured, marked so."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import EngineError
from ..messages import ChatResponse
from ..provider import Provider
from .answer import framing_of, media_type
from .capture import CapturedReply, json_or_none

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
    counters = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
    said = {name: getattr(answer.usage, name, None) for name in counters} if answer.usage is not None else {}
    if said := {name: value for name, value in said.items() if value is not None}:
        data["usage"] = said
    return data
