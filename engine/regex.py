"""Regular expressions from a provider file: a subset that cannot run away, checked on Python's own parse of them.

No group under a quantifier, at most one unbounded quantifier, no backreference, no lookaround; the input is cut to
`MAX_INPUT` characters. What is left is at worst quadratic in that bound, times the ways to choose among alternatives
and bounded quantifiers, which are counted too: `a?` thirty times over tries a thousand million of them. The more a
pattern may have to try, the less of a text it is given, so that each search takes at most `MAX_STEPS`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MAX_INPUT = 4096
MAX_PATTERN = 1000
MAX_SEARCHED = 256 * 1024
OVERLAP = 1024
MAX_WAYS = 4096
MAX_WAYS_BESIDE_UNBOUNDED = 32
MAX_STEPS = MAX_INPUT**2 // 2
"""What one search may have to try: measured, 10 to 70 ms."""
MAX_STEPS_OF_PAGE = 8 * MAX_STEPS
MAX_BOUND = 100
"""A quantifier that goes beyond is as good as unbounded."""


Steps = Callable[[int], float]
"""What a pattern may have to try on a text of so many characters."""


class RegexError(ValueError):
    """The pattern is broken (`bad-regex`, `offset` is the place in it), or could run away (`regex-unsafe`)."""

    def __init__(self, rule: str, message: str, hint: str = "", offset: int | None = None) -> None:
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
    compiled, steps = _compiled(pattern)
    most = _most(steps)
    return lambda text: compiled.search(text, 0, most) is not None


def compile_search(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """The same for a longer text, of which the match is wanted: a page that holds a value. Raises RegexError.

    The text is searched piece by piece, each as long as `compile_regex` takes one, up to `MAX_SEARCHED` characters or
    to where all of it would take `MAX_STEPS_OF_PAGE`. Pieces overlap by `OVERLAP` characters, or a quarter of them.

    >>> compile_search('nonce="([^"]+)"')("<p>" * 9000 + '<i nonce="a1">')[1]
    'a1'
    """
    compiled, steps = _compiled(pattern)
    size = _most(steps)
    pieces = int(MAX_STEPS_OF_PAGE // steps(size))
    step = size - min(OVERLAP, size // 4)

    def search(text: str) -> re.Match[str] | None:
        for start in range(0, max(1, min(len(text), MAX_SEARCHED, pieces * step)), step):
            if found := compiled.search(text, start, start + size):
                return found
        return None

    return search


def _most(steps: Steps) -> int:
    """How many characters of a text are searched at once."""
    size = MAX_INPUT
    while steps(size) > MAX_STEPS:
        size -= 128
    return size


def _compiled(pattern: str) -> tuple[re.Pattern[str], Steps]:
    if len(pattern) > MAX_PATTERN:
        raise RegexError("regex-unsafe", f"a pattern has at most {MAX_PATTERN} characters", "make it smaller")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # what Python may read otherwise tomorrow
            tree = _parser.parse(pattern)
            compiled = re.compile(pattern)
        unbounded, ways = _unbounded(tree, inside=False), _ways(tree)
    except (re.error, RecursionError, OverflowError, FutureWarning) as error:
        warned = re.search(r"at position ([0-9]+)$", str(error))
        offset = getattr(error, "pos", None) or (int(warned[1]) if warned else 0)
        raise RegexError("bad-regex", f"the pattern cannot be read: {error}", offset=offset) from None
    if unbounded > 1:
        raise RegexError("regex-unsafe", "the pattern has more than one unbounded quantifier", _HINT)
    if ways > (MAX_WAYS_BESIDE_UNBOUNDED if unbounded else MAX_WAYS):
        raise RegexError("regex-unsafe", "the pattern can match in too many ways", "fewer of ?, {m,n} and |")
    if unbounded and not _stops_at_next_start(tree):
        starts = max(1, len(_prefix(tree)))
        return compiled, lambda size: ways * size * size / 2 / starts
    return compiled, lambda size: 4.0 * ways * size  # a choice takes longer than one more character


def _prefix(tree: Any) -> str:
    """The text that every match begins with."""
    found = ""
    for operation, argument in tree:
        if str(operation) != "LITERAL":
            inner = argument[-1] if str(operation) == "SUBPATTERN" else ()
            return found + _prefix(inner)
        found += chr(argument)
    return found


def _stops_at_next_start(tree: Any) -> bool:
    """Whether what is repeated without bound cannot run over the start of another match: `nonce="([^"]+)`."""
    prefix = _prefix(tree)
    return any(char in prefix for char in _excluded(tree))


def _excluded(tree: Any) -> Iterator[str]:
    """The characters that the unbounded quantifier does not match, where it names them."""
    for operation, argument in tree:
        name = str(operation)
        if name == "SUBPATTERN":
            yield from _excluded(argument[-1])
        elif name in _REPEATS and argument[1] > MAX_BOUND and len(argument[2]) == 1:
            inner, said = argument[2][0]
            if str(inner) == "NOT_LITERAL":
                yield chr(said)
            elif str(inner) == "IN" and str(said[0][0]) == "NEGATE":
                yield from (chr(char) for kind, char in said if str(kind) == "LITERAL")


def _ways(tree: Any) -> int:
    """In how many ways the bounded quantifiers and the alternatives can be chosen."""
    ways = 1
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, _ = argument
            ways *= 1 if most > MAX_BOUND else most - least + 1
        elif name == "SUBPATTERN":
            ways *= _ways(argument[-1])
        elif name == "BRANCH":
            ways *= sum(_ways(branch) for branch in argument[1])
    return ways


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
            count += most > MAX_BOUND
            count += _unbounded(body, inside=True)
        elif name == "SUBPATTERN":
            count += _unbounded(argument[-1], inside=inside)
        elif name == "BRANCH":
            count += sum(_unbounded(branch, inside=inside) for branch in argument[1])
        elif name == "ATOMIC_GROUP":
            count += _unbounded(argument, inside=inside)
    return count
