"""Template text -> segments -> Jinja's own AST, in which every node knows its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from .sandbox import ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in a template, at `offset` code points into its text."""

    offset: int
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
    line numbers are offsets.
    """
    source = expression.source.replace("\r\n", " \n").replace("\r", "\n")
    lexer = ENVIRONMENT.lexer
    try:
        tokens = list(lexer.tokeniter(source, None, None, "variable"))
    except TemplateSyntaxError as error:
        place = re.search(r" at (\d+)$", error.message or "")
        at = expression.offset + (int(place[1]) if place else 0)
        raise Faulty(at, "template-syntax", _plainly(error)) from None

    def placed() -> Iterator[tuple[int, str, str]]:
        position = 0
        for _, kind, value in tokens:
            position = source.index(value, position)
            yield expression.offset + position, kind, value
            position += len(value)

    try:
        parser = Parser(ENVIRONMENT, "", state="variable")
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
        raise Faulty(expression.offset, "template-too-big", "the expression is too large to read") from None
    tree.set_environment(ENVIRONMENT)
    return tree


def _plainly(error: TemplateSyntaxError) -> str:
    return re.sub(r" at \d+$", "", error.message or "the expression cannot be read").rstrip(".")
