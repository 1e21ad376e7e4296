"""Problems in the formats that people and CI systems read. `REPORTERS` is the table: (files, problems) -> text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import PurePath
from typing import Any

from ..errors import Problem
from ..version import __version__

Problems = Sequence[Problem]


def _text(files: int, problems: Problems) -> str:
    return "\n".join(str(problem) for problem in problems)


def _json(files: int, problems: Problems) -> str:
    return json.dumps({"files": files, "problems": [asdict(p) for p in problems]}, ensure_ascii=False, indent=2)


def _github(files: int, problems: Problems) -> str:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""

    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def value(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    return "\n".join(
        f"::{p.severity} file={value(p.file)},line={p.line},col={p.column},title={value(p.rule)}::{data(_words(p))}"
        for p in problems
    )


def _sarif(files: int, problems: Problems) -> str:
    """SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""
    results: list[dict[str, Any]] = [
        {
            "ruleId": p.rule,
            "level": p.severity,
            "message": {"text": _words(p)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": PurePath(p.file).as_posix()},
                        "region": {"startLine": p.line, "startColumn": p.column},
                    }
                }
            ],
        }
        for p in problems
    ]
    rules = [{"id": rule} for rule in sorted({p.rule for p in problems})]
    driver = {"name": "wirefile", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _junit(files: int, problems: Problems) -> str:
    failures = sum(p.severity == "error" for p in problems)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="wirefile validate" tests="{max(files, len(problems))}" failures="{failures}">',
    ]
    for p in problems:
        where = _xml(f"{p.file}:{p.line}:{p.column}")
        lines.append(f'  <testcase classname="{_xml(p.file)}" name="{where}">')
        tag = "failure" if p.severity == "error" else "skipped"
        message = _xml(f"{p.rule}: {_words(p)}")
        lines.append(f'    <{tag} message="{message}">{_xml(str(p))}</{tag}>')
        lines.append("  </testcase>")
    if not problems:
        lines.append(f'  <testcase classname="wirefile" name="{files} files are valid"/>')
    return "\n".join([*lines, "</testsuite>"])


def _xml(text: str) -> str:
    """Text for an element or an attribute; XML 1.0 has no way to write control characters."""
    return escape("".join(char if char.isprintable() or char in "\n\t" else "?" for char in text), quote=True)


def _words(problem: Problem) -> str:
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message


REPORTERS: Mapping[str, Callable[[int, Problems], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "junit": _junit,
}
