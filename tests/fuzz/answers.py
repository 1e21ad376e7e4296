"""Targets for what a server says: answers by the shipped files' rules, refusals, headers."""

from __future__ import annotations

import base64
import json
import math
import pickle
import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.display import event_data, failure_data, response_data
from engine.errors import EngineError, ProviderError
from engine.events import Finish, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from engine.loader import load
from engine.messages import ChatResponse
from engine.provider import Provider, recorded
from engine.reply import Reply
from engine.retry import retry_after
from engine.secrets import Secret
from engine.steps.cookies import CookieJar, cookie_in
from engine.wire import Headers, ResponseHead

from .target import Target, cuts, fields, is_one_line

PROVIDERS = Path(__file__).resolve().parents[2] / "providers"


@cache
def provider(name: str) -> Provider:
    """A shipped file, or a protocol, by its stem."""
    found = [folder / f"{name}.yaml" for folder in (PROVIDERS, PROVIDERS / "protocols")]
    path = next((path for path in found if path.is_file()), PROVIDERS / "openai.yaml")
    return Provider(load(path, shipped=True))


READ = (
    *("openai-chat", "anthropic-messages", "gemini-generate", "bedrock-converse", "responses"),
    *("openai", "acytoo", "baidu", "bedrock-invoke", "cohere", "cohere-v1", "deepseek", "gemini", "minimax", "ollama"),
    *("ollama-generate", "perplexity", "reka", "replicate", "watsonx-text", "xai", "yandexgpt"),
)
"""Protocols and files whose answers are read by rules of their own: every framing and every step of the rules."""


def _parted(data: bytes) -> tuple[Provider, int, str, bytes]:
    """`NAME STATUS TYPE` in the first line, and the body."""
    line, _, body = data.partition(b"\n")
    words = [*line.decode("latin-1").split(" ", 2), "", ""]
    name = words[0] if words[0].replace("-", "").isalnum() and words[0].isascii() else "openai"
    status = int(words[1]) if words[1].isascii() and words[1].isdigit() and len(words[1]) == 3 else 200
    return provider(name), status, words[2], body


def answer(data: bytes) -> None:
    """Any cut gives the same answer or the same error; what was streamed is what the answer holds."""
    found, status, kind, body = _parted(data)
    whole = _answered(found, status, kind, [body])
    for pieces in cuts(body, 300):
        assert _answered(found, status, kind, pieces) == whole
    events, response, fault = whole
    for event, part in ((TextDelta, "text"), (ReasoningDelta, "reasoning"), (RefusalDelta, "refusal")):
        assert "".join(e.text for e in events if type(e) is event) == getattr(response, part)
    assert [type(e) for e in events].count(Finish) == (fault is None)
    assert fault is not None or type(events[-1]) is Finish
    json.dumps([[event_data(e) for e in events], response_data(response)], ensure_ascii=False).encode()


def _answered(found: Provider, status: int, kind: str, pieces: list[bytes]) -> tuple[list[Any], ChatResponse, Any]:
    reply = Reply(found.readers)
    events: list[Any] = []
    fault: Any = None
    try:
        head = ResponseHead(status, Headers({"content-type": kind}.items()))
        for event in recorded(reply, head, pieces):
            events.append(event)  # noqa: PERF402  an error comes behind some of them
    except EngineError as error:
        assert is_one_line(error.message)
        assert error.partial == reply.response
        assert pickle.loads(pickle.dumps(error)).message == error.message
        json.dumps(failure_data(error, reply.response), ensure_ascii=False).encode()
        fault = (type(error), error.kind, error.message, getattr(error, "code", None), getattr(error, "body", None))
    return list(_merged(events)), reply.response, fault


def _merged(events: list[Any]) -> Iterator[Any]:
    """Pieces of one text joined: text without frames comes in the pieces in which it arrived."""
    held: Any = None
    for event in events:
        if type(event) is type(held) and isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
            held = type(event)(held.text + event.text)
            continue
        if held is not None:
            yield held
        assert not isinstance(event, ToolCallDelta) or event.index >= 0
        held = event
    if held is not None:
        yield held


def answers() -> Iterator[bytes]:
    """The replies of the shipped examples."""
    for name in READ:
        for example in provider(name).spec.examples:
            if len(example.reply.body) <= 2500:
                kind = example.reply.headers.get("content-type", "")
                yield f"{name} {example.reply.status} {kind}\n".encode() + example.reply.body


@cache
def _examples() -> tuple[bytes, ...]:
    return tuple(answers())


def reply(random: random.Random) -> bytes:
    """A shipped reply whose values, keys and frames were moved about: JSON that stays JSON."""
    line, _, body = random.choice(_examples()).partition(b"\n")
    pieces = body.split(b"\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(pieces))
        head, mark, tail = pieces[at].partition(b"{")
        try:
            value = json.loads(mark + tail)
        except (ValueError, RecursionError):
            moved = random.choice((b"", b"data: [DONE]", pieces[at] * 2, b": ping", b"{", b"event: error"))
            pieces.insert(at, moved)
            continue
        pieces[at] = head + json.dumps(disturbed(random, value), ensure_ascii=random.random() < 0.5).encode(
            "utf-8", "replace"
        )
        if random.random() < 0.2:
            pieces.insert(at, pieces[random.randrange(len(pieces))])
    if random.random() < 0.1:
        line = line.replace(b" 200 ", b" %d " % random.choice((201, 204, 301, 400, 404, 429, 500, 529)))
    return line + b"\n" + b"\n".join(pieces)


# fmt: off
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1e308, 0.5, "", "x", " ", "\ud83d", "\udc00", "<think>", "</think>",
)
# fmt: on
ODD += (
    "[DONE]",
    "429",
    "é" * 20,
    [],
    {},
    [None],
    {"": 0},
    [[[]]],
    {"text": "x"},
    [{"index": 1}],
    "e30=",
    '{"a":1}',
    "{",
)


def disturbed(random: random.Random, value: Any) -> Any:
    """JSON with something in it replaced, dropped, doubled or wrapped."""
    if random.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return random.choice((*ODD, [value], {"a": value}, value))
    if isinstance(value, list):
        at = random.randrange(len(value))
        inner = [disturbed(random, value[at])] * random.choice((0, 1, 1, 1, 2))
        return value[:at] + inner + value[at + 1 :]
    key = random.choice(list(value))
    if random.random() < 0.1:
        return {name: item for name, item in value.items() if name != key}
    return value | {key: disturbed(random, value[key])}


# fmt: off
BODY_TOKENS = (
    b"data: ", b"\n\n", b"[DONE]", b"event: ", b"null", b'"index"', b'"error"', b'"message"', b'"content"',
    b'"delta"', b'"choices"', b'"usage"', b'"type"', b'"text"', b"\\ud83d", b"\\ude00", b"<think>", b"</think>",
    b"1e999", b"text/event-stream", b"application/json", b"text/html", b"<html>", b"<title>", b"application/x-ndjson",
    *(name.encode() for name in READ),
)
# fmt: on

CANARY = 'sk-Canary/7+"é"=?'
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    partial(quote, safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
)


def refusal(data: bytes) -> None:
    """A refusal is a short ProviderError of its status, whatever its body says; the key that it echoes is in none of it."""
    found, status, kind, body = _parted(data)
    status = status if status >= 400 else 400 + status % 200
    outcomes = []
    for pieces in ([body], *cuts(body, 300)):
        answer = Reply(found.readers, secrets=(Secret(CANARY, name="KEY"),))
        try:
            head = ResponseHead(status, Headers({"content-type": kind, "x-echo": CANARY}.items()))
            list(recorded(answer, head, pieces))
        except ProviderError as error:
            assert error.status == status
            assert is_one_line(error.message)
            assert len(error.message) < 1000
            assert len(error.body) <= 2000
            assert error.retry_after is None or 0 <= error.retry_after < math.inf
            shown = repr([error.message, error.body, error.code, error.headers, error.args, error.partial])
            assert not [spell for spell in SPELLINGS if spell(CANARY) in shown]
            outcomes.append((error.kind, error.message, error.code, error.body, error.retry_after))
        else:
            raise AssertionError("a refusal was taken for an answer")
    assert len(set(outcomes)) == 1


def refusals() -> Iterator[bytes]:
    for seed in answers():
        if not seed.split(b" ", 2)[1].startswith(b"2"):
            yield seed
    for spell in SPELLINGS:
        echo = {"error": {"message": f"the key {spell(CANARY)} is wrong", "code": spell(CANARY), "type": "auth"}}
        yield b"openai 401 application/json\n" + json.dumps(echo).encode()
    yield b"anthropic 503 text/html\n<html><title>Busy</title>"
    yield b'gemini 429 application/json\n[{"error": {"code": 429, "details": [{"retryDelay": "13s"}]}}]'


def head(data: bytes) -> None:
    """Headers never raise anything of their own: what they say is read, or it is not."""
    status, rest = fields(data, 2)
    pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest.split("\n"))]
    headers = Headers(pairs)
    seconds = retry_after(headers)
    assert seconds is None or 0 <= seconds < math.inf
    try:
        code = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 200
        assert list(recorded(Reply(provider("openai").readers), ResponseHead(code, headers), [b"{}"])) is not None
    except EngineError as error:
        assert is_one_line(error.message)
        assert len(error.message) < 1000
    jar = CookieJar()
    cookies = [value for name, value in pairs if name.lower() == "set-cookie"]
    jar.take("https://api.example.com/a/b", cookies)
    sent = jar.header("https://api.example.com/a/b")
    assert sent.isascii()
    assert is_one_line(sent)
    assert not jar.header("https://example.com/")
    assert cookies or cookie_in(cookies, "a") is None


HEADS = (
    b"429\nretry-after: 3\nretry-after-ms: 1500\ncontent-type: application/json; charset=utf-8",
    b"503\nRetry-After: Fri, 27 Nov 2026 01:02:03 GMT\nset-cookie: a=1; Path=/a; Secure; Max-Age=0",
    b"302\nlocation: https://user:pw@other.example/path?q#f",
    b"200\ncontent-encoding: gzip\ncontent-type: text/html, text/event-stream",
    b"200\nset-cookie: sid=a b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=.example.com\nset-cookie: =x",
)
# fmt: off
HEAD_TOKENS = (
    b"retry-after", b"retry-after-ms", b"content-type", b"content-encoding", b"location", b"set-cookie", b"Expires=",
    b"Max-Age=", b"Path=/", b"; ", b"inf", b"nan", b"1e400", b"-0", b"99999999999", b"0x10", b"1_0", b"[::1]", b"://",
    b" GMT", b" -9999", b" +2400", b"Mon, 31 Feb 2026 25:61:61 GMT",
)
# fmt: on


TARGETS = (
    Target("answer", answer, _examples, BODY_TOKENS, reply, seconds=0.2, share=0.5),
    Target("refusal", refusal, refusals, BODY_TOKENS, reply, seconds=0.2, share=0.2),
    Target("head", head, lambda: HEADS, HEAD_TOKENS),
)
