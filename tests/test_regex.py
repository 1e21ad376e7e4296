"""Patterns of provider files: a subset that cannot run away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.regex import MAX_INPUT, MAX_PATTERN, RegexError, compile_regex, compile_search

SAFE = [
    ("tokens? limit", "the token limit of 4096", True),
    ("tokens? limit", "the tokens", False),
    ("^quota", "quota exceeded", True),
    ("^quota", "no quota", False),
    ("rate.?limit|too many requests|slow down", "Too many requests", False),
    ("(?i)rate.?limit|too many requests|slow down", "Too many requests", True),
    ("(context|prompt) (length|size|window)", "prompt size", True),
    ("maximum .* tokens", "maximum of 10 tokens", True),
    ("[0-9]{3,5} tokens", "12 tokens", False),
    ("code: [45][0-9]{2}$", "code: 429", True),
    ("(?:billing )?quota", "quota", True),
    ("(?P<word>a)b", "ab", True),
    (r"\bhard limit\b", "a hard limit.", True),
    (r"\d+", "x9", True),
    ("a++b", "aab", True),
    ("(?>a|b)c", "ac", True),
    ("", "anything", True),
    ("Привет", "Привет!", True),
]


@pytest.mark.parametrize(("pattern", "text", "matches"), SAFE)
def test_the_safe_subset(pattern, text, matches):
    assert compile_regex(pattern)(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*",
        "(?:a+)+",
        "(a|b)+",
        "(ab)+",
        "(ab){2}",
        "(a|a)*b",
        "(?:ab|cd)+",
        "((a)){2,}",
        "(?>a+)+",
        ".*x.*y",
        "a+b+",
        "a*|b*",
        "(a+)(b+)",
        "a+?b+?",
        "a{101,}b*",
        "a{0,101}b{0,200}",
        r"(a)\1",
        r"(?P<x>a)(?P=x)",
        "(a)?(?(1)b|c)",
        "(?=a)b",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)b",
        "x(a|(?=b))",
        "a?" * 30,
        "a?" * 30 + "a" * 30,
        "(?:a|aa)" * 20,
        "a{0,100}" * 4,
        "a{0,100}a+",
        "a?" * 6 + "a*b",
        "(" * 5000 + ")" * 5000,
        "(a|" * 2000 + "b" + ")" * 2000,
        "a" * (MAX_PATTERN + 1),
    ],
)
def test_what_could_run_away_is_refused(pattern):
    with pytest.raises(RegexError) as caught:
        compile_regex(pattern)
    assert caught.value.rule == "regex-unsafe"
    assert caught.value.hint
    assert caught.value.offset is None  # it is the pattern as a whole


@pytest.mark.parametrize(
    ("pattern", "offset"),
    [
        ("(", 0),
        ("ab(cd", 2),
        ("ab[cd", 2),
        ("a)", 1),
        ("*a", 0),
        ("ab**", 3),
        ("a{3,2}", 2),
        (r"a\Q", 1),
        ("[z-a]", 1),
        ("ab\\", 2),
        ("(?P<1>a)", 4),
        ("(?P<a>x)(?P<a>y)", 12),
        ("a(?i)b", 1),
        ("a{99999999999}", 0),
        ("a[[b]", 2),
        ("[a--b]", 2),
    ],
)
def test_what_is_no_pattern_says_where(pattern, offset):
    with pytest.raises(RegexError) as caught:
        compile_regex(pattern)
    assert (caught.value.rule, caught.value.offset) == ("bad-regex", offset)


@pytest.mark.parametrize(
    "pattern",
    [
        *("a.*b", ".*b", "a?" * 12 + "b", "a?" * 5 + "a*b", "a{0,31}a.*b", "(?:a|aa|aaa|aaaa)" * 5 + "b"),
        *("a{0,99}a{0,39}b", "(?i:a?a?a?a?a?.*x)", r"\s*b", "(?i).*x", "a{100}" * 6 + "a{0,100}a{0,39}b"),
    ],
)
def test_the_worst_that_is_allowed_ends_soon(pattern):
    search, find = compile_regex(pattern), compile_search(pattern)
    for text in ("a" * 1_000_000, " " * 1_000_000):
        began = time.thread_time()
        assert search(text) is False
        assert time.thread_time() - began < 0.5  # measured: 0.1; what is refused above would take hours
        assert find(text) is None
        assert time.thread_time() - began < 5  # measured: 1; without a bound on the whole, 160


def test_a_pattern_that_cannot_run_away_searches_a_whole_page():
    page = "<p>" * 80_000 + '<i nonce="a1">'
    for pattern in ('nonce="([^"]+)"', '(?i)nonce="([^"<>]*)"', 'nonce="([a-z0-9]{2})"'):
        assert compile_search(pattern)(page)[1] == "a1"


def test_a_pattern_that_tries_more_is_given_less_of_a_text():
    assert compile_regex("x.*needle")("x" * 4000 + "needle") is True
    assert compile_regex("a?b?c?d?e?x.*needle")("x" * 700 + "needle") is False
    assert compile_regex("a?b?c?d?e?x.*needle")("x" * 500 + "needle") is True


def test_only_the_start_of_a_text_is_searched():
    search = compile_regex("needle")
    assert search("x" * (MAX_INPUT - 6) + "needle") is True
    assert search("x" * (MAX_INPUT - 5) + "needle") is False


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.*+?()[]{}|\\1,^$:=!<P>i-&~", max_size=14), st.text(alphabet="ab1", max_size=20))
def test_any_pattern_is_compiled_or_refused(pattern, text):
    try:
        result = compile_regex(pattern)(text)
    except RegexError as error:
        result = error.rule in ("bad-regex", "regex-unsafe") and 0 <= (error.offset or 0) <= len(pattern)
        assert result
    assert isinstance(result, bool)
