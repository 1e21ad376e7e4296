"""Silence, drips and streams without end against the deadlines, and the clock that these are measured by."""

from __future__ import annotations

import ast
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import AsyncClient, Catalog, Client
from engine.errors import LimitError, TransportError
from engine.testing import LAST, Each, FaultServer, Pause, Send, Stall, chunk, head, sse
from tests.doors import KINDS, Door, catalog_of, sse_file
from tests.faults import fault
from tests.faultserver import DONE, STOP, delta

TIME = "Time"
EVENTS = head(kind="text/event-stream", transfer_encoding="chunked")
ONE = f"data: {delta('one')}\n\n".encode()
END = f"data: {STOP}\n\ndata: [DONE]\n\n".encode()
COMMENT = chunk(b": still here\n\n")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("time")
    return catalog_of(folder, sse_file("sse"), sse_file("small", "limits: {body_bytes: 100000}"))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def outlasted(
    kind: str, catalog: Catalog, script: list[Any], timeout: dict[str, float], name: str = "sse"
) -> tuple[Any, float]:
    """The error of a call, which has closed its connection, and how many seconds it took."""
    catalog.provider(name)  # its file is read, which may take as long as the deadlines here
    with FaultServer(script) as server, Door(kind, catalog, base_urls={name: server.url}, timeout=timeout) as door:
        before = time.monotonic()
        with pytest.raises((TransportError, LimitError)) as caught:
            door.chat(name)
        seconds = time.monotonic() - before
        assert server.wait_for(lambda journal: journal.open == 0, 1)
    assert caught.value.attempts == 1
    return caught.value, seconds


# --- silence ---------------------------------------------------------------------------------------------------------

STALLS: dict[str, tuple[list[Any], str, str]] = {
    "before the head": ([Stall()], "first_byte", ""),
    "in the head": ([Send(EVENTS[:20]), Stall()], "first_byte", ""),
    "behind the head": ([Send(EVENTS), Stall()], "first_byte", ""),
    "in the first line": ([Send(EVENTS + chunk(b"dat")), Stall()], "idle", ""),
    "in a later line": ([Send(EVENTS + chunk(ONE + b"data: {")), Stall()], "idle", "one"),
    "in an event": ([Send(EVENTS + chunk(ONE + ONE[:-1])), Stall()], "idle", "one"),
    "in the size of a chunk": ([Send(EVENTS + chunk(ONE) + b"1"), Stall()], "idle", "one"),
    "between events": ([Send(EVENTS + chunk(ONE)), Stall()], "idle", "one"),
    "before the end mark": ([Send(EVENTS + chunk(ONE + END.partition(b"data: [DONE]")[0])), Stall()], "idle", "one"),
}


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(
            place,
            marks=fault(
                TIME,
                f"the server falls silent {place}",
                f"`timeout` with the phase `{phase}`, on time, with what had come",
            ),
        )
        for place, (_, phase, _) in STALLS.items()
    ],
)
def test_silence(kind, catalog, place):
    script, phase, partial = STALLS[place]
    timeout = {"first_byte": 0.2} if phase == "first_byte" else {"idle": 0.2}
    error, seconds = outlasted(kind, catalog, script, timeout)
    assert (type(error), error.kind, error.phase) == (TransportError, "timeout", phase)
    assert f"timeout.{phase}" in error.message
    assert error.partial.text == partial
    assert 0.19 < seconds < 3, "20 % more on a machine of one's own; tests share theirs"


@fault(
    TIME, "the server falls silent behind the end mark", "the answer is whole; it is waited 2 seconds for usage at most"
)
def test_silence_behind_the_end(kind, catalog, monkeypatch):
    monkeypatch.setattr("engine.exchange.DRAIN_SECONDS", 0.1)
    script = [Send(EVENTS + chunk(ONE + END)), Stall()]
    with FaultServer(script) as server, Door(kind, catalog, base_urls={"sse": server.url}) as door:
        before = time.monotonic()
        assert door.chat("sse").text == "one"
        assert time.monotonic() - before < 2


@fault(TIME, "a first byte that takes longer than `timeout.idle`", "waited for as long as `timeout.first_byte` says")
def test_the_first_byte_has_a_deadline_of_its_own(kind, catalog):
    script = [Pause(0.2), Send(EVENTS), Pause(0.2), Send(chunk(ONE + END) + LAST)]
    with (
        FaultServer(script) as server,
        Door(kind, catalog, base_urls={"sse": server.url}, timeout={"idle": 0.15}) as door,
    ):
        assert door.chat("sse").text == "one"


@fault(TIME, "pauses between events that are shorter than `timeout.idle`", "the answer, however long it takes in all")
def test_each_pause_is_measured_by_itself(kind, catalog):
    pieces = [step for _ in range(4) for step in (Send(chunk(ONE)), Pause(0.1))]
    script = [Send(EVENTS), *pieces, Send(chunk(END) + LAST)]
    with (
        FaultServer(script) as server,
        Door(kind, catalog, base_urls={"sse": server.url}, timeout={"idle": 0.35}) as door,
    ):
        assert door.chat("sse").text == "one" * 4


# --- drips -----------------------------------------------------------------------------------------------------------

DRIPS: dict[str, tuple[list[Any], str]] = {
    "comments": ([Send(EVENTS + chunk(ONE)), *[Send(COMMENT), Pause(0.02)] * 300], "one"),
    "one byte of an event at a time": ([Send(EVENTS + chunk(ONE)), Each(chunk(b"data: " + b"x" * 3000), 0.02)], "one"),
    "empty events": ([Send(EVENTS + chunk(ONE)), *[Send(chunk(b"data:\n\n")), Pause(0.02)] * 300], "one"),
}


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(
            what, marks=fault(TIME, f"{what}, for ever", "`timeout` with the phase `total`, though no pause is long")
        )
        for what in DRIPS
    ],
)
def test_drips(kind, catalog, what):
    script, partial = DRIPS[what]
    error, seconds = outlasted(kind, catalog, script, {"idle": 0.45, "total": 0.5})
    assert (error.kind, error.phase, error.partial.text) == ("timeout", "total", partial)
    assert 0.49 < seconds < 3


@fault(TIME, "tokens without end", "`timeout` with the phase `total`, or `LimitError` at `limits.body_bytes`")
@pytest.mark.parametrize("bound", ["body_bytes", "total"])
def test_tokens_without_end(kind, catalog, bound):
    pause = 0.0 if bound == "body_bytes" else 0.01
    script = [Send(EVENTS), *[Send(chunk(ONE * 20)), Pause(pause)] * 1000]
    name, timeout = ("small", {}) if bound == "body_bytes" else ("sse", {"total": 0.5})
    error, _ = outlasted(kind, catalog, script, timeout, name)
    assert f".{bound}" in error.message
    assert error.partial.text.startswith("oneone")


# --- the reader's own time -------------------------------------------------------------------------------------------


@fault(TIME, "a reader who takes longer than `timeout.idle` over an event", "his time is not counted as silence")
def test_the_time_of_the_reader_is_his_own(kind, catalog):
    script = [Send(EVENTS + chunk(ONE)), Pause(0.02), Send(chunk(ONE + END) + LAST)]
    options: dict[str, Any] = {"timeout": {"idle": 0.15}}
    with FaultServer(script) as server:
        options["base_urls"] = {"sse": server.url}
        if kind == "sync":
            with Client(catalog, **options) as client, client.stream("sse", "hi") as stream:
                for _ in stream:
                    time.sleep(0.2)
            assert stream.response.text == "oneone"
            return

        async def run() -> str:
            async with AsyncClient(catalog, **options) as client, client.stream("sse", "hi") as stream:
                async for _ in stream:
                    time.sleep(0.2)  # the worst that can be done: nothing else runs meanwhile
                return stream.response.text

        assert asyncio.run(run()) == "oneone"


# --- the clock -------------------------------------------------------------------------------------------------------


@fault(TIME, "the clock on the wall jumps by an hour, forwards or backwards, in a call", "no deadline is early or late")
@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_jump_of_the_clock(kind, catalog, monkeypatch, jump):
    real, begun = time.time, time.monotonic()
    monkeypatch.setattr(time, "time", lambda: real() + (jump if time.monotonic() - begun > 0.05 else 0))
    script = [Send(EVENTS + chunk(ONE)), Pause(0.15), Send(chunk(END) + LAST)]
    with FaultServer(script) as server, Door(kind, catalog, base_urls={"sse": server.url}, timeout=5) as door:
        assert door.chat("sse").text == "one"
    error, seconds = outlasted(kind, catalog, [Stall()], {"first_byte": 0.2})
    assert error.phase == "first_byte"
    assert 0.19 < seconds < 3


WALL = {
    "files.py": "whether a file's times are old enough to tell it from what it will be",
    "version.py": "whether a file of the engine is younger than this process",
    "expressions/functions.py": "`now` in a template",
    "auth/access.py": "times in signatures",
    "auth/signing.py": "times in signatures",
    "exchange.py": "what a token says of its own end",
    "steps/journey.py": "what a token says of its own end",
    "retry.py": "a Retry-After that is a date",
    "importing": "drafts and recordings name their day",
    "recording": "drafts and recordings name their day",
    "contracts": "drafts and recordings name their day",
    "drift": "drafts and recordings name their day",
}
"""Who may ask what day it is, and why; whoever measures how long something takes asks the monotonic clock."""


ASKED = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today", "time.localtime", "time.gmtime")
ASKS = {words.partition(".")[2] for words in ASKED}


def wall_clocks() -> Iterator[str]:
    """Every place that asks the clock on the wall."""
    root = Path(engine.__file__).parent
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(words in text for words in ASKED) else ():
            if isinstance(node, ast.Attribute) and (ast.unparse(node) if node.attr in ASKS else "").endswith(ASKED):
                yield path.relative_to(root).as_posix()


def test_only_who_needs_the_date_asks_the_clock_on_the_wall():
    others = {place for place in wall_clocks() if not any(place.startswith(known) for known in WALL)}
    assert not others


@fault(TIME, "an answer that is slower than every deadline between its pieces, but whole", "`total` alone bounds it")
def test_without_deadlines_that_are_near_a_slow_answer_is_an_answer(kind, catalog):
    with (
        FaultServer([Each(sse(delta("slow"), STOP, DONE).data, 0.0005)]) as server,
        Door(kind, catalog, base_urls={"sse": server.url}) as door,
    ):
        assert door.chat("sse").text == "slow"
