"""The quick answer and jsonschema's are one: on every bad file of the tests, every shipped one, and spoilt ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from engine import Catalog
from engine.errors import Problems
from engine.loader.conforming import _CHECKS
from engine.loader.published import schema
from engine.loader.schema import examine, told
from engine.loader.source import Source
from engine.loader.yamltext import read
from tests import bad_answers, bad_schema, bad_templates, bad_trust, bad_yaml
from tests.badfiles import changed, place_of
from tests.conftest import shipped
from tests.test_schema_agreement import OTHERS, at, places


def trees() -> list[dict[str, Any]]:
    """Every fifth of the shipped files."""
    return [dict(shipped(path).tree) for path in list(Catalog().files())[::5]]


def agree(data: Any, *, is_whole: bool = True) -> bool:
    """Whether a file is sound; both say the same of it, and of one that is, where its marked values are."""
    violations, marked = told(data, 1, is_whole=is_whole)
    quick, quickly_marked = examine(data, 1, is_whole=is_whole)
    assert bool(quick) == bool(violations), json.dumps(data, default=str)[:300]
    if not violations:
        assert sorted(map(repr, quickly_marked)) == sorted(map(repr, marked)), "in whatever order"
    return not violations


def test_the_shipped_files_are_sound_in_both() -> None:
    assert all(agree(tree, is_whole=is_whole) for tree in trees() for is_whole in (True, False))


@pytest.mark.parametrize("layer", [bad_yaml, bad_schema, bad_templates, bad_trust, bad_answers])
def test_the_bad_files_of_the_tests(layer: Any) -> None:
    for _, old, new, _ in [*layer.ALONE, *layer.AMONG_OTHERS]:
        agree(read(Source("acme.yaml", place_of(changed(old, new))[0]), Problems()).data)


def spoilt(chance: Random) -> Iterator[Any]:
    """Shipped files in which one value is another, is not there, or has a neighbour that nobody knows."""
    for tree in trees():
        for _ in range(5):
            data = copy.deepcopy(tree)
            *above, key = chance.choice([place for place in places(data) if place])
            around = at(data, tuple(above))
            if chance.random() < 0.7:
                around[key] = copy.deepcopy(chance.choice(OTHERS))
            elif isinstance(around, dict) and chance.random() < 0.5:
                around[f"{key}s"] = around[key]
            else:
                del around[key]
            yield data


def test_spoilt_files() -> None:
    found = [agree(data) for data in spoilt(Random(6))]
    assert 5 < sum(found) < len(found) - 20, "both kinds are there"


@pytest.mark.parametrize("data", [None, "text", 1, float("nan"), [], {}, {"spec_version": True}, {"spec_version": 1.0}])
def test_what_is_hardly_a_file(data: Any) -> None:
    agree(data)


def words(node: Any) -> Iterator[str]:
    """Every keyword that the schema uses."""
    if isinstance(node, list):
        for item in node:
            yield from words(item)
    for word, says in node.items() if isinstance(node, dict) else ():
        yield word
        if word in ("properties", "patternProperties", "dependentSchemas", "$defs"):
            for inner in says.values():
                yield from words(inner)
        elif word not in ("examples", "default", "enum", "const"):
            yield from words(says)


ONLY_TOLD = {"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "default"}
ONLY_TOLD |= {"then", "else", "doNotSuggest", "x-rule"}
"""Keywords that ask nothing by themselves."""


def test_every_keyword_of_the_schema_is_known() -> None:
    assert set(words(schema())) == set(_CHECKS) | ONLY_TOLD
