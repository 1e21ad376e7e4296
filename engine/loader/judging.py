"""The judgement of a provider file: every problem of a source, with all that it inherits and with each of its patches.

Here yaml, jsonschema and the template engine are needed. A file that was judged before, and found sound, is not judged
again: remembered.py.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

from ..errors import Problem, Problems
from .around import Around
from .checks import Subject, check
from .document import Document
from .inherit import SPOILS, inherited
from .patches import patch_problems
from .schema import Examined, examine
from .source import Source
from .spelling import respelt, violation_problem
from .versions import version_problem
from .wording import type_name
from .yamltext import read

MAX_PROBLEMS = 100
"""How many problems of one file are worked out: a hostile file may hold a hundred thousand."""

_ALONE = frozenset(
    {
        *("not-finite", "number-too-long", "tag-not-allowed", "alias-not-allowed", "key-not-string"),
        *("inline-secret", "remote-ref", "ref-loop", "template-forbidden", "secret-not-allowed-here"),
    }
)
"""The rules beside which nothing else is said of the same place: it would be about what stands in for the value."""


def judge(source: Source, around: Around) -> tuple[Document, list[Problem]]:
    """The document of a source with all that it inherits, and every problem of it, in the order of its lines."""
    problems = Problems()
    document = read(source, problems)
    broken = any(problem.rule in SPOILS for problem in problems.found)
    if not broken:
        written, document = document, inherited(document, around.places, problems)
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
        problems.found.extend(judge_whole(spelt, around, seen))

        patched_problems = patch_problems(spelt, problems.found, partial(judge_patched, around=around))
        problems.found.extend(islice(patched_problems, MAX_PROBLEMS))
    return document, _in_order(source.file, problems.found)


def judge_whole(document: Document, around: Around, seen: Examined) -> list[Problem]:
    """What is wrong with a document that is a map of this version."""
    violations, marked = seen
    found = [violation_problem(document, violation) for violation in violations]
    templated, paths = (
        frozenset(mark.place for mark in marked if mark.mark == word) for word in ("x-template", "x-path")
    )
    subject = Subject(document, document.data, around.shipped, around.allow_env, around.redirected, templated, paths)
    found += islice(check(subject, marked), MAX_PROBLEMS)
    return [problem for problem in found if not document.is_torn or not _answered_above(problem)]


_ANY_EXAMPLES = [{"name": "any", "call": {"messages": "Hi"}, "reply": {}, "expect": {"text": ""}}]


def judge_patched(document: Document, around: Around) -> list[Problem]:
    """What is wrong with a document whose patches are laid over it, its examples aside: it has none."""
    whole = {**document.data, "examples": _ANY_EXAMPLES}  # else the schema would speak of these first
    found = judge_whole(document, around, examine(whole, MAX_PROBLEMS))
    return [problem for problem in found if not problem.path.startswith("examples")]


def _answered_above(problem: Problem) -> bool:
    """Whether a problem may be none once the parent that was not found is there."""
    is_unknown = problem.rule.startswith(("undefined-", "unknown-")) and "did you mean" not in problem.hint
    lacks = problem.rule in ("missing-key", "unused-param", "unset-missing", "no-text-rule", "no-end-rule", "dead-rule")
    return (is_unknown and problem.rule != "unknown-key") or lacks


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
