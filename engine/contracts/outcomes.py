"""The examples of one file run one after another: what came of each, and where what did not hold is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..comparison import NOTHING
from ..errors import Problem, SpecError
from ..examples import Failure, Proven, run_example
from ..folders import is_built_in
from ..loader import load
from ..loader.positions import Position, Positions
from ..provider import Provider
from ..spec import Example

if TYPE_CHECKING:
    from ..cache import Cache


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure and where the expectation that does not hold is written."""

    failure: Failure
    position: Position

    def data(self) -> dict[str, Any]:
        """The finding as plain data; a side that has no value has no key."""
        failure = self.failure
        sides = {"expected": failure.expected, "observed": failure.observed}
        place = {"file": self.position.file, "line": self.position.line, "column": self.position.column}
        values = {side: value for side, value in sides.items() if value is not NOTHING}
        return {"path": failure.path, **place, **values, "cut": failure.cut, "message": str(failure)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one example, or of a file that is none: then `problems` says why, and `example` is empty.

    `written` and `line` say where the example stands: in the file itself, or in one that it extends.
    """

    file: str
    written: str
    line: int
    example: str
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all of it holds."""
        return not self.findings and not self.problems

    def data(self) -> dict[str, Any]:
        """The outcome as plain data."""
        failures = [finding.data() for finding in self.findings]
        failures += [
            {"path": p.path, "file": p.file, "line": p.line, "column": p.column, "cut": "", "message": str(p)}
            for p in self.problems
        ]
        head = {"file": self.file, "written": self.written, "line": self.line, "example": self.example}
        return {**head, "ok": self.ok, "failures": failures}


def provider_of(
    file: Path, folders: Iterable[Path], text: str | None = None, cache: Cache | None = None
) -> tuple[Provider, tuple[Example, ...]]:
    """The provider of a file, or of another text in its place, and its examples.

    Raises SpecError with every problem of the file.
    """
    data = None if text is None else text.encode()
    spec = load(file, shipped=is_built_in(file), folders=folders, data=data, cache=cache)
    return Provider(spec), spec.examples


def outcomes(
    file: Path, folders: Iterable[Path], proven: Proven | None = None, cache: Cache | None = None
) -> Iterator[Outcome]:
    """What comes of each example of a file; `proven` is that of `run_example`, `cache` that of `load`."""
    try:
        provider, examples = provider_of(file, folders, cache=cache)
    except SpecError as error:
        yield Outcome(str(file), str(file), error.problems[0].line, "", problems=tuple(error.problems))
        return
    for example in examples:
        yield outcome_of(provider, example, folders, proven)


def outcome_of(provider: Provider, example: Example, folders: Iterable[Path], proven: Proven | None = None) -> Outcome:
    """What comes of one example. Where its parts are written is looked up only when something failed."""
    file = provider.spec.file
    findings: tuple[Finding, ...] = ()
    if failures := run_example(provider, example, proven=proven):
        positions = Positions(file, folders)
        findings = tuple(Finding(failure, positions.of(example.name, failure.place)) for failure in failures)
    return Outcome(file, example.file, example.line, example.name, findings)
