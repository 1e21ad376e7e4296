"""Problems as SARIF 2.1.0, which code scanning reads: each result with its place, each rule with what it means.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. A rule has no `helpUri`: its help is in the report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ..errors import Problem
from ..loader.rulebook import Rule, rulebook
from ..version import __version__
from .explain import as_markdown, as_text
from .reporters import words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(problems: Sequence[Problem]) -> str:
    """A log of one run."""
    names = sorted({problem.rule for problem in problems})
    driver = {"name": "wirefile", "semanticVersion": __version__, "rules": [_rule(rulebook()[name]) for name in names]}
    results = [_result(problem, names.index(problem.rule)) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": as_text(rule), "markdown": as_markdown(rule)},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.chapter]},
    }


def _result(problem: Problem, index: int) -> dict[str, Any]:
    region = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": words(problem)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(problem.file)}, "region": region}}],
    }


def _uri(file: str) -> str:
    """A path as a URI reference: relative as it was given, absolute as `file:`."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
