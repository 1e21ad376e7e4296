"""Provider file -> checked ProviderSpec, or all of its problems at once. Reads no environment, network or clock.

The text is read by yamltext.py (restricted YAML, every value with its place), held against the published schema by
schema.py, checked across its parts by checks.py, and only then built into values by build.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..errors import Problem, Problems, SpecError
from ..folders import builtin_folder, find_file, stems, with_protocols
from ..spec import ProviderSpec
from .build import build
from .checks import Subject, check
from .inherit import inherited
from .patches import patch_problems, patched
from .schema import examine, type_name
from .source import Mark, Source, decode, read_file
from .together import Named, by_name, by_stem
from .yamltext import Document, read

NEWEST_VERSION = 1
MAX_PROBLEMS = 100
"""How many problems of one file are worked out: a hostile file may hold a hundred thousand."""

_UNREADABLE = frozenset({"yaml-syntax", "yaml-tab", "too-deep", "encoding", "spec-too-big"})
"""The rules after which a document is not whole, so that nothing more can be said of it."""

_STAND_INS = frozenset({"not-finite", "number-too-long"})
"""The rules after which a 0 stands for what was written: nothing is said of that 0."""

__all__ = ["examined", "load", "load_text", "problems_of", "problems_of_text", "spec_for"]


@dataclass(frozen=True, slots=True)
class _Around:
    """What a file is loaded in: whether it came with the package, where parents are, what it may read."""

    shipped: bool = False
    folders: tuple[Path, ...] = ()
    allow_env: frozenset[str] = frozenset()
    redirected: bool = False


def load(
    path: Path | str,
    *,
    shipped: bool = False,
    folders: Iterable[Path] = (),
    allow_env: Collection[str] = (),
    redirected: bool = False,
    text: str | None = None,
) -> ProviderSpec:
    """The provider file at `path`. Raises SpecError with every problem of it.

    `shipped` says that the file came with the package, so that it may read protected variables; `allow_env` names
    those that the caller lets any file read; `redirected` that a base URL of the caller's stands for the file's `url`.
    What the file extends is looked for beside it, in `folders`, and among the built-in files; in each folder also
    below `protocols`. `text` stands for what the file says: to see whether it may be written.
    """
    around = _Around(shipped, (Path(path).parent, *folders), frozenset(allow_env), redirected)
    source = read_file(Path(path), str(path)) if text is None else decode(text.encode(), str(path))
    document, found = _examine(source, around)
    Problems(found).raise_if_any()
    return build(document)


def load_text(text: str, file: str = "<text>", *, shipped: bool = False, folders: Iterable[Path] = ()) -> ProviderSpec:
    """A provider file from its text; `file` is the name that problems bear, the rest is that of `load`.

    >>> load_text("spec_version: 2")
    Traceback (most recent call last):
    ...
    engine.errors.SpecError: <text>:1:15: future-version: spec_version is 2, this engine knows 1; update wirefile
    """
    document, found = _examine(decode(text.encode("utf-8", "surrogatepass"), file), _Around(shipped, tuple(folders)))
    Problems(found).raise_if_any()
    return build(document)


def problems_of(path: Path | str, *, shipped: bool = False, folders: Iterable[Path] = ()) -> list[Problem]:
    """Every problem of a file, warnings included, in the order of its lines."""
    return examined(path, shipped=shipped, folders=folders)[1]


def problems_of_text(data: bytes, file: str) -> list[Problem]:
    """Every problem of a file that came as bytes (standard input)."""
    try:
        source = decode(data, file)
    except SpecError as error:
        return list(error.problems)
    return _examine(source, _Around())[1]


def examined(path: Path | str, *, shipped: bool = False, folders: Iterable[Path] = ()) -> tuple[Named, list[Problem]]:
    """What a file calls itself, and every problem of it: for those who look at several files at once."""
    around = _Around(shipped, (Path(path).parent, *folders))
    try:
        source = read_file(Path(path), str(path))
    except SpecError as error:
        return by_stem(path), list(error.problems)
    document, found = _examine(source, around)
    return by_name(document), found


def _examine(source: Source, around: _Around) -> tuple[Document, list[Problem]]:
    problems = Problems()
    document = read_whole(source, around.folders, problems)
    broken = any(problem.rule in _UNREADABLE for problem in problems.found)
    data = document.data
    if not broken and data is None:
        message = "the file is empty"
        problems.found.append(document.problem((), "empty-document", message, "begin it with spec_version: 1"))
    elif not broken and not isinstance(data, dict):
        message = f"the file is {type_name(data)}, where a map is due"
        problems.found.append(document.problem((), "not-a-mapping", message, "begin it with spec_version: 1"))
    elif not broken and (wrong_version := _version(document)):
        problems.found.append(wrong_version)
    elif not broken:
        stand_ins = {(found.line, found.column) for found in problems.found if found.rule in _STAND_INS}

        def found_in(document: Document) -> list[Problem]:
            found = _judged(document, around)
            return [problem for problem in found if (problem.line, problem.column) not in stand_ins]

        problems.found.extend(found_in(document))
        problems.found.extend(islice(patch_problems(document, problems.found, found_in), MAX_PROBLEMS))
    return document, _in_order(source.file, problems.found)


def _judged(document: Document, around: _Around) -> list[Problem]:
    """What is wrong with a document that is a map of this version."""
    violations, marked = examine(document.data, MAX_PROBLEMS)
    found = [
        document.problem(violation.place, violation.rule, violation.message, violation.hint, key=violation.key)
        for violation in violations
    ]
    templated = frozenset(mark.place for mark in marked if mark.mark == "x-template")
    subject = Subject(document, document.data, around.shipped, around.allow_env, around.redirected, templated)
    return [*found, *islice(check(subject, marked), MAX_PROBLEMS)]


def spec_for(spec: ProviderSpec, indexes: Collection[int]) -> ProviderSpec:
    """The file with some of its patches laid over it, in order. Raises SpecError where they do not go together.

    One patch by itself was examined when the file was loaded; of several, only those that match a model which the file
    names were.
    """
    source = Source(spec.file, "")
    document = Document(source, dict(spec.tree), {(): Mark(source, 0, 0)})
    result = patched(document, indexes, Problems())
    if len(indexes) > 1:
        last = spec.models.patches[max(indexes)]
        found = [
            problem for problem in _judged(result, _Around(shipped=True)) if not problem.path.startswith("examples")
        ]
        message = "with every patch that matches this model"
        Problems(
            [replace(p, file=last.file, line=last.line, column=1, message=f"{message}, {p.message}") for p in found]
        ).raise_if_any()
    return replace(build(result), examples=spec.examples)


def read_whole(source: Source, folders: Iterable[Path], problems: Problems) -> Document:
    """The document of a source with all that it inherits."""
    places = with_protocols([*folders, builtin_folder()])
    document = read(source, problems)
    if any(problem.rule in _UNREADABLE for problem in problems.found):
        return document
    return inherited(document, lambda name: find_file(name, places), lambda: stems(places), problems)


def _in_order(file: str, found: list[Problem]) -> list[Problem]:
    """Each problem once, in the order of lines; the file's own before those that it inherits."""
    ordered = sorted(dict.fromkeys(found), key=lambda p: (p.file != file, p.file, p.line, p.column))
    return ordered[:MAX_PROBLEMS]


def _version(document: Document) -> Problem | None:
    """Nothing else is guessed about a file of another version."""
    if "spec_version" not in document.data:
        message = "the file does not say which version of the language it is written in"
        return document.problem((), "bad-version", message, f"add spec_version: {NEWEST_VERSION}")
    version = document.data["spec_version"]
    if type(version) is not int or version < 1:
        message = f"spec_version is {type_name(version)}" if type(version) is not int else f"spec_version is {version}"
        return document.problem(("spec_version",), "bad-version", message, f"write spec_version: {NEWEST_VERSION}")
    if version > NEWEST_VERSION:
        message = f"spec_version is {version}, this engine knows {NEWEST_VERSION}"
        return document.problem(("spec_version",), "future-version", message, "update wirefile")
    return None
