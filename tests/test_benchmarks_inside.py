"""The measurements beside the network work: what they measure is there, and is what they say."""

from __future__ import annotations

import asyncio
import cProfile
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import authoring, calls, files, measurements, render, start
from benchmarks.answers import answer
from benchmarks.contenders.known import FAST
from benchmarks.contenders.order import Order, Sample
from benchmarks.origin import listening
from benchmarks.rounds import Runner
from engine import Catalog


def test_what_is_built_by_hand_is_what_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert len(render.MESSAGES) == 20
    assert len(render.rounds(2, 1)) == 2
    monkeypatch.setattr(render, "by_hand", lambda messages, temperature: b"{}")
    with pytest.raises(RuntimeError, match="not what is built by hand"):
        render.rounds(1, 1)


def test_calls_are_counted_above_the_transport() -> None:
    async def counted() -> dict[str, float]:
        server, url = await listening()
        found = await calls.counted(url, 20, 2)
        server.close()
        return found

    found = asyncio.run(counted())
    assert found.keys() == {"delta", "request", "request in all"}
    assert 0 < found["request"] < found["request in all"]


def test_only_the_engine_and_what_it_calls_counts() -> None:
    profile = cProfile.Profile()
    profile.runcall(lambda: asyncio.run(asyncio.sleep(0)))
    assert calls.above_transport(profile) == 0
    provider = Catalog().provider("acytoo")
    profile = cProfile.Profile()
    profile.runcall(lambda: provider.decode([b"Hi"]))
    assert calls.above_transport(profile) > 10


def test_a_process_is_timed_by_itself(tmp_path: Path) -> None:
    cpu, seconds = start.timed(["-c", "pass"], str(tmp_path))
    assert cpu > 0
    assert seconds > 0


def test_files_are_used_one_by_one_and_all(tmp_path: Path) -> None:
    folder = authoring.copies(tmp_path / "many", 3)
    assert all(seconds > 0 for seconds in files.used(str(folder), next(folder.iterdir()).stem))


class Grown:
    """A contender's process that takes twice as much for a part where there are four times as many."""

    def __init__(self) -> None:
        self.asked: list[Order] = []

    def __enter__(self) -> Grown:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def do(self, order: Order) -> Sample:
        self.asked.append(order)
        count = int(order.answer.split("-")[1])
        return Sample(cpu=count * count, wall=1, first=1, memory=3 * answer(order.answer).characters, size=1, count=1)


def test_growth_is_of_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Grown()
    monkeypatch.setattr(Runner, "start", lambda self, who: process)
    monkeypatch.setattr(measurements, "GROWING", [measurements.Growing("fragments", "stream", "fragments", 2, 10)])
    figures = measurements.linear(Runner("http://origin", 1, {}, print), is_quick=False)
    assert [(figure.case, figure.who, figure.value) for figure in figures] == [
        ("40 fragments", FAST, 4),
        ("40 fragments", FAST, 3),
    ]
    assert [(order.answer, order.warm_up) for order in process.asked] == [
        ("fragments-2", 1),
        ("fragments-10", 0),
        ("fragments-2", 1),
        ("fragments-40", 0),
    ]


def test_a_child_that_fails_is_told_in_its_own_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="IndexError"):
        measurements._child("files")
    with pytest.raises(RuntimeError, match=r"No module named benchmarks\.nothing"):
        measurements._child("nothing")


def test_figures_of_children_have_their_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {"render": [[2.0, 1.0], [9.0, 3.0]], "calls": {"delta": 9, "request": 1300}}
    monkeypatch.setattr(measurements, "_child", lambda module, *words: json.loads(json.dumps(said[module])))
    runner = Runner("http://origin", 2, {}, print)
    found = [*measurements.render(runner, is_quick=True), *measurements.calls(runner, is_quick=True)]
    assert [(figure.value, figure.is_met) for figure in found] == [(2.5, True), (2.5, True), (9, True), (1300, False)]
