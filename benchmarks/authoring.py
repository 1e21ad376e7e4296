"""`python -m benchmarks.authoring`: what an author of provider files waits for. `wirefile validate` of one file in a
new process, of a thousand files in one, and of files that are made to be slow.

Times of processes are medians of several runs that take turns with `import httpx`, whose time is the unit: seconds are
this machine's, ratios are not.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .start import in_turns, timed
from .table import table

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7
MANY = 1000


def measure() -> Sequence[Sequence[str]]:
    """The table: what, seconds, and how often `import httpx` it takes (or the peak of memory)."""
    rows = [("what", "seconds", "compared")]
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "import httpx": ["-c", "import httpx"],
            "import engine": ["-c", "import engine"],
            "wirefile validate, one file": ["-m", "engine", "validate", "providers/acytoo.yaml"],
            "wirefile validate, one file on a protocol": ["-m", "engine", "validate", "providers/groq.yaml"],
        }
        unit, *others = in_turns(commands, ROUNDS).items()
        rows += [_compared(name, found, unit[1]) for name, found in (unit, *others)]
        many = copies(Path(folder) / "many", MANY)
        _, seconds = timed(["-m", "engine", "validate", str(many)], folder)
        rows.append((f"wirefile validate, {MANY} files", f"{seconds:.2f}", f"{MANY / seconds:.0f} files/s"))
        for name, text in hostile().items():
            file = Path(folder) / "hostile.yaml"
            file.write_bytes(text)
            seconds, megabytes = guarded(file)
            rows.append((f"hostile: {name}", f"{seconds:.3f}", f"+{megabytes:.0f} MB"))
    return rows


def _compared(name: str, found: Sequence[tuple[float, float]], unit: Sequence[tuple[float, float]]) -> Sequence[str]:
    seconds, other = (statistics.median(seconds for _, seconds in times) for times in (found, unit))
    return name, f"{seconds:.3f}", f"{seconds / other:.2f} x import httpx"


def copies(folder: Path, count: int) -> Path:
    """A folder with so many files: the shipped ones under new names."""
    folder.mkdir()
    texts = [(file.stem, file.read_text(encoding="utf-8")) for file in sorted((ROOT / "providers").glob("*.yaml"))]
    # A copy of a file that reads protected variables is a stranger's, and refused.
    texts = [(stem, text) for stem, text in texts if not re.search(r"\b(AWS_|GOOGLE_APPLICATION)", text)]
    for number in range(count):
        stem, text = texts[number % len(texts)]
        name = f"{stem}-{number}"
        renamed = re.sub(rf"^name: {stem}\b", f"name: {name}", text, count=1, flags=re.MULTILINE)
        (folder / f"{name}.yaml").write_text(renamed, encoding="utf-8")
    return folder


def hostile() -> Mapping[str, bytes]:
    """Files that are made to be slow, each as large as it may be."""
    many = "".join(f"k{number}: 1\n" for number in range(19_000))
    templates = "payload:\n" + "".join(f'  k{number}: "{{{{ messages[0].content }}}}"\n' for number in range(6_000))
    unknown = "headers:\n" + "".join(f'  h{number}: "{{{{ mesages{number} }}}}"\n' for number in range(6_000))
    rules = "response:\n  codec: sse\n  end: finish\n  rules:\n" + "    - {text: a.b.c, when: {x: 1}}\n" * 2_000
    head = "spec_version: 1\nname: hostile\nurl: https://a.example\n"
    return {
        "100,000 brackets": b"[" * 100_000,
        "19,000 unknown keys": (head + many).encode(),
        "6,000 templates": (head + templates).encode(),
        "6,000 misspelt names": (head + unknown).encode(),
        "2,000 rules": (head + rules).encode(),
        "a line of 250 KB": (head + "title: " + "x" * 250_000).encode(),
    }


_JUDGE = """
import resource, sys, time
from engine.loader import problems_of
problems_of(sys.argv[1])  # what is imported and built once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
problems_of(sys.argv[2])
print(time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def guarded(file: Path) -> tuple[float, float]:
    """Seconds and megabytes that one file takes beyond what a good one has taken."""
    words = [sys.executable, "-c", _JUDGE, str(ROOT / "providers" / "acytoo.yaml"), str(file)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


if __name__ == "__main__":
    head, *rows = measure()
    print(table(head, rows))
