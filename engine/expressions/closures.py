"""An expression as a closure: what its tree may hold, and what each node of it does. The rest cannot be compiled.

`_MAKERS` is the whole of the language at run time; the words of its operators are in sandbox.py, of its filters, tests
and functions in functions.py. Jinja reads the text of an expression; none of its code is generated or run for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from jinja2 import nodes

from .functions import TESTS
from .sandbox import (
    OMIT,
    Omitted,
    arithmetic,
    compared,
    filtered,
    item,
    joined,
    known,
    negative,
    part_of,
    positive,
)
from .texts import TemplateError

Values = Mapping[str, Any]
Closure = Callable[[Values], Any]


def closure(node: Any) -> Closure:
    """A tree that `check` lets pass, as a function of the values of its names. Raises TemplateError for another."""
    make = _MAKERS.get(type(node))
    if make is None:
        raise TemplateError(f"cannot be compiled: it holds '{type(node).__name__.lower()}'")
    return make(node)


def is_safe(tree: nodes.Expr) -> bool:
    """Whether nothing in the expression can fail on plain data: it is a name, a constant, or a key below one."""
    while isinstance(tree, nodes.Getattr):
        tree = tree.node
    return isinstance(tree, nodes.Name | nodes.Const)


def _name(node: nodes.Name) -> Closure:
    name, absent = node.name, Omitted(node.name)
    return lambda values: known(values.get(name, absent))


def _const(node: nodes.Const) -> Closure:
    value = node.value
    return lambda values: value


def _key(node: nodes.Getattr) -> Closure:
    of, key = closure(node.node), node.attr
    return lambda values: item(of(values), key)


def _item(node: nodes.Getitem) -> Closure:
    of = closure(node.node)
    if isinstance(node.arg, nodes.Slice):
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        start, stop, step = (closure(bound or nodes.Const(None)) for bound in bounds)
        return lambda values: part_of(of(values), start(values), stop(values), step(values))
    key = closure(node.arg)
    return lambda values: item(of(values), key(values))


def _test(node: nodes.Test) -> Closure:
    if node.name not in TESTS:
        raise TemplateError(f"cannot be compiled: there is no test '{node.name}'")
    of, test = closure(node.node), TESTS[node.name].function
    return lambda values: test(of(values))


def _filter(node: nodes.Filter) -> Closure:
    if node.node is None:
        raise TemplateError("cannot be compiled: a filter of nothing")
    of, apply = closure(node.node), filtered(node.name)
    arguments = [closure(argument) for argument in node.args]
    if not arguments:
        return lambda values: apply(of(values))
    return lambda values: apply(of(values), *[argument(values) for argument in arguments])


def _call(node: nodes.Call) -> Closure:
    name = node.node.name if isinstance(node.node, nodes.Name) and not node.args else ""

    def call(values: Values) -> Any:
        function = values.get(name)
        if type(function) is not FunctionType:  # no value of a caller is one
            raise TypeError(f"'{name}' is no function")
        return known(function())

    return call


def _condition(node: nodes.CondExpr) -> Closure:
    test, yes = closure(node.test), closure(node.expr1)
    no = closure(node.expr2) if node.expr2 is not None else lambda values: OMIT
    return lambda values: yes(values) if test(values) else no(values)


def _not(node: nodes.Not) -> Closure:
    of = closure(node.node)
    return lambda values: not of(values)


def _and(node: nodes.And) -> Closure:
    left, right = closure(node.left), closure(node.right)
    return lambda values: left(values) and right(values)


def _or(node: nodes.Or) -> Closure:
    left, right = closure(node.left), closure(node.right)
    return lambda values: left(values) or right(values)


def _compare(node: nodes.Compare) -> Closure:
    first = closure(node.expr)
    others = [(other.op, closure(other.expr)) for other in node.ops]

    def compare(values: Values) -> bool:
        left = first(values)
        for sign, render in others:
            right = render(values)
            if not compared(sign, left, right):
                return False
            left = right
        return True

    return compare


def _concat(node: nodes.Concat) -> Closure:
    parts = [closure(part) for part in node.nodes]
    return lambda values: joined(*[part(values) for part in parts])


def _arithmetic(node: nodes.BinExpr) -> Closure:
    sign, left, right = node.operator or "", closure(node.left), closure(node.right)
    return lambda values: arithmetic(sign, left(values), right(values))


def _negative(node: nodes.Neg) -> Closure:
    of = closure(node.node)
    return lambda values: negative(of(values))


def _positive(node: nodes.Pos) -> Closure:
    of = closure(node.node)
    return lambda values: positive(of(values))


def _list(node: nodes.List) -> Closure:
    items = [closure(item) for item in node.items]
    return lambda values: [item(values) for item in items]


def _dict(node: nodes.Dict) -> Closure:
    pairs = [(closure(pair.key), closure(pair.value)) for pair in node.items]

    def make(values: Values) -> dict[str, Any]:
        made = {}
        for key, value in pairs:
            name = key(values)
            if type(name) is not str:
                raise TypeError("the key of a map is text")
            made[name] = value(values)
        return made

    return make


_MAKERS: Mapping[type[nodes.Node], Callable[[Any], Closure]] = {
    nodes.Name: _name,
    nodes.Const: _const,
    nodes.Getattr: _key,
    nodes.Getitem: _item,
    nodes.Test: _test,
    nodes.Filter: _filter,
    nodes.Call: _call,
    nodes.CondExpr: _condition,
    nodes.Not: _not,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Compare: _compare,
    nodes.Concat: _concat,
    nodes.Add: _arithmetic,
    nodes.Sub: _arithmetic,
    nodes.Mul: _arithmetic,
    nodes.Div: _arithmetic,
    nodes.FloorDiv: _arithmetic,
    nodes.Mod: _arithmetic,
    nodes.Neg: _negative,
    nodes.Pos: _positive,
    nodes.List: _list,
    nodes.Dict: _dict,
}
