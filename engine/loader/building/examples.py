"""The examples in a file as values: what the service replies in them is bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ...spec import Example, Reply, StepExample


def example_of(example: Mapping[str, Any], file: str, line: int) -> Example:
    """One example, and where it is written."""
    call = dict(example["call"])
    return Example(
        name=example["name"],
        messages=call.pop("messages"),
        model=call.pop("model", None),
        stream=call.pop("stream", True),
        settings=call.pop("settings", {}),
        tools=tuple(call.pop("tools", ())),
        tool_choice=call.pop("tool_choice", None),
        params=call,
        request=example.get("request", {}),
        reply=_reply(example["reply"]),
        steps=tuple(StepExample(step.get("request", {}), _reply(step["reply"])) for step in example.get("steps", ())),
        expect=example["expect"],
        file=file,
        line=line,
    )


def _reply(reply: Mapping[str, Any]) -> Reply:
    headers = dict(reply.get("headers", {}))
    if "json" in reply:
        body = json.dumps(reply["json"], ensure_ascii=False).encode()
        chunks: tuple[bytes, ...] = (body,)
        if not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = "application/json"
    elif "base64" in reply:
        chunks = (base64.b64decode("".join(reply["base64"].split())),)
    else:
        pieces = reply.get("chunks", [reply.get("text", reply.get("body", ""))])
        chunks = tuple(piece.encode() for piece in pieces)
    return Reply(reply.get("status", 200), headers, chunks)
