"""Problems in the formats that people and CI systems read. `REPORTERS` is the table: a report -> text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from ..errors import Problem
from . import output


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found: the files that were examined, and their problems in order.

    `line_of` gives the line that a problem stands in, empty where there is none to show; without it none is shown.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    line_of: Callable[[Problem], str] | None = None


def _text(report: Report) -> str:
    return "\n".join(line for problem in report.problems for line in _told(problem, report.line_of))


COLORS = {"error": "1;31", "warning": "1;33"}


def _told(problem: Problem, line_of: Callable[[Problem], str] | None) -> list[str]:
    """A problem in a line, and below it the line that it stands in, with a caret."""
    rule = output.color(problem.rule, COLORS[problem.severity])
    where = output.color(_visible(f"{problem.file}:{problem.line}:{problem.column}:"), "1")
    lines = [f"{where} {rule}: {words(problem)}"]
    text = line_of(problem) if line_of is not None else ""
    if text.strip():
        from .excerpt import WINDOW, excerpt

        number = f"{problem.line:5}"
        window = min(WINDOW, max(output.width() - len(number) - len(" | "), 20))
        shown, cells = excerpt(text, problem.column, window)
        gutter = output.color(" | ", "2")
        caret = output.color("^", COLORS[problem.severity])
        lines += [f"{output.color(number, '2')}{gutter}{shown}", f"{' ' * len(number)}{gutter}{' ' * cells}{caret}"]
    return lines


def _visible(text: str) -> str:
    """The name of a file, which may hold anything: on one line, and steering nothing."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


_KEYS = ("file", "line", "column", "rule", "severity", "message", "hint", "path")


def _json(report: Report) -> str:
    problems = [{key: getattr(problem, key) for key in _KEYS} for problem in report.problems]
    return json.dumps({"files": len(report.files), "problems": problems}, ensure_ascii=False, indent=2)


def _github(report: Report) -> str:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""

    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def value(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    return "\n".join(
        f"::{p.severity} file={value(p.file)},line={p.line},col={p.column},title={value(p.rule)}::{data(words(p))}"
        for p in report.problems
    )


def _sarif(report: Report) -> str:
    from .sarif import as_sarif

    return as_sarif(report.problems)


def _junit(report: Report) -> str:
    """JUnit's XML as Jenkins takes it: https://github.com/jenkinsci/xunit-plugin.

    A problem is a case that fails, a file without one a case that passes. A warning is a case that was skipped: no
    other case passes and says something.
    """
    counts = {severity: sum(p.severity == severity for p in report.problems) for severity in COLORS}
    bad = {p.file for p in report.problems}
    good = [file for file in report.files if file not in bad]
    total = len(report.problems) + len(good)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="wirefile validate" tests="{total}" failures="{counts["error"]}" errors="0" '
        f'skipped="{counts["warning"]}">',
        *(line for problem in report.problems for line in _case(problem)),
        *(f'  <testcase classname="{_xml(file)}" name="{_xml(file)}"/>' for file in good),
        "</testsuite>",
    ]
    return "\n".join(lines)


def _case(p: Problem) -> list[str]:
    opening, closing = _TAGS[p.severity]
    return [
        f'  <testcase classname="{_xml(p.file)}" name="{_xml(f"{p.file}:{p.line}:{p.column}: {p.rule}")}">',
        f'    <{opening.format(type=_xml(p.rule))} message="{_xml(words(p))}">{_xml(str(p))}</{closing}>',
        "  </testcase>",
    ]


_TAGS = {"error": ('failure type="{type}"', "failure"), "warning": ("skipped", "skipped")}


def _xml(text: str) -> str:
    """Text for an element or an attribute; XML 1.0 has no way to write control characters."""
    return escape("".join(char if char.isprintable() else "?" for char in text), quote=True)


def words(problem: Problem) -> str:
    """What is wrong, and the next step."""
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message


REPORTERS: Mapping[str, Callable[[Report], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
    "junit": _junit,
}
