"""An example goes into a provider file: only where the file is valid with it, and all that the example says holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..examples import Failure, run_example
from ..folders import builtin_folder, find_file, is_built_in, with_protocols
from ..loader import load_text
from ..loader.appended import with_example
from ..loader.source import read_file
from ..loader.yamlout import yaml_text
from ..provider import Provider
from ..replacing import replace_text
from ..spec import Example
from ..version import __version__

Folders = tuple[Path, ...]

_ROUNDS = 12
"""How often something that cannot be repeated is left out of an example before it is given up."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where an example was written, and what of its requests was left out because no other call repeats it."""

    file: str
    line: int
    name: str
    left_out: tuple[str, ...] = ()


def refuse_unfit(file: Path, provider: Provider, folders: Folders = ()) -> None:
    """Raise SpecError or UsageError for a file that could not take any example: better before a call than after it."""
    text, _ = _read(file, provider, folders)
    with_example(text, str(file), {"name": "-"}, "-")
    if file.exists():
        _load(text, file, folders)


def add_example(
    file: Path,
    tree: Mapping[str, Any],
    provider: Provider,
    origin: str,
    moment: datetime,
    folders: Folders,
) -> Written:
    """Write the example `tree`, which has no name yet, behind the others of a file."""
    text, old = _read(file, provider, folders)
    taken = _names(text, file, folders)
    name = _name(origin, moment, taken)
    comment = f"recorded {moment:%Y-%m-%d} with wirefile {__version__}" + (f", from {origin}" if origin else "")
    example: dict[str, Any] = {"name": name, **tree}
    left_out: list[str] = []
    for _ in range(_ROUNDS):
        new = with_example(text, str(file), example, comment)
        added, failures = _checked(new, file, name, folders)
        if not failures:
            _replace(file, old, new)
            return Written(str(file), added.line, name, tuple(left_out))
        left_out += _leave_out(example, failures, file)
    raise UsageError(f"the example does not hold in {file}: {failures[0]}; nothing is recorded")


def _checked(text: str, file: Path, name: str, folders: Folders) -> tuple[Example, list[Failure]]:
    loaded = _load(text, file, folders)
    example = next(example for example in loaded.spec.examples if example.name == name)
    return example, run_example(loaded, example)


def _leave_out(example: dict[str, Any], failures: list[Failure], file: Path) -> list[str]:
    """Take out of the requests what another call does not repeat: a random number, a date. Raises UsageError for more.

    Only what a request says can be such: a reply is always read the same.
    """
    gone = []
    for failure in failures:
        parts = failure.path.split(".")
        holder: Any = example
        if parts[0] == "steps" and len(parts) > 2 and parts[1].isdigit():
            holder, parts = example["steps"][int(parts[1])], parts[2:]
        if parts[0] != "request" or len(parts) < 2:
            raise UsageError(f"the example does not hold in {file}: {failure}; nothing is recorded")
        where, key = holder["request"], parts[1]
        if key == "headers":
            where, key = where["headers"], ".".join(parts[2:])
        if where.pop(key, None) is not None:
            gone.append(failure.path.partition(f".{key}")[0] + f".{key}")
        if holder["request"].get("headers") == {}:
            del holder["request"]["headers"]
        if not holder["request"]:
            del holder["request"]
    return gone


def _names(text: str, file: Path, folders: Folders) -> set[str]:
    if not file.exists():
        return set()
    return {example.name for example in _load(text, file, folders).spec.examples}


def _name(origin: str, moment: datetime, taken: set[str]) -> str:
    name = f"recorded{f' from {origin}' if origin else ''} on {moment:%Y-%m-%d at %H:%M:%S}"
    names = (name, *(f"{name} ({number})" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _load(text: str, file: Path, folders: Folders) -> Provider:
    places = (file.parent, *folders)
    return Provider(load_text(text, str(file), shipped=file.exists() and is_built_in(file), folders=places))


def _read(file: Path, provider: Provider, folders: Folders) -> tuple[str, bytes | None]:
    """The file's text and its bytes; of one that is not there, the text that it begins with."""
    if file.exists():
        source = read_file(file, str(file))
        return source.text, file.read_bytes()
    if file.suffix not in (".yaml", ".yml") or not file.parent.is_dir():
        raise UsageError(f"{file} is not there and cannot be made; name a .yaml file in a folder that is there")
    name = provider.name
    places = with_protocols([file.parent, *folders, builtin_folder()])
    if file.stem == name or find_file(name, places) is None:
        raise UsageError(f"{file} is not there, and a new one would extend {name}; name the file of {name} itself")
    head = {"spec_version": 1, "name": file.stem, "title": provider.spec.title, "extends": name}
    return f"{yaml_text(head)}\n", None


def _replace(file: Path, old: bytes | None, text: str) -> None:
    """Put the text in the place of the file. Raises UsageError where it has changed since."""
    if (file.read_bytes() if file.exists() else None) != old:
        raise UsageError(f"{file} was changed by someone else in the meantime; record again")
    replace_text(file, text)
