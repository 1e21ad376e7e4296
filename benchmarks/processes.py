"""The processes of the measurements: the origin server, and a contender that is given orders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from .contenders.order import Order, Sample

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 1200.0
"""Seconds that a process may take for one answer."""
HOMELY = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "*",
}
"""What keeps contenders from asking the network for anything but the origin."""


def environment(home: str | None = None) -> dict[str, str]:
    """The variables of a process that is measured; what it remembers is in the folder `home`, if that is given."""
    own = {f"XDG_{name}_HOME": f"{home}/{name.lower()}" for name in ("CACHE", "STATE", "CONFIG")} if home else {}
    # What is compiled is kept, as it is where a package is installed.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **HOMELY, **own}


class Process:
    """A module of this folder in a process of its own, which reads lines and writes lines until its input ends."""

    def __init__(self, words: Sequence[str], python: str | Path = sys.executable) -> None:
        self._child = subprocess.Popen(
            [str(python), "-m", *words],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._input, self._output = self._child.stdin, self._child.stdout
        self._complaint = ""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._complaint = line.strip() or self._complaint

    def read(self) -> str:
        """Its next line. Raises RuntimeError when it is gone or takes too long, and ends it."""
        with self._killed_after(PATIENCE):
            line = self._output.readline()
        if not line:
            self.close()
            raise RuntimeError(self._complaint or f"ended, or gave no answer within {PATIENCE:g} s")
        return line.strip()

    def write(self, line: str) -> None:
        """Give it a line. Of one that is gone, `read` says why."""
        with suppress(BrokenPipeError):
            self._input.write(line + "\n")
            self._input.flush()

    def close(self) -> None:
        """End its input and wait for its end; it is killed when it takes ten seconds. Again, it does nothing."""
        with suppress(BrokenPipeError):
            self._input.close()
        with self._killed_after(10):
            self._child.wait()
        self._listener.join()
        self._output.close()
        if self._child.stderr is not None:
            self._child.stderr.close()

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._child.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    @property
    def is_closed(self) -> bool:
        """Whether it has been ended."""
        return self._output.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OriginServer(Process):
    """The server; `url` is where it is."""

    def __init__(self) -> None:
        super().__init__(["benchmarks.origin"])
        self.url = self.read()


class ContenderProcess(Process):
    """A contender; `versions` is what it is made of."""

    def __init__(self, place: str, hidden: Sequence[str] = (), python: str | Path = sys.executable) -> None:
        super().__init__(["benchmarks.contenders", place, *hidden], python)
        self.versions: dict[str, str] = json.loads(self.read())

    def do(self, order: Order) -> Sample:
        """Carry out an order. Raises RuntimeError for one that failed."""
        self.write(order.line())
        return Sample.read(self.read())
