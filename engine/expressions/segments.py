"""Template text -> its literal pieces and its expressions. Most leaves are one name in braces: Jinja is not needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "self", "super"})
"""Words of the expression language; no name can be spelt like them."""


SECRETS = "secrets"
"""The name of the map that holds them."""


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


def is_template(value: object) -> TypeGuard[str]:
    """Whether a value is text that holds anything that is not literal."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


def template_at(text: str) -> int | None:
    """Where the first of what is not literal begins; None where all is."""
    opening = _OPENING.search(text)
    return opening and opening.start()


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
