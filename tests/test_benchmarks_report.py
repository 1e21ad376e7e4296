"""What is made of the figures: a file, tables, a chart, a page, an exit code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as command
from benchmarks import environments, measurements
from benchmarks.chart import Scale, chart
from benchmarks.contenders import known
from benchmarks.contenders.known import FAST, PLAIN, SOCKET, H, fast_packages
from benchmarks.figures import Figure, Results
from benchmarks.page import page
from benchmarks.table import figures_table, number, report, seconds, table

FIGURES = (
    Figure.of("stream", "CPU", H, [1.0, 1.0, 1.0], "H", [1e-5, 2e-5, 3e-5]),
    Figure.of("stream", "CPU", SOCKET, [0.01], "H", [1e-7]),
    Figure.of("stream", "CPU", FAST, [0.2, 0.25, 0.5], "H", [5e-6], goal=0.3),
    Figure.of("stream", "CPU", PLAIN, [1.5, 1.6, 1.4], "H", [3e-5], goal=1.4),
    Figure.of("stream", "CPU", "litellm", [46.0], "H", [4e-4]),
    Figure("stream", "CPU beside fast", "litellm", 184, 184, 184, "x fast", goal=150, is_floor=True),
    Figure.of("request", "CPU", H, [1.0], "H", [7e-4]),
    Figure.of("request", "CPU", FAST, [0.45], "H", [3e-4], goal=0.5),
)
RESULTS = Results(
    date="2026-01-02",
    command="python -m benchmarks",
    machine="Python 3.11.7, Linux x86_64, 2 cores",
    rounds=3,
    seed=7,
    figures=FIGURES,
    versions={H: {"python": "3.11.7", "httpx": "0.28.1"}},
    failures=(("stream", "any-llm", "it broke"),),
)


def test_a_figure_is_the_median_of_its_rounds_and_has_its_goal() -> None:
    assert [figure.value for figure in FIGURES[:4]] == [1.0, 0.01, 0.25, 1.5]
    assert (FIGURES[2].low, FIGURES[2].high, FIGURES[0].absolute) == (0.2, 0.5, 2e-5)
    assert [figure.is_met for figure in FIGURES] == [True, True, True, False, True, True, True, True]


def test_results_are_kept_as_they_are(tmp_path: Path) -> None:
    RESULTS.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == RESULTS


def test_the_table_says_what_is_met_and_missed() -> None:
    head, _, *rows = (re.split(r" *\| *", line.strip("| ")) for line in figures_table(FIGURES[2:4]).splitlines())
    assert head == ["case", "measure", "who", "figure", "of the rounds", "goal", "is", "in seconds"]
    assert rows == [
        ["stream", "CPU", "fast", "0.250 H", "0.200 to 0.500", "at most 0.3", "met", "5.00 us"],
        ["stream", "CPU", "plain", "1.50 H", "1.40 to 1.60", "at most 1.4", "MISSED", "30.0 us"],
    ]


def test_numbers_have_three_digits_that_count() -> None:
    assert [number(value) for value in (0.0123456, 0.25, 1, 12.34, 123.4, 12345.6)] == [
        "0.0123",
        "0.250",
        "1.00",
        "12.3",
        "123",
        "12,346",
    ]
    assert [seconds(value) for value in (None, 2.5e-7, 0.002, 3)] == ["", "0.250 us", "2.00 ms", "3.00 s"]


def test_the_report_tells_what_has_failed() -> None:
    assert "| stream | any-llm | it broke" in report(RESULTS)
    assert "python 3.11.7, httpx 0.28.1" in report(RESULTS)


def test_the_chart_has_a_bar_for_each_client_as_long_as_its_cost() -> None:
    tree = ElementTree.fromstring(chart(RESULTS))
    space = {"svg": "http://www.w3.org/2000/svg"}
    bars = [rect.attrib for rect in tree.iterfind("svg:rect", space) if rect.attrib["class"].startswith("bar")]
    assert len(bars) == 7
    scale = Scale.over([0.01, 46])
    assert (scale.low, scale.high) == (-2, 2)
    socket, fast, httpx, plain, litellm = ((float(bar["x"]), float(bar["width"])) for bar in bars[:5])
    unit = scale.at(1)
    assert socket == pytest.approx((scale.at(0.01), unit - scale.at(0.01)), abs=0.1)
    assert fast == pytest.approx((scale.at(0.25), unit - scale.at(0.25)), abs=0.1)
    assert httpx == pytest.approx((unit, 0), abs=0.1)
    assert plain == pytest.approx((unit, scale.at(1.5) - unit), abs=0.1)
    assert litellm[0] + litellm[1] == pytest.approx(scale.at(46), abs=0.1)
    assert [bar["class"] for bar in bars[:5]] == ["bar", "bar ours", "bar", "bar ours", "bar"]
    assert "(prefers-color-scheme: dark)" in chart(RESULTS)
    words = [text.text for text in tree.iterfind("svg:text", space)]
    assert {"wirefile[fast]", "litellm", "0.250", "46.0", "100 H"} <= set(words)


def test_a_chart_of_nothing_is_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="no figure of stream or request"):
        chart(Results("", "", "", 1, 7))


def test_the_page_has_every_figure() -> None:
    text = page(RESULTS, "")
    for words in ("46.0 H", "184 x fast", "at least 150", "0.450 H", "Measured on 2026-01-02", "it broke"):
        assert words in text


def test_a_table_is_aligned() -> None:
    assert table(("a", "long"), [("word", "b")]) == "| a    | long |\n|------|------|\n| word | b    |"


@pytest.mark.parametrize(
    ("words", "figures", "failures", "code"),
    [
        (["--check"], FIGURES, (), 1),
        (["--check"], FIGURES[:3], (), 0),
        (["--check"], FIGURES[:3], RESULTS.failures, 1),
        ([], FIGURES, RESULTS.failures, 0),
    ],
)
def test_a_check_fails_by_what_is_missed_or_missing(
    words: list[str],
    figures: tuple[Figure, ...],
    failures: tuple[tuple[str, str, str], ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    results = Results("", "", "", 3, 7, figures, {}, failures)
    monkeypatch.setattr(command, "measured", lambda asked, words: results)
    assert (
        command.main([*words, "--json", str(tmp_path / "r.json"), "--chart", str(tmp_path / "new" / "c.svg")]) == code
    )
    assert Results.load(tmp_path / "r.json") == results
    assert (tmp_path / "new" / "c.svg").read_text(encoding="utf-8") == chart(results)
    told = capsys.readouterr().err.splitlines()
    missed = ["missed: stream, CPU, plain"] if len(figures) > 3 else []
    assert told == ([*missed, *(["not measured: stream, any-llm: it broke"] if failures else [])] if words else [])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rounds", "0"], "--rounds is at least 1"),
        (["--json", "nowhere/r.json"], "--json: there is no folder nowhere"),
        (["--only", "speed"], "argument --only: invalid choice: 'speed'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2
    assert f"error: {says}" in capsys.readouterr().err


def test_without_streams_and_requests_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "measured", lambda asked, words: Results("", "", "", 3, 7))
    assert command.main(["--chart", str(tmp_path / "c.svg")]) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_environment_is_made_once_and_its_failure_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ran, told = [], []

    def run(words: list[str]) -> None:
        ran.append(words)
        if "venv" in words:
            Path(words[-1]).mkdir(parents=True)
        if words[-1].endswith("litellm.txt"):
            raise subprocess.CalledProcessError(1, words, stderr="Looking\nERROR: no such version\n")

    monkeypatch.setattr(environments, "_run", run)
    found = environments.pythons(["openai", "litellm"], told.append)
    assert list(found) == ["openai"]
    assert found["openai"].is_relative_to(tmp_path / "wirefile" / "benchmarks")
    assert told[-1] == "litellm cannot be installed: ERROR: no such version"
    assert len(ran) == 4
    assert environments.pythons(["openai"], told.append) == found
    assert len(ran) == 4


def test_the_requirements_are_pinned() -> None:
    for file in environments.REQUIREMENTS.iterdir():
        assert all("==" in line for line in file.read_text(encoding="utf-8").splitlines())


def test_the_extra_is_read_from_the_project() -> None:
    assert "msgspec" in fast_packages()
    assert all(name.isidentifier() for name in fast_packages())


def test_without_the_extra_nothing_is_measured_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "find_spec", lambda name: None)
    for measure in (measurements.calls, measurements.files):
        with pytest.raises(RuntimeError, match=r"pip install '\.\[fast\]'"):
            measure(None, is_quick=True)  # type: ignore[arg-type]
