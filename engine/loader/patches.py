"""`models.patches`: the file as it counts for some models, and what is wrong with it then.

A patch is laid over the file as a file is over its parent. At load each patch is tried by itself, and together with
the others that match a model which the file names; what only another model brings together is tried when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from ..errors import Problem, Problems
from ..fitting import patches_for
from .document import MAX_NODES, Document, Place
from .inherit import laid_over
from .published import schema

PLACE: Place = ("models", "patches")
MAX_PATCHES = 32
MAX_UNSET = 100
MAX_MODELS = 64
MAX_NAME = 200
MAX_WORK = 4 * MAX_NODES
"""How many values all patched results may hold together, examples aside: each is examined like a file."""

Examine = Callable[[Document], list[Problem]]


def patched(document: Document, indexes: Collection[int], problems: Problems) -> Document:
    """The document with some of its patches laid over it, in order; it has no patches and no examples of its own."""
    result = _without_patches(document)
    for index in indexes:
        own = {key: result.data[key] for key in ("unset",) if key in result.data}
        result = laid_over(dict(result.data), result, _patch(document, index), problems)
        result.data = {key: value for key, value in result.data.items() if key not in ("match", "unset")} | own
    return result


def _without_patches(document: Document) -> Document:
    """The document without what no patch can touch and is not examined again: its patches and its examples."""
    models = {key: value for key, value in document.data["models"].items() if key != "patches"}
    values, keys = (
        {place: mark for place, mark in marks.items() if place[:1] != ("examples",) and place[:2] != PLACE}
        for marks in (document.values, document.keys)
    )
    return replace(document, data=document.data | {"models": models, "examples": []}, values=values, keys=keys)


def _patch(document: Document, index: int) -> Document:
    """One patch as a document of its own, its places counted from its top."""
    top = (*PLACE, index)
    values, keys = (
        {place[len(top) :]: mark for place, mark in marks.items() if place[: len(top)] == top}
        for marks in (document.values, document.keys)
    )
    values[()] = document.mark(top)
    patch = document.data["models"]["patches"][index]
    known = schema()["$defs"]["patch"]["properties"]  # a key that no patch may have was reported, and changes nothing
    return Document(document.source, {key: patch[key] for key in known if key in patch}, values, keys)


def patch_problems(document: Document, found: Collection[Problem], examine: Examine) -> Iterator[Problem]:
    """What is wrong with the file once its patches are laid over it, and was not wrong before (`found`)."""
    patches = patterns_of(document.data)
    if not patches:
        return
    sets: dict[tuple[int, ...], None] = {(index,): None for index in range(len(patches))}
    sets |= {indexes: None for name in _models_named(document.data) if (indexes := patches_for(patches, name))}
    size = len(_without_patches(document).values)
    if size * len(sets) > MAX_WORK:
        message = f"the file with each of its patches holds more than {MAX_WORK} values"
        yield document.problem(PLACE, "spec-too-big", message, "patch less, or split the file")
        return
    known = {_identity(problem) for problem in found}
    for indexes in sets:
        problems = Problems()
        result = patched(document, indexes, problems)
        for problem in [*problems.found, *examine(result)]:
            if _identity(problem) not in known:
                known.add(_identity(problem))
                yield _in_patch(document, indexes, problem)


def patterns_of(data: Any) -> list[list[str]]:
    """The patterns of each patch; none where a patch is not what the schema says, which speaks of it."""
    models = data.get("models")
    patches = models.get("patches") if isinstance(models, dict) else None
    if not isinstance(patches, list) or len(patches) > MAX_PATCHES:
        return []
    unset = [patch.get("unset") for patch in patches if isinstance(patch, dict)]
    if any(isinstance(paths, list) and len(paths) > MAX_UNSET for paths in unset):
        return []
    patterns = [patch.get("match") if isinstance(patch, dict) else None for patch in patches]
    lists = [[pattern] if isinstance(pattern, str) else pattern for pattern in patterns]
    if not all(isinstance(pattern, list) and all(isinstance(item, str) for item in pattern) for pattern in lists):
        return []
    return [pattern for pattern in lists if pattern is not None]


def _models_named(data: Any) -> list[str]:
    """The models that the file speaks of, by their names on the wire; the first of very many."""
    models = data["models"]
    aliases = models.get("aliases")
    aliases = aliases if isinstance(aliases, dict) else {}
    examples = data.get("examples")
    calls = (
        [example.get("call") for example in examples if isinstance(example, dict)] if isinstance(examples, list) else []
    )
    named = [models.get("default"), *aliases.values(), *(call.get("model") for call in calls if isinstance(call, dict))]
    allow = models.get("allow")
    known = [*named, *(allow if isinstance(allow, list) else ())]
    models_on_wire = [aliases.get(name, name) for name in known if isinstance(name, str)]
    short = dict.fromkeys(name for name in models_on_wire if isinstance(name, str) and len(name) <= MAX_NAME)
    return list(short)[:MAX_MODELS]


def _identity(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.rule


def _in_patch(document: Document, indexes: Collection[int], problem: Problem) -> Problem:
    """A problem where its cause is: in a patch that holds its place, else at the last patch of those laid on."""
    several = "" if len(indexes) == 1 else " (several patches match one model that the file names)"
    for index in indexes:
        mark = document.mark((*PLACE, index))
        start, end = (mark.source.position(offset) for offset in (mark.start, mark.end))
        if problem.file == mark.source.file and start <= (problem.line, problem.column) < end:
            return replace(problem, message=problem.message + several)
    message = f"with this patch, {problem.message}{several}"
    place = (*PLACE, max(indexes), "match")
    return document.problem(place, problem.rule, message, problem.hint, severity=problem.severity)
