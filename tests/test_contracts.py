from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.comparison import NOTHING
from engine.contracts.contrast import LONG, contrast, sides
from engine.contracts.families import run_all
from engine.contracts.outcomes import Finding, Outcome, outcomes
from engine.examples import Failure
from engine.loader import judging
from engine.loader.positions import Position

from .conftest import CHIRP, ROOT, Run, environment


def outcome(folder: Path, old: str, new: str, name: str = "a stream") -> Outcome:
    """What comes of one example of the made-up file when something in it is other."""
    assert old in CHIRP
    file = folder / "chirp.yaml"
    file.write_text(CHIRP.replace(old, new), "utf-8")
    return next(found for found in outcomes(file, ()) if found.example == name)


@pytest.mark.parametrize(
    ("old", "new", "place", "path", "shown"),
    [
        ("{text: Hello ✓", "{text: Bye", "Bye, finish", "expect.text", ['- "Bye"', '+ "Hello ✓"']),
        ("output_tokens: 2}, adj", "output_tokens: 7}, adj", "7}, adj", "expect.usage.output_tokens", ["- 7", "+ 2"]),
        ("temperature: 1, stream", "temperature: 2, stream", "2, stream", "request.json.temperature", ["- 2", "+ 1"]),
        ("temperature: 1, stream", "stream", "{model: chirp-1", "request.json.temperature", ["- nothing", "+ 1"]),
        (
            "temperature: 1, stream",
            "x: 1, temperature: 1, stream",
            "1, temperature: 1",
            "request.json.x",
            ["- 1", "+ nothing"],
        ),
        ("{authorization: Bearer", "{authorization: Basic", "Basic <", "request.headers.authorization", None),
        ("{temperature: clamped}", "{max_tokens: clamped}", "clamped}", "expect.adjustments.max_tokens", None),
    ],
)
def test_a_failure_stands_where_its_expectation_does(
    tmp_path: Path, old: str, new: str, place: str, path: str, shown: list[str] | None
) -> None:
    (finding,) = outcome(tmp_path, old, new).findings
    assert finding.position.file == str(tmp_path / "chirp.yaml")
    line = (tmp_path / "chirp.yaml").read_text("utf-8").splitlines()[finding.position.line - 1]
    assert line[finding.position.column - 1 :].startswith(place)
    assert finding.failure.path == path
    assert shown is None or [line.strip() for line in contrast(finding)[1:]] == shown


def test_all_that_differs_is_told_at_once(tmp_path: Path) -> None:
    found = outcome(tmp_path, "content: Hi}], temperature: 1, stream: true}", "content: Ho}], stream: false}")
    assert [finding.failure.path for finding in found.findings] == [
        "request.json.messages.0.content",
        "request.json.stream",
        "request.json.temperature",
    ]


def test_lines_and_columns_hold_with_bom_and_crlf(tmp_path: Path) -> None:
    text = CHIRP.replace("{text: Hello ✓", "{text: Bye").replace("\n", "\r\n")
    (tmp_path / "chirp.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (finding,) = next(iter(outcomes(tmp_path / "chirp.yaml", ()))).findings
    assert (finding.position.line, finding.position.column) == (51, 14)


def test_inherited_examples_name_the_file_in_which_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "chirp.yaml").write_text(CHIRP.replace("{text: Hello ✓", "{text: Bye"), "utf-8")
    child = tmp_path / "child.yaml"
    child.write_text("spec_version: 1\nname: child\nextends: chirp\n", "utf-8")
    found = next(iter(outcomes(child, ())))
    assert (found.file, found.written) == (str(child), str(tmp_path / "chirp.yaml"))
    assert str(found.findings[0].position) == f"{tmp_path / 'chirp.yaml'}:51:14"


def test_tool_calls_are_compared_one_by_one(tmp_path: Path) -> None:
    from .test_examples import TOOLS

    good = "q: [{role: user, content: hi}]"
    text = TOOLS.replace("q: Q", good).replace("EXPECTED", "[{name: weather, arguments: {city: Bergen, n: 1}}]")
    (tmp_path / "tooled.yaml").write_text(text, "utf-8")
    (found,) = outcomes(tmp_path / "tooled.yaml", ())
    assert [(f.failure.path, f.failure.expected, f.failure.observed) for f in found.findings] == [
        ("expect.tool_calls.0.arguments.city", "Bergen", "Oslo"),
        ("expect.tool_calls.1", NOTHING, {"id": "b", "name": "now", "arguments": {}}),
    ]


def lines(expected: Any, observed: Any) -> list[str]:
    return list(sides(Failure("x", 1, ("expect", "text"), expected, observed)))


def test_long_texts_are_shown_where_they_begin_to_differ() -> None:
    same = "word " * 100
    told, before, after = lines(f"{same}one{same}", f"{same}two{same}")
    assert told.strip() == "the same for 500 characters"
    assert before.startswith("- …")
    assert "word one" in before[:40]
    assert "word two" in after[:40]
    assert max(len(before), len(after)) <= LONG + 5


def test_long_trees_are_cut() -> None:
    assert [len(line) for line in lines(NOTHING, list(range(1000)))] == [len("- nothing"), LONG + 3]


def test_line_ends_and_controls_stay_on_one_line() -> None:
    assert lines("a\nb", "a\x1b[31m") == ['- "a\\nb"', '+ "a\\u001b[31m"']


def test_the_cut_is_told() -> None:
    failure = Failure("a stream", 1, ("expect", "text"), "Hello", "Hel", "byte by byte")
    assert contrast(Finding(failure, Position("x.yaml", 1, 2)))[0] == "x.yaml:1:2  expect.text, the reply byte by byte"


def test_the_report_as_data(wirefile: Run, chirp: Path) -> None:
    text = CHIRP.replace("{text: Hello ✓", "{text: Bye").replace("temperature: 1, stream: true}", "stream: true}")
    (chirp / "chirp.yaml").write_text(text, "utf-8")
    report = json.loads(wirefile("test", str(chirp), "--json").out)
    told, text_failure = report["examples"][0]["failures"]
    assert told.pop("message")
    place = {"file": str(chirp / "chirp.yaml"), "line": 41, "column": 13, "cut": ""}
    assert told == {"path": "request.json.temperature", "observed": 1, **place}
    assert (text_failure["expected"], text_failure["observed"]) == ("Bye", "Hello ✓")


def test_processes_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    files = []
    for number in (3, 1, 2, 5, 4):
        files.append(tmp_path / f"c{number}.yaml")
        text = CHIRP.replace("name: chirp\n", f"name: c{number}\n").replace("{text: Hello ✓", f"{{text: Bye{number}")
        files[-1].write_text(text, "utf-8")
    files.append(tmp_path / "missing.yaml")
    one = run_all(files, (), jobs=1)
    assert run_all(files, (), jobs=2) == one
    assert [Path(found.file).stem for found in one[::4]] == ["c3", "c1", "c2", "c5", "c4", "missing"]
    assert one[-1].problems[0].rule == "cannot-read"


def test_a_file_that_was_found_sound_is_not_judged_again(chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [chirp / "chirp.yaml"]
    one = run_all(files, (), jobs=1)
    assert run_all(files, (), jobs=1, has_cache=True) == one
    monkeypatch.setattr(judging, "judge", None)
    assert run_all(files, (), jobs=1, has_cache=True) == one
    with pytest.raises(TypeError):
        run_all(files, (), jobs=1)


def test_a_fifo_is_not_waited_for(process: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    ran = process("test", str(tmp_path / "x.yaml"))
    assert (ran.code, "FIFO" in ran.out) == (1, True)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes as Linux shows them")
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "engine", "test", "-j", "2", str(ROOT / "providers")]
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), start_new_session=True, text=True
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    deadline = time.monotonic() + 60
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)  # until they leave interrupts to the first process; the work takes longer
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err) == (130, "", "wirefile: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
