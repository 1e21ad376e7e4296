"""Every command and every snippet of the README runs, and prints what the README says."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str, str]]:
    """Language, text and expected output of each block; the output is the `text` block that comes next."""
    found = [(match[1], match[2]) for match in BLOCK.finditer(README)]
    for (language, text), following in zip(found, [*found[1:], ("", "")], strict=True):
        if language != "text":
            yield language, text, following[1] if following[0] == "text" else ""


SHELL = [(text, output) for language, text, output in blocks() if language == "sh"]
PYTHON = [(text, output) for language, text, output in blocks() if language == "python"]
YAML = [text for language, text, _ in blocks() if language == "yaml"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the README's provider file, and a `wirefile` that runs this checkout."""
    (tmp_path / "my-providers").mkdir()
    (tmp_path / "my-providers" / "chirp.yaml").write_text(YAML[0], encoding="utf-8")
    shim = tmp_path / "bin" / "wirefile"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    return tmp_path


def test_the_readme_has_what_these_tests_read() -> None:
    assert len(SHELL) >= 6
    assert len(PYTHON) == 3
    assert len(YAML) == 2
    assert {language for language, _, _ in blocks()} == {"sh", "python", "yaml"}


def test_the_two_commands() -> None:
    """The commands themselves install the project; the packaging tests and .ci/run run them whole."""
    assert SHELL[0][0] == 'pip install . && wirefile chat acytoo --mock "Привет! Как дела?"\n'
    assert SHELL[1][0] == "pip install '.[test]' && pytest\n"


PORT = "8733"
WAIT = "sleep 2"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def test_the_shell_blocks_in_order(place: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    port = free_port()
    # Two runs at once share no port, and a busy machine may take its time.
    listening = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done"
    assert sum(PORT in text and WAIT in text for text, _ in SHELL) == 1
    path = f"{place / 'bin'}:/usr/bin:/bin"
    for number, (text, output) in enumerate(SHELL):
        script = text.removeprefix("pip install . && ").replace(PORT, port).replace(WAIT, listening)
        if script.startswith("pip"):
            continue
        done = subprocess.run(
            [bash, "-ec", f"set -o pipefail\nset -m\n{script}"],
            cwd=place,
            env=environment(PATH=path),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (number, done.stderr.decode())
        assert done.stdout.decode() == output.replace(PORT, port), f"block {number}"


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_python_blocks(place: Path, number: int) -> None:
    text, output = PYTHON[number]
    command = [sys.executable, "-X", "dev", "-c", text]
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == output


def test_the_second_file_is_the_shipped_one() -> None:
    shipped = (ROOT / "providers" / "groq.yaml").read_text(encoding="utf-8")
    said = shipped.partition("\nexamples:")[0]
    assert [line for line in said.splitlines() if not line.startswith("#")] == YAML[1].splitlines()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
