"""Every command and every snippet of the README runs, and prints what the README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import ROOT
from .pages import PORT, WAIT, blocks, free_port, links, run_python, run_shell, shim

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
SHELL = [(block.text, block.output) for block in BLOCKS if block.language == "sh"]
PYTHON = [(block.text, block.output) for block in BLOCKS if block.language == "python"]
YAML = [block.text for block in BLOCKS if block.language == "yaml"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the README's provider file."""
    (tmp_path / "my-providers").mkdir()
    (tmp_path / "my-providers" / "chirp.yaml").write_text(YAML[0], encoding="utf-8")
    return tmp_path


def test_the_readme_has_what_these_tests_read() -> None:
    assert len(SHELL) >= 6
    assert len(PYTHON) == 3
    assert len(YAML) == 2
    assert {block.language for block in BLOCKS} == {"sh", "python", "yaml"}


def test_the_two_commands() -> None:
    """The commands themselves install the project; the packaging tests and .ci/run run them whole."""
    assert SHELL[0][0] == 'pip install . && wirefile chat acytoo --mock "Привет! Как дела?"\n'
    assert SHELL[1][0] == "pip install '.[test]' && pytest\n"


def test_the_shell_blocks_in_order(place: Path) -> None:
    port, commands = free_port(), shim(place)
    assert sum(PORT in text and WAIT in text for text, _ in SHELL) == 1
    for number, (text, output) in enumerate(SHELL):
        script = text.removeprefix("pip install . && ")
        if script.startswith("pip"):
            continue
        done = run_shell(script, place, commands, port)
        assert done.returncode == 0, (number, done.stderr.decode())
        assert done.stdout.decode() == output.replace(PORT, port), f"block {number}"


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_python_blocks(place: Path, number: int) -> None:
    text, output = PYTHON[number]
    done = run_python(text, place)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == output


def test_the_second_file_is_the_shipped_one() -> None:
    shipped = (ROOT / "providers" / "groq.yaml").read_text(encoding="utf-8")
    said = shipped.partition("\nexamples:")[0]
    assert [line for line in said.splitlines() if not line.startswith("#")] == YAML[1].splitlines()


def test_links_lead_somewhere() -> None:
    for target in links(README):
        assert (ROOT / target).exists(), target


def test_the_figures_are_those_of_the_page() -> None:
    found = re.findall(r"[0-9.]+ H\b", README.split("## What it costs")[1].split("\n## ")[0])
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert len(found) >= 4
    assert [figure for figure in found if f"| {figure} " not in page] == []
