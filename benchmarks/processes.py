"""The processes of the measurements: the origin server, and a contender that is given orders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .contenders.order import Order, Sample

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300.0
"""Seconds that a contender may take for one order."""
HOMELY = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "*",
    "PYTHONPATH": "",
}
"""What keeps contenders from asking the network for anything but the origin."""


def environment() -> dict[str, str]:
    """The variables of a process that is measured."""
    return {**os.environ, **HOMELY}


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
        self._complaint: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._complaint = [*self._complaint[-20:], line]

    def read(self) -> str:
        """Its next line. Raises RuntimeError when it is gone or takes too long."""
        assert self._child.stdout is not None
        timer = threading.Timer(PATIENCE, self._child.kill)
        timer.start()
        try:
            line = self._child.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self._listener.join(1)
            last = [line.strip() for line in self._complaint if line.strip()][-1:]
            raise RuntimeError(last[0] if last else f"gave no answer within {PATIENCE:.0f} s")
        return line.strip()

    def write(self, line: str) -> None:
        """Give it a line."""
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._child as child:  # closes its input, then waits
            timer = threading.Timer(10, child.kill)
            timer.start()
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            child.stdout.read()
            child.wait()
            timer.cancel()
            self._listener.join(1)


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
