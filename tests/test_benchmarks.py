"""The measurements run: what they time is no error, and their hostile files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import authoring
from engine.loader import problems_of


@pytest.mark.parametrize("name", authoring.hostile())
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_bytes(authoring.hostile()[name])
    assert any(problem.severity == "error" for problem in problems_of(file))


def test_the_copies_are_valid_files(tmp_path: Path) -> None:
    files = list(authoring.copies(tmp_path / "many", 70).iterdir())
    assert len(files) == 70
    for file in files[:10]:
        assert not [problem for problem in problems_of(file) if problem.severity == "error"]
