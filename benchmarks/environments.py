"""An environment for each peer: made once from its pinned requirements, and kept in the user's cache folder. They need
each other's packages in other versions, so that no one environment holds them all."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "peers"
PATIENCE = 600


def pythons(peers: Iterable[str], tell: Callable[[str], None]) -> dict[str, Path]:
    """The interpreter of each peer; what cannot be installed is told and left out."""
    found = {}
    for peer in peers:
        try:
            found[peer] = python_of(peer, tell)
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", None) or str(error)
            tell(f"{peer} cannot be installed: {said.strip().splitlines()[-1]}")
    return found


def python_of(peer: str, tell: Callable[[str], None]) -> Path:
    """The interpreter of one peer's environment, which is made if it is not there."""
    requirements = REQUIREMENTS / f"{peer}.txt"
    made_of = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"{peer}-{made_of}"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        tell(f"installing {peer} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
        (folder / "made").touch()
    return python


def cache_folder() -> Path:
    """Where environments are kept: below XDG_CACHE_HOME, https://specifications.freedesktop.org/basedir-spec."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given else Path.home() / ".cache") / "wirefile" / "benchmarks"


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=PATIENCE)
