"""The table of rules says what the code can report, no more and no less, and its examples are what they claim."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.loader import problems_of
from engine.loader.published import schema
from engine.loader.rulebook import STRETCH, Example, frame, rulebook

from .conftest import ROOT, Run

ENGINE = ROOT / "engine"
MODULES = [
    *(ENGINE / "loader").glob("*.py"),
    *(ENGINE / "expressions").glob("*.py"),
    ENGINE / "regex.py",
    ENGINE / "paths.py",
    ENGINE / "cli" / "paths.py",
    ENGINE / "cli" / "validate_command.py",
]
"""Where rules are named."""

RULE_ARGUMENT = {
    "problem": 1,
    "report": 1,
    "Violation": 1,
    "Fault": 1,
    "Faulty": 1,
    "RegexError": 0,
    "PathError": 2,
    "Problem": 3,
}
"""Which argument of a call is a rule's name."""

MADE_UP = {"unknown-{word}": ("filter", "test"), "unknown-{section[:-1]}": ("param", "setting")}
"""Names that are put together, and what can be put in."""

NO_RULES = {"content-type", "utf-8", "x-template", "x-path", "x-regex", "x-refers-to", "x-exclusive", "x-rule"}
"""Words of these modules that are spelt like the name of a rule."""


def named(node: ast.AST) -> Iterator[str]:
    """The names of rules that a node of the syntax tree names; one that is put together has its slots in braces."""
    if isinstance(node, ast.Call):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        index = RULE_ARGUMENT.get(function)
        if index is not None and len(node.args) > index:
            yield from spelled(node.args[index])
    elif isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 3:
        yield from (name for name in spelled(node.value.elts[0]) if re.fullmatch(r"[a-z-]+", name))
    elif isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", str(node.value)):
        yield node.value


def spelled(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield ast.unparse(node)[2:-1]


def x_rules(node: object) -> Iterator[str]:
    """The rules that the schema names."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "x-rule")
        for value in node.values():
            yield from x_rules(value)
    elif isinstance(node, list):
        for value in node:
            yield from x_rules(value)


def reported() -> set[str]:
    """Every name of a rule that the code can report."""
    found = set(x_rules(schema()))
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {name for node in ast.walk(tree) for name in named(node)}
    assert {name for name in found if "{" in name} == set(MADE_UP)
    whole = {name.split("{")[0] + end for name, ends in MADE_UP.items() for end in ends}
    return (found | whole) - set(MADE_UP) - NO_RULES


def test_every_rule_has_a_row_and_every_row_a_rule() -> None:
    assert reported() == set(rulebook())


def test_rows_are_whole() -> None:
    titles = [rule.title for rule in rulebook().values()]
    assert len(set(titles)) == len(titles)
    for rule in rulebook().values():
        assert re.fullmatch(r"[A-Z][^\n]{8,90}[^.\n]", rule.title), rule.title
        assert rule.meaning.endswith("."), rule.name
        assert rule.severity in ("error", "warning")
        assert rule.bad.lines != rule.good.lines, rule.name
        assert max(map(len, rule.bad.lines.splitlines())) <= 130, rule.name


Broken = Callable[[Example], set[tuple[str, str]]]


@pytest.fixture
def broken_by(tmp_path: Path, wirefile: Run) -> Broken:
    """Runs an example: the rules that it breaks, each with its severity."""

    def run(example: Example) -> set[tuple[str, str]]:
        if example.folder:
            return in_folder(example.lines.split())
        path = tmp_path / "acme.yaml"
        path.write_text(example.text, encoding="utf-8")
        for name, text in (example.beside or {}).items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return {(problem.rule, problem.severity) for problem in problems_of(path)}

    def in_folder(words: list[str]) -> set[tuple[str, str]]:
        for word in expanded(words):
            path = tmp_path / word
            path.parent.mkdir(parents=True, exist_ok=True)
            if word.endswith("/"):
                path.mkdir()
            else:
                path.write_text(frame().replace("name: acme", f"name: {path.stem}"), encoding="utf-8")
        report = json.loads(wirefile("validate", str(tmp_path), "--format", "json").out)
        return {(problem["rule"], problem["severity"]) for problem in report["problems"]}

    return run


@pytest.mark.parametrize("name", rulebook())
def test_a_bad_example_breaks_its_rule_and_no_other(broken_by: Broken, name: str) -> None:
    rule = rulebook()[name]
    assert broken_by(rule.bad) == {(name, rule.severity)}


@pytest.mark.parametrize("name", rulebook())
def test_a_good_example_breaks_no_rule(broken_by: Broken, name: str) -> None:
    assert broken_by(rulebook()[name].good) == set()


def expanded(words: list[str]) -> Iterator[str]:
    """Words as a shell expands their braces: `a-{1..3}` is a-1, a-2, a-3."""
    for word in words:
        match = re.fullmatch(r"(.*)\{1\.\.(\d+)\}(.*)", word)
        yield from (f"{match[1]}{n}{match[3]}" for n in range(1, int(match[2]) + 1)) if match else [word]


def test_an_example_is_laid_over_a_valid_file() -> None:
    assert Example("url: a\n", "name: x\nurl: b\n  c: d\npath: /\n").text == "name: x\npath: /\nurl: a\n"
    assert Example("- a\n", "name: x\n", whole=True).text == "- a\n"
    assert Example(f"a: {STRETCH}\n", "b: 1\n", stretch=("xy", 3)).text == "b: 1\na: xyxyxy\n"
