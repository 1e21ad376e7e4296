"""An expression -> Jinja's own AST, in which every node knows its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from .segments import Expression, Faulty

_ENVIRONMENT = Environment(autoescape=False, cache_size=0, auto_reload=False)
"""Jinja's syntax; nothing is compiled or rendered with it."""

MAX_DEPTH = 32


def parse(expression: Expression) -> nodes.Expr:
    """The AST of an expression. Raises Faulty.

    Each node's `lineno` is its offset in the template: Jinja keeps lines only, so its parser is handed tokens whose
    line numbers are offsets. That of an attribute or a test is where its name stands, not the dot or the `is`.
    """
    source = expression.source.replace("\r\n", " \n").replace("\r", "\n")
    lexer, tokens = _ENVIRONMENT.lexer, _tokens(source, expression.offset)

    def placed() -> Iterator[tuple[int, str, str]]:
        position = 0
        for _, kind, value in tokens:
            position = source.index(value, position)
            yield expression.offset + position, kind, value
            position += len(value)

    start = expression.offset + len(source) - len(source.lstrip())
    if _nesting(tokens) > MAX_DEPTH:
        raise Faulty(start, "template-too-big", "the expression nests too deep", "make it smaller")
    try:
        parser = Parser(_ENVIRONMENT, "", state="variable")
        parser.stream = TokenStream(lexer.wrap(placed(), None, None), None, None)
        if parser.stream.current.type == "eof":
            raise Faulty(expression.offset, "template-syntax", "there is no expression between '{{' and '}}'")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            extra = parser.stream.current
            raise Faulty(extra.lineno, "template-syntax", f"{str(extra.value)!r} is not expected here")
    except TemplateSyntaxError as error:
        known = expression.offset <= error.lineno <= expression.offset + len(source)
        at = error.lineno if known and error.lineno > 1 else expression.offset
        raise Faulty(at, "template-syntax", _plainly(error)) from None
    except (ValueError, RecursionError, OverflowError):
        raise Faulty(start, "template-too-big", "the expression is too large to read") from None
    _place_names(tree, source, expression.offset)
    return tree


def tree_of(expression: Expression) -> nodes.Expr:
    """The AST of an expression, to look at only: the same one is read once. Raises Faulty."""
    return _short_tree(expression) if len(expression.source) <= _SHORT else parse(expression)


_SHORT = 200


@lru_cache(maxsize=1024)
def _short_tree(expression: Expression) -> nodes.Expr:
    return parse(expression)


def _tokens(source: str, offset: int) -> list[tuple[int, str, str]]:
    try:
        return list(_ENVIRONMENT.lexer.tokeniter(source, None, None, "variable"))
    except TemplateSyntaxError as error:
        place = re.search(r" at (\d+)$", error.message or "")
        raise Faulty(offset + (int(place[1]) if place else 0), "template-syntax", _plainly(error)) from None


def _place_names(tree: nodes.Node, source: str, offset: int) -> None:
    for node in every_node(tree):
        if isinstance(node, nodes.Getattr | nodes.Test):
            word = node.attr if isinstance(node, nodes.Getattr) else node.name
            node.lineno = offset + source.index(word, node.lineno - offset)


def every_node(tree: nodes.Node) -> Iterator[nodes.Node]:
    """A tree's nodes, however deep it is."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.iter_child_nodes())


def _nesting(tokens: list[tuple[int, str, str]]) -> int:
    """How deep the brackets of an expression nest; those around a single value leave no trace in its tree."""
    deepest = depth = 0
    for _, kind, value in tokens:
        if kind == "operator":
            depth += (value in "([{") - (value in ")]}")
            deepest = max(deepest, depth)
    return deepest


def _plainly(error: TemplateSyntaxError) -> str:
    return re.sub(r" at \d+$", "", error.message or "the expression cannot be read").rstrip(".")
