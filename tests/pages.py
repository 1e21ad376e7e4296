"""The pages that people read, run as they stand: each block of shell, Python and YAML, in order, in one folder.

A block of YAML whose first line is a comment with a path (`# my-providers/chirp.yaml`) is that file; one without is a
fragment of a provider file. A `text` block is what the block before it prints.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .conftest import environment

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+/\S+|\S+\.ya?ml)\n")

PORT = "8733"
"""The port that pages name, and what they do until a server listens on it."""
WAIT = "sleep 2"


@dataclass(frozen=True)
class Block:
    """One block of a page; `output` is the text block behind it, `file` the path in a YAML block's first line."""

    line: int
    language: str
    text: str
    output: str

    @property
    def file(self) -> str | None:
        match = _FILE.match(self.text) if self.language == "yaml" else None
        return match[1] if match else None


def blocks(page: str) -> list[Block]:
    """The blocks of a page, those of plain text left out."""
    found = [(page.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in _BLOCK.finditer(page)]
    return [
        Block(line, language, text, following[2] if following[1] == "text" else "")
        for (line, language, text), following in zip(found, [*found, (0, "", "")][1:], strict=True)
        if language != "text"
    ]


def links(page: str) -> Iterator[str]:
    """The targets of a page's links that are no addresses."""
    yield from re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page)


def shim(folder: Path) -> Path:
    """A folder with a command `wirefile` that runs this checkout."""
    command = folder / "bin" / "wirefile"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return command.parent


def free_port() -> str:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def run_shell(text: str, folder: Path, commands: Path, port: str) -> subprocess.CompletedProcess[bytes]:
    """Run a block of shell. Two runs at once share no port, and a busy machine may take its time."""
    bash = shutil.which("bash")
    assert bash is not None
    listening = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done"
    script = text.replace(PORT, port).replace(WAIT, listening)
    return subprocess.run(
        [bash, "-ec", f"set -o pipefail\nset -m\n{script}"],
        cwd=folder,
        env=environment(PATH=f"{commands}:/usr/bin:/bin"),
        capture_output=True,
        timeout=60,
        check=False,
    )


def run_python(text: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a block of Python, with the interpreter's own checks on."""
    command = [sys.executable, "-X", "dev", "-c", text]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, timeout=60, check=False)
