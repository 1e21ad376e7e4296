"""What stands at the leaves of a file: names, texts that nothing may misread, paths, patterns and templates."""

from __future__ import annotations

from collections.abc import Sequence

from engine.expressions import FILTERS, FUNCTIONS, TESTS

from . import chance
from .chance import Draw, Strategy, booleans, composite, floats, integers, just, lists, none, one_of, sampled_from, text

ALPHABET = "abcdefgXYZ0189 .,:;-_#!?&*|>@`'\"\\/[]()=~%^$<+é…Жяぱ🙂"
"""Letters of several scripts, and every character that YAML gives a meaning, but for braces, which are templates."""

words = sampled_from(["answer", "Ответ", "v1", "a-b", "x.y", "null", "true", "012", "1e3", "~", "- a", "a: b", "# no"])
texts = one_of(words, text(ALPHABET, min_size=1, max_size=24))
lines = one_of(texts, lists(text("abc dЖ:'\"#-", max_size=12), min_size=2, max_size=4).map("\n".join))
ascii_texts = text("abcXYZ019 -_/;=.*'\"#:", min_size=1, max_size=16)
keys = sampled_from(["text", "delta", "choices", "0", "error", "code", "тип", "a-b", "x_y", "usage", "id", "value"])
paths = sampled_from(["$", "text", "choices.0.delta.content", "тип.a-b", "usage.x_y", "error.code", "0.value", "id"])
many_paths = lists(keys | just("*"), min_size=1).map(".".join)
path_or_paths = paths | paths.map(lambda path: [path, "a.b"])
regexes = sampled_from(
    [
        "tokens? limit",
        "^(over|under)load$",
        "[0-9]{3}",
        "(?i)busy",
        r"retry in \d+s",
        "a|b|c",
        r'nonce="([^"]+)"',
        "é.*",
    ]
)
scalars = one_of(none(), booleans(), integers(-(10**9), 10**9), floats(-1e6, 1e6), lines)
names = sampled_from(["token", "id", "a", "x_1", "session", "nonce2"])


tree_keys = keys | sampled_from(["with space", "a: b", "1", "true", "null", "-", "?", "ключ"])
"""Keys of JSON; none begins with a dollar, which is the language's."""


def trees(leaves: Strategy) -> Strategy:
    """JSON of these leaves."""
    return chance.trees(leaves, tree_keys)


LITERALS = ["1", "0.5", "'a'", '"b c"', "true", "none", "(-2)", "'}} no end {{'"]


def atoms(scalar: Sequence[str], collections: Sequence[str] = ()) -> Strategy:
    """The smallest expressions that have a text."""
    found = [*LITERALS, *scalar, *(f"{name}()" for name in FUNCTIONS)]
    for name in collections:
        found += [
            f"{name} | length",
            f"{name} | tojson",
            f"{name}[0].content",
            f"{name}[-1]['role']",
            f"{name}[1:] | tojson",
        ]
    return sampled_from(found)


@composite
def expressions(draw: Draw, scalar: Sequence[str], collections: Sequence[str] = ()) -> str:
    """An expression that has a text: one of everything that the language has, on these names."""
    first, second = draw(atoms(scalar, collections)), draw(atoms(scalar))
    form = draw(sampled_from(FORMS))
    if form == "filter":
        name = draw(sampled_from(sorted(FILTERS)))
        arguments = [draw(sampled_from(["'a'", "2", second])) for _ in range(FILTERS[name].least)]
        return f"({first}) | {name}" + (f"({', '.join(arguments)})" if arguments else "")
    if form == "test":
        return f"({first}) is {draw(sampled_from(['', 'not ']))}{draw(sampled_from(sorted(TESTS)))}"
    return form.format(first, second)


FORMS = [
    *("filter", "filter", "test", "{0}", "{0}", "{0} if {1} == 'x' else {1}", "({0} ~ {1}) | string", "{0} == {1}"),
    *(
        "not ({0})",
        "{0} and {1} or omit is defined",
        "[{0}, {1}] | length",
        "{{'k': {0}}} | tojson",
        "{0} in [{1}, 'z']",
    ),
    *("(now() * 2 + 3 - 1) / 4", "now() // 60 % 7", "(-now())", "{0} | default({1}) | string", "now() < 5 <= 6 != 7"),
]


@composite
def templates(draw: Draw, scalar: Sequence[str], collections: Sequence[str] = (), *, plain: str = "") -> str:
    """Text with expressions in it, or one expression alone."""
    between = text(plain, max_size=4) if plain else texts
    pieces = draw(lists(expressions(scalar, collections), min_size=1, max_size=2))
    if len(pieces) == 1 and draw(booleans()):
        return "{{ " + pieces[0] + " }}"
    first_words = draw(between).lstrip("[ ")  # text that begins like JSON is refused in a payload
    return first_words + "".join("{{" + piece + "}}" + draw(between) for piece in pieces)
