"""Expressions at random, of all that the language allows: strategies for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.expressions import FILTERS, TESTS

ATOMS = st.sampled_from(
    ["n", "s", "items", "m", "nothing", "omit", "trip", "box", "bag", "1", "0", "-2.5", "'a'", "''", "true", "none"]
)
"""The names of values; `trip`, `box` and `bag` hold something that is no plain data."""


OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in", "<= 1 <"]


def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join).map("({})".format),
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map("|".join).map("({})".format),
        st.tuples(inner, inner, st.sampled_from(["default", "join", "hmac_sha256"])).map(
            lambda p: f"({p[0]}|{p[2]}({p[1]}))"
        ),
        st.tuples(inner, st.sampled_from(sorted(TESTS))).map(" is ".join).map("({})".format),
        st.tuples(inner, st.sampled_from(["a", "secret", "format", "0"])).map(lambda p: f"({p[0]}).{p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]})[{p[1]}:{p[2]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        st.tuples(inner).map(lambda p: f"{{'k': {p[0]}}}"),
        inner.map("not {}".format),
        inner.map("(-{})".format),
    )


EXPRESSIONS = st.recursive(ATOMS, wider, max_leaves=6)
