"""Expressions as closures do what Jinja does with them, value for value and error for error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from engine.expressions import OMIT, TemplateError, compile_tree
from engine.expressions.compiled import _by_jinja, _careful, _Guard
from engine.expressions.direct import direct
from engine.expressions.parsing import Expression, parse
from engine.expressions.sandbox import Omitted

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
FILTERS = st.sampled_from(["default('d')", "length", "tojson", "sha256", "last", "join"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("(({}).{})".format, inner, st.sampled_from(["k", "n", "a", "items"])),
        st.builds("(({})[{}])".format, inner, st.sampled_from(["0", "1", "-1", "9", "'k'", "n"])),
        st.builds("(({}) is {})".format, inner, CHECKS),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds("(({}) {} ({}))".format, inner, st.sampled_from(["and", "or", "==", "!=", "~", "in", "<"]), inner),
        st.builds("(not ({}))".format, inner),
        st.builds("(({})|{})".format, inner, FILTERS),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}}}".format, inner),
    )  # fmt: skip


def outcome(render: Any) -> Any:
    try:
        value = render(VALUES)
    except TemplateError as error:
        return "error", str(error)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Compared by type too: true is not 1, and what is omitted equals nothing else."""
    if isinstance(value, Omitted):
        return "omitted"
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return type(value), value


def tree_of(source: str) -> nodes.Expr:
    tree: nodes.Expr = _Guard().visit(parse(Expression(source, 0)))
    return tree


@settings(max_examples=400, deadline=None)
@given(st.recursive(ATOMS, deeper, max_leaves=6))
def test_a_closure_is_what_jinja_makes_of_it(source: str) -> None:
    closure = direct(tree_of(source))
    if closure is not None:
        assert outcome(_careful(closure)) == outcome(_careful(_by_jinja(tree_of(source)))), source


@pytest.mark.parametrize(
    "source",
    ["a", "m.k", "m['k']", "l[-1]", "a is defined", "a if n", "not a", "a and n or t", "a == 'x'", "a|sha256", "a ~ n",
     "l[1:]", "[a]", "{'a': a}", "absent.b.c"],
)  # fmt: skip
def test_what_leaves_are_made_of_needs_no_jinja(source: str) -> None:
    assert direct(tree_of(source)) is not None


@pytest.mark.parametrize("source", ["n + 1", "n * 2", "now()", "n < 2", "a in l", "-n"])
def test_the_rest_is_left_to_jinja(source: str) -> None:
    assert direct(tree_of(source)) is None


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
