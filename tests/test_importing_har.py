"""HAR files: the entry that is the chat is found, with its reply; what is none is an error in one line."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from engine.errors import UsageError
from engine.importing.draft import draft
from engine.importing.har import entry_of
from engine.loader import load_text

from .curls import CANARY


def exchange(
    url: str, body: Any = None, reply: str | bytes = "", mime: str = "application/json", **more: Any
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": "POST" if body is not None else "GET",
        "url": url,
        "headers": [{"name": ":authority", "value": "x"}, {"name": "authorization", "value": f"Bearer {CANARY}"}],
    }
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    content: dict[str, Any] = {"mimeType": mime, "text": reply}
    if isinstance(reply, bytes):
        content |= {"text": base64.b64encode(reply).decode(), "encoding": "base64"}
    return {"request": request | more, "response": {"status": 200, "headers": [], "content": content}}


def har(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


STREAM = 'data: {"text": "Hel"}\n\ndata: {"text": "lo"}\n\ndata: [DONE]\n\n'
PAGE = exchange("https://c.acme.example/", None, "<html>", "text/html")
EVENTS = exchange("https://c.acme.example/telemetry/events", {"events": ["Hi"]}, "{}")
CHAT = exchange(
    "https://c.acme.example/api/chat",
    {"messages": [{"role": "user", "content": 'Hi "you"'}]},
    STREAM,
    "text/event-stream",
)
TITLE = exchange("https://c.acme.example/api/title", {"prompt": "Name it"}, '{"title": "Greeting"}')


def test_the_chat_is_found_among_others() -> None:
    entry, among = entry_of(har(PAGE, EVENTS, TITLE, CHAT))
    assert entry.number == 4
    assert [one.number for one in among] == [4, 3]
    assert entry.reply is not None
    assert entry.reply.body == STREAM.encode()
    assert ":authority" not in dict(entry.request.headers)


def test_the_prompt_decides() -> None:
    assert entry_of(har(CHAT, TITLE), "Name it")[0].number == 2
    assert entry_of(har(TITLE, CHAT), 'Hi "you"')[0].number == 2
    with pytest.raises(UsageError, match="holds the prompt"):
        entry_of(har(CHAT), "something else")


def test_a_number_decides() -> None:
    assert entry_of(har(PAGE, EVENTS, CHAT), number=2)[0].number == 2
    with pytest.raises(UsageError, match="no entry 9"):
        entry_of(har(CHAT), number=9)


def test_a_draft_from_it() -> None:
    reply = 'data: {"text": "При"}\n\ndata: {"text": "вет"}\n\ndata: [DONE]\n\n'.encode()
    entry, _ = entry_of(
        har(exchange("https://c.acme.example/api/chat?v=1", {"prompt": "Hi", "model": "m"}, reply, "text/event-stream"))
    )
    made = draft("acme", entry.request, entry.reply)
    assert made.is_sound
    assert CANARY not in made.text
    assert CANARY not in repr(entry)
    assert load_text(made.text).examples[0].expect["text"] == "Привет"


def test_forms() -> None:
    posted = {
        "mimeType": "application/x-www-form-urlencoded",
        "params": [{"name": "q", "value": "Hi%20you"}, {"name": "n", "value": "1"}],
    }
    entry, _ = entry_of(har(exchange("https://c.acme.example/ask", "", "Hello", "text/plain", postData=posted)))
    assert 'q: "{{' in draft("acme", entry.request, entry.reply).text
    posted = {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "q", "value": "Hi"}]}
    entry, _ = entry_of(har(exchange("https://c.acme.example/ask", "", "Hello", "text/plain", postData=posted)))
    assert entry.request.fields == (("q", "Hi"),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"log": 1}',
        b'{"log": {"entries": {}}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"log": {"entries": [1, null, {}, {"request": {"url": 1}}]}}',
    ],
    ids=range(8),
)
def test_what_is_no_har(data: bytes) -> None:
    with pytest.raises(UsageError):
        entry_of(data)
