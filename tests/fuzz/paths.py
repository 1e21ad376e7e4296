"""Targets for what else a file has a language of its own for: paths and patterns."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from engine.loader.rulebook import rulebook
from engine.paths import MISSING, Path, PathError, first_of
from engine.regex import RegexError, compile_regex, compile_search

from .answers import disturbed
from .target import Target, fields, is_one_line, json_or_none


def path(data: bytes) -> None:
    """A path is refused with a place in it, or reads any JSON without a word; what is put there is read there."""
    text, rest = fields(data, 2)
    value = json_or_none(rest)
    for many in (False, True):
        try:
            made = Path(text, many=many)
        except PathError as error:
            assert error.offset is None or 0 <= error.offset <= len(text)
            assert error.rule in rulebook()
            continue
        for found in made.each(value):
            assert found is not MISSING
        if many:
            continue
        before = json.dumps(value)
        assert made.get(value) == next(iter(made.each(value)), MISSING)
        assert first_of([text, text])(value) == made.get(value)
        if made.obstacle(value) is None:
            assert made.get(made.put(value, "new")) == "new"
        assert json.dumps(value) == before


def a_path(random: random.Random) -> bytes:
    keys = ("a", "b", "0", "1", "*", "$", "00", "-1", "a b", "", "9999", "10000", "é", "a[0]", "**")
    words = ".".join(
        random.choices(keys, weights=(9, 9, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), k=random.randint(1, 6))
    )
    value: Any = {"a": [{"b": [0, {"a": "x"}], "0": None}, "s"], "b": {"0": {"1": []}}}
    return f"{words}\n{json.dumps(disturbed(random, value))}".encode()


def pattern(data: bytes) -> None:
    """A pattern is refused with a place in it, or ends soon on the longest text that it is asked about."""
    text, rest = fields(data, 2)
    try:
        search, find = compile_regex(text), compile_search(text)
    except RegexError as error:
        assert error.offset is None or 0 <= error.offset <= len(text)
        assert error.rule in rulebook()
        assert is_one_line(str(error)) or not is_one_line(text)
        return
    assert search(rest) is (find(rest) is not None) or len(rest) > 4096
    long = (rest or "a") * (4096 // len(rest or "a"))
    search(long)
    find(long)


def a_pattern(random: random.Random) -> bytes:
    pieces = (
        "a",
        "b",
        ".",
        "a?",
        "b{0,9}",
        "a*",
        ".*",
        "a+?",
        "a*+",
        "[^x]*",
        r"\s*",
        r"\w{1,99}",
        "(?:a|b|)",
        "(a|aa)",
        "(?>a|b)",
    )
    pieces += (
        "^",
        "$",
        "(?i)",
        "(?i:a)",
        r"\b",
        "(?=a)",
        "(a",
        "]",
        "x",
        "(?s:.)",
        "[a-z]",
        "é",
        "ſ",
        r"(?P<n>a)",
        "(a)*",
    )
    made = "".join(random.choice(pieces) for _ in range(random.randint(1, 9)))
    return f"{made}\n{random.choice(('a', 'ab', ' ', 'aA', 'é', 'a' * 30 + 'x'))}".encode()


def patterns() -> Iterator[bytes]:
    yield b"(?i)rate.?limit|too many\nToo many requests"
    yield b'nonce="([^"]+)"\n<i nonce="a1">'
    yield b"a?a?a?a*b\naaaaaaaa"


PATHS = (b'choices.0.delta\n{"choices": [{"delta": 1}]}', b'a.*.b\n{"a": [{"b": 1}]}')
PATH_TOKENS = (b".", b"*", b"$", b"0", b"[", b"]", b"{{", b" ", b"\n", b'{"a": ')
PATTERN_TOKENS = tuple(b"( ) (?: (?P<a> (?i) | ? * + {0,9} [ ] [^ ^ $ \\b \\s \\1 (?= . \\".split(b" "))


TARGETS = (
    Target("path", path, lambda: PATHS, PATH_TOKENS, a_path),
    Target("pattern", pattern, patterns, PATTERN_TOKENS, a_pattern, seconds=1.0, share=0.1),
)
