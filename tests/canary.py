"""Secrets to look for: files with each kind of auth, the ways to give them a secret, a service that says it again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

from .stepserver import Answer, Asked

TAIL = '/7+9=Zq"&'
"""What URLs, JSON and base64 spell otherwise, or in two alphabets."""

KEY = f"sk-canary-3f9a1c7e5b2d{TAIL}kEy"
ID = f"id-canary-8b1f6a2c9d3e{TAIL}iD"
TOKEN = f"at-canary-5d7c2e9f1a4b{TAIL}tOken"
COOKIE = f"ck-canary-6e4d8a1b7c2f{TAIL}cOokie"
VALUE = f"sv-canary-9c3b5f7d1e8a{TAIL}vAlue"
TICKET = f"tk-canary-2f8e6b4d1c7a{TAIL}tIcket"
ALL = {"key": KEY, "id": ID, "token": TOKEN, "cookie": COOKIE, "step value": VALUE, "ticket": TICKET}


# --- how a secret is found again ---


def _in_base64(secret: str) -> list[str]:
    """Base64 of a secret at each place of its three-byte groups, without the characters that others have a part in."""
    found = []
    for before in range(3):
        data = (bytes(before) + secret.encode())[: (before + len(secret)) // 3 * 3]
        found.append(base64.b64encode(data).decode()[4 if before else 0 :])
    return [*found, *(text.translate(str.maketrans("+/", "-_")) for text in found)]


ENCODINGS: dict[str, Callable[[str], list[str]]] = {
    "raw": lambda secret: [secret, secret[:16]],  # half a secret is one too
    "base64": _in_base64,
    "URL-encoded": lambda secret: [quote(secret, safe=""), quote_plus(secret), quote(secret)],
    "JSON-escaped": lambda secret: [
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        secret.replace("&", "\\u0026").replace('"', '\\"'),
    ],
}
SPELT = [
    (f"{name}, {encoding}", spelling)
    for name, secret in ALL.items()
    for encoding, spell in ENCODINGS.items()
    for spelling in spell(secret)
]


def leaks(text: str) -> list[str]:
    """Which secrets a text holds, and in which encoding."""
    text = f"{text}\n{text.replace(chr(92) * 2, chr(92))}"  # as it is, and as repr has quoted it
    return list(dict.fromkeys(found for found, spelling in SPELT if spelling in text))


# --- the files ---

ACME = """\
spec_version: 1
name: acme
title: Acme
url: https://api.acme.example/v1
path: /chat
secrets: SECRETS
auth: AUTH
payload: {text: "{{ messages[0].content }}", stream: "{{ stream }}"}
response:
  stream: {codec: sse, rules: [{text: delta}], end: "[DONE]"}
  whole: {codec: json, rules: [{text: text}]}
errors: [{status: 401, kind: auth, message: error.message, code: error.code}]
retry: {max: 0}
limits: {event_bytes: 4096}
examples:
  - name: refused
    call: {messages: hi}
    reply: {status: 401, json: {error: {message: no}}}
    expect: {error: auth}
  - name: whole
    call: {messages: hi, stream: false}
    reply: {json: {text: Hi}}
    expect: {text: Hi}
  - name: streamed
    call: {messages: hi}
    reply: {headers: {content-type: text/event-stream}, text: "data: {\\"delta\\": \\"Hi\\"}\\n\\ndata: [DONE]\\n\\n"}
    expect: {text: Hi}
"""

AUTHS = {
    "bearer": "{type: bearer, secret: k}",
    "header": "{type: header, name: x-api-key, secret: k}",
    "query": "{type: query, name: key, secret: k}",
    "basic": "{type: basic, user: id, password: k}",
    "body": "{type: body, key: login.password, secret: k}",
    "jwt": '{type: jwt, algorithm: HS256, key: k, claims: {iss: "{{ secrets.id }}"}}',
    "aws_sigv4": "{type: aws_sigv4, service: bedrock, region: eu, access_key: id, secret_key: k}",
    "oauth2": '{type: oauth2, token: {url: "https://api.acme.example/v1/oauth", form: {client_id: "{{ secrets.id }}",'
    ' client_secret: "{{ secrets.k }}"}, value: access_token, expires_in: expires_in}}',
    "a session": "{type: bearer, secret: k}",
}
"""Kinds of auth; the last is a file with a step, whose reply gives a cookie, a value in a header and one in JSON."""

SESSION = """\
steps:
  - {name: login, path: /login, json: {}, read: {value: {header: x-session}, ticket: {json: data.ticket}}}
headers: {x-csrf-token: "{{ steps.login.value }}", x-session-token: "{{ steps.login.ticket }}"}
"""


def acme(auth: str, *, from_file: bool) -> str:
    """A file with a kind of auth; its secrets come from variables, or from a key file that one variable names."""
    declared = "{k: {env: [ACME_KEY]}, id: {env: [ACME_ID]}}"
    if from_file:
        declared = "{k: {env: [ACME_FILE], json: key}, id: {env: [ACME_FILE], json: id}}"
    text = ACME.replace("SECRETS", declared).replace("AUTH", AUTHS[auth])
    return text.replace("retry:", f"{SESSION}retry:") if auth == "a session" else text


def key_file(folder: Path) -> str:
    """A key file with the secrets in it."""
    path = folder / "keys.json"
    path.write_text(json.dumps({"key": KEY, "id": ID}))
    return str(path)


# --- the service ---


def sent_by(auth: str) -> tuple[str, ...]:
    """The secrets that a call with a kind of auth sends, and a service can say again."""
    of_reply = {"oauth2": (TOKEN,), "a session": (COOKIE, VALUE, TICKET)}.get(auth, ())
    return (KEY, *((ID,) if "id" in re.findall(r"\w+", AUTHS[auth]) else ()), *of_reply)


def echo(secrets: Iterable[str]) -> str:
    """A sentence that says secrets again, in each encoding."""
    spelt = [(text, quote(text, safe=""), base64.b64encode(text.encode()).decode()) for text in secrets]
    return " ".join(f"no such key: {spelling}" for spellings in spelt for spelling in spellings)


SSE = (("content-type", "text/event-stream"),)

ANSWERS: dict[str, Callable[[str], Answer]] = {
    "fine": lambda said: Answer({"text": "Hello"}, headers=(("x-echo", said), ("x-request-id", KEY))),
    "refused": lambda said: Answer({"error": {"message": said, "code": KEY}}, 401, (("x-echo", said),)),
    "refused in words": lambda said: Answer(said.encode(), 500, (("x-echo", said),)),
    "redirected": lambda said: Answer(b"", 302, (("location", f"https://other.example/{KEY}?key={quote(KEY)}"),)),
    "no JSON": lambda said: Answer(f'data: {{"delta": "Hel"}}\n\ndata: {{{said}\n\n'.encode(), 200, SSE),
    "cut off": lambda said: Answer(f"data: {json.dumps({'delta': said})}\n\n".encode(), 200, SSE),
    "too large": lambda said: Answer(f"data: {said * 40}\n\n".encode(), 200, SSE),
    "lost": lambda said: Answer(f"data: {json.dumps({'delta': said})}\n\n".encode() * 8, 200, SSE, is_lost=True),
    "empty": lambda said: Answer(b"", 200, (("x-echo", said),)),
}
"""What the service answers, with what it says again."""


def service(auth: str, answer: str) -> Callable[[Asked], Answer]:
    """A service that gives a token, a cookie and a value, and then an answer."""
    said = echo(sent_by(auth))

    def answered(asked: Asked) -> Answer:
        if asked.path.endswith("/oauth"):
            return Answer({"access_token": TOKEN, "expires_in": 3600})
        if asked.path == "/login":
            return Answer(
                {"data": {"ticket": TICKET}}, headers=(("set-cookie", f"sid={COOKIE}; Path=/"), ("x-session", VALUE))
            )
        return ANSWERS[answer](said)

    return answered
