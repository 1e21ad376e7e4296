"""Provider file -> checked ProviderSpec, or all of its problems at once. Reads no environment, network or clock.

The text is read by yamltext.py (restricted YAML, every value with its place), held against the published schema by
schema.py, checked across its parts by checks.py, and only then built into values by build.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Problem, Problems, SpecError
from ..folders import builtin_folder, with_protocols
from .checks import Subject, check
from .inherit import SPOILS, inherited
from .patches import patch_problems, patched
from .schema import Examined, examine, type_name
from .several import Named, by_name, by_stem
from .source import Mark, Source, decode, read_file
from .spelling import respelt, violation_problem
from .versions import version_problem
from .yamltext import Document, read

if TYPE_CHECKING:
    from ..spec import ProviderSpec

MAX_PROBLEMS = 100
"""How many problems of one file are worked out: a hostile file may hold a hundred thousand."""

_ALONE = frozenset(
    {
        *("not-finite", "number-too-long", "tag-not-allowed", "alias-not-allowed", "key-not-string"),
        *("inline-secret", "remote-ref", "ref-loop", "template-forbidden", "secret-not-allowed-here"),
    }
)
"""The rules beside which nothing else is said of the same place: it would be about what stands in for the value."""

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
    return _built(document)


def load_text(text: str, file: str = "<text>", *, shipped: bool = False, folders: Iterable[Path] = ()) -> ProviderSpec:
    """A provider file from its text; `file` is the name that problems bear, the rest is that of `load`.

    >>> load_text("spec_version: 2")
    Traceback (most recent call last):
    ...
    engine.errors.SpecError: <text>:1:15: future-version: spec_version is 2, this engine knows 1; update wirefile
    """
    document, found = _examine(decode(text.encode("utf-8", "surrogatepass"), file), _Around(shipped, tuple(folders)))
    Problems(found).raise_if_any()
    return _built(document)


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
    document = read(source, problems)
    broken = any(problem.rule in SPOILS for problem in problems.found)
    if not broken:
        written, document = document, with_parents(document, around.folders, problems)
        if document is not written and _is_hollow(written.data):
            alone, _ = examine(written.data, MAX_PROBLEMS, is_whole=False)
            problems.found.extend(violation_problem(written, violation) for violation in alone)
    data = document.data
    if not broken and data is None:
        message = "the file is empty"
        problems.found.append(source.problem(0, "empty-document", message, "begin it with spec_version: 1"))
    elif not broken and not isinstance(data, dict):
        message = f"the file is {type_name(data)}, where a map is due"
        problems.found.append(document.problem((), "not-a-mapping", message, "begin it with spec_version: 1"))
    elif not broken and (wrong_version := version_problem(document)):
        problems.found.append(wrong_version)
    elif not broken:
        spelt, seen, slips = respelt(document, MAX_PROBLEMS)
        problems.found.extend(slips)
        problems.found.extend(_judged(spelt, around, seen))

        def found_in(document: Document) -> list[Problem]:
            return _judged(document, around, examine(document.data, MAX_PROBLEMS))

        patched_problems = patch_problems(spelt, problems.found, found_in)
        problems.found.extend(islice(patched_problems, MAX_PROBLEMS))
    return document, _in_order(source.file, problems.found)


def _judged(document: Document, around: _Around, seen: Examined) -> list[Problem]:
    """What is wrong with a document that is a map of this version."""
    violations, marked = seen
    found = [violation_problem(document, violation) for violation in violations]
    templated, paths = (
        frozenset(mark.place for mark in marked if mark.mark == word) for word in ("x-template", "x-path")
    )
    subject = Subject(document, document.data, around.shipped, around.allow_env, around.redirected, templated, paths)
    found += islice(check(subject, marked), MAX_PROBLEMS)
    return [problem for problem in found if not document.is_torn or not _answered_above(problem)]


def _answered_above(problem: Problem) -> bool:
    """Whether a problem may be none once the parent that was not found is there."""
    is_unknown = problem.rule.startswith(("undefined-", "unknown-")) and "did you mean" not in problem.hint
    lacks = problem.rule in ("missing-key", "unused-param", "unset-missing", "no-text-rule", "no-end-rule", "dead-rule")
    return (is_unknown and problem.rule != "unknown-key") or lacks


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
        judged = _judged(result, _Around(shipped=True), examine(result.data, MAX_PROBLEMS))
        found = [problem for problem in judged if not problem.path.startswith("examples")]
        message = "with every patch that matches this model"
        Problems(
            [replace(p, file=last.file, line=last.line, column=1, message=f"{message}, {p.message}") for p in found]
        ).raise_if_any()
    return replace(_built(result), examples=spec.examples)


def _built(document: Document) -> ProviderSpec:
    from .build import build  # what runs a file is not needed to judge one

    return build(document)


def read_whole(source: Source, folders: Iterable[Path], problems: Problems) -> Document:
    """The document of a source with all that it inherits."""
    return with_parents(read(source, problems), folders, problems)


def with_parents(document: Document, folders: Iterable[Path], problems: Problems) -> Document:
    """A document with all that it inherits."""
    return inherited(document, with_protocols([*folders, builtin_folder()]), problems)


def _is_hollow(data: Any) -> bool:
    """Whether a map holds an empty one, which what it inherits would hide from the schema; lists replace."""
    return data == {} or (isinstance(data, dict) and any(map(_is_hollow, data.values())))


def _in_order(file: str, found: list[Problem]) -> list[Problem]:
    """Each problem once, in the order of lines; the file's own before those that it inherits."""
    alone = {_place(problem): problem.rule for problem in found if problem.rule in _ALONE}
    said = [problem for problem in dict.fromkeys(found) if alone.get(_place(problem), problem.rule) == problem.rule]
    return sorted(said, key=lambda p: (p.file != file, p.file, p.line, p.column))[:MAX_PROBLEMS]


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column
