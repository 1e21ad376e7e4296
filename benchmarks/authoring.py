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
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        medians = in_turns(commands)
        rows += [
            (name, f"{seconds:.3f}", f"{seconds / medians['import httpx']:.2f} x import httpx")
            for name, seconds in medians.items()
        ]
        many = copies(Path(folder) / "many")
        seconds = timed(["-m", "engine", "validate", str(many)])
        rows.append((f"wirefile validate, {MANY} files", f"{seconds:.2f}", f"{MANY / seconds:.0f} files/s"))
        for name, text in hostile().items():
            file = Path(folder) / "hostile.yaml"
            file.write_bytes(text)
            seconds, megabytes = guarded(file)
            rows.append((f"hostile: {name}", f"{seconds:.3f}", f"+{megabytes:.0f} MB"))
    return rows


def in_turns(commands: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The median time of each command; each round runs all of them once."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            times[name].append(timed(words))
    return {name: statistics.median(found) for name, found in times.items()}


def timed(words: Sequence[str]) -> float:
    """Seconds of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def copies(folder: Path) -> Path:
    """A folder with a thousand files: the shipped ones under new names."""
    folder.mkdir()
    texts = [(file.stem, file.read_text(encoding="utf-8")) for file in sorted((ROOT / "providers").glob("*.yaml"))]
    # A copy of a file that reads protected variables is a stranger's, and refused.
    texts = [(stem, text) for stem, text in texts if not re.search(r"\b(AWS_|GOOGLE_APPLICATION)", text)]
    for number in range(MANY):
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
