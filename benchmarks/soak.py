"""`python -m benchmarks.soak`: many calls for a long time, with faults; in the end nothing may be left of them.

Tasks with one AsyncClient and threads with one Client call a server in another process. A line a minute says what this
process holds; in the end each bound is judged, and the exit code is 1 where one is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine import AsyncClient, Catalog, Client, EngineError
from engine.events import TextDelta
from engine.version import __version__

from .soakserver import TEXT

FILE = """
spec_version: 1
name: soak
url: http://127.0.0.1
path: /chat
payload: {messages: "{{ messages }}", stream: "{{ stream }}"}
response: {codec: sse, rules: [{text: choices.0.delta.content, finish: choices.0.finish_reason}], end: '[DONE]'}
limits: {event_bytes: 65536}
retry: {max: 1, base: 0.01, cap: 0.02, max_wait: 1}
timeout: {connect: 5, first_byte: 5, idle: 2, total: 10, pool: 60}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - name: streamed
    call: {messages: hi}
    reply: {headers: {content-type: text/event-stream}, chunks: [
      "data: {\\"choices\\": [{\\"delta\\": {\\"content\\": \\"hi\\"}, \\"finish_reason\\": \\"stop\\"}]}\\n\\n",
      "data: [DONE]\\n\\n"]}
    expect: {text: hi}
"""
EXPECTED = frozenset(
    {"TransportError lost", "TransportError timeout", "TruncatedError truncated", "DecodeError protocol"}
    | {"LimitError protocol", "ProviderError protocol", "ProviderError empty", "ProviderError auth"}
    | {"ProviderError unavailable", "ProviderError rate_limit"}
)
"""What the faults of the server come to, as class and kind; anything else is a bug."""

LONG_ENOUGH = 600.0
"""Seconds; over less than that a slope says nothing."""
SLOPE = 1.0  # MB an hour
GROWTH = 1.0  # MB that Python holds more of
SAMPLE_SECONDS = 5.0
REST_SECONDS = 10.0
"""How long what the last calls have left behind may take to go."""


class Left(Exception):
    """What the body of a `with` raises of its own."""


@dataclass
class Counts:
    """What became of the calls. `wrong` is a text that the server has not sent."""

    started: int = 0
    finished: int = 0
    cancelled: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """A call begins."""
        with self.lock:
            self.started += 1

    def end(self, text: str, *, is_whole: bool, error: BaseException | None) -> None:
        """A call is over: read to its end or left (`Left`), cancelled, or failed."""
        with self.lock:
            if isinstance(error, EngineError):
                self.failed[f"{type(error).__name__} {error.kind}"] += 1
            elif isinstance(error, asyncio.CancelledError):
                self.cancelled += 1
            elif error is None or isinstance(error, Left):
                self.finished += 1
            else:
                self.failed[type(error).__name__] += 1
            self.wrong += not TEXT.startswith(text) or (is_whole and text != TEXT)

    @property
    def foreign(self) -> Counter[str]:
        """The errors that none of the faults explains."""
        return Counter({name: count for name, count in self.failed.items() if name not in EXPECTED})

    def __str__(self) -> str:
        failed = sum(self.failed.values())
        return f"{self.started} started = {self.finished} finished + {failed} failed + {self.cancelled} cancelled"


@dataclass(frozen=True)
class Held:
    """What this process holds."""

    tasks: int
    threads: int
    files: int
    sockets: int
    megabytes: float

    @classmethod
    def now(cls) -> Held:
        """Count it. Files and sockets are 0 where there is no /proc."""
        names = [_target(entry) for entry in _entries()]
        sockets = sum(name.startswith("socket:") for name in names)
        return cls(_tasks(), threading.active_count(), len(names), sockets, megabytes())

    def beside(self, other: Held) -> bool:
        """Whether the same things are held, memory apart."""
        mine = (self.tasks, self.threads, self.files, self.sockets)
        return mine == (other.tasks, other.threads, other.files, other.sockets)

    def __str__(self) -> str:
        things = f"{self.tasks} tasks, {self.threads} threads, {self.files} files, {self.sockets} sockets"
        return f"{things}, {self.megabytes:.1f} MB"


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


def _entries() -> list[Path]:
    folder = Path("/proc/self/fd")
    return list(folder.iterdir()) if folder.is_dir() else []


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def megabytes() -> float:
    """The memory of this process that is in use; where there is no /proc, the most that ever was.

    Without what the C library keeps for later (it gives that back first, where it can), and what tracing takes.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return _resident() - tracemalloc.get_tracemalloc_memory() / 1e6


def _resident() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


# --- the calls ---


def whim(luck: random.Random) -> tuple[int, float | None]:
    """How a call is read: after how many events it is left, and after how many seconds cancelled."""
    draw = luck.random()
    if draw < 0.08:
        return luck.randrange(12), None
    if draw < 0.16:
        return 10_000, luck.random() * 0.2
    return 10_000, None


async def one_call(client: AsyncClient, counts: Counts, luck: random.Random) -> None:
    """One call of a task."""
    leave_after, _ = patience = whim(luck)
    counts.begin()
    texts: list[str] = []
    error: BaseException | None = None
    try:
        async with asyncio.timeout(patience[1]), client.stream("soak", "hi") as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                if len(texts) > leave_after:
                    raise Left
    except TimeoutError:
        error = asyncio.CancelledError()
    except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001  what crosses is what is counted
        error = caught.with_traceback(None)
    counts.end("".join(texts), is_whole=error is None, error=error)


def one_call_of_a_thread(client: Client, counts: Counts, luck: random.Random) -> None:
    """The same in a thread, which nobody can cancel."""
    leave_after, _ = whim(luck)
    counts.begin()
    texts: list[str] = []
    error: BaseException | None = None
    try:
        with client.stream("soak", "hi") as stream:
            for event in stream:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                if len(texts) > leave_after:
                    raise Left
    except Exception as caught:  # noqa: BLE001
        error = caught.with_traceback(None)
    counts.end("".join(texts), is_whole=error is None, error=error)


@dataclass
class Traffic:
    """Tasks and threads that call, for a while; each client is used from the first call to the last."""

    client: AsyncClient
    threads_client: Client
    counts: Counts
    streams: int
    threads: int
    say: Callable[[str], None]
    every: float
    samples: list[tuple[float, float]] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """Call until the time is over; then wait until the last call is."""
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._in_thread, args=(until, number)) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        watch = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._in_task(until, number) for number in range(self.streams)))
        for thread in threads:
            await asyncio.to_thread(thread.join)
        watch.cancel()

    async def _in_task(self, until: float, number: int) -> None:
        luck = random.Random(number)
        while time.monotonic() < until:
            await one_call(self.client, self.counts, luck)

    def _in_thread(self, until: float, number: int) -> None:
        luck = random.Random(-number)
        while time.monotonic() < until:
            one_call_of_a_thread(self.threads_client, self.counts, luck)

    async def _watch(self) -> None:
        """Note the memory every few seconds, and say what is held every now and then."""
        began = said = time.monotonic()
        while True:
            await asyncio.sleep(min(SAMPLE_SECONDS, self.every))
            now = time.monotonic()
            self.samples.append((now, megabytes()))
            if now - said >= self.every:
                said = now
                self.say(f"{(now - began) / 60:6.1f} min  {Held.now()}\n            {self.counts}")


# --- the judgement ---


@dataclass(frozen=True)
class Bound:
    """Something that was measured, and whether it is as it has to be."""

    name: str
    holds: bool
    found: str


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Megabytes an hour, by least squares."""
    if len(samples) < 2:
        return 0.0
    line = statistics.linear_regression([at for at, _ in samples], [size for _, size in samples])
    return line.slope * 3600


def collected() -> tracemalloc.Snapshot:
    """What Python holds when all that can be freed is; without what the soak itself notes."""
    gc.collect()
    ours = tracemalloc.Filter(False, __file__), tracemalloc.Filter(False, tracemalloc.__file__)
    return tracemalloc.take_snapshot().filter_traces(ours)


async def at_rest(start: Held) -> Held:
    """What is held, when it is as at the start or has not become so in a while."""
    until = time.monotonic() + REST_SECONDS
    while not (held := Held.now()).beside(start) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    return held


def asked(server: subprocess.Popen[str]) -> tuple[int, int]:
    """How many connections are open at the server, when none is or that has not become so; how many requests came."""
    assert server.stdin is not None
    assert server.stdout is not None
    until = time.monotonic() + REST_SECONDS
    while True:
        server.stdin.write("?\n")
        server.stdin.flush()
        still_open, came = map(int, server.stdout.readline().split())
        if not still_open or time.monotonic() > until:
            return still_open, came
        time.sleep(0.05)


async def soak(
    minutes: float, streams: int, threads: int, every: float, say: Callable[[str], None] = print
) -> list[Bound]:
    """Warm up for a quarter of the time, call for the rest of it, and judge."""
    command = [sys.executable, "-m", "benchmarks.soakserver"]
    root = Path(__file__).resolve().parents[1]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        Path(folder, "soak.yaml").write_text(FILE, encoding="utf-8")
        catalog = Catalog(folder)
        await asyncio.to_thread(gc.collect)  # the executor's thread is there from here on
        start = Held.now()
        options = {"base_urls": {"soak": url}}
        client = AsyncClient(catalog, max_connections=streams, **options)
        threads_client = Client(catalog, max_connections=max(threads, 1), **options)
        counts = Counts()
        traffic = Traffic(client, threads_client, counts, streams, threads, say, every)
        say(f"at the start {start}; wirefile {__version__}, Python {sys.version.split()[0]}")
        tracemalloc.start()
        await traffic.run(minutes * 60 / 4)
        before = collected()
        say(f"warm         {Held.now()}")
        traffic.samples.clear()
        await traffic.run(minutes * 60 * 3 / 4)
        after = collected()
        tracemalloc.stop()
        slots = client._slots._value, threads_client._slots._value
        await client.aclose()
        threads_client.close()
        end = await at_rest(start)
        still_open, came = await asyncio.to_thread(asked, server)
        server.stdin.close()
    growth = after.compare_to(before, "lineno")
    grown = sum(entry.size_diff for entry in growth) / 1e6
    risen, seconds = slope(traffic.samples), minutes * 60 * 3 / 4
    say(f"at the end   {end}; {came} requests reached the server")
    for name, count in sorted(counts.failed.items()):
        say(f"    {count:8} {name}")
    say("what Python holds more of than when it was warm:")
    for entry in growth[:8]:
        say(f"    {entry}")
    is_judged = seconds >= LONG_ENOUGH
    return [
        Bound("each call has one end", counts.started == _ends(counts), str(counts)),
        Bound("no error that no fault explains", not counts.foreign, str(dict(counts.foreign))),
        Bound("no text that was not sent", counts.wrong == 0, str(counts.wrong)),
        Bound("the same is held as at the start", end.beside(start), f"{start} -> {end}"),
        Bound("all slots are free", slots == (streams, max(threads, 1)), str(slots)),
        Bound("no connection is open at the server", still_open == 0, str(still_open)),
        Bound(f"Python holds at most {GROWTH:g} MB more", grown <= GROWTH, f"{grown:+.2f} MB"),
        Bound(
            f"memory rises at most {SLOPE:g} MB an hour",
            risen <= SLOPE or not is_judged,
            f"{risen:+.2f} MB/h over {seconds / 60:.1f} min" + ("" if is_judged else ", too short to judge"),
        ),
    ]


def _ends(counts: Counts) -> int:
    return counts.finished + sum(counts.failed.values()) + counts.cancelled


def main(words: Sequence[str]) -> int:
    """Soak and judge; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long; a quarter of it warms up")
    parser.add_argument("--streams", type=int, default=200, help="tasks that call at once")
    parser.add_argument("--threads", type=int, default=20, help="threads that call at once")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two lines")
    given = parser.parse_args(words)

    def say(line: str) -> None:
        print(line, flush=True)

    bounds = asyncio.run(soak(given.minutes, given.streams, given.threads, given.every, say))
    for bound in bounds:
        say(f"{'holds ' if bound.holds else 'BROKEN'}  {bound.name}: {bound.found}")
    return 0 if all(bound.holds for bound in bounds) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
