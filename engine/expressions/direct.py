"""The expressions that most leaves are, as plain closures: a name, a key of a map, a test, a choice, a filter.

Each does what Jinja's compiled code does with the same tree, without building a context for it; a test holds the two
against each other. What is not here (arithmetic, slices, functions) is left to Jinja.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from .sandbox import ENVIRONMENT, Omitted, is_number

Values = Mapping[str, Any]
Direct = Callable[[Values], Any]


class NotDirect(Exception):
    """The expression has something that only Jinja can work out."""


def direct(tree: nodes.Expr) -> Direct | None:
    """The expression as a closure over the values; None when it has something that is not here."""
    try:
        return _closure(tree)
    except (NotDirect, RecursionError):
        return None


def is_safe(tree: nodes.Expr) -> bool:
    """Whether nothing in the expression can fail: it is a name, a constant, or a key below one."""
    while isinstance(tree, nodes.Getattr):
        tree = tree.node
    return isinstance(tree, nodes.Name | nodes.Const)


def _closure(node: Any) -> Direct:
    make = _MAKERS.get(type(node))
    if make is None:
        raise NotDirect
    return make(node)


def _name(node: nodes.Name) -> Direct:
    name, absent = node.name, Omitted(name=node.name)
    return lambda values: values.get(name, absent)


def _const(node: nodes.Const) -> Direct:
    value = node.value
    return lambda values: value


def _negative(node: nodes.Neg) -> Direct:
    if not isinstance(node.node, nodes.Const) or not is_number(node.node.value):
        raise NotDirect
    number = -node.node.value
    return lambda values: number


def _key(node: nodes.Getattr) -> Direct:
    of, key, get = _closure(node.node), node.attr, ENVIRONMENT.getitem
    return lambda values: get(of(values), key)


def _item(node: nodes.Getitem) -> Direct:
    of, key, get = _closure(node.node), _closure(node.arg), ENVIRONMENT.getitem
    return lambda values: get(of(values), key(values))


def _test(node: nodes.Test) -> Direct:
    test: Any = ENVIRONMENT.tests.get(node.name)
    if node.args or test is None:
        raise NotDirect
    of = _closure(node.node)
    return lambda values: test(of(values))


def _filter(node: nodes.Filter) -> Direct:
    apply = ENVIRONMENT.filters.get(node.name)
    if node.node is None or apply is None:
        raise NotDirect
    of = _closure(node.node)
    arguments = [_closure(argument) for argument in node.args]
    if not arguments:
        return lambda values: apply(of(values))
    return lambda values: apply(of(values), *[argument(values) for argument in arguments])


def _condition(node: nodes.CondExpr) -> Direct:
    if node.expr2 is None:
        raise NotDirect
    test, yes, no = _closure(node.test), _closure(node.expr1), _closure(node.expr2)
    return lambda values: yes(values) if test(values) else no(values)


def _not(node: nodes.Not) -> Direct:
    of = _closure(node.node)
    return lambda values: not of(values)


def _and(node: nodes.And) -> Direct:
    left, right = _closure(node.left), _closure(node.right)
    return lambda values: left(values) and right(values)


def _or(node: nodes.Or) -> Direct:
    left, right = _closure(node.left), _closure(node.right)
    return lambda values: left(values) or right(values)


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {"eq": operator.eq, "ne": operator.ne}


def _compare(node: nodes.Compare) -> Direct:
    if len(node.ops) != 1 or node.ops[0].op not in _COMPARISONS:
        raise NotDirect
    left, right, compare = _closure(node.expr), _closure(node.ops[0].expr), _COMPARISONS[node.ops[0].op]
    return lambda values: compare(left(values), right(values))


def _list(node: nodes.List) -> Direct:
    items = [_closure(item) for item in node.items]
    return lambda values: [item(values) for item in items]


def _dict(node: nodes.Dict) -> Direct:
    pairs = [(_closure(pair.key), _closure(pair.value)) for pair in node.items]
    return lambda values: {key(values): value(values) for key, value in pairs}


_MAKERS: Mapping[type[nodes.Node], Callable[[Any], Direct]] = {
    nodes.Name: _name,
    nodes.Const: _const,
    nodes.Neg: _negative,
    nodes.Getattr: _key,
    nodes.Getitem: _item,
    nodes.Test: _test,
    nodes.Filter: _filter,
    nodes.CondExpr: _condition,
    nodes.Not: _not,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Compare: _compare,
    nodes.List: _list,
    nodes.Dict: _dict,
}
