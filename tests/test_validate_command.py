"""`wirefile validate`: which files it takes, what it says of several, its source lines, formats and explanations."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.cli.excerpt import WINDOW
from engine.loader.rulebook import frame, rulebook

from .conftest import Run, environment
from .test_cli import Terminal


def put(path: Path, old: str = "", new: str = "") -> Path:
    """A valid file, or one in which something is replaced by a mistake."""
    text = frame().replace("name: acme", f"name: {path.stem}")
    assert old in text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def problems(ran: Any) -> list[tuple[str, str, int, int]]:
    found = json.loads(ran.out)["problems"]
    return [(problem["rule"], problem["file"], problem["line"], problem["column"]) for problem in found]


# --- which files ---


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files in folders."""
    for name in ("a.yaml", "b.yml", "deep/er/c.yaml", "sp ace/d.yaml", "[e]/e.yaml"):
        put(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none of ours\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["."], 5),
        (["a.yaml", "b.yml"], 2),
        (["a.yaml", "./a.yaml"], 1),
        (["deep"], 1),
        (["*.y*ml"], 2),
        (["**/*.yaml"], 4),
        (["deep/**"], 1),
        (["*"], 6),  # a folder that a pattern names is looked into; notes.txt is named like any file
        (["[e]"], 1),  # a name that is there means itself
        (["sp ace/*"], 1),
        (["deep", "deep/er/c.yaml"], 1),
    ],
)
def test_words_name_files_folders_and_patterns(wirefile: Run, tree: Path, words: list[str], count: int) -> None:
    report = json.loads(wirefile("validate", *words, "--format", "json").out)
    assert report["files"] == count
    assert {problem["file"] for problem in report["problems"]} <= {"notes.txt"}


@pytest.mark.parametrize("absolute", [False, True])
def test_an_absolute_pattern_is_one_too(wirefile: Run, tree: Path, absolute: bool) -> None:
    word = f"{tree}/*.yaml" if absolute else "*.yaml"
    assert json.loads(wirefile("validate", word, "--format", "json").out) == {"files": 1, "problems": []}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("none.yaml", "No such file"),
        ("none/*.yaml", "no file matches this pattern"),
        ("**x/[", "no file matches this pattern"),
        ("empty", "the folder holds no provider file"),
        ("x" * 5000, "too long"),
        ("loop.yaml", "symbolic links"),
        ("dangling.yaml", "No such file"),
        ("a.yaml/b.yaml", "Not a directory"),
        ("/dev/zero", "no regular file"),
    ],
)
def test_what_names_no_file_is_a_problem(wirefile: Run, tree: Path, word: str, message: str) -> None:
    (tree / "empty" / "below").mkdir(parents=True)
    (tree / "loop.yaml").symlink_to("loop.yaml")
    (tree / "dangling.yaml").symlink_to("nowhere.yaml")
    ran = wirefile("validate", word, "--format", "json")
    assert ran.code == 1
    (problem,) = json.loads(ran.out)["problems"]
    assert (problem["rule"], problem["file"], problem["line"], problem["column"]) == ("cannot-read", word, 1, 1)
    assert message in problem["message"]
    assert problem["hint"]


def test_a_folder_that_may_not_be_read_is_a_problem(wirefile: Run, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not looked into is said: a check that skipped it would say that all is well."""
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    ran = wirefile("validate", ".", "--format", "json")
    assert (ran.code, problems(ran)) == (1, [("cannot-read", "./deep/er", 1, 1)])
    assert json.loads(ran.out)["files"] == 4


def test_the_rest_is_examined_all_the_same(wirefile: Run, tree: Path) -> None:
    put(tree / "z.yaml", "path:", "pth:")
    ran = wirefile("validate", "none.yaml", ".", "--format", "json")
    assert [(rule, file) for rule, file, *_ in problems(ran)] == [
        ("unknown-key", "z.yaml"),
        ("cannot-read", "none.yaml"),
    ][::-1]


def test_standard_input_beside_files(process: Run, tree: Path) -> None:
    text = frame().replace("path: /chat", "pth: /chat").encode()
    ran = process("validate", "-", str(tree / "a.yaml"), stdin=text)
    assert ran.code == 1
    assert ran.out == (
        "<stdin>:4:1: unknown-key: 'pth' is no key of a provider file; did you mean 'path'?\n"
        "    4 | pth: /chat\n"
        "      | ^\n"
    )
    assert ran.err == "files: 2, errors: 1, warnings: 0\n"


# --- what files say of each other ---


def test_two_files_of_one_name(wirefile: Run, tree: Path) -> None:
    put(tree / "old" / "a.yaml")
    put(tree / "f.yaml").write_text(frame().replace("name: acme", "name: a"), encoding="utf-8")
    ran = wirefile("validate", ".", "--format", "json")
    assert problems(ran) == [
        ("bad-id", "f.yaml", 2, 7),
        ("duplicate-id", "f.yaml", 2, 7),
        ("duplicate-id", "old/a.yaml", 2, 7),
    ]
    duplicate = json.loads(ran.out)["problems"][1]
    assert duplicate["message"] == "'a' is the name of a.yaml:2 too"


def test_one_name_with_two_endings(wirefile: Run, tree: Path) -> None:
    put(tree / "a.yml")
    assert problems(wirefile("validate", "a.yaml", "a.yml", "--format", "json")) == [("duplicate-id", "a.yml", 2, 7)]


def test_names_that_differ_in_case(wirefile: Run, tree: Path) -> None:
    put(tree / "A.yaml")
    ran = wirefile("validate", ".", "--format", "json")
    assert ("duplicate-id", "a.yaml", 2, 7) in problems(ran)
    message = next(p["message"] for p in json.loads(ran.out)["problems"] if p["rule"] == "duplicate-id")
    assert message == "'a' differs from 'A' (A.yaml:2) only in its case"


def test_a_file_and_a_link_to_it_are_one(wirefile: Run, tree: Path) -> None:
    (tree / "link").mkdir()
    (tree / "link" / "a.yaml").symlink_to(tree / "a.yaml")
    assert problems(wirefile("validate", ".", "--format", "json")) == []


def test_too_many_files_are_counted_and_not_read(wirefile: Run, tmp_path: Path) -> None:
    """10,000 files, two of which differ in their case: said at once, whatever is in them."""
    for number in range(9998):
        (tmp_path / f"n{number}.yaml").touch()
    for name in ("odd.yaml", "Odd.yaml"):
        (tmp_path / name).touch()
    started = time.monotonic()
    ran = wirefile("validate", str(tmp_path), "--format", "json")
    assert time.monotonic() - started < 20
    assert ran.code == 1
    assert problems(ran) == [("too-many", str(tmp_path), 1, 1), ("duplicate-id", str(tmp_path / "odd.yaml"), 1, 1)]
    assert json.loads(ran.out)["files"] == 0


# --- the source line ---


def test_a_line_of_a_megabyte(wirefile: Run, tmp_path: Path) -> None:
    path = put(tmp_path / "acme.yaml")
    path.write_text(f"{path.read_text('utf-8')}x-note: '{'x' * 200_000}' odd\n", encoding="utf-8")
    started = time.monotonic()
    ran = wirefile("validate", str(path))
    assert time.monotonic() - started < 10
    _, source, mark = ran.out.splitlines()
    assert len(source) <= len("12345 | ") + WINDOW
    assert source[mark.index("^")] == "o"
    path.write_text("x" * 1_000_000, encoding="utf-8")
    assert max(map(len, wirefile("validate", str(path)).out.splitlines()[1:])) <= len("12345 | ") + WINDOW


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_line_is_that_of_the_file(wirefile: Run, tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "acme.yaml"
    text = frame().replace("path: /chat", "path: '/株/{{ modle }}'").replace("\n", line_end)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    out = wirefile("validate", str(path)).out.splitlines()
    assert out[1:] == ["    4 | path: '/株/{{ modle }}'", f"      | {' ' * 14}^"]


def test_the_line_of_what_is_inherited_is_the_parent_s(wirefile: Run, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("headers: {accept: '*/*', x: '{{ modle }}'}\n", encoding="utf-8")
    path = put(tmp_path / "acme.yaml", "path:", "extends: base\npath:")
    out = wirefile("validate", str(path)).out.splitlines()
    assert out[0].startswith(f"{tmp_path / 'base.yaml'}:1:33: undefined-variable: ")
    assert f"(inherited by {path})" in out[0]
    assert out[1:] == [
        "    1 | headers: {accept: '*/*', x: '{{ modle }}'}",
        "      |                                 ^",
    ]


def test_what_has_no_line_shows_none(wirefile: Run, tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text("\n", encoding="utf-8")
    assert len(wirefile("validate", str(path)).out.splitlines()) == 1
    assert len(wirefile("validate", str(tmp_path / "none.yaml")).out.splitlines()) == 1


def test_a_terminal_gets_colors_and_lines_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "acme.yaml", "chat", "chat/" + "x" * 300 + "{{ modle }}")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    with Terminal("validate", str(path)) as terminal:
        terminal.wait_for("\x1b[1;31mundefined-variable\x1b[0m: path uses 'modle'")
        terminal.wait_for("\x1b[2m    4\x1b[0m\x1b[2m | \x1b[0m…")
        terminal.wait_for("\x1b[1;31m^\x1b[0m")
    monkeypatch.setenv("NO_COLOR", "1")
    with Terminal("validate", str(path)) as terminal:
        terminal.wait_for("undefined-variable: path uses 'modle'")
        terminal.wait_for("    4 | …")
        assert b"\x1b" not in terminal.seen


def test_the_name_of_a_file_steers_nothing(wirefile: Run, tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[31mb.yaml"
    path.write_text("- a\n", encoding="utf-8")
    first = wirefile("validate", str(path)).out.splitlines()[0]
    assert first.startswith(f"{tmp_path}/a\ufffd\ufffd[31mb.yaml:1:1: not-a-mapping: ")


# --- explanations ---


@pytest.mark.parametrize("name", rulebook())
def test_each_rule_is_explained(wirefile: Run, name: str) -> None:
    ran = wirefile("validate", "--explain", name)
    rule = rulebook()[name]
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"{name} ({rule.severity}): {rule.title}\n")
    for example in (rule.bad, rule.good):
        assert all(f"    {line}\n" in ran.out for line in example.lines.splitlines())
    assert max(map(len, ran.out.splitlines())) <= 136


@pytest.mark.parametrize(("word", "hint"), [("unknown-kye", "did you mean 'unknown-key'?"), ("zzz", "--rules` lists")])
def test_a_rule_that_there_is_not(wirefile: Run, word: str, hint: str) -> None:
    ran = wirefile("validate", "--explain", word)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert hint in ran.err


def test_rules_are_listed(wirefile: Run) -> None:
    ran = wirefile("validate", "--rules")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == list(rulebook())
    assert wirefile("validate", "--rules", "a.yaml").code == 2
    assert wirefile("validate", "--explain", "bad-id", "a.yaml").code == 2


def test_an_explanation_loads_no_library_that_it_does_not_need() -> None:
    import subprocess
    import sys

    code = "import sys\nfrom engine.cli.app import run\nrun(['validate', '--explain', 'bad-id'])\n"
    code += "print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=True, text=True)
    assert not {"httpx", "jinja2", "jsonschema", "asyncio"} & set(done.stderr.split())


def test_many_files_in_several_processes_are_told_as_in_one(
    wirefile: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        put(tmp_path / "many" / f"f{number}.yaml", "url:", "urll:" if number % 7 == 0 else "url:")
    put(tmp_path / "many" / "deep" / "f3.yaml")
    one = wirefile("validate", str(tmp_path / "many"), "--format", "json")
    monkeypatch.setattr("engine.cli.validate_command.MANY", 10)
    monkeypatch.setattr("engine.cli.validate_command.processors", lambda: 2)
    several = wirefile("validate", str(tmp_path / "many"), "--format", "json")
    assert (several.code, several.out) == (one.code, one.out)
    assert {rule for rule, *_ in problems(several)} >= {"unknown-key", "duplicate-id"}
