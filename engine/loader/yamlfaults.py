"""What a YAML parser calls an error, where its author made it.

A parser notices an unclosed quote at the next quote, far below, and an unclosed bracket at the end of the file. The
place to mend is the opening, so the tokens before the error are looked at again: only when there is an error.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..errors import Problem
from .source import Source

_HINT = "put text that holds ': ', '#', '{' or '[' in quotes"
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})")


def too_deep_at(error: yaml.MarkedYAMLError) -> int | None:
    """Where libyaml found that a text nests too deep for it; None for another error."""
    deep = error.problem_mark is not None and "nesting depth" in (error.problem or "")
    return error.problem_mark.index - 1 if deep else None  # type: ignore[union-attr]


def syntax_problem(source: Source, error: yaml.MarkedYAMLError, loader: Any) -> Problem:
    """A syntax error as a problem of its file."""
    context, problem = error.context_mark, error.problem_mark
    mark = problem or context
    at = mark.index if mark is not None else 0
    text, words = source.text, " ".join(part for part in (error.context, error.problem) if part)
    if problem is not None and text[at : at + 1] == "\t":
        return source.problem(at, "yaml-tab", "a tab cannot indent or begin a value", "use spaces")
    if "Unicode" in words:
        return half_character(source, text.rfind("\\", 0, at + 1))
    opening = None
    if context is not None and problem is not None:
        opening = _opening(text, words, context, problem)
    if opening is None and problem is not None:
        opening = _unclosed_quote(text, at, loader)
    if opening is not None:
        return source.problem(
            opening, "yaml-syntax", "what opens here is never closed, or not where it should be", "close it"
        )
    if "simple key" in words and context is not None:
        hint = "write 'key: value'; put text of several lines in quotes"
        return source.problem(context.index, "yaml-syntax", "a key needs ': ' behind it", hint)
    if "escape character" in words:
        hint = "write two backslashes, or use single quotes"
        return source.problem(text.rfind("\\", 0, at + 1), "yaml-syntax", "there is no such escape", hint)
    return source.problem(at, "yaml-syntax", error.problem or "the YAML cannot be read", _HINT)


def half_character(source: Source, at: int) -> Problem:
    """A problem at an escape that stands for half a character: a surrogate."""
    escape = _ESCAPE.match(source.text, at)
    byte = len(source.text[:at].encode())
    message = f"{escape[0] if escape else 'the escape'} (byte {byte}) is half a character, or none"
    return source.problem(at, "encoding", message, "write the whole character, or \\U and its eight digits")


def _opening(text: str, words: str, context: Any, problem: Any) -> int | None:
    """The opening that the parser itself blames: of a quote or bracket that is closed nowhere, or by another's end."""
    is_quote = "quoted scalar" in words
    if is_quote and "escape" in words and problem.line == context.line:
        return None
    is_flow = "flow" in words and "node content" not in words
    elsewhere = problem.line != context.line or text[problem.index : problem.index + 1] in "]}"
    if is_quote or (is_flow and elsewhere) or not text[problem.index :].strip():
        return int(context.index)
    return None


def _unclosed_quote(text: str, at: int, loader: Any) -> int | None:
    """The opening of a quoted text that ended just before the error, and ended where another should have begun.

    It ran over a line end, or the same quote stands in the rest of its line: `'it's'`, `"say "hi""`.
    """
    last = None
    try:
        for token in yaml.scan(text, Loader=loader):
            if token.start_mark.index >= at:
                break
            if isinstance(token, yaml.ScalarToken):
                last = token
    except yaml.YAMLError:
        pass
    if last is None or not last.style or last.style not in "'\"" or text[last.end_mark.index : at].strip(" ,:"):
        return None
    rest = re.split(r"[\r\n]", text[at : at + 4096], maxsplit=1)[0]
    several = last.start_mark.line != last.end_mark.line
    return int(last.start_mark.index) if several or last.style in rest else None
