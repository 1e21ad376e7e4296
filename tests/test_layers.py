"""The house's ladder as a table: a module imports only from lower rungs, and each third party lives in one room."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[1] / "engine"

LADDER = (
    (
        "errors",
        "suggest",
        "files",
        "version",
        "secrets",
        "hosts",
        "regex",
        "events",
        "fitting",
        "characters",
        "comparison",
        "weight",
        "json_text",
        "value",
    ),
    ("plain", "shaping"),
    (
        "messages",
        "replacing",
        "redaction",
        "processes",
        "paths",
        "wire",
        "headers",
        "spec",
        "framing",
        "compression",
        "runs",
        "patches",
        "folders",
    ),
    (
        "cache",
        "expressions",
        "params",
        "additions",
        "encoding",
        "keyfiles",
        "retry",
        "calls",
        "think",
        "likeness",
        "keeps",
        "blocks",
        "counters",
        "dispatch",
        "tape",
        "aside",
        "chat_request",
    ),
    ("auth", "deployment", "pipeline"),
    ("loader", "answer", "request_template", "base_url", "token_call"),
    ("rules", "route", "standing"),
    ("failures", "rendering", "masked_errors", "redirects"),
    ("readers",),
    ("reply",),
    ("steps", "provider"),
    ("exchange", "catalog", "display"),
    ("dialogue",),
    ("caller", "transport", "examples", "drift"),
    ("client", "async_client", "mock", "contracts", "recording", "testing", "importing"),
    ("compat", "pytest_plugin"),
    ("cli",),
)
"""Rungs from the ground up; a package is one room. The face of the package and `__main__` stand outside."""

ROOMS = {
    "jinja2": "expressions",
    "yaml": "loader",
    "jsonschema": "loader",
    "httpx": "transport",
    "httpcore": "transport",
    "anyio": "transport",
    "click": "cli",
    "cryptography": "auth",
    "httptools": "transport",
    "msgspec": "json_text",
    "pytest": "pytest_plugin",
}

RUNG = {room: number for number, rooms in enumerate(LADDER) for room in rooms}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ENGINE.rglob("*.py")):
        parts = path.relative_to(ENGINE).with_suffix("").parts
        if parts[0] not in ("__init__", "__main__"):
            yield parts[0], path


def imports(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports of a file, those inside functions too; those for the type checker alone are no arrows."""

    def walk(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child
            yield from walk(child)

    return walk(ast.parse(path.read_text(encoding="utf-8")))


def rooms_used(path: Path) -> Iterator[str]:
    depth = len(path.relative_to(ENGINE).parts)
    for node in imports(path):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.split(".")[0] for name in names if name)


@pytest.mark.parametrize(("room", "path"), [pytest.param(*m, id=str(m[1].relative_to(ENGINE))) for m in modules()])
def test_imports_go_down_the_ladder(room: str, path: Path) -> None:
    assert room in RUNG, f"{room} has no rung: add it to the ladder"
    upward = {used for used in rooms_used(path) if used != room and RUNG[used] >= RUNG[room]}
    assert not upward, f"{room} imports {upward}, which is not below it"


@pytest.mark.parametrize(("room", "path"), [pytest.param(*m, id=str(m[1].relative_to(ENGINE))) for m in modules()])
def test_a_third_party_lives_in_one_room(room: str, path: Path) -> None:
    for node in imports(path):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        for name in names if level == 0 else ():
            home = ROOMS.get(name.split(".")[0])
            assert home in (None, room), f"{name} is imported in {room}; it lives in {home}"
            assert not name.startswith("engine"), "imports inside the package are relative"


def test_every_room_of_the_ladder_exists() -> None:
    assert set(RUNG) == {room for room, _ in modules()}


def test_no_provider_is_named_in_the_code() -> None:
    """A provider's name that decides something would be a string or an identifier; prose and examples may name it."""
    names = {path.stem for path in (ENGINE.parent / "providers").glob("*.yaml")}
    for _, path in modules():
        assert path.stem not in names, f"the module {path.name} has the name of a provider"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            words = ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                words = node.value
            elif isinstance(node, ast.Name | ast.Attribute | ast.FunctionDef | ast.ClassDef):
                words = getattr(node, "id", "") or getattr(node, "attr", "") or getattr(node, "name", "")
            found = names & set(re.split(r"[^a-z0-9-]+", words.lower()))
            assert not found, f"{path.name}:{getattr(node, 'lineno', 0)} names {found}"
