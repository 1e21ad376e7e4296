"""Regular expressions from a provider file: a subset that cannot run away, checked on Python's own parse of them.

No group under a quantifier, at most one unbounded quantifier, no backreference, no lookaround; the input is cut to
`MAX_INPUT` characters. What is left is at worst quadratic in that bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MAX_INPUT = 4096


class RegexError(ValueError):
    """The pattern is broken (`bad-regex`) or could run away (`regex-unsafe`); `offset` is the place in it."""

    def __init__(self, rule: str, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.rule = rule
        self.hint = hint
        self.offset = offset


_HINT = "no group under a quantifier, one unbounded quantifier, no backreference, no lookaround"
_FORBIDDEN = {"GROUPREF", "GROUPREF_EXISTS", "ASSERT", "ASSERT_NOT"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A search for the pattern. Raises RegexError.

    >>> compile_regex("tokens? limit")("the token limit of 4096")
    True
    """
    try:
        tree = _parser.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        offset = getattr(error, "pos", None) or 0
        raise RegexError("bad-regex", f"the pattern cannot be read: {error}", offset=offset) from None
    if _unbounded(tree, inside=False) > 1:
        raise RegexError("regex-unsafe", "the pattern has more than one unbounded quantifier", _HINT)
    return lambda text: compiled.search(text[:MAX_INPUT]) is not None


def _unbounded(tree: Any, *, inside: bool) -> int:
    """How many quantifiers have no upper bound; raises for what is not in the subset."""
    count = 0
    for operation, argument in tree:
        name = str(operation)
        if name in _FORBIDDEN:
            raise RegexError("regex-unsafe", "the pattern looks around or back", _HINT)
        if inside and name in ("SUBPATTERN", "BRANCH", "ATOMIC_GROUP", *_REPEATS):
            raise RegexError("regex-unsafe", "the pattern has a group under a quantifier", _HINT)
        if name in _REPEATS:
            _, most, body = argument
            count += most == _constants.MAXREPEAT or most > 100
            count += _unbounded(body, inside=True)
        elif name == "SUBPATTERN":
            count += _unbounded(argument[-1], inside=inside)
        elif name == "BRANCH":
            count += sum(_unbounded(branch, inside=inside) for branch in argument[1])
        elif name == "ATOMIC_GROUP":
            count += _unbounded(argument, inside=inside)
    return count
