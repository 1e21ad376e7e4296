"""The mutants of tests/mutants: each is other code, and whether a test has noticed it is told rightly."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, environment
from .mutants import TESTS
from .mutants.changes import mutants

SOURCE = '''\
"""What it is."""

LIMIT: int = 3


def small(numbers: list[int], name: str = "é") -> list[int]:
    """Those below the limit."""
    found = [number for number in numbers if number < LIMIT and number > -1]
    found += numbers[1:2]
    if not found:
        raise ValueError(f"{name} has nothing")
    return found
'''


def test_each_mutant_is_other_code() -> None:
    made = mutants(SOURCE)
    trees = {ast.dump(ast.parse(mutant.text)) for mutant in made}
    assert len(trees) == len(made)
    assert ast.dump(ast.parse(SOURCE)) not in trees


@pytest.mark.parametrize(
    "expected",
    [
        "LIMIT: int = (4)",
        "name: str = ('éX')",
        "if (number <= LIMIT) and",
        "if (number < LIMIT or number > -1)]",
        "if (number < LIMIT)]",
        "if (not (number < LIMIT and number > -1))]",
        "and number > (1)]",
        "found -= numbers[1:2]",
        "+= (numbers[1:])",
        "if (not (not found)):",
        "    return None",
        "        pass\n    return found",
    ],
)
def test_a_kind_of_change(expected: str) -> None:
    assert [mutant for mutant in mutants(SOURCE) if expected in mutant.text]


def test_what_does_nothing_is_left_alone() -> None:
    for mutant in mutants(SOURCE):
        assert '"""What it is."""' in mutant.text
        assert "numbers: list[int]" in mutant.text


def test_every_module_and_every_test_of_the_table_exists() -> None:
    for module, files in TESTS.items():
        assert (ROOT / "engine" / f"{module}.py").is_file()
        assert all((ROOT / "tests" / file).is_file() for file in files), module


EXAMINED = """
import sys
from pathlib import Path
from tests.mutants.changes import Mutant
from tests.mutants.trial import examine, import_third_parties

import_third_parties()
path = Path(sys.argv[1], "counted.py")
source = path.read_text()
texts = [source + "LEFT = 1", source.replace("(to)", "(to, 2)"), source + "import time\\ntime.sleep(60)"]
chosen = [Mutant(number, "", "", text) for number, text in enumerate(texts)]
outcome = examine(path.parent, path, ["test_counted.py"], chosen, patience=0.1)
print([mutant.line for mutant in outcome.survivors], outcome.run, outcome.late, path.read_text() == source)
"""


def test_a_survivor_is_told_from_a_mutant_that_is_killed_or_never_ends(tmp_path: Path) -> None:
    """In a process of its own: a fork of one with threads is a warning."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "counted.py").write_text("def count(to: int) -> list[int]:\n    return list(range(to))\n", encoding="utf-8")
    test = "import counted\n\n\ndef test_count():\n    assert counted.count(2) == [0, 1]\n"
    (tree / "test_counted.py").write_text(test, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", EXAMINED, tree], cwd=ROOT, env=environment(), capture_output=True, check=False
    )
    assert done.stdout.decode().splitlines() == ["  counted.py:0:   ->  ", "[0] 3 1 True"], done.stderr.decode()
