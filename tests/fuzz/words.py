"""Targets for what a caller says and sees: conversations, words of the command line, the screen, secrets."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from engine.chat_request import ChatRequest
from engine.cli.options import extras, header, pairs, parameters, split_name
from engine.cli.output import printable
from engine.deployment import Deployment
from engine.display import REQUEST_FORMATS
from engine.errors import UsageError
from engine.importing.capture import reply_from
from engine.redaction import redact
from engine.secrets import MASK, Secret
from engine.wire import Headers, WireRequest

from .answers import SPELLINGS, disturbed, provider
from .target import Target, fields, is_one_line, json_or_none

CALL: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"n":1}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "{}"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}}],
    "tool_choice": "auto",
    "temperature": 0.5,
    "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}}},
}  # fmt: skip
SPOKEN = (
    "openai",
    "anthropic",
    "gemini",
    "cohere",
    "mistral",
    "ollama",
    "openai-responses",
    "bedrock",
    "acytoo",
    "replicate",
    "ai21",
)


def call(data: bytes) -> None:
    """Any JSON as a call is refused as UsageError, or rendered to a request that is JSON to the file's own host."""
    name, text = fields(data, 2)
    found = provider(name if name in SPOKEN else "openai")
    said = json_or_none(text)
    words = said if isinstance(said, dict) else {"messages": said}
    words = {key: value for key, value in words.items() if key not in ("self", "cls")}
    deployment = Deployment(placeholders=True)
    try:
        request = ChatRequest.of(words.pop("messages", None), words.pop("model", None), **words)
        made = found.call(request, deployment)
    except UsageError as error:
        assert is_one_line(error.message)
        return
    if made.wire is None:
        return
    for form in REQUEST_FORMATS.values():
        assert form(made.wire)
    assert "json" not in made.wire.headers.get("content-type", "") or json.loads(made.wire.content) is not None
    assert all(
        is_one_line(printable(str(adjustment)).replace("\n", " ").replace("\t", " ")) for adjustment in made.adjustments
    )


def a_call(random: random.Random) -> bytes:
    said = {key: value for key, value in CALL.items() if key == "messages" or random.random() < 0.5}
    for _ in range(random.randint(1, 3)):
        said = disturbed(random, said) if isinstance(said, dict) else {"messages": said}
    return f"{random.choice(SPOKEN)}\n{json.dumps(said)}".encode()


def arguments(data: bytes) -> None:
    """Words are read, or refused as UsageError in one line."""
    text = data.decode("utf-8", "surrogateescape")
    spec = provider("openai").spec
    readers = (
        lambda: parameters(spec, [text]),
        lambda: header(text, "--header"),
        lambda: pairs([text], "--set"),
        lambda: extras(text, [text]),
        lambda: split_name(text),
    )
    for read in readers:
        try:
            read()
        except UsageError as error:
            assert is_one_line(error.message)
            assert len(error.message) < 2 * len(text) * 4 + 400


def screen(data: bytes) -> None:
    """Nothing steers a terminal: line ends and tabs are all that is left of what is no character."""
    text = data.decode("utf-8", "replace")
    shown = printable(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    url, kind, body = fields(data, 3)
    plain = re.sub(r"[^!-~]", "", url)
    wire = WireRequest(
        "POST", f"https://a.example/{plain}", Headers([("content-type", kind)]), body.encode("utf-8", "replace")
    )
    for form in REQUEST_FORMATS.values():
        assert form(wire)
    assert reply_from(data).status


_OPEN = "%\\&#ux0123456789abcdefABCDEF"
"""What could make an escape of itself and of what follows it: nobody who spells a key out writes that before it."""


def mask(data: bytes) -> None:
    """A secret is masked in any spelling, whatever stands around it: its first line is the secret, § its places."""
    value, text = fields(data, 2)
    value = value.strip()
    if len(value) < 4 or "§" in value or MASK[0] in value:
        return
    secret = Secret(value, name="KEY")
    *before, last = text.split("§")
    text = "§".join([*(piece.rstrip(_OPEN) for piece in before), last])
    for spell in SPELLINGS:
        spelt = spell(value)
        shown = redact(text.replace("§", spelt), (secret,))
        assert spelt not in shown, (spelt, shown)
        assert value not in shown
    inside = redact(text.replace("§", SPELLINGS[4](f"{text[:1]}{value}{text[-1:]}")), (secret,))
    assert value not in inside
    untouched = "the quick brown fox"
    assert value in untouched or redact(untouched, (secret,)) == untouched


FORM = b'\nmultipart/form-data; boundary=x\n--x\r\ncontent-disposition: form-data; name="q"\r\n\r\nHi\r\n--x--'
WORDS = (b"temperature=0.5", b"stop:=[1]", b"a: b", b"openai:gpt", b'{"a": 1}')
WORD_TOKENS = (
    b":=",
    b"=",
    b":",
    b"1e999",
    b"[",
    b"{",
    b'"',
    b"\xed\xa0\x80",
    b"\xff",
    b"temperature",
    b"NaN",
    b"\x1b[31m",
)
SCREENS = (b"a\x1b[31mb\r\n\xc2\x9b", "\u202eabc\u2066".encode(), b"HTTP/1.1 200 OK\r\na: b\r\n\r\nx", FORM)
SCREEN_TOKENS = (
    b"\x1b[",
    b"\x1b]0;",
    b"\x07",
    b"\x9b",
    b"\xc2\x9b",
    b"application/json\n",
    FORM,
    b"--x\r\n",
    b"\n[[[[",
)
SECRETS = ('sk-Canary/7+"é"=?\\ &\nthe key § is wrong: "§"'.encode(), b"aaaa\na\xc2\xa7a")
SECRET_TOKENS = ("§".encode(), b"sk-", b"%", b"\\u", b"\\", b'"', b"/", b"+", b"=", "\u2028".encode(), "🎉".encode())


TARGETS = (
    Target(
        "call",
        call,
        lambda: [f"{name}\n{json.dumps(CALL)}".encode() for name in SPOKEN],
        (b'"role"', b'"type"'),
        a_call,
        0.2,
        0.2,
    ),
    Target("arguments", arguments, lambda: WORDS, WORD_TOKENS),
    Target("screen", screen, lambda: SCREENS, SCREEN_TOKENS),
    Target("mask", mask, lambda: SECRETS, SECRET_TOKENS, seconds=0.5),
)
