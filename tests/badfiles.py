"""Provider files for the loader's tests: a good one, built of parts, in which a part can be replaced by a bad one, and
a longer one as people write them, in which lines can be."""

from __future__ import annotations

from engine.errors import Problem
from engine.loader import problems_of_text

HERE = "¦"
"""Stands before the character that a problem must point at; it is cut out before the file is read."""

PARTS = {
    "version": "spec_version: 1",
    "name": "name: acme",
    "models": "models: {default: small}",
    "params": "params:\n  heat: {type: number, default: 0.5, min: 0, max: 2}",
    "url": "url: https://api.acme.com/v1",
    "path": "path: /chat",
    "headers": "headers: {accept: '*/*'}",
    "payload": 'payload:\n  model: "{{ model }}"\n  messages: "{{ messages }}"\n  heat: "{{ heat }}"',
    "response": "response: {codec: text}",
    "examples": "examples:\n"
    "  - {name: answer, call: {messages: hi}, reply: {text: Hello}, expect: {text: Hello}}\n"
    "  - {name: busy, call: {messages: hi}, reply: {status: 503}, expect: {error: unavailable}}",
}


def text_of(**parts: str) -> str:
    """The good file with some parts replaced, added or, when empty, left out."""
    return "\n".join(part for part in (PARTS | parts).values() if part) + "\n"


def place_of(marked: str) -> tuple[str, tuple[int, int]]:
    """The text without its mark, and the line and column of the mark."""
    before, _, after = marked.partition(HERE)
    lines = before.replace("\r\n", "\n").split("\n")
    return before + after, (len(lines), len(lines[-1]) + 1)


def problems(text: str | bytes, file: str = "acme.yaml") -> list[Problem]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return problems_of_text(data, file)


WHOLE = """\
# yaml-language-server: $schema=provider.schema.json
spec_version: 1
name: acme
title: "Acme 😀"
flags: {working: true}
settings:
  region: {env: ACME_REGION, default: eu}
secrets:
  api_key: {env: [ACME_API_KEY]}
auth: {type: bearer, secret: api_key}
models:
  default: small
  aliases: {s: small}
params:
  temperature: {type: number, default: 0.5, min: 0, max: 2}
  top_p: {type: number, optional: true, maps_to: top_p}
url: https://{{ region }}.acme.com/v1
path: /chat
method: POST
query: {v: "1"}
headers:
  accept: text/event-stream
  x-note: 'it''s'
payload:
  model: "{{ model }}"
  messages: "{{ messages }}"
  temperature: "{{ temperature }}"
response:
  stream:
    codec: sse
    rules:
      - text: choices.0.delta.content
        finish: choices.0.finish_reason
      - usage: usage
    end: ["[DONE]", finish]
  whole:
    codec: json
    rules:
      - text: choices.0.message.content
  finish: {stop: stop, length: length}
  usage: {input_tokens: prompt_tokens}
errors:
  - {status: 429, kind: rate_limit, message: error.message}
  - {body: {path: error.code, equals: x}, kind: quota}
retry: {max: 2}
timeout: {idle: 30}
limits: {event_bytes: 100000}
examples:
  - name: answer
    call: {messages: hi}
    request:
      method: POST
      url: https://eu.acme.com/v1/chat
    reply:
      chunks: ["data: {}\\n\\n"]
    expect: {text: Hi}
  - name: busy
    call: {messages: hi}
    reply: {status: 503, text: busy}
    expect: {error: unavailable}
"""


def changed(old: str, new: str) -> str:
    """The longer file with `new` in place of `old`, which stands in it once."""
    assert WHOLE.count(old) == 1, old
    return WHOLE.replace(old, new)
