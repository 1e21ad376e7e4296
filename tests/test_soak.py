"""The soak in a few seconds: it finds nothing, and it finds what is planted."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from benchmarks import soak
from benchmarks.soakserver import FAULTS, TEXT
from engine import Catalog, Client
from engine.errors import DecodeError, EngineError
from engine.exchange import Exchange
from engine.testing import FaultServer
from engine.wire import WireRequest
from tests.faults import fault

SOAK = {"minutes": 0.03, "streams": 10, "threads": 2, "every": 0.5}
ON_PROC = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="files and sockets are counted in /proc")


def run(monkeypatch: pytest.MonkeyPatch, growth: float) -> tuple[dict[str, soak.Bound], list[str]]:
    """The bounds by their first words, and what was said; so short a time is no measure of memory."""
    monkeypatch.setattr(soak, "GROWTH", growth)
    patient, quick = "first_byte: 5, idle: 2, total: 10,", "first_byte: 1, idle: 0.5, total: 2,"
    assert patient in soak.FILE
    monkeypatch.setattr(soak, "FILE", soak.FILE.replace(patient, quick))
    said: list[str] = []
    bounds = asyncio.run(soak.soak(**SOAK, say=said.append))
    return {bound.name: bound for bound in bounds}, said


@fault("Load", "many calls at once for a long time, one in twenty meets a fault", "nothing is left of any of them")
def test_a_short_soak_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds, said = run(monkeypatch, growth=8)
    assert [bound for bound in bounds.values() if not bound.holds] == []
    assert "too short to judge" in bounds["memory rises at most 1 MB an hour"].found
    assert any(" min  " in line for line in said)


@ON_PROC
def test_a_leak_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that nobody closes, memory that nobody frees, and an error of the wrong kind."""
    hoard: list[bytearray] = []
    lost: list[socket.socket] = []
    start = Exchange.start

    def hoarding(exchange: Exchange) -> WireRequest:
        hoard.append(bytearray(500_000))
        if len(hoard) == 30:
            lost.append(socket.socket())
            raise OSError("none of ours")
        return start(exchange)

    monkeypatch.setattr(soak, "REST_SECONDS", 0.3)
    monkeypatch.setattr(Exchange, "start", hoarding)
    bounds, _ = run(monkeypatch, growth=4)
    lost[0].close()
    assert {name for name, bound in bounds.items() if not bound.holds} == {
        "the same is held as at the start",
        "Python holds at most 4 MB more",
        "no error that no fault explains",
    }


def test_the_exit_code_says_whether_a_bound_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(*_: object) -> list[soak.Bound]:
        return [soak.Bound("a", True, "1"), soak.Bound("b", is_held, "2")]

    monkeypatch.setattr(soak, "soak", found)
    for is_held in (True, False):
        assert soak.main(["--minutes", "1"]) == (not is_held)
    assert "BROKEN  b: 2" in capsys.readouterr().out


def test_a_slope_is_megabytes_an_hour() -> None:
    assert soak.slope([(0.0, 10.0), (1800.0, 11.0), (3600.0, 12.0)]) == pytest.approx(2.0)
    assert soak.slope([(0.0, 1.0)]) == 0.0


@pytest.mark.parametrize(
    ("text", "is_whole", "error", "what"),
    [
        (TEXT, True, None, "finished"),
        (TEXT[:10], False, soak.Left(), "finished"),
        ("", False, asyncio.CancelledError(), "cancelled"),
        (TEXT[:10], False, DecodeError("broken"), "failed"),
        (TEXT[:10], True, None, "wrong"),
        ("word word", False, soak.Left(), "wrong"),
        ("", False, KeyError("k"), "foreign"),
    ],
)
def test_a_call_has_one_end(text: str, is_whole: bool, error: BaseException | None, what: str) -> None:
    counts = soak.Counts()
    counts.begin()
    counts.end(text, is_whole=is_whole, error=error)
    assert soak._ends(counts) == counts.started == 1
    assert counts.wrong == (what == "wrong")
    assert bool(counts.foreign) == (what == "foreign")
    assert bool(counts.failed) == (what in ("failed", "foreign"))
    assert counts.cancelled == (what == "cancelled")


def test_every_fault_comes_to_an_expected_error(tmp_path: Path) -> None:
    """One after the other; what a soak meets at random."""
    (tmp_path / "soak.yaml").write_text(soak.FILE, encoding="utf-8")
    timeout = {"first_byte": 0.2, "idle": 0.2, "total": 0.5}
    catalog = Catalog(tmp_path)
    for name, steps in FAULTS.items():
        with FaultServer(steps) as server, Client(catalog, base_urls={"soak": server.url}, timeout=timeout) as client:
            with pytest.raises(EngineError) as caught:
                client.chat("soak", "hi")
            assert f"{type(caught.value).__name__} {caught.value.kind}" in soak.EXPECTED, name
