"""What is compiled reads as the plain interpreter does: every shipped file, its examples as they are and mangled."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Catalog, EngineError
from engine.events import Event
from engine.json_text import MAX_DEPTH
from engine.loader import load_text
from engine.provider import Provider
from engine.spec import Reply

from .conftest import ROOT
from .oracle import interpreter

NAMES = Catalog(ROOT / "providers").names()


@cache
def both(name: str, *, quickest: bool = True) -> tuple[Provider, Provider]:
    """A provider compiled, with msgspec or without, and interpreted."""
    provider = Catalog(ROOT / "providers").provider(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.rules.shapes.can_decode", lambda: quickest)
        patch.setattr("engine.rules.compiled.can_decode", lambda: quickest)
        for reader in (provider.readers.stream, provider.readers.whole, *provider.readers._others):
            assert reader is None or reader.take is not None or "base64" in reader.unwrap or reader.reads_text
    return provider, interpreter(provider)


def outcome(provider: Provider, reply: Reply, chunks: list[bytes]) -> tuple[list[Event], Any]:
    """The events, and the error behind them."""
    events: list[Event] = []
    try:
        events.extend(provider.events(chunks, reply.status, reply.headers))
    except EngineError as error:
        return events, (type(error), error.message, error.partial)
    return events, provider.decode(chunks, reply.status, reply.headers)


def replies(name: str) -> list[Reply]:
    found = both(name)[0].spec.examples
    return [example.reply for example in found if example.reply.status == 200]


WORDS = tuple(
    rb"""null "" [] {} 0 1 true false -1.5 "x" [null] {"type":"text"} "\ud83d" "\ude00\u00e9"
    123456789012345678901234567890 NaN "error" {"message":"no"}""".split()
)


def mangled(body: bytes, luck: random.Random) -> bytes:
    """The body with a value, a word or some bytes of it changed."""
    for _ in range(luck.randrange(1, 4)):
        kind, place = luck.randrange(5), luck.randrange(len(body) + 1)
        if kind == 0:
            body = body[:place] + bytes([luck.randrange(256)]) + body[place + 1 :]
        elif kind == 1:
            colon = body.find(b":", place)
            end = min((at for at in (body.find(mark, colon) for mark in b",}") if at > 0), default=-1)
            if 0 <= colon < end:
                body = body[: colon + 1] + luck.choice(WORDS) + body[end:]
        elif kind == 2:
            other = luck.randrange(len(body) + 1)
            body = body[:place] + body[other:]
        elif kind == 3:
            size = luck.randrange(200)
            body = body[:place] + body[place : place + size] * 2 + body[place + size :]
        else:
            line = body.find(b"\n\n", place)
            body = body[:line] + luck.choice([b"\r\n\r\n", b"\n", b"\n\n\n", b" \n\n"]) + body[line + 2 :]
    return body


def cut(body: bytes, luck: random.Random) -> list[bytes]:
    places = sorted(luck.randrange(len(body) + 1) for _ in range(luck.choice([0, 0, 1, 4, 40])))
    return [body[begin:end] for begin, end in zip([0, *places], [*places, len(body)], strict=True)]


@pytest.mark.parametrize("quickest", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_read_as_the_interpreter_reads_them(name: str, quickest: bool) -> None:
    compiled, plain = both(name, quickest=quickest)
    for reply in replies(name):
        assert outcome(compiled, reply, [reply.body]) == outcome(plain, reply, [reply.body])


@given(st.sampled_from(NAMES), st.booleans(), st.randoms(use_true_random=False))
def test_so_are_mangled_ones_at_any_cut(name: str, quickest: bool, luck: random.Random) -> None:
    compiled, plain = both(name, quickest=quickest)
    reply = luck.choice(replies(name))
    chunks = cut(mangled(reply.body, luck), luck)
    assert outcome(compiled, reply, chunks) == outcome(plain, reply, chunks)


WRAPPED = """
spec_version: 1
name: wrapped
url: https://api.acme.example
payload: {messages: "{{ messages }}"}
response:
  codec: sse
  unwrap: [json, {at: chunk}]
  rules: [{text: text, error: failed, finish: stop}]
  end: finish
examples:
  - name: one
    call: {messages: hi}
    reply: {chunks: ["data: {\\"chunk\\": {\\"text\\": \\"a\\", \\"stop\\": \\"stop\\"}}\\n\\n"]}
    expect: {text: a}
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
"""


def test_the_error_of_a_rule_is_told_from_what_was_unwrapped() -> None:
    compiled = Provider(load_text(WRAPPED, "wrapped.yaml"))
    body = b'data: {"message": "outside", "chunk": {"text": "a", "failed": 1, "message": "inside"}}\n\n'
    reply = Reply(200, {"content-type": "text/event-stream"}, (body,))
    found = outcome(compiled, reply, [body])
    assert found == outcome(interpreter(compiled), reply, [body])
    assert "inside" in found[1][1]


@given(st.lists(st.sampled_from(["[", '{"":', "[1,", '{"k": ', " ["]), min_size=MAX_DEPTH, max_size=MAX_DEPTH + 40))
def test_no_frame_that_nests_too_deeply_is_plain(opened):
    closed = "".join("]" if "[" in opening else "}" for opening in reversed(opened))
    raw = f'{{"x":{"".join(opened)}1{closed}}}'.encode()
    assert json.loads(raw)
    readers = both("openai")[0].readers
    assert readers.stream.take(None, readers.answer(), [(None, raw)], 0) == 0
