"""What is changed: the operators, and the mutants that they make of a module's text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's text with one thing changed, and what that is."""

    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.line}: {_shown(self.before)}  ->  {_shown(self.after)}"


def _shown(code: str) -> str:
    code = " ".join(code.split())
    return code if len(code) <= 110 else f"{code[:107]}..."


_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}  # fmt: skip
_REMOVED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete, ast.Break, ast.Continue, ast.For)
_CONDITIONS = (ast.If, ast.While, ast.IfExp, ast.Assert)


def mutants(source: str) -> list[Mutant]:
    """All of a module, each of another tree."""
    tree = ast.parse(source)
    seen = {ast.dump(tree)}
    found = []
    for old, new in _changes(tree):
        text, before = _spliced(source, old, new)
        try:
            dump = ast.dump(ast.parse(text))
            compile(text, "mutant", "exec")
        except SyntaxError:
            continue  # a `pass` or parentheses where they cannot stand
        if dump not in seen:
            seen.add(dump)
            found.append(Mutant(old.lineno, before, new, text))
    return found


def _spliced(source: str, old: Any, new: str) -> tuple[str, str]:
    """The text with another in the place of a node, and the node's own."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    start = sum(map(len, lines[: old.lineno - 1])) + old.col_offset
    end = sum(map(len, lines[: old.end_lineno - 1])) + old.end_col_offset
    data = b"".join(lines)
    return (data[:start] + new.encode() + data[end:]).decode(), data[start:end].decode()


def _changes(node: ast.AST) -> Iterator[tuple[Any, str]]:
    """A node, and what may stand in its place; annotations and docstrings do nothing, and are left alone."""
    for child in _parts(node):
        if isinstance(child, ast.stmt):
            yield from ((child, code) for code in _of_statement(child))
        elif isinstance(child, ast.expr):
            yield from ((child, f"({code})") for code in _of_expression(child))
        yield from _changes(child)
    if isinstance(node, _CONDITIONS):
        yield node.test, f"(not ({ast.unparse(node.test)}))"
    if isinstance(node, ast.comprehension):
        yield from ((test, f"(not ({ast.unparse(test)}))") for test in node.ifs)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        return  # Python 3.11 does not say where its parts are
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _says_nothing(child):
                yield child


def _says_nothing(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("__all__", "__slots__"):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _of_statement(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _REMOVED) or (isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)):
        yield "pass"  # without a variable everything fails: that would say nothing
    if isinstance(node, ast.AugAssign):
        yield _unparsed(node, op=_OPERATORS[type(node.op)]())
    if isinstance(node, ast.Return):
        yield "pass" if node.value is None or ast.unparse(node.value) == "None" else "return None"
    if isinstance(node, ast.Break | ast.Continue):
        yield "continue" if isinstance(node, ast.Break) else "break"


def _of_expression(node: ast.expr) -> Iterator[str]:
    return iter(_EXPRESSIONS[type(node)](node) if type(node) in _EXPRESSIONS else ())


def _of_comparison(node: Any) -> Iterator[str]:
    for at, op in enumerate(node.ops):
        yield _unparsed(node, ops=[*node.ops[:at], _OPERATORS[type(op)](), *node.ops[at + 1 :]])


def _of_operator(node: Any) -> Iterator[str]:
    yield _unparsed(node, op=_OPERATORS[type(node.op)]())
    yield from map(ast.unparse, getattr(node, "values", ()))


def _of_call(node: Any) -> Iterator[str]:
    for at in range(len(node.keywords)):
        yield _unparsed(node, keywords=node.keywords[:at] + node.keywords[at + 1 :])


def _of_subscript(node: Any) -> Iterator[str]:
    for end in ("lower", "upper"):
        if getattr(node.slice, end, None) is not None:
            whole = deepcopy(node)
            setattr(whole.slice, end, None)
            yield ast.unparse(whole)


def _of_constant(node: Any) -> Iterator[str]:
    match node.value:
        case bool():
            yield repr(not node.value)
        case int() | float():
            yield from (repr(node.value + 1), repr(node.value - 1))
        case str():
            yield repr(node.value + "X")
        case bytes():
            yield repr(node.value + b"X")


_EXPRESSIONS: dict[type[ast.AST], Callable[[Any], Iterable[str]]] = {
    ast.Compare: _of_comparison,
    ast.BoolOp: _of_operator,
    ast.BinOp: _of_operator,
    ast.UnaryOp: lambda node: [ast.unparse(node.operand)],
    ast.IfExp: lambda node: [ast.unparse(node.body), ast.unparse(node.orelse)],
    ast.Call: _of_call,
    ast.Subscript: _of_subscript,
    ast.JoinedStr: lambda node: ["''"],
    ast.Constant: _of_constant,
}


def _unparsed(node: ast.AST, **changed: Any) -> str:
    copy = deepcopy(node)
    for name, value in changed.items():
        setattr(copy, name, value)
    return ast.unparse(copy)
