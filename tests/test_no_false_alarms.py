"""Valid files pass: those that a strategy makes of all that the language has, and those that are shipped.

    pytest tests/test_no_false_alarms.py -n 0 --hypothesis-profile deep

looks at thousands, other ones each time.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from engine.errors import Problems
from engine.expressions import FILTERS, FUNCTIONS, TESTS
from engine.loader import problems_of, problems_of_text
from engine.loader.published import schema
from engine.loader.source import decode
from engine.loader.yamltext import read

from .conftest import CHIRP, ROOT
from .goodfiles import children, files, written

UNUSED = {
    "/extends": "of a file that extends another: the other test",
    "/unset": "of a file that extends another: the other test",
}
"""Keys and words of the schema that no file of the first test has, each with the reason."""

seeds = st.integers(0, 2**62)
many = settings(max_examples=3 * settings.default.max_examples // 2)


def alarms(data: bytes) -> list[str]:
    return [str(problem) for problem in problems_of_text(data, "acme.yaml") if problem.severity == "error"]


def named(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema below one, by where it stands; what only asks whether something holds is left out."""
    if isinstance(node, dict):
        yield path.lstrip("/"), node
        for key, child in node.items():
            if key not in ("if", "examples", "default", "const", "dependentSchemas", "whole", "whole_auth"):
                yield from named(child, f"{path}/{key}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from named(child, f"{path}/{index}")


def words_of_the_schema() -> dict[tuple[int, str], str]:
    """Every key and every word of an enum, by the identity of the schema that has it."""
    found = {}
    for path, node in named(schema()):
        for key, field in node.get("properties", {}).items():
            if isinstance(field, dict):
                found[id(node["properties"]), key] = f"{path}/{key}"
        for value in node["enum"] if isinstance(node.get("enum"), list) else ():
            found[id(node["enum"]), str(value)] = f"{path}={value}"
    return found


def observer(seen: Counter[tuple[int, str]]) -> Any:
    """A validator that notes which keys and which words of an enum it has met."""

    def noted(keyword: str, given: Callable[[Any], list[str]]) -> Any:
        plain = Draft202012Validator.VALIDATORS[keyword]

        def check(validator: Any, says: Any, instance: Any, around: Any) -> Any:
            seen.update((id(says), word) for word in given(instance))
            return plain(validator, says, instance, around)

        return check

    keywords = {
        "properties": noted("properties", lambda instance: list(instance) if isinstance(instance, dict) else []),
        "enum": noted("enum", lambda instance: [str(instance)]),
    }
    return extend(Draft202012Validator, keywords)(schema())


@many
@given(seeds)
def test_files_made_of_all_that_the_language_has_pass(seed: int) -> None:
    chance = Random(seed)
    data = files().make(chance)
    text = written(data, chance)
    assert read(decode(text, "acme.yaml"), Problems()).data == data, text.decode()
    assert alarms(text) == [], text.decode()


def test_nothing_of_the_language_is_left_out() -> None:
    """The files are the same in every run. Each is valid to whoever knows only the published schema, too."""
    seen: Counter[tuple[int, str]] = Counter()
    words: set[str] = set()
    observe = observer(seen)
    for seed in range(250):
        data = files().make(Random(seed))
        assert [error.message for error in observe.iter_errors(data)] == []
        words.update(
            word for found in re.findall(r"\{\{(.*?)\}\}", json.dumps(data)) for word in re.findall(r"\w+", found)
        )
    assert {path for word, path in words_of_the_schema().items() if not seen[word]} == set(UNUSED)
    assert {*FILTERS, *FUNCTIONS, *TESTS} <= words


@given(seeds)
def test_files_that_say_only_what_is_different_pass(seed: int) -> None:
    chance = Random(seed)
    data = children().make(chance)
    text = written(data, chance)
    assert alarms(text) == [], text.decode()
    assert not list(Draft202012Validator(schema()).iter_errors(data))


SHIPPED = sorted((ROOT / "providers").rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_pass(path: Path) -> None:
    assert problems_of(path, shipped=True) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_pass_as_a_strangers(path: Path) -> None:
    """A copy may read what the file itself may, where its calls go to the same hosts."""
    found = problems_of_text(path.read_bytes(), path.name)
    assert [str(problem) for problem in found if problem.severity == "error"] == []


def test_a_file_as_people_write_them_passes() -> None:
    assert alarms(CHIRP.replace("name: chirp", "name: acme").encode()) == []
