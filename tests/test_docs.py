from __future__ import annotations

import runpy
import tomllib

import pytest

from .conftest import ROOT

GENERATED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]


@pytest.mark.parametrize("page", GENERATED)
def test_generated_pages_are_those_of_the_code(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == GENERATED[page](), "run: python docs/generate.py"


def test_the_version_is_written_once_more() -> None:
    from engine import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
