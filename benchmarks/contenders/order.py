"""What is said between the measurements and a contender's process: an order in, a sample out, each one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Order:
    """Do `act` with the answer at `url`.

    `times` is how many calls, one behind the other or, in the act `together`, all at once, behind `warm_up` calls that
    do not count; `file` a provider file for who reads one, else the API is chat completions.
    """

    act: str
    url: str
    times: int = 1
    warm_up: int = 1
    file: str | None = None

    @property
    def answer(self) -> str:
        """The name of the answer, for who looks up what it holds."""
        return self.url.rsplit("/", 1)[1]

    @property
    def most(self) -> int:
        """How many connections there are at once."""
        return self.times if self.act == "together" else 1

    def line(self) -> str:
        """The order as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Self:
        """The order of a line."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Sample:
    """What all calls of an order have cost together, in seconds and bytes; `size` is what was given of the answers."""

    cpu: float
    wall: float
    first: float
    """From a call to the first of its answer, the median."""
    memory: int
    """The most that was held beyond what there was before."""
    size: int
    count: int
    """Of pieces."""

    def line(self) -> str:
        """The sample as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Self:
        """The sample of a line. Raises RuntimeError for a contender that says why there is none."""
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return cls(**found)
