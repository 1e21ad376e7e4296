"""Template text -> segments -> Jinja's own AST, in which every node knows its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

_ENVIRONMENT = Environment(autoescape=False, cache_size=0, auto_reload=False)
"""Jinja's syntax; nothing is compiled or rendered with it."""

MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in a template, at `offset` code points into its text; None where it is the text as a whole."""

    offset: int | None
    rule: str
    message: str
    hint: str = ""


class Faulty(Exception):
    """Carries the fault that ends the reading of a template."""

    def __init__(self, offset: int, rule: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(offset, rule, message, hint)


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between `{{` and `}}`, and its offset in the template."""

    source: str
    offset: int


_OPENING = re.compile(r"\{\{|\{%|\{#")
# A quote that is never closed runs to the end: looking for another start behind it would take quadratic time.
_INSIDE = re.compile(r"""'(?:\\.|[^'\\])*(?:'|\\?\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)|[{}]""", re.DOTALL)


def is_template(text: str) -> bool:
    """Whether the text holds anything that is not literal."""
    return "{{" in text or "{%" in text or "{#" in text


def is_one_expression(text: str) -> bool:
    """Whether the text is one expression in braces and nothing else, so that it keeps its type. Raises Faulty."""
    pieces = list(segments(text))
    return len(pieces) == 1 and isinstance(pieces[0], Expression)


def segments(text: str) -> Iterator[str | Expression]:
    """The literal pieces and the expressions of a template, in order. Raises Faulty."""
    position = 0
    while opening := _OPENING.search(text, position):
        at = opening.start()
        if opening[0] != "{{":
            what = "a statement" if opening[0] == "{%" else "a comment"
            raise Faulty(at, "template-forbidden", f"'{opening[0]}' opens {what}; only expressions are allowed", _HINT)
        if at > position:
            yield text[position:at]
        end = _closing(text, at)
        source = text[at + 2 : end]
        if source[:1] in ("-", "+") or source[-1:] in ("-", "+"):
            raise Faulty(at, "template-syntax", "'{{-' and '-}}' (white space control) are not known", "put a space")
        yield Expression(source, at + 2)
        position = end + 2
    if position < len(text):
        yield text[position:]


_HINT = "put {{ }} around one expression; `$when` leaves a map out"


def _closing(text: str, opening: int) -> int:
    depth = 0
    for token in _INSIDE.finditer(text, opening + 2):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            if depth == 0 and text.startswith("}}", token.start()):
                return token.start()
            depth -= 1
    raise Faulty(opening, "template-syntax", "'{{' is never closed", "close it with '}}'")


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
