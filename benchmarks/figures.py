"""What has been measured: figures, each with its goal, and the machine they come from; as a file and back."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the median of its rounds, with the lowest and the highest of them.

    `absolute` is the same in a unit of its own (seconds per delta, ...), where the figure is a ratio.
    """

    case: str
    measure: str
    who: str
    value: float
    low: float
    high: float
    unit: str
    absolute: float | None = None
    goal: float | None = None
    is_floor: bool = False
    """The goal is the least, not the most."""

    @classmethod
    def of(
        cls,
        case: str,
        measure: str,
        who: str,
        values: Sequence[float],
        unit: str,
        absolute: Sequence[float] = (),
        goal: float | None = None,
    ) -> Self:
        """The figure of some rounds."""
        middle = statistics.median(absolute) if absolute else None
        return cls(case, measure, who, statistics.median(values), min(values), max(values), unit, middle, goal)

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached; a figure without one has nothing to miss."""
        return self.goal is None or (self.value >= self.goal if self.is_floor else self.value <= self.goal)


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of one run. `failures` says of a contender in a case why there is no figure."""

    date: str
    command: str
    machine: str
    rounds: int
    seed: int
    """Of the invented dialect."""
    figures: tuple[Figure, ...] = ()
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: tuple[tuple[str, str, str], ...] = ()

    def save(self, file: Path) -> None:
        """Write them as JSON, to six digits."""
        file.write_text(json.dumps(_short(asdict(self)), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what `save` has written."""
        data = json.loads(file.read_text(encoding="utf-8"))
        figures = tuple(Figure(**figure) for figure in data.pop("figures"))
        failures = tuple((case, who, why) for case, who, why in data.pop("failures"))
        return cls(**data, figures=figures, failures=failures)


def _short(value: Any) -> Any:
    """The same with no more digits than a measurement has."""
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
