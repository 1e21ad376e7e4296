from __future__ import annotations

import runpy
import tomllib

import pytest

from .conftest import ROOT

MODULE = runpy.run_path(str(ROOT / "docs" / "generate.py"))
GENERATED = MODULE["PAGES"]


@pytest.mark.parametrize("page", GENERATED)
def test_generated_pages_are_those_of_the_code(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == GENERATED[page](), "run: python docs/generate.py"


def test_each_word_of_the_language_has_users_or_a_reason() -> None:
    usage = MODULE["usage"]
    assert {word for word, families in usage.users().items() if len(families) < 2} == set(usage.KEPT)


def test_the_version_is_written_once_more() -> None:
    from engine import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
