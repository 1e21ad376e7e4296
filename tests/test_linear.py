"""What grows costs by its size: four times as much takes four times the work, and memory holds the text and no more.

Work is counted, not timed: lines of Python that run, and characters that are copied.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import Catalog, runs
from engine import readers as reading
from engine.events import TextDelta
from engine.provider import Provider
from engine.reply import Reply
from engine.wire import ResponseHead

from .conftest import ROOT

PIECE = 16 * 1024


def provider(name: str) -> Provider:
    return Catalog(ROOT / "providers").provider(name)


def lines_of(work: Callable[[int], Any], size: int) -> int:
    """How many lines of Python run in it."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(size)
    finally:
        sys.settrace(before)
    return count


def event(**data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def chunk(**delta: Any) -> bytes:
    return event(id="c1", model="m", choices=[{"index": 0, "delta": delta}])


STOP = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n"


def pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


def called(key: int, name: str | None = None, arguments: str = "", identity: str | None = None) -> bytes:
    return chunk(tool_calls=[{"index": key, "id": identity, "function": {"name": name, "arguments": arguments}}])


def one_call(count: int) -> bytes:
    return called(0, "f", '"', "c1") + called(0, arguments="some more of it") * count + called(0, arguments='"') + STOP


def many_calls(count: int) -> bytes:
    return b"".join(called(key, "f", "{}", f"c{key}") for key in range(count)) + STOP


def calls_of_one_index(count: int) -> bytes:
    return called(0, "f", "{}") * count + STOP


def details(count: int) -> bytes:
    """Reasoning that an API wants to see again, each piece an item of its own."""
    items = ({"type": "reasoning.text", "index": number, "text": "hm"} for number in range(count))
    return b"".join(chunk(reasoning="hm", reasoning_details=[item]) for item in items) + STOP


ANSWERS = {
    "fragments of a call": ("openai", one_call),
    "calls": ("openai", many_calls),
    "calls of one index": ("openai", calls_of_one_index),
    "opaque items": ("openrouter", details),
    "heartbeats": ("openai", lambda count: b": ping\n\n" * count + STOP),
    "blank lines": ("openai", lambda count: b"\n" * count + STOP),
    "lines of one event": ("openai", lambda count: b"data:\n" * count + STOP),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_takes_work_by_its_size(name: str) -> None:
    file, body = ANSWERS[name]
    reader = provider(file)

    def decode(count: int) -> None:
        reader.decode(pieces(body(count)))

    decode(2)
    few, many = (lines_of(decode, count) for count in (100, 400))
    assert many < 4.2 * few


def results(count: int, *, named: bool) -> list[dict[str, Any]]:
    """One message with so many calls, and their results in the same order."""
    ids = [f"c{number}" if named else "" for number in range(count)]
    calls = [{"id": identity, "function": {"name": "f", "arguments": "{}"}} for identity in ids]
    said = [{"role": "tool", "tool_call_id": identity, "content": "r"} for identity in ids]
    return [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": calls}, *said]


REQUESTS: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "messages": lambda count: [{"role": "user", "content": "x"}] * count,
    "parts": lambda count: [{"role": "user", "content": [{"type": "text", "text": "x"}] * count}],
    "results": lambda count: results(count, named=True),
    "results without an id": lambda count: results(count, named=False),
}


@pytest.mark.parametrize("file", ["openai", "anthropic"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_takes_work_by_its_size(file: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "k")
    renders, messages = provider(file), REQUESTS[name]

    def render(count: int) -> None:
        renders.render(messages(count), "m")

    render(2)
    few, many = (lines_of(render, count) for count in (100, 400))
    assert many < 4.2 * few


# --- copying ---


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the texts that were made of pieces."""
    sizes: list[int] = []

    def counted(parts: list[str]) -> str:
        text = "".join(parts)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(runs, "joined", counted)
    return sizes


def test_the_arguments_of_a_call_are_copied_a_few_times_at_most(copied: list[int]) -> None:
    answer = provider("openai").decode(pieces(one_call(5_000)))
    assert sum(copied) <= 6 * len(answer.tool_calls[0].arguments)


def test_opaque_text_is_too(copied: list[int]) -> None:
    item = {"type": "reasoning.text", "index": 0, "text": "some thought"}
    answer = provider("openrouter").decode(pieces(chunk(reasoning="hm", reasoning_details=[item]) * 5_000 + STOP))
    assert answer.replay is not None
    (found,) = next(block["carry"] for block in answer.replay["blocks"] if "carry" in block)["reasoning_details"]
    assert found["text"] == "some thought" * 5_000
    assert sum(copied) <= 3 * len(found["text"])


def test_a_text_that_is_told_again_and_again_is_compared_as_far_as_it_goes(copied: list[int]) -> None:
    def said(kind: str, **more: Any) -> bytes:
        return event(type=f"response.output_text.{kind}", item_id="m1", output_index=0, content_index=0, **more)

    end = event(type="response.completed", response={"status": "completed", "output": []})
    answer = provider("openai-responses").decode(
        pieces((said("delta", delta="word ") + said("done", text="word")) * 3_000 + end)
    )
    assert answer.text == "word " * 3_000
    assert sum(copied) <= 6 * len(answer.text)


def test_how_a_body_begins_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Counting:
        def __init__(self, pattern: Any) -> None:
            self.pattern = pattern

        def search(self, data: bytearray, place: int) -> Any:
            found = self.pattern.search(data, place)
            looked.append((len(data) if found is None else found.end()) - place)
            return found

    for name in ("_NOT_BLANK", "_LINE_END"):
        monkeypatch.setattr(reading, name, Counting(getattr(reading, name)))
    body = b" " * 2_000 + b'{"message": {"content": "' + b"x" * 4_000 + b'"}}\n' + b"\n" * 2_000 + b'{"done": true}\n'
    reply = Reply(provider("ollama").readers)
    reply.head(ResponseHead(200))
    events = [event for place in range(len(body)) for event in reply.feed(body[place : place + 1])]
    assert events == [TextDelta("x" * 4_000)]
    assert sum(looked) <= 4 * len(body)


# --- memory ---


def peak(work: Callable[[int], Any], size: int) -> int:
    """How many bytes it holds at most."""
    tracemalloc.start()
    try:
        work(size)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def stream(count: int, one: bytes, begin: bytes = b"") -> Iterator[bytes]:
    yield begin
    for _ in range(count // 100):
        yield one * 100
    yield STOP


def test_a_whole_answer_is_held_twice_at_most_while_it_is_read() -> None:
    """The text, and what is made of it."""
    readers = provider("openai").readers

    def read(size: int) -> None:
        reply = Reply(readers)
        reply.head(ResponseHead(200))
        reply.feed(b'{"choices": [{"message": {"content": "')
        for _ in range(size // 1_000):
            reply.feed(b"x" * 1_000)
        reply.feed(b'"}, "finish_reason": "stop"}]}')
        reply.finish()

    read(1_000)
    few, many = (peak(read, size) for size in (500_000, 2_000_000))
    assert many - few <= 2.2 * 1_500_000


STREAMS = {
    "deltas": (chunk(content=" word"), b"", 5),
    "fragments of a call": (called(0, arguments=" " * 5), called(0, "f", "", "c1"), 4 * 5),
    "heartbeats": (b": ping\n\n", b"", 0),
}
"""One of the many, what comes before them, and how many bytes of each may be kept: its text, and copies at the end."""


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_read_and_forgotten_holds_its_text(name: str) -> None:
    one, begin, kept = STREAMS[name]
    readers = provider("openai").readers

    def read(count: int) -> None:
        reply = Reply(readers)
        reply.head(ResponseHead(200))
        for piece in stream(count, one, begin):
            reply.feed(piece)
        reply.finish()

    read(100)
    few, many = (peak(read, count) for count in (2_000, 8_000))
    assert many - few <= 6_000 * kept + 16 * 1024
