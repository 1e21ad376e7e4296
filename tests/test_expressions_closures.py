"""Expressions as closures do what Jinja's own sandbox does with them, value for value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.expressions import OMIT, TemplateError, compile_leaf, compile_tree
from engine.expressions.functions import Absent
from tests.jinjaoracle import by_jinja

VALUES = {
    "a": "x",
    "n": 3,
    "t": True,
    "z": None,
    "e": "",
    "m": {"k": [1, "y"], "n": {"a": 0}},
    "l": ["p", "q"],
    "o": OMIT,
}

NAMES = st.sampled_from([*VALUES, "absent"])
ATOMS = st.one_of(NAMES, st.sampled_from(["'s'", "1", "0", "2.5", "true", "none", "[]", "{}"]))


CHECKS = st.sampled_from(["defined", "not defined", "none", "string", "mapping"])
OPERATORS = st.sampled_from(["and", "or", "==", "!=", "~", "in", "<", ">=", "+", "-", "*", "//", "%"])
FILTERS = st.sampled_from(["default('d')", "length", "tojson", "sha256", "last", "join"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("(({}).{})".format, inner, st.sampled_from(["k", "n", "a", "items"])),
        st.builds("(({})[{}])".format, inner, st.sampled_from(["0", "1", "-1", "9", "'k'", "n"])),
        st.builds("(({})[{}:{}])".format, inner, st.sampled_from(["", "0", "-1"]), st.sampled_from(["", "2", "n"])),
        st.builds("({} < {} <= {})".format, inner, inner, inner),
        st.builds("(({}) is {})".format, inner, CHECKS),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds("(({}) {} ({}))".format, inner, OPERATORS, inner),
        st.builds("(not ({}))".format, inner),
        st.builds("(({})|{})".format, inner, FILTERS),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}}}".format, inner),
    )  # fmt: skip


def ours(source: str) -> Any:
    try:
        return plainly(compile_leaf(f"{{{{ {source} }}}}")(VALUES))
    except TemplateError:
        return "an error"


def theirs(source: str) -> Any:
    try:
        return plainly(by_jinja(source, VALUES))
    except ArithmeticError:
        return "an error"


def plainly(value: Any) -> Any:
    """Compared by type too: true is not 1, and what is omitted equals nothing else."""
    if isinstance(value, Absent):
        return "omitted"
    if isinstance(value, list):
        return [plainly(item) for item in value]
    if isinstance(value, dict):
        return {key: plainly(item) for key, item in value.items()}
    return type(value), value


@settings(max_examples=400, deadline=None)
@given(st.recursive(ATOMS, deeper, max_leaves=6))
def test_a_closure_is_what_jinja_makes_of_it(source: str) -> None:
    assert ours(source) == theirs(source), source


@pytest.mark.parametrize(
    "source",
    ["a", "m.k", "m['k']", "l[-1]", "a is defined", "a if n", "not a", "a and n or t", "a == 'x'", "a|sha256", "a ~ n",
     "l[1:]", "[a]", "{'a': a}", "absent.b.c", "n + 1", "7 // 2 * n % 5 - 1", "1 < n <= 3 != 4", "a in l", "'p' in l",
     "a not in 'xyz'", "-n", "+n", "l[::-1]", "a + 'b'", "l + [1]", "1 / 3", "o == o", "[o] == [o]", "o in l"],
)  # fmt: skip
def test_each_kind_of_expression_gives_a_value(source: str) -> None:
    assert ours(source) == theirs(source) != "an error"


def test_a_rendered_map_is_nobody_elses() -> None:
    tree = {"a": {"b": [1]}, "c": [{"d": 1}], "e": "{{ a }}", "f": "{{ absent }}", "g": 1}
    render = compile_tree(tree)
    first = render(VALUES)
    assert first == {"a": {"b": [1]}, "c": [{"d": 1}], "e": "x", "g": 1}
    assert list(first) == ["a", "c", "e", "g"]
    first["a"]["b"].append(2)
    first["c"][0]["d"] = 2
    assert render(VALUES) == {"a": {"b": [1]}, "c": [{"d": 1}], "e": "x", "g": 1}
    assert tree["a"] == {"b": [1]}
