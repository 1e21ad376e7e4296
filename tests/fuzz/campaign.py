"""Campaigns: one target for some seconds, by atheris where it is installed, else blindly by seeded mutation."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

from .mutation import MAX_BYTES, mutated
from .target import Target, run
from .targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
WORK = ROOT / "build" / "fuzz"
"""Where campaigns keep what they find: inputs that reach new code, and failures."""

SLOWED = 8.0
"""How much slower code runs that counts its branches; what is slow here is measured again without that."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a campaign came to."""

    executions: int
    seconds: float
    new: int
    failures: tuple[Path, ...] = ()
    words: str = ""

    def __str__(self) -> str:
        rate = self.executions / max(self.seconds, 0.001)
        return f"{self.executions} executions, {rate:.0f}/s, {self.new} new inputs, {len(self.failures)} findings"


def is_guided() -> bool:
    """Whether coverage can guide."""
    return find_spec("atheris") is not None


def kept(target: Target) -> Iterator[Path]:
    """The stored inputs of a target: once found, never lost again."""
    return iter(sorted((CORPUS / target.name).glob("*")))


def pool(target: Target, *, work: bool = True) -> list[bytes]:
    """What there is to start from, with `work` also what campaigns have found here."""
    found = sorted((WORK / target.name).glob("*")) if work else []
    return [*target.seeds(), *(path.read_bytes() for path in (*kept(target), *found) if path.is_file()), b""]


def blind(target: Target, seconds: float, seed: int) -> Outcome:
    """Mutation without guidance, of the same inputs for the same seed."""
    inputs, random, began, count = pool(target), Random(seed), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        data = mutated(target, inputs, random)
        count += 1
        try:
            run(target, data)
        except Exception as error:  # noqa: BLE001  whatever comes out of a target is a finding
            return Outcome(count, time.monotonic() - began, 0, (_written(target, data),), repr(error)[:300])
    return Outcome(count, time.monotonic() - began, 0)


def _written(target: Target, data: bytes) -> Path:
    folder = WORK / "findings" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return path


def guided(target: Target, seconds: float, seed: int) -> Outcome:
    """libFuzzer by atheris, in a process of its own: it ends with its process."""
    folder, found = WORK / target.name, WORK / "findings" / target.name
    for path in (folder, found):
        path.mkdir(parents=True, exist_ok=True)
    for data in target.seeds():
        _seed(folder, data)
    before, known = len(list(folder.iterdir())), set(found.iterdir())
    tokens = folder.with_suffix(".tokens")
    tokens.write_text("".join(f'"{_quoted(token)}"\n' for token in target.tokens))
    stored = [str(CORPUS / target.name)] * (CORPUS / target.name).is_dir()
    words = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(folder), *stored, f"-dict={tokens}"]
    words += [f"-max_total_time={int(seconds)}", f"-max_len={MAX_BYTES}", "-timeout=20", "-rss_limit_mb=1024"]
    words += [f"-artifact_prefix={found}/", f"-seed={seed or 1}", "-print_final_stats=1", "-verbosity=1"]
    began = time.monotonic()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    counted = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    failures = tuple(sorted(set(found.iterdir()) - known))
    if done.returncode and not failures:
        raise RuntimeError(f"the campaign of {target.name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    said = re.search(r"=== Uncaught Python exception: ===\s*(.{1,300})", done.stderr)
    new = len(list(folder.iterdir())) - before
    return Outcome(int(counted[1]) if counted else 0, time.monotonic() - began, new, failures, said[1] if said else "")


def _seed(folder: Path, data: bytes) -> None:
    if data:
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _quoted(token: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}" for byte in token)


def campaign(name: str, seconds: float, seed: int = 1, *, blindly: bool = False) -> Outcome:
    """One target for some seconds."""
    return (guided if is_guided() and not blindly else blind)(TARGETS[name], seconds, seed)
