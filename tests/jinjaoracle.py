"""Jinja's own sandbox, made to give what our expressions give: what they are held against."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from jinja2 import ChainableUndefined, UndefinedError, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from engine.expressions import FILTERS, OMIT, TESTS
from engine.expressions.functions import Absent
from engine.expressions.parsing import parse
from engine.expressions.segments import Expression
from engine.expressions.texts import as_text, is_writable


class _Undefined(ChainableUndefined, Absent):
    """Jinja's undefined value; our functions know it as omitted, too."""

    def _refuse(self, *_: Any) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = _refuse


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, _Undefined):
            return obj
        is_key = isinstance(obj, dict) and isinstance(argument, str)
        is_place = isinstance(obj, list | str) and type(argument) is int
        try:
            return obj[argument] if is_key or is_place else _Undefined(name=str(argument))
        except LookupError:
            return _Undefined(name=str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if isinstance(side, _Undefined):
                side._fail_with_undefined_error()
        numbers = {type(left), type(right)} <= {int, float}
        if not numbers and not (operator == "+" and type(left) is type(right) and type(left) in (str, list)):
            raise SecurityError("not for these")
        result = self.binop_table[operator](left, right)
        if type(result) in (int, float) and not is_writable(result):
            raise SecurityError("too large")
        return result


def _present(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(value: Any, *arguments: Any) -> Any:
        if isinstance(value, _Undefined):
            value._fail_with_undefined_error()
        return function(value, *arguments)

    return apply


def _concat(*parts: Any) -> str:
    return "".join(as_text(_present(lambda part: part)(part)) for part in parts)


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, list | str) or any(isinstance(bound, bool) for bound in bounds):
        raise TypeError("not for these")
    return value[slice(*bounds)]


_ENVIRONMENT = _Sandbox(undefined=_Undefined, autoescape=False)
_ENVIRONMENT.globals = {}
_ENVIRONMENT.filters = {name: _present(entry.function) for name, entry in FILTERS.items()}
_ENVIRONMENT.filters["default"] = FILTERS["default"].function
_ENVIRONMENT.filters |= {"~": _concat, "[:]": _present(_slice), "else": lambda _: _Undefined(name="omit")}
_ENVIRONMENT.tests = {name: entry.function for name, entry in TESTS.items()}


class _Guard(NodeTransformer):
    """Leads what Jinja compiles to bare Python through filters."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("~", *node.nodes)

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        node.expr2 = node.expr2 or _filter("else", nodes.Const(None))
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _filter("[:]", node.node, *(bound or nodes.Const(None) for bound in bounds))


def _filter(name: str, value: nodes.Expr, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=1)


def by_jinja(source: str, values: Mapping[str, Any]) -> Any:
    """What Jinja makes of an expression; OMIT for what is undefined. Raises ArithmeticError for any failure."""
    tree = parse(Expression(source, 0))
    tree.set_environment(_ENVIRONMENT)
    whole = nodes.Template([nodes.Assign(nodes.Name("result", "store"), _Guard().visit(tree), lineno=1)], lineno=1)
    whole.set_environment(_ENVIRONMENT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's compiler warns of `1[0]`, which is omitted
        evaluate = TemplateExpression(_ENVIRONMENT.from_string(whole), undefined_to_none=False)
    try:
        return evaluate({name: _Undefined(name=name) if value is OMIT else value for name, value in values.items()})
    except (UndefinedError, SecurityError, TypeError, ValueError, LookupError) as error:
        raise ArithmeticError(str(error)) from error
