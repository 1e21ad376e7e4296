"""A HAR file (HTTP Archive, as browsers save it) -> the request in it that is a chat, and its reply.

http://www.softwareishard.com/blog/har-12-spec/
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import UsageError
from .capture import CapturedReply, CapturedRequest

MAX_BYTES = 256 * 1024 * 1024
SHOWN = 12

_TEXTUAL = re.compile(r"text/(?:event-stream|plain)|json|stream|text/x-component|^$", re.IGNORECASE)
_CHATTY = re.compile(r"chat|complet|message|conversation|generat|ask|answer|prompt|stream|infer", re.IGNORECASE)
_NOISE = re.compile(r"analytics|telemetry|metrics|collect|beacon|crash|log[s/]|event[s/]|track", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange in the archive; `number` counts from 1 among all of them, `score` says how much it is a chat."""

    number: int
    request: CapturedRequest
    reply: CapturedReply | None
    score: int

    def __str__(self) -> str:
        size = len(self.reply.body) if self.reply else 0
        url = self.request.url.partition("?")[0]
        return f"{self.number}: {self.request.method} {url[:100]} ({size} bytes of reply)"


def entry_of(data: bytes, prompt: str | None = None, number: int | None = None) -> tuple[Entry, list[Entry]]:
    """The entry that holds the prompt, else the one most like a chat; and all that it was chosen from.

    Raises UsageError where there is none, or where several hold the prompt equally well.
    """
    entries = _entries(data)
    if number is not None:
        chosen = [entry for entry in entries if entry.number == number]
        if not chosen:
            raise UsageError(f"the HAR has no entry {number}; it has {len(entries)}")
        return chosen[0], chosen
    found = [entry for entry in entries if entry.score > 0 and entry.request.method == "POST"]
    if prompt is not None:
        found = [entry for entry in found if _holds(entry, prompt)]
        if not found:
            raise UsageError("no POST request of the HAR holds the prompt; give it as it was typed, or name --entry N")
    if not found:
        raise UsageError("the HAR has no POST request with a text or an event stream as its reply; name --entry N")
    found.sort(key=lambda entry: (-entry.score, entry.number))
    return found[0], found


def _holds(entry: Entry, prompt: str) -> bool:
    body = entry.request.body or " ".join(value for _, value in entry.request.fields or ())
    escaped = json.dumps(prompt)[1:-1]
    spellings = (prompt, json.dumps(prompt, ensure_ascii=False)[1:-1], escaped, quote(prompt), quote(prompt, safe=""))
    return any(text in body for text in (*spellings, escaped.replace("\\", "\\\\"), prompt.replace(" ", "+")))


def _entries(data: bytes) -> list[Entry]:
    if len(data) > MAX_BYTES:
        raise UsageError(f"the HAR is larger than {MAX_BYTES} bytes; save one that holds the one request")
    try:
        listed = json.loads(data.decode("utf-8-sig"))["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            "this is no HAR: it is JSON with log.entries; save it from the browser's network panel"
        ) from None
    if not isinstance(listed, list):
        raise UsageError("this is no HAR: log.entries is no list; save it from the browser's network panel")
    found = (_entry(number, entry) for number, entry in enumerate(listed, 1))
    return [entry for entry in found if entry is not None]


def _entry(number: int, entry: Any) -> Entry | None:
    said = _map(_map(entry).get("request"))
    url, method = said.get("url"), said.get("method")
    if not isinstance(url, str) or not isinstance(method, str) or not re.match(r"https?://[^/?#\s]", url):
        return None
    headers = tuple(
        (str(header["name"]), str(header.get("value", "")))
        for header in _maps(said.get("headers"))
        if isinstance(header.get("name"), str) and not header["name"].startswith(":")  # of HTTP/2
    )
    posted = _map(said.get("postData"))
    fields = None
    text = posted.get("text")
    mime = str(posted.get("mimeType", ""))
    params = [(str(one.get("name", "")), str(one.get("value", ""))) for one in _maps(posted.get("params"))]
    if not isinstance(text, str) or (not text and params):
        text = None
        if "multipart" in mime:
            fields = tuple(params)
        elif params:
            # Values in `params` are as they were sent, encoded.
            text = "&".join(f"{name}={value}" for name, value in params)
    if mime and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", mime))
    try:
        request = CapturedRequest(url.partition("#")[0], method.upper(), headers, text, fields)
        request.query  # noqa: B018  raises for a URL that is none
    except ValueError:
        return None
    reply = _reply(_map(_map(entry).get("response")))
    return Entry(number, request, reply, _score(request, reply))


def _reply(said: dict[str, Any]) -> CapturedReply | None:
    content = _map(said.get("content"))
    text = content.get("text")
    if not isinstance(text, str) or not text:
        return None
    body = text.encode("utf-8", "replace")
    if content.get("encoding") == "base64":
        try:
            body = base64.b64decode(text)
        except ValueError:
            return None
    status = said.get("status")
    is_status = isinstance(status, int) and 100 <= status <= 599
    return CapturedReply(body, status if is_status else 200, str(content.get("mimeType") or ""))  # type: ignore[arg-type]


def _score(request: CapturedRequest, reply: CapturedReply | None) -> int:
    """How much an exchange is like a chat; 0 and less: not at all."""
    if reply is None or not (request.body or request.fields) or not _TEXTUAL.search(reply.content_type):
        return 0
    path = request.url.partition("?")[0]
    score = 2 + 3 * bool(_CHATTY.search(path)) - 4 * bool(_NOISE.search(path))
    score += 4 * ("event-stream" in reply.content_type) + 2 * (reply.status == 200)
    body = request.body or ""
    return score + 3 * any(f'"{word}"' in body or f'\\"{word}\\"' in body for word in ("messages", "prompt", "role"))


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
