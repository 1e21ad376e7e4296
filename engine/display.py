"""Requests, events, answers and errors in forms for people and programs: http, curl, JSON. Secrets are masked."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from .encoding import read_multipart
from .errors import EngineError, ProviderError
from .secrets import Sensitive, SensitiveBytes, shown, shown_bytes

if TYPE_CHECKING:
    from .events import Event
    from .messages import ChatResponse
    from .wire import WireRequest


def request_data(wire: WireRequest) -> dict[str, Any]:
    """A request as plain data, in the words of an example's `request`; `content` is the body as it is sent."""
    wire = wire.shown()
    parts = urlsplit(wire.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    data: dict[str, Any] = {"method": wire.method, "url": wire.url, "headers": dict(wire.headers), "query": query}
    return data | body_data(wire.headers.get("content-type", ""), wire.content)


def body_data(content_type: str, content: bytes) -> dict[str, Any]:
    """A body as `json`, `form` or `text`, and as `content`; nothing when it is empty."""
    if not content:
        return {}
    text = content.decode("utf-8", "replace")
    data: dict[str, Any] = {"content": text}
    if "json" in content_type:
        try:
            data["json"] = json.loads(text)
        except (ValueError, RecursionError):
            data["text"] = text
    elif "x-www-form-urlencoded" in content_type:
        data["form"] = dict(parse_qsl(text, keep_blank_values=True))
    elif "multipart/form-data" in content_type:
        data["form"] = read_multipart(content_type, text)
    else:
        data["text"] = text
    return data


def as_http(wire: WireRequest) -> str:
    """The request as it goes over the wire, HTTP/1.1, body included."""
    wire = wire.shown()
    parts = urlsplit(wire.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{wire.method} {target} HTTP/1.1", f"host: {parts.netloc}"]
    if wire.content:
        lines.append(f"content-length: {len(wire.content)}")
    lines += [f"{name}: {value}" for name, value in wire.headers.pairs]
    return "\n".join(lines) + "\n\n" + wire.content.decode("utf-8", "replace")


def as_curl(wire: WireRequest) -> str:
    """A curl command that sends the request; a secret stands in it as the shell variable that holds it."""
    words = [f"curl -N -X {wire.method} {_quoted(wire.url)}"]
    words += [f"  -H {_quoted(f'{name}: {shown(value)}', secret=value)}" for name, value in wire.headers.pairs]
    if wire.content:
        words.append(f"  --data-raw {_quoted_body(wire.content)}")
    return " \\\n".join(words)


def _quoted_body(content: bytes) -> str:
    """The body as one word of a shell; only the secret that is in it becomes a variable, whatever else it says."""
    text = shown_bytes(content).decode("utf-8", "replace")
    if not isinstance(content, SensitiveBytes):
        return shlex.quote(text)
    variable = f'"${{{content.name}}}"'
    return variable.join(shlex.quote(piece) if piece else "" for piece in text.split(f"<{content.name}>"))


def _quoted(text: str, secret: str | None = None) -> str:
    """One word of a shell. In text that holds a masked secret, <NAME> becomes "${NAME}"."""
    if not isinstance(text if secret is None else secret, Sensitive):
        return shlex.quote(text)
    pieces = re.split(r"<([A-Za-z_][A-Za-z0-9_]*)>", shown(text))
    return "".join(
        f'"${{{piece}}}"' if index % 2 else shlex.quote(piece) for index, piece in enumerate(pieces) if piece
    )


def as_json(wire: WireRequest) -> str:
    """The request as one JSON object."""
    return json.dumps(request_data(wire), ensure_ascii=False, indent=2)


REQUEST_FORMATS: Mapping[str, Callable[[WireRequest], str]] = {"http": as_http, "curl": as_curl, "json": as_json}


def event_data(event: Event) -> dict[str, Any]:
    """An event as plain data; `type` is its class in snake case.

    >>> from engine import TextDelta
    >>> event_data(TextDelta("Hi"))
    {'type': 'text_delta', 'text': 'Hi'}
    """
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    return {"type": name, **_plain(asdict(event))}


def response_data(response: ChatResponse) -> dict[str, Any]:
    """An answer as plain data, `message` in OpenAI's shape included."""
    data: dict[str, Any] = _plain(asdict(response))
    data["message"] = response.message.as_dict()
    return data


def error_data(error: EngineError) -> dict[str, Any]:
    """An error as plain data, with what had arrived of the answer."""
    data: dict[str, Any] = {"type": type(error).__name__, "kind": error.kind, "message": error.message}
    if isinstance(error, ProviderError):
        data |= {"status": error.status, "code": error.code, "retry_after": error.retry_after}
    if error.attempts:
        data |= {"attempts": error.attempts, "elapsed": round(error.elapsed, 3), "request_id": error.request_id}
    if error.partial is not None:
        data["partial"] = response_data(error.partial)
    return data


def failure_data(error: EngineError, partial: ChatResponse) -> dict[str, Any]:
    """A call that failed, in the shape of an answer: what had arrived, and the error beside it."""
    return {"error": error_data(error)} | response_data(partial)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
