"""The measurements over the network: the origin sends what it says, and a contender is held to having read it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import processes, rounds
from benchmarks.answers import SHAPES, answer
from benchmarks.cases import BESIDE_FAST, CPU, FIRST, Case, cases
from benchmarks.contenders.acts import ACTS
from benchmarks.contenders.bare import Httpx, Socket
from benchmarks.contenders.known import FAST, KNOWN, PLAIN, SOCKET, H
from benchmarks.contenders.order import Order, Sample
from benchmarks.contenders.ours import Ours, OwnClient
from benchmarks.contenders.tally import Tally
from benchmarks.dialect import Dialect
from benchmarks.environments import REQUIREMENTS
from benchmarks.origin import listening
from benchmarks.processes import ContenderProcess, OriginServer
from benchmarks.rounds import SIZES, Runner
from engine import Catalog
from engine.loader import problems_of

ANSWERS = {
    "deltas": "deltas-30",
    "packed": "packed-300",
    "writes": "writes-30",
    "paced": "paced-3-1",
    "tiny": "tiny",
    "whole": "whole-1",
    "frames": "frames-1",
    "fragments": "fragments-30",
    "invented": "invented-7-30",
}


def invented(seed: int, folder: Path) -> str:
    file = folder / f"{Dialect.invent(seed).name}.yaml"
    file.write_text(Dialect.invent(seed).file, encoding="utf-8")
    return str(file)


def test_there_is_an_answer_of_each_shape() -> None:
    assert set(ANSWERS) == set(SHAPES)


@pytest.mark.parametrize("name", ANSWERS.values())
def test_an_answer_is_as_long_as_it_says(name: str, tmp_path: Path) -> None:
    file = invented(7, tmp_path) if name.startswith("invented") else None
    act = "chat" if name.startswith(("tiny", "whole")) else "stream"

    others = [(Httpx, "body"), (OwnClient, "text")] if name == ANSWERS["deltas"] else []

    async def read() -> dict[str, int]:
        server, url = await listening()
        sizes = {}
        for contender, reads in ((Socket, "wire"), (Ours, "text"), *others):
            order = Order(act, f"{url}/{name}", times=2, warm_up=0, file=file)
            made = contender(order)
            sizes[contender.__name__] = (await ACTS[act](made, order)).size - 2 * SIZES[reads](answer(name))
            await made.aclose()
        server.close()
        return sizes

    assert set(asyncio.run(read()).values()) == {0}


def test_a_request_may_come_in_pieces_and_another_behind_it() -> None:
    async def talk() -> bytes:
        server, url = await listening()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        for piece in (
            b"POST /tiny/x HTTP/1.1\r\nContent-Le",
            b"ngth: 2\r\n\r\n{",
            b"}POST /none HTTP/1.1\r\n\r",
            b"\n",
        ):
            writer.write(piece)
            await writer.drain()
        answered = await reader.readuntil(b"}}") + await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        server.close()
        return answered

    assert asyncio.run(talk()) == answer("tiny").writes[0] + b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


def test_a_paced_answer_takes_its_time() -> None:
    async def read() -> tuple[int, float]:
        server, url = await listening()
        tally, start = Tally(), time.perf_counter()
        await Socket(Order("stream", f"{url}/paced-4-20")).stream(tally)
        server.close()
        return tally.count, time.perf_counter() - start

    pieces, seconds = asyncio.run(read())
    assert pieces == 4
    assert seconds >= 0.06


def test_streams_together_are_each_read_whole() -> None:
    async def read() -> Sample:
        server, url = await listening()
        order = Order("together", f"{url}/paced-3-1", times=5)
        contender = Ours(order)
        sample = await ACTS["together"](contender, order)
        await contender.aclose()
        server.close()
        return sample

    sample = asyncio.run(read())
    assert (sample.size, sample.count) == (5 * answer("paced-3-1").characters, 15)
    assert 0 < sample.first < sample.wall


def test_a_contender_answers_orders_and_says_what_is_wrong() -> None:
    with OriginServer() as origin, ContenderProcess("bare:Httpx", ["msgspec"]) as contender:
        assert contender.versions.get("msgspec", "hidden") == "hidden"
        assert contender.do(Order("stream", f"{origin.url}/deltas-5")).size == answer("deltas-5").body_bytes
        with pytest.raises(RuntimeError, match="KeyError: 'dance'"):
            contender.do(Order("dance", f"{origin.url}/deltas-5"))
        assert contender.do(Order("chat", f"{origin.url}/tiny", times=3)).count == 3
    with pytest.raises(RuntimeError, match=r"No module named 'benchmarks\.contenders\.nobody'"):
        ContenderProcess("nobody:Nothing")


def test_who_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with OriginServer() as origin:
        monkeypatch.setattr(processes, "PATIENCE", 0.1)
        with pytest.raises(RuntimeError, match=r"gave no answer within 0\.1 s"):
            origin.read()  # it has said its URL, and has no more to say
        assert origin.is_closed


class Scripted:
    """A contender's process that costs what it is told to, in turn."""

    versions: dict[str, str] = {}  # noqa: RUF012  # as the real one has it
    is_closed = False

    def __init__(self, *samples: Sample | str) -> None:
        self.samples = list(samples)

    def do(self, order: Order) -> Sample:
        sample = self.samples.pop(0)
        if isinstance(sample, str):
            raise RuntimeError(sample)
        return sample

    def close(self) -> None:
        pass


def cost(cpu: float, who: str, first: float = 1.0) -> Sample:
    size = SIZES[KNOWN[who].reads](answer("deltas-10"))
    return Sample(cpu=cpu, wall=1.0, first=first, memory=0, size=size, count=10)


CASE = Case(
    "stream", "", "stream", "deltas-10", (H, SOCKET, PLAIN, FAST), units=10, measures=(CPU, FIRST), peers={"openai": 45}
)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Scripted]], Runner]:
    def made(processes: dict[str, Scripted]) -> Runner:
        monkeypatch.setattr(Runner, "start", lambda self, who: processes[who])
        return Runner("http://origin", 3, {"openai": Path()}, lambda line: None)

    return made


def test_ratios_are_taken_within_a_round(runner: Any) -> None:
    ran = runner(
        {
            H: Scripted(cost(1, H), cost(2, H, 4), cost(4, H)),
            SOCKET: Scripted(*[cost(0.5, SOCKET)] * 3),
            PLAIN: Scripted(cost(1, PLAIN), "it broke"),
            FAST: Scripted(cost(0.5, FAST), cost(0.5, FAST, 2), cost(0.5, FAST)),
            "openai": Scripted(*[cost(20, "openai")] * 3),
        }
    )
    found = {(figure.who, figure.measure): figure for figure in ran.figures(CASE)}
    fast = found[FAST, CPU]
    assert (fast.value, fast.low, fast.high, fast.absolute) == (0.25, 0.125, 0.5, 0.05)
    assert found[FAST, FIRST].low == 0.5
    assert PLAIN not in {who for who, _ in found}
    assert ran.failures == [("stream", PLAIN, "it broke")]
    beside = found["openai", BESIDE_FAST]
    assert (beside.value, beside.goal, beside.is_met) == (40, 45, False)


def test_who_has_not_read_the_answer_has_no_figure(runner: Any) -> None:
    short = Sample(cpu=0.1, wall=1, first=1, memory=0, size=5, count=1)
    processes = {who: Scripted(*[cost(1, who)] * 3) for who in (H, SOCKET, PLAIN, "openai")}
    ran = runner({**processes, FAST: Scripted(cost(1, FAST), short)})
    assert {figure.who for figure in ran.figures(CASE)} == {H, SOCKET, PLAIN, "openai"}
    assert ran.failures == [("stream", FAST, f"was given 5 of {answer('deltas-10').characters}")]


def test_without_the_measure_there_are_no_ratios(runner: Any) -> None:
    processes = {who: Scripted(*[cost(1, who)] * 3) for who in (SOCKET, PLAIN, FAST, "openai")}
    assert runner({**processes, H: Scripted("gone")}).figures(CASE) == []


def test_the_order_turns_and_everyone_has_a_turn() -> None:
    assert [rounds._turned("abc", number) for number in range(4)] == [
        list("abc"),
        list("bca"),
        list("cab"),
        list("abc"),
    ]


def test_what_the_cases_ask_for_is_there() -> None:
    for case in cases(7) + cases(7, is_quick=True):
        assert case.act in ACTS
        assert case.answer.split("-")[0] in SHAPES
        assert {who for _, who in case.goals} <= set(case.who) <= set(KNOWN)
        assert {measure for measure, _ in case.goals} <= set(case.measures) <= set(rounds.MEASURES)
    assert {file.stem for file in REQUIREMENTS.iterdir()} == {name for name, known in KNOWN.items() if known.is_peer}


@pytest.mark.parametrize("seed", range(12))
def test_an_invented_dialect_is_a_valid_file_that_reads_its_stream(seed: int, tmp_path: Path) -> None:
    dialect, file = Dialect.invent(seed), Path(invented(seed, tmp_path))
    assert list(problems_of(file)) == []
    body = b"".join(dialect.frames(["Hel", "lo "]))
    found = Catalog(tmp_path).provider(dialect.name).decode([body], 200, {"content-type": dialect.content_type})
    assert (found.text, found.finish, found.usage.output_tokens) == ("Hello ", "stop", 7)


def test_dialects_differ_and_a_seed_gives_one() -> None:
    dialects = [Dialect.invent(seed) for seed in range(40)]
    assert dialects == [Dialect.invent(seed) for seed in range(40)]
    assert {dialect.framing for dialect in dialects} == {"sse", "ndjson"}
    assert len({dialect.text for dialect in dialects}) == 40
    assert len({len(dialect.text) for dialect in dialects}) > 3
    assert {type(dialect.end) for dialect in dialects} == {str, dict}
    assert {"", "event"} < {dialect.kind for dialect in dialects}
    assert {"for" in dialect.file for dialect in dialects} == {True, False}
