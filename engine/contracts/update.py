"""What was observed, written into a file's examples: only what `request` and `expect` name, all else as it stood.

The new text is tried before it is written: a file that would be invalid, or an example that would still fail, is left
as it is. So is what says nothing about a value: a request that cannot be made, an answer that did not come.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..comparison import NOTHING, Place, Words
from ..errors import Problems, SpecError
from ..examples import Failure, run_example
from ..loader.document import Document
from ..loader.source import read_file
from ..loader.splice import NotSplicedError, spliced
from ..loader.yamltext import read
from ..replacing import replace_text
from .outcomes import Outcome, provider_of

NO_VALUE: Final = {
    "call": "its request cannot be made",
    "steps": "its steps lead to no answer",
    "expect": "its reply comes to no answer",
}
"""Why there is no value to write, by the part of an example that failed as a whole."""


@dataclass(frozen=True, slots=True)
class Left:
    """An example that was not updated, and why."""

    outcome: Outcome
    reason: str

    def __str__(self) -> str:
        return f"{self.outcome.written}:{self.outcome.line}  {self.outcome.example or 'the file'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Update:
    """The examples of a file that were updated, and those that were left."""

    written: tuple[Outcome, ...] = ()
    left: tuple[Left, ...] = ()


def update(file: Path, failed: Collection[Outcome], folders: Iterable[Path]) -> Update:
    """Write into a file what was observed where its examples failed. Raises OSError when it cannot be written."""
    left = [Left(outcome, reason) for outcome in failed if (reason := _reason(outcome))]
    due = [outcome for outcome in failed if not _reason(outcome)]
    if due and not _is_writable(file):
        return Update(left=(*left, *(Left(outcome, "the file is read-only") for outcome in due)))
    while due:
        document = read(read_file(file, str(file)), Problems())
        text, still = _tried(file, document, due, folders)
        if not still:
            replace_text(file, text)
            break
        left += [Left(outcome, reason) for outcome, reason in still]
        due = [outcome for outcome in due if outcome not in [stays for stays, _ in still]]
    return Update(tuple(due), tuple(left))


def _reason(outcome: Outcome) -> str:
    """Why an example cannot be updated; empty when it can."""
    if outcome.problems:
        return "the file is invalid"
    if outcome.written != outcome.file:
        return f"inherited by {outcome.file}; update the file in which it is written"
    for finding in outcome.findings:
        failure = finding.failure
        if failure.cut:
            return f"its answer is another when the reply is cut {failure.cut}: the file is not at fault"
        told = isinstance(failure.expected, Words) or isinstance(failure.observed, Words)
        if told and NOTHING not in (failure.expected, failure.observed):
            return f"{NO_VALUE[str(failure.place[0])]} ({failure.observed})"
    for finding in outcome.findings:
        if finding.failure.observed is NOTHING and not _is_part(finding.failure.place):
            return f"{finding.failure.path} has no value; take it out by hand if that is right"
    return ""


def _is_part(place: Place) -> bool:
    """Whether a place is inside a value that is compared as a whole, so that it may be missing there."""
    inside = place[2:] if place[0] == "steps" else place
    whole = inside[1] == "tool_calls" if inside[0] == "expect" else inside[1] != "headers"
    return whole and len(inside) > 2


def _tried(
    file: Path, document: Document, due: Collection[Outcome], folders: Iterable[Path]
) -> tuple[str, list[tuple[Outcome, str]]]:
    """The file's new text, and those examples that it would not put right, with the reason."""
    data = deepcopy(document.data)
    examples = {example["name"]: example for example in data["examples"]}
    for outcome in due:
        for finding in outcome.findings:
            _apply(examples[outcome.example], finding.failure)
    try:
        text = spliced(document, data)
        provider, written = provider_of(file, folders, text)
    except (NotSplicedError, SpecError) as error:
        fault = error.problems[0] if isinstance(error, SpecError) else "its form does not allow it"
        return "", [(outcome, f"what was observed cannot be written here: {fault}") for outcome in due]
    by_name = {example.name: example for example in written}
    still = [
        (outcome, f"it fails with what was observed, too: {failures[0]}")
        for outcome in due
        if (failures := run_example(provider, by_name[outcome.example], thorough=False))
    ]
    return text, still


def _apply(example: Any, failure: Failure) -> None:
    """Put what was observed in the place of what was expected. What a list has too much is at its end."""
    *above, key = failure.place
    container = example
    for part in above:
        container = container[part]
    if failure.observed is NOTHING and isinstance(container, list):
        del container[int(key) :]
    elif failure.observed is NOTHING:
        del container[key]
    elif isinstance(container, list) and key == len(container):
        container.append(failure.observed)
    else:
        container[key] = failure.observed


def _is_writable(file: Path) -> bool:
    # Renaming over a file asks nothing of the file itself, and its owner may have meant it to stay.
    return bool(file.stat().st_mode & stat.S_IWUSR) and os.access(file, os.W_OK)
