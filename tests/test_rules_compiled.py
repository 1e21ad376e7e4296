"""What is compiled reads as the plain interpreter does: every shipped file, its examples as they are and mangled."""

from __future__ import annotations

import json
import random
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Catalog, EngineError
from engine.events import Event
from engine.framing import Frame
from engine.json_text import MAX_DEPTH
from engine.loader import load_text
from engine.provider import Provider
from engine.reply import Reply as LiveReply
from engine.spec import End, Reply, Rule

from .conftest import ROOT
from .oracle import interpreter

NAMES = Catalog(ROOT / "providers").names()


@cache
def both(name: str, *, quickest: bool = True) -> tuple[Provider, Provider]:
    """A provider compiled, with msgspec or without, and interpreted."""
    provider = Catalog(ROOT / "providers").provider(name)
    compiled(provider, quickest=quickest)
    return provider, interpreter(provider)


def compiled(provider: Provider, *, quickest: bool) -> None:
    """Compile a provider's rules now, with msgspec or without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.rules.shapes.can_decode", lambda: quickest)
        patch.setattr("engine.rules.compiled.can_decode", lambda: quickest)
        for reader in (provider.readers.stream, provider.readers.whole, *provider.readers._others):
            assert reader is None or reader.take is not None


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
    quick, plain = both(name, quickest=quickest)
    for reply in replies(name):
        assert outcome(quick, reply, [reply.body]) == outcome(plain, reply, [reply.body])


@given(st.sampled_from(NAMES), st.booleans(), st.randoms(use_true_random=False))
def test_so_are_mangled_ones_at_any_cut(name: str, quickest: bool, luck: random.Random) -> None:
    quick, plain = both(name, quickest=quickest)
    reply = luck.choice(replies(name))
    chunks = cut(mangled(reply.body, luck), luck)
    assert outcome(quick, reply, chunks) == outcome(plain, reply, chunks)


LITERAL = re.compile(rb'"((?:[^"\\\\]|\\\\.)*)"')
TEXTS = tuple(rb"a word stop error text <think> </think> \n \" \u0061 \ud83d \ude00 null [DONE] function_call".split())
ODD = (b"", b" ", b"\xc3\xa9", b"\xff", b"\x01", b"\xe2\x80\xa8", b"two\nlines", b'", "content": "x', b"{[")


def repeated(body: bytes, luck: random.Random) -> bytes:
    """The body with one of its frames many times, each time with something else for one of the texts in it."""
    between = b"\n\n" if b"\n\n" in body else b"\n"
    frames = body.split(between)
    place = luck.randrange(len(frames))
    literals = list(LITERAL.finditer(frames[place]))
    if literals:
        text, others = luck.choice(literals), luck.choice([TEXTS[:2], TEXTS, (*TEXTS, *ODD)])
        frames[place : place + 1] = [
            frames[place][: text.start(1)] + luck.choice(others) + frames[place][text.end(1) :]
            for _ in range(luck.randrange(6, 16))
        ]
    return between.join(frames)


@given(st.sampled_from(NAMES), st.booleans(), st.randoms(use_true_random=False))
def test_so_are_frames_that_come_again_with_another_text(name: str, quickest: bool, luck: random.Random) -> None:
    quick, plain = both(name, quickest=quickest)
    reply = luck.choice(replies(name))
    chunks = cut(repeated(reply.body, luck), luck)
    assert outcome(quick, reply, chunks) == outcome(plain, reply, chunks)


ALIKE = """
spec_version: 1
name: alike
url: https://api.acme.example
payload: {messages: "{{ messages }}"}
response:
  codec: sse
  rules:
    - {when: {event: other}, reasoning: u}
    - {when: {event: {exists: false}}, text: u}
    - {text: t}
    - {when: {t: bye}, text: also}
    - {text: free, reasoning: thought, meta: {id: x}}
    - {finish: stop}
  end: finish
examples:
  - name: one
    call: {messages: hi}
    reply: {chunks: ["data: {\\"t\\": \\"a\\", \\"stop\\": \\"stop\\"}\\n\\n"]}
    expect: {text: a}
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
"""
SAME = [b'{"free":"a"}', b'{"free":"b"}', b'{"free":"c"}']
UNLIKE = {
    "a text that a rule asks for": [b'{"t":"a","also":"b"}'] * 3 + [b'{"t":"bye","also":"b"}'],
    "the same text elsewhere": [b'{"y":"a","free":"a"}', b'{"y":"b","free":"a"}', b'{"y":"c","free":"a"}'],
    "the same text elsewhere, behind": [b'{"free":"a","y":"a"}', b'{"free":"a","y":"b"}'],
    "an escaped text": [b'{"y":"a","free":"\\u0061"}', b'{"y":"b","free":"\\u0061"}'],
    "an escape": [*SAME, b'{"free":"\\u0061"}', b'{"free":"\\"}'],
    "a key twice": [*SAME, b'{"free":"a","free":"b"}', b'{"free":"a","free":"c"}', b'{"free":"x","free":"c"}'],
    "more keys in the text's place": [*SAME, b'{"free":"d","x":"e"}', b'{"free":"d","x":""}'],
    "no text": [*SAME, b'{"free":""}', b'{"free":null}', b'{"free":"}'],
    "half a frame": [*SAME, b'{"free":"d'],
    "most of a frame": [*SAME, b'{"free":"defgh', *SAME],
    "a zero byte": [*SAME, b'{"free":"d\0e"}', *SAME],
    "less than what is around": [b'{"free":"}"}', b'{"free":"}', b'{"free":"x"}', b'{"free":"'],
    "a control character": [*SAME, b'{"free":"a\tb"}'],
    "no UTF-8": [*SAME, b'{"free":"\xff"}', b'{"free":"\xc3\xa9"}'],
    "an odd space": [*SAME, '{"free":"a\u2028b\u00a0"}'.encode()],
    "an identity": [b'{"x":"1","free":"a"}', b'{"x":"1","free":"b"}', b'{"x":"b","free":"b"}', b'{"x":"c","free":"b"}'],
    "another identity between": [
        *[b'{"x":"1","free":"a"}'] * 4,
        b'{"x":"2","free":"a"}',
        *[b'{"x":"1","free":"b"}'] * 2,
    ],
    "another identity in a frame that is not plain": [
        *[b'{"x":"1","free":"a"}'] * 4,
        b' {"x":"2","free":"a"}',
        *[b'{"x":"1","free":"b"}'] * 2,
    ],
    "another kind of text between": [*SAME, b'{"thought":"d"}', *SAME],
    "a frame that says nothing between": [*SAME, b'{"free":"\\u0061"}', b"{}", *SAME, b'{"z":1}', *SAME],
    "a long text": [*SAME, b'{"free":"' + b"x" * 300_000 + b'"}'],
    "another event": [b'{"u":"%d"}' % number for number in range(9)],
}


@pytest.mark.parametrize("name", UNLIKE)
def test_a_frame_that_only_looks_like_the_one_before_is_read(name: str) -> None:
    quick = Provider(load_text(ALIKE, "alike.yaml"))
    reply = quick.spec.examples[0].reply
    others = [b"", b"", b"event: other\n"], [*[b""] * 5, b"event: other\n"], [b"event: a\n", b"event: b\n"]
    for names in ([b""], [b"event: other\n"], *others):
        # The first text of an answer is always read.
        frames = [b'{"free":"z"}', UNLIKE[name][0], *UNLIKE[name], *[b'{"free":"z"}'] * 6, b'{"stop":"stop"}']
        events = [names[at % len(names)] + b"data: " + frame + b"\n\n" for at, frame in enumerate(frames)]
        for chunks in ([b"".join(events)], [b"".join(events[:-7]), b"".join(events[-7:])], events):
            assert outcome(quick, reply, chunks) == outcome(interpreter(quick), reply, chunks)


BY_WORDS = """
spec_version: 1
name: words
url: https://api.acme.example
payload: {messages: "{{ messages }}"}
response:
  codec: sse
  rules:
    - rules:
        - {when: {kind: a}, text: d}
        - {when: {kind: b}, meta: {id: d}}
        - {when: {kind: c}, reasoning: d}
    - rules:
        - {when: {kind: e}, text: d}
        - {when: {kind: c}, finish: stop}
        - {when: {kind: b, parts.0.d: "5"}, reasoning: kind}
    - rules:
        - {when: {sort: x, d: "5"}, reasoning: sort}
        - {when: {sort: y}, usage: u}
        - {when: {sort: z}, finish: d}
    - for: parts.*
      rules:
        - {when: {kind: a}, text: d}
        - {when: {kind: b}, meta: {id: d}}
        - {when: {kind: c}, reasoning: d}
    - {finish: stop}
  end: finish
examples:
  - name: one
    call: {messages: hi}
    reply: {chunks: ["data: {\\"kind\\": \\"a\\", \\"d\\": \\"a\\", \\"stop\\": \\"stop\\"}\\n\\n"]}
    expect: {text: a}
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
"""
FRAMES_BY_WORDS = (
    '{"kind":"%s","d":"%d"}',
    '{"kind":"%s","d":"%d","sort":"y"}',
    '{"kind":"%s","d":"%d","sort":"x"}',
    '{"parts":[{"kind":"%s","d":"%d"}]}',
    '{"parts":[{"kind":"b","d":"b"},{"kind":"%s","d":"%d"}]}',
    '{"kind":"b","d":"b","parts":[{"kind":"%s","d":"%d"}]}',
    '{"kind":"%s","d":"%d","parts":[{"kind":"b","d":"0"}]}',
)


@pytest.mark.parametrize("frame", FRAMES_BY_WORDS)
@pytest.mark.parametrize("kind", "abcef")
def test_a_text_is_weighed_where_the_words_beside_it_say_so(frame: str, kind: str) -> None:
    quick = Provider(load_text(BY_WORDS, "words.yaml"))
    reply = quick.spec.examples[0].reply
    frames = [*[frame % (kind, number) for number in range(9)], '{"stop":"stop"}']
    events = [f"data: {frame}\n\n".encode() for frame in frames]
    for chunks in ([b"".join(events)], events):
        assert outcome(quick, reply, chunks) == outcome(interpreter(quick), reply, chunks)


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
    quick = Provider(load_text(WRAPPED, "wrapped.yaml"))
    body = b'data: {"message": "outside", "chunk": {"text": "a", "failed": 1, "message": "inside"}}\n\n'
    reply = Reply(200, {"content-type": "text/event-stream"}, (body,))
    found = outcome(quick, reply, [body])
    assert found == outcome(interpreter(quick), reply, [body])
    assert "inside" in found[1][1]


@given(st.lists(st.sampled_from(["[", '{"":', "[1,", '{"k": ', " ["]), min_size=MAX_DEPTH, max_size=MAX_DEPTH + 40))
def test_no_frame_that_nests_too_deeply_is_plain(opened):
    closed = "".join("]" if "[" in opening else "}" for opening in reversed(opened))
    raw = f'{{"x":{"".join(opened)}1{closed}}}'.encode()
    assert json.loads(raw)
    readers = both("openai")[0].readers
    assert readers.stream.take(None, readers.answer(), [(None, raw)], 0) == 0


def encoded(data: str) -> str:
    return b64encode(data.encode("utf-8", "replace")).decode()


FRAGMENTS = st.fixed_dictionaries(
    {},
    optional={
        "index": st.sampled_from([0, 1, 1.0, True, None, "0", "", [0]]),
        "id": st.sampled_from(["a", "b", "", None, 0]),
        "type": st.sampled_from(["function", "custom"]),
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["f", "g", "", None]),
                "arguments": st.sampled_from(['{"a":', "1}", "{}", "", None, {"a": 1}, {}, "\ud83d", "\ude00"]),
            },
        ),
        "custom": st.fixed_dictionaries({}, optional={"name": st.just("h"), "input": st.sampled_from(["in", "put"])}),
    },
)


@given(
    st.sampled_from(["openai", "bedrock-openai", "openrouter"]),
    st.booleans(),
    st.lists(st.lists(FRAGMENTS, min_size=1, max_size=2), max_size=6),
)
def test_so_are_fragments_of_calls_in_any_order(name: str, quickest: bool, frames: list[list[Any]]) -> None:
    quick, plain = both(name, quickest=quickest)
    deltas = [{"tool_calls": calls, "content": "text" if len(calls) > 1 else None} for calls in frames]
    bodies = [json.dumps({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    body = "".join(f"data: {text}\n\n" for text in [*bodies, "[DONE]"]).encode()
    reply = Reply(200, {"content-type": "text/event-stream"}, (body,))
    assert outcome(quick, reply, [body]) == outcome(plain, reply, [body])


UNWRAPS: dict[str, tuple[list[Any], Callable[[str], str]]] = {
    "json": (["json"], str),
    "text": (["text"], str),
    "json at a place": (["json", {"at": "chunk"}], lambda data: f'{{"chunk": {data}, "x": 1}}'),
    "json in a text": (["json", "json"], json.dumps),
    "json in a text at a place": (["json", {"at": "chunk"}, "json"], lambda data: json.dumps({"chunk": data})),
    "json in base64": (["base64", "json"], encoded),
    "json in base64 in json": (
        ["json", {"at": "a.chunk"}, "base64", "json"],
        lambda data: json.dumps({"a": {"chunk": encoded(data)}}),
    ),
    "base64 in json": (["json", {"at": "chunk"}, "base64"], lambda data: json.dumps({"chunk": encoded(data)})),
}
"""How a file unwraps its frames, and how a frame is wrapped so."""


@cache
def unwrapping(name: str, *, quickest: bool) -> tuple[Provider, Provider]:
    """A file that unwraps so, compiled and interpreted."""
    spec = load_text(WRAPPED, "wrapped.yaml")
    reading = replace(spec.response.stream, unwrap=tuple(UNWRAPS[name][0]), end=End(texts=frozenset({"[DONE]"})))
    if UNWRAPS[name][0][-1] in ("text", "base64"):
        reading = replace(reading, rules=(Rule(yields=(("text", "$"),)),))
    provider = Provider(replace(spec, response=replace(spec.response, stream=reading)))
    compiled(provider, quickest=quickest)
    return provider, interpreter(provider)


SAID = (
    '{"text": "a"}',
    '{"text": "\u00e9\\ud83d\\ude00", "stop": "stop"}',
    '{"text": "\\ud83d"}',
    '{"failed": {"message": "no"}}',
    '{"error": {"message": "no"}}',
    ' {"text": "b"} ',
    '{"text": NaN}',
    '{"text": ' + "[" * 200 + "]" * 200 + "}",
    "[1]",
    "null",
    "",
    " ",
    "no JSON",
)


@given(st.sampled_from(sorted(UNWRAPS)), st.booleans(), st.lists(st.sampled_from(SAID), max_size=4), st.data())
def test_whatever_frames_are_wrapped_in(name: str, quickest: bool, said: list[str], data: st.DataObject) -> None:
    quick, plain = unwrapping(name, quickest=quickest)
    ends = data.draw(st.sampled_from(["", "[DONE]", " [DONE] "]))
    frames = [data.draw(st.sampled_from([UNWRAPS[name][1](text), text])) for text in said] + [
        ends,
        said[0] if said else "",
    ]
    body = "".join(f"data: {frame}\n\n" for frame in frames).encode("utf-8", "replace")
    reply = Reply(200, {"content-type": "text/event-stream"}, (body,))
    chunks = [body[: len(body) // 2], body[len(body) // 2 :]]
    assert outcome(quick, reply, [body]) == outcome(plain, reply, [body])
    assert outcome(quick, reply, chunks) == outcome(plain, reply, chunks)


@pytest.mark.parametrize("quickest", [True, False])
@pytest.mark.parametrize("name", UNWRAPS)
def test_what_is_plain_is_taken_in_the_loop(name: str, quickest: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, _ = unwrapping(name, quickest=quickest)
    monkeypatch.delattr("engine.reply.Reply._take_frame")
    frame = UNWRAPS[name][1]('{"text": "a"}')
    body = f"data: {frame}\n\n".encode() * 3 + b"data: [DONE]\n\n"
    assert len(quick.decode(body, 200, {"content-type": "text/event-stream"}).text) >= 3


@pytest.mark.parametrize("quickest", [True, False])
def test_hardly_a_frame_of_the_examples_falls_back(quickest: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all frames under one in a hundred leaves the loop for the exact way. One that is an error does so by nature,
    and is its answer's last: it is not counted. Texts that end a stream are taken in the loop.
    """
    taken: list[int] = []
    fell: list[Any] = []
    take, take_frame = LiveReply._take, LiveReply._take_frame

    def counted(self: LiveReply, pieces: list[Any]) -> None:
        taken.append(len(pieces))
        take(self, pieces)

    def exactly(self: LiveReply, frame: Frame) -> None:
        take_frame(self, frame)  # an error is raised here
        fell.append(frame)

    monkeypatch.setattr(LiveReply, "_take", counted)
    monkeypatch.setattr(LiveReply, "_take_frame", exactly)
    for name in NAMES:
        provider, _ = both(name, quickest=quickest)
        for reply in replies(name):
            with suppress(EngineError):
                list(provider.events([reply.body], reply.status, reply.headers))
    assert sum(taken) > 1_000
    assert len(fell) < sum(taken) / 100, fell
