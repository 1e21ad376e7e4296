from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from engine.expressions import FILTERS, FUNCTIONS, TESTS
from engine.loader.published import schema

from .conftest import ROOT

MODULE = runpy.run_path(str(ROOT / "docs" / "generate.py"))
GENERATED = MODULE["PAGES"]


@pytest.mark.parametrize("page", GENERATED)
def test_generated_pages_are_those_of_the_code(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == GENERATED[page](), "run: python docs/generate.py"


def _keys_of_the_schema() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key that a file may hold, found without the page's own walk, with its schema."""

    def below(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, child in node.items() if isinstance(node, dict) else ():
            if key == "properties":
                yield from ((name, field) for name, field in child.items() if isinstance(field, dict))
            if key not in ("examples", "default", "enum", "const", "if", "dependentSchemas", "whole", "whole_auth"):
                yield from below(child)
        for child in node if isinstance(node, list) else ():
            yield from below(child)

    yield from below(schema())


def test_the_reference_has_every_key_with_its_meaning_and_example() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    rows = [re.split(r"(?<!\\)\|", line) for line in page.splitlines() if line.startswith("| `")]
    meanings: dict[str, set[str]] = {}
    for row in rows:
        if len(row) == 7:
            assert row[4].strip().endswith("."), row
            assert row[5].strip(), row
            meanings.setdefault(re.split(r"[`.]", row[1])[-2], set()).add(row[4].strip())
    for name, field in _keys_of_the_schema():
        described = MODULE["keys"].resolved(field)["description"].replace("|", "\\|")
        assert described in meanings.get(name, ()), f"{name}: {described}"
    for table in (FILTERS, TESTS, FUNCTIONS):
        assert all(f"` | {entry.meaning} |" in page for entry in table.values())
    assert schema()["$id"] in page


def test_each_word_of_the_language_has_users_or_a_reason() -> None:
    usage = MODULE["usage"]
    assert {word for word, families in usage.users().items() if len(families) < 2} == set(usage.KEPT)


def test_the_version_is_written_once_more() -> None:
    from engine import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
