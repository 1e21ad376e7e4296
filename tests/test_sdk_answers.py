"""Our reading of an answer and that of the official SDKs: the same bytes, the same answer.

The bytes are those of our files' examples and of our recordings. We read each of them also framed anew, in ways that
change nothing; that these ways change nothing is asked of each SDK with its longest stream.
`FAULTS` names where an SDK is wrong, and why we differ; an SDK that gets well makes its entry fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from engine.messages import ChatResponse
from engine.provider import Provider

from .conftest import ROOT, shipped
from .recordings import recordings
from .sdks import driver
from .sdks.loopback import answering
from .sdks.reading import of

SDKS: Mapping[str, str] = {
    "openai-chat": "openai_chat",
    "responses": "openai_responses",
    "anthropic-messages": "anthropic_messages",
    "anthropic": "anthropic_messages",
    "gemini-generate": "gemini",
    "gemini": "gemini",
    "cohere": "cohere_v2",
    "mistral": "mistral",
    "ollama": "ollama_chat",
    "bedrock-converse": "bedrock_converse",
    "bedrock": "bedrock_converse",
    "bedrock-invoke": "",  # four families in one file: no SDK reads them all
}
"""The SDK that reads the answers of a file: the nearest name on the way from the file to what it extends."""

# --- the same answer in other frames ---

Frame = Callable[[bytes], bytes]


def _commented(body: bytes) -> bytes:
    return b": hello\n\n" + body.replace(b"\n\n", b"\n\n: ping\n\n")


SSE: Mapping[str, Frame] = {
    "plain": lambda body: body,
    "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
    "CR": lambda body: body.replace(b"\n", b"\r"),
    "no space": lambda body: body.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),
    "comments": _commented,
    "BOM": lambda body: b"\xef\xbb\xbf" + body,
}
LINES: Mapping[str, Frame] = {
    "plain": lambda body: body,
    "CRLF": lambda body: body.replace(b"\n", b"\r\n"),
    "blank lines": lambda body: body.replace(b"\n", b"\n\n"),
    "no last line end": lambda body: body.rstrip(b"\n"),
}
OTHER: Mapping[str, Frame] = {"plain": lambda body: body}
FRAMES = {"text/event-stream": SSE, "application/x-ndjson": LINES}

SNAPSHOT = "the SDK gives what the last frame holds, and nothing else"
THINK = "the SDK knows no <think>: what the model thinks stays in the text"
DETAILS = "the SDK has no place for reasoning that comes in reasoning_details"
PARTS = "the SDK expects text, and takes a list of parts for it"
SEARCH = "the SDK does not tell the service's own calls from the client's"
FAULTS: Mapping[str, str] = {
    "databricks: an answer as a stream": PARTS,
    "databricks: an answer whole": PARTS,
    "alibaba: a model that streams only, pictures and sounds": "the SDK expects what it asked for, and no stream",
    "minimax: thinking in the text": THINK,
    "minimax: an answer whole": THINK,
    "minimax: a tool call whole": THINK,
    "minimax: reasoning apart, and the whole message again at the end": DETAILS,
    "gemini-openai: an answer as a stream": THINK,
    "gemini-openai: two calls of one index": "the SDK tells calls by their index alone",
    "groq: raw reasoning, and a tier": THINK,
    "huggingface: an answer as a stream": THINK,
    "together: thinking in the text, usage on the finish chunk, stop as a list": THINK,
    "perplexity: an answer as a stream": "the SDK leaves out the last chunk, whose type has a name of its own",
    "openai-chat-details: details beside the reasoning": DETAILS,
    "openai-chat-details: details whole": DETAILS,
    "openai-chat: a text as completions give it, and usage beside a service's own keys": "the SDK asks for messages",
    "openai-chat: parts as a stream": PARTS,
    "openai-chat: parts whole": PARTS,
    "openai-chat: a call of a custom tool as a stream": "the SDK puts calls of functions together alone",
    "snowflake: an answer as a stream": DETAILS,
    "snowflake: a sentinel": "the SDK needs an index of the choice",
    "snowflake: an answer whole": DETAILS,
    "gemini-generate: arguments in pieces": "the SDK gives every piece as a call",
    "gemini-generate: an answer as one JSON array": "the SDK reads event streams alone",
    "gemini-generate: cut at its length, in an array": "the SDK reads event streams alone",
    "vertex-gemini: a finish reason as the number that only this service has": "the SDK reads event streams alone",
    **{
        f"responses: {name}": SNAPSHOT
        for name in (
            "only the ends of parts come",
            "only whole items come",
            "calls of a custom tool in pieces",
        )
    },
    "anthropic: recording messages-cyrillic-stream": "the SDK raises where message_start is missing",
    "xai-responses: a search of its own, and a call that comes whole": SEARCH,
    "xai-responses: an answer whole, after a search of its own": SEARCH,
    "xai: an answer as a stream": "xAI counts reasoning apart, and the SDK's output tokens leave it out",
}
"""Answer -> what the SDK makes of it, and we do not."""

WEAK: Mapping[tuple[str, str], str] = {
    ("openai_chat", "BOM"): "the first event is lost",
    ("anthropic_messages", "BOM"): "the first event is lost",
    ("openai_responses", "BOM"): "the first event is lost",
    ("ollama_chat", "blank lines"): "an empty line is no JSON",
    ("gemini", "BOM"): "it raises",
    ("gemini", "comments"): "it raises",
    ("gemini", "no space"): "it raises",
}
"""(SDK, frame) -> what the SDK does not bear, and is not asked. The one for chat completions also takes a comment after
an `id:` for an event without data; no `id:` is in its longest stream."""


def _says_what_it_is(body: bytes) -> bytes:
    """The SDK leaves out chunks that do not name their type; examples that are abbreviated do not."""
    lines = body.split(b"\n")
    word = b'data: {"object":"chat.completion.chunk",'
    return b"\n".join(line if b'"object"' in line else line.replace(b"data: {", word, 1) for line in lines)


REQUIRED = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "usage": {}}


def _has_all_keys(body: bytes) -> bytes:
    """The SDK validates: an answer without any of these keys is none for it."""

    def full(match: re.Match[bytes]) -> bytes:
        frame = json.loads(match[2])
        for choice in frame.get("choices", ()):
            choice.setdefault("finish_reason", None)
        filled = {
            key: value for key, value in REQUIRED.items() if key not in frame and (key != "usage" or not match[1])
        }
        return match[1] + json.dumps(frame | filled, ensure_ascii=False).encode()

    return re.sub(rb"^(data: |)(\{.*\})", full, body, flags=re.MULTILINE)


COMPLETED: Mapping[str, Frame] = {"openai_chat": _says_what_it_is, "mistral": _has_all_keys}
"""What an SDK needs and no answer of ours depends on."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer that was given with status 200 and is no error."""

    provider: Provider
    name: str
    sdk: str
    is_stream: bool
    kind: str
    body: bytes

    @property
    def frames(self) -> Mapping[str, Frame]:
        return FRAMES.get(self.kind.partition(";")[0], OTHER)


@cache
def lineage(name: str) -> tuple[str, ...]:
    """A file's name and those of what it extends."""
    path = next(path for path in (ROOT / "providers").rglob(f"{name}.yaml"))
    parent = re.search(r"^extends: (\S+)$", path.read_text("utf-8"), re.MULTILINE)
    return (name, *lineage(parent[1])) if parent else (name,)


def providers() -> Iterator[Provider]:
    for path in sorted((ROOT / "providers").rglob("*.yaml")):
        yield Provider(shipped(path))


def cases() -> Iterator[Case]:
    for provider in providers():
        sdk = next((SDKS[name] for name in lineage(provider.name) if name in SDKS), None)
        if not sdk:
            continue
        for example in provider.spec.examples:
            reply = example.reply
            is_own = example.file.endswith(f"{provider.name}.yaml")  # an inherited one is read where it is written
            if is_own and reply.status == 200 and "error" not in example.expect:
                kind = reply.headers.get("content-type", "application/json")
                body = COMPLETED.get(sdk, bytes)(reply.body)
                yield Case(provider, example.name, sdk, example.stream, kind, body)
    known = {provider.name: provider for provider in providers()}
    for recording in recordings():
        if recording.status == 200 and recording.file in known:
            name, kind = f"recording {recording.name}", recording.content_type
            yield Case(known[recording.file], name, recording.sdk, recording.is_stream, kind, recording.body)


CASES = {f"{case.provider.name}: {case.name}": case for case in cases()}
LONGEST = {
    (case.sdk, case.frames is LINES): name
    for name, case in sorted(CASES.items(), key=lambda item: len(item[1].body))
    if case.frames is not OTHER and name not in FAULTS
}
"""(SDK, lines or events) -> the stream with most in it: the one that each SDK reads in other frames too."""


def ours(case: Case, body: bytes) -> ChatResponse:
    return case.provider.decode(body, 200, {"content-type": case.kind})


def differs(case: Case, body: bytes) -> tuple[Any, Any] | None:
    """Our reading and the SDK's, where they are not the same; None where they are."""
    sdk = driver(case.sdk)
    with answering(body, case.kind) as url:
        reading = sdk.read(url, case.is_stream)
    own = of(ours(case, body), reading.usage, has_ids=reading.has_ids).said()
    return None if own == reading.said() else (own, reading.said())


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_sdks(name):
    case = CASES[name]
    driver(case.sdk)
    if name not in FAULTS:
        assert differs(case, case.body) is None
        return
    try:
        difference = differs(case, case.body)
    except Exception:  # noqa: BLE001 - whatever the SDK stumbles over
        return
    assert difference, f"no longer so: {FAULTS[name]}"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.frames is not OTHER])
def test_other_frames_change_nothing(name):
    case = CASES[name]
    answer = ours(case, case.body)
    assert {frame: ours(case, change(case.body)) for frame, change in case.frames.items()} == dict.fromkeys(
        case.frames, answer
    )


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        (name, frame)
        for (sdk, _), name in LONGEST.items()
        for frame in CASES[name].frames
        if frame != "plain" and (sdk, frame) not in WEAK
    ],
)
def test_other_frames_change_nothing_for_the_sdk(name, frame):
    case = CASES[name]
    driver(case.sdk)
    assert differs(case, case.frames[frame](case.body)) is None


def test_every_fault_is_one_of_an_answer():
    assert set(FAULTS) <= set(CASES)
