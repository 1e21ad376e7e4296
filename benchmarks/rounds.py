"""Rounds of a case: each contender once a round, in an order that turns, so that what the machine does meanwhile meets
all of them; ratios are taken within a round."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from .answers import Answer, answer
from .cases import BESIDE_FAST, CPU, FIRST, MEMORY, WALL, Case
from .contenders.known import FAST, KNOWN, fast_packages, require_fast
from .contenders.order import Order, Sample
from .dialect import Dialect
from .figures import Figure
from .processes import ContenderProcess


class Runner:
    """Runs cases against an origin, and keeps what the contenders are made of and why one of them has failed.

    The processes of contenders live as long as it does, except where their memory is measured.
    """

    def __init__(self, url: str, rounds: int, peers: Mapping[str, Path], tell: Callable[[str], None]) -> None:
        self.url = url
        self.rounds = rounds
        self._peers = peers
        self._tell = tell
        self._kept: dict[str, ContenderProcess] = {}
        self.versions: dict[str, dict[str, str]] = {}
        self.failures: list[tuple[str, str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._kept.popitem()[1].close()

    def figures(self, case: Case) -> list[Figure]:
        """The figures of a case."""
        samples = self.samples(case)
        if case.base not in samples:
            return []
        figures = [_figure(case, measure, who, samples) for who in samples for measure in case.measures]
        if case.peers is not None and FAST in samples:
            figures += [_beside_fast(case, peer, samples) for peer in self._peers if peer in samples]
        return figures

    def samples(self, case: Case) -> dict[str, list[Sample]]:
        """What each contender has cost in each round; who has failed is left out."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            order = Order(case.act, f"{self.url}/{case.answer}", case.times, case.warm_up, _file(case.answer, folder))
            processes: dict[str, ContenderProcess] = {}
            for who in [*case.who, *(self._peers if case.peers is not None else ())]:
                with self.or_told(case.name, who):
                    processes[who] = (
                        stack.enter_context(self.start(who)) if MEMORY in case.measures else self._keep(who)
                    )
            samples: dict[str, list[Sample]] = {who: [] for who in processes}
            for number in range(self.rounds):
                self._tell(f"{case.name}: round {number + 1} of {self.rounds}")
                for who in _turned(list(samples), number):
                    with self.or_told(case.name, who):
                        samples[who].append(_checked(processes[who], order, who))
                samples = {who: found for who, found in samples.items() if len(found) > number}
        return samples

    def start(self, who: str) -> ContenderProcess:
        """A contender's process. Raises RuntimeError when it does not come up."""
        known = KNOWN[who]
        if known.extra:
            require_fast()
        hidden = fast_packages() if known.extra is False else []
        process = ContenderProcess(known.place, hidden, *([self._peers[who]] if known.is_peer else []))
        self.versions[who] = process.versions
        return process

    def _keep(self, who: str) -> ContenderProcess:
        if who not in self._kept or self._kept[who].is_closed:
            self._kept[who] = self.start(who)
        return self._kept[who]

    @contextmanager
    def or_told(self, case: str, who: str) -> Iterator[None]:
        """Note why there is no figure, and go on."""
        try:
            yield
        except RuntimeError as error:
            self._tell(f"{case}: {who}: {error}")
            self.failures.append((case, who, str(error)))


def _file(name: str, folder: Path) -> str | None:
    """The provider file of an answer that is in an invented dialect."""
    shape, *numbers = name.split("-")
    if shape != "invented":
        return None
    dialect = Dialect.invent(int(numbers[0]))
    file = folder / f"{dialect.name}.yaml"
    file.write_text(dialect.file, encoding="utf-8")
    return str(file)


def _turned(names: Sequence[str], number: int) -> list[str]:
    start = number % len(names) if names else 0
    return [*names[start:], *names[:start]]


SIZES: Mapping[str, Callable[[Answer], int]] = {
    "text": lambda answer: answer.characters,
    "body": lambda answer: answer.body_bytes,
    "wire": lambda answer: answer.wire_bytes,
}


def _checked(process: ContenderProcess, order: Order, who: str) -> Sample:
    """A sample of a contender that was given all there was. Raises RuntimeError for any other."""
    sample, expected = process.do(order), SIZES[KNOWN[who].reads](answer(order.answer)) * order.times
    if sample.size != expected:
        raise RuntimeError(f"was given {sample.size} of {expected}")
    return sample


MEASURES: Mapping[str, tuple[str, Callable[[Case, Sample, Sample], float], Callable[[Case, Sample], float] | None]] = {
    CPU: ("H", lambda case, mine, base: mine.cpu / base.cpu, lambda case, mine: mine.cpu / case.times / case.units),
    FIRST: ("H", lambda case, mine, base: mine.first / base.first, lambda case, mine: mine.first),
    WALL: ("x ideal", lambda case, mine, base: mine.wall / case.ideal, lambda case, mine: mine.wall),
    MEMORY: ("KiB", lambda case, mine, base: mine.memory / case.times / 1024, None),
}
"""Of each measure its unit, the value of a round beside the base's, and the same in seconds."""


def _figure(case: Case, measure: str, who: str, samples: Mapping[str, Sequence[Sample]]) -> Figure:
    unit, value, seconds = MEASURES[measure]
    values = [value(case, mine, base) for mine, base in zip(samples[who], samples[case.base], strict=True)]
    if measure == MEMORY:
        values = [max(values)]  # what the first round took, the others take again
    absolute = [seconds(case, mine) for mine in samples[who]] if seconds else []
    return Figure.of(case.name, measure, who, values, unit, absolute, goal=case.goals.get((measure, who)))


def _beside_fast(case: Case, peer: str, samples: Mapping[str, Sequence[Sample]]) -> Figure:
    """How often the peer's cost is ours."""
    values = [theirs.cpu / ours.cpu for theirs, ours in zip(samples[peer], samples[FAST], strict=True)]
    figure = Figure.of(case.name, BESIDE_FAST, peer, values, "x fast", goal=(case.peers or {}).get(peer))
    return replace(figure, is_floor=True)
