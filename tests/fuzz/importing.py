"""Targets for what was captured elsewhere: pasted commands, archives of a browser, replies."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from engine.base_url import checked_url
from engine.display import REQUEST_FORMATS
from engine.errors import EngineError, UsageError
from engine.importing.capture import CapturedRequest, body_of, reply_from
from engine.importing.curl import request_of as curl_request
from engine.importing.draft import draft as drafted
from engine.importing.har import entry_of
from engine.wire import Headers, WireRequest

from ..curls import CURLS
from .answers import answers, disturbed
from .target import Target, is_one_line


def curl(data: bytes) -> None:
    """A command is a request, or a UsageError; what `as_curl` writes of the request is read as the same one."""
    try:
        found = curl_request(data.decode("utf-8", "replace"))
    except UsageError as error:
        assert is_one_line(error.message)
        return
    body_of(found)
    assert found.method
    assert found.query is not None
    if found.body is None or not _is_sendable(found):
        return
    wire = WireRequest(found.method, found.url, Headers(found.headers), found.body.encode())
    again = curl_request(REQUEST_FORMATS["curl"](wire))
    assert (again.method, again.url, again.headers) == (found.method, found.url, found.headers)
    assert (again.body or "") == found.body


def _is_sendable(found: CapturedRequest) -> bool:
    """Whether a request is one that the engine itself could make: display is for no other."""
    words = (found.method, found.url, *(text for pair in found.headers for text in pair))
    plain = re.compile(r"[!-~](?:[ -~]*[!-~])?")
    named = all(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) for name, _ in found.headers)
    try:
        checked_url(found.url.partition("?")[0], "url")
        found.body.encode() if found.body is not None else None
    except (EngineError, UnicodeEncodeError):
        return False
    has_type = any(name.lower() == "content-type" for name, _ in found.headers)
    return named and has_type and all(plain.fullmatch(word) for word in words) and "#" not in found.url


def draft(data: bytes) -> None:
    """A command and a reply make a file whose problems are told, or a UsageError; the key is not in it."""
    command, mark, answer = data.decode("utf-8", "replace").partition("\n\n\n")
    try:
        request = curl_request(command)
    except UsageError:
        return
    reply = reply_from(answer.encode("utf-8", "replace")) if mark else None
    try:
        made = drafted("acme", request, reply)
    except UsageError as error:
        assert is_one_line(error.message)
        return
    for name, value in request.headers:
        if name.lower() == "authorization" and re.fullmatch(r"Bearer [A-Za-z0-9]{20,}", value):
            assert value.removeprefix("Bearer ") not in made.text
    assert all(problem.rule != "yaml-syntax" for problem in made.problems), made.problems


def har(data: bytes) -> None:
    """An archive has an entry that is a chat, or a UsageError."""
    for prompt, number in ((None, None), ("Hi", None), (None, 1)):
        try:
            entry, found = entry_of(data, prompt, number)
        except UsageError as error:
            assert is_one_line(error.message)
            continue
        assert entry in found
        assert str(entry)
        body_of(entry.request)


def a_har(random: random.Random) -> bytes:
    return json.dumps(disturbed(random, disturbed(random, HAR))).encode()


def commands() -> Iterator[bytes]:
    yield from (case.command.encode() for case in CURLS if len(case.command) < 1200)
    yield b'curl "https://a.example/v1?x=1&y=%20" ^\r\n  -H ^"a: b^" --data-raw ^"{^\\^"m^\\^":1}^"'
    yield b"curl 'https://a.example' -F 'a=b' -F \"c=d;type=text/plain\" -u user:pw -G -d $'x\\u00e9\\n'"


# fmt: off
CURL_TOKENS = (
    b"curl ", b" -H '", b" -d '", b" --data-raw $'", b"' ", b"\\\n", b"^\r\n", b"`\n", b' -X POST "', b" -G",
    b" -F a=b", b" --json ", b" -u a:b", b" --url ", b" --data-urlencode ", b" -b ", b"@file",
    b"content-type: application/json", b"https://a.example/v1/chat/completions", b"Authorization: Bearer ",
    b'{"messages": [{"role": "user", "content": "Hi"}]}', b"multipart/form-data; boundary=x", b"--x\r\n", b"?a=1&b=2",
    b"\\u00e9", b"\\x80", b"$KEY", b"%KEY%", b"\n\n\n", b"\0",
)
# fmt: on
HAR: dict[str, Any] = {
    "log": {
        "entries": [
            {
                "request": {
                    "method": "POST",
                    "url": "https://a.example/api/chat?x=1",
                    "headers": [{"name": "content-type", "value": "application/json"}, {"name": ":path", "value": "/"}],
                    "postData": {
                        "mimeType": "application/json",
                        "text": '{"messages": [{"role": "user", "content": "Hi"}]}',
                    },
                },
                "response": {"status": 200, "content": {"mimeType": "text/event-stream", "text": "data: {}\n\n"}},
            },
            {
                "request": {
                    "method": "post",
                    "url": "https://b.example/",
                    "postData": {"mimeType": "multipart/form-data", "params": [{"name": "q", "value": "Hi"}]},
                },
                "response": {"status": 0, "content": {"text": "eA==", "encoding": "base64"}},
            },
        ]
    }
}


def drafts() -> list[bytes]:
    """One command with each of some shipped replies, and each command without one."""
    made = list(commands())
    replies = [seed.partition(b"\n")[2] for seed in answers()]
    return [made[0] + b"\n\n\n" + reply for reply in replies[::9]] + made


TARGETS = (
    Target("curl", curl, commands, CURL_TOKENS),
    Target("draft", draft, drafts, CURL_TOKENS, seconds=1.0, share=0.03),
    Target(
        "har",
        har,
        lambda: [json.dumps(HAR).encode()],
        (b"base64", b"text/event-stream", b'"params"', b"multipart"),
        a_har,
    ),
)
