"""The target for templates: what the allow-list lets through is bounded, and the same by both ways to work it out."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from engine.expressions import (
    FILTERS,
    OMIT,
    TESTS,
    Helpers,
    TemplateError,
    check,
    compile_leaf,
    compile_text,
    compile_tree,
    names_in_tree,
)
from engine.expressions.functions import Absent
from engine.expressions.segments import Expression, segments
from engine.loader.rulebook import rulebook

from ..jinjaoracle import by_jinja
from .target import Target


class Tripwire:
    """No expression may see anything of a Python object: any look at it is remembered."""

    touched: list[str] = []  # noqa: RUF012  of the class, for a look at the object would touch it

    def __getattribute__(self, name: str) -> Any:
        if name != "__class__":  # isinstance asks for it
            Tripwire.touched.append(name)
        return object.__getattribute__(self, name)


VALUES: dict[str, Any] = {
    "model": "m-1",
    "messages": [{"role": "user", "content": 'Hi "you" {{ model }}'}],
    "stream": True,
    "n": 3,
    "f": 0.5,
    "z": None,
    "m": {"k": [1, "y"], "n": {"a": 0}, "items": "i", "_x": 1},
    "o": OMIT,
    "wire": Tripwire(),
}
MAX_GROWN = 1_000_000
"""Characters that a template of some kilobytes may come to, on the short values above."""


def expression(data: bytes) -> None:
    """A template is refused with a place in it, or gives a bounded value or a TemplateError, in two ways the same."""
    text = data.decode("utf-8", "replace")
    names = frozenset(VALUES)
    for bare in (False, True):
        faults = check(text, names, bare=bare)
        for fault in faults:
            assert fault.rule in rulebook()
            assert fault.offset is None or 0 <= fault.offset <= len(text), fault
            assert fault.message
        if faults:
            continue
        if bare:
            _worked_out(lambda: compile_tree({"$when": text, "a": 1}))
            continue
        assert names_in_tree(text) <= names
        for compiled in (compile_leaf, compile_text, compile_tree):
            _worked_out(lambda compiled=compiled: compiled(text))
        found = [segment for segment in segments(text) if isinstance(segment, Expression)]
        for segment in found[:20]:
            _same_both_ways(segment)
    assert not Tripwire.touched, Tripwire.touched


def _values() -> dict[str, Any]:
    return VALUES | Helpers(clock=lambda: 1.0, entropy=lambda: bytes(range(16))).functions()


def _worked_out(compiled: Callable[[], Callable[[Any], Any]]) -> None:
    try:
        value = compiled()(_values())
    except TemplateError as error:
        assert len(str(error)) <= 2000
        return
    assert _size(value) <= MAX_GROWN


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict | list):
        return sum(map(_size, [*value, *value.values()] if isinstance(value, dict) else value)) + 1
    return len(str(value)) if type(value) in (int, float) else 1


def _same_both_ways(segment: Expression) -> None:
    if "wire" not in segment.source:  # which Jinja, asked by itself, would look at
        assert _ours(segment.source) == _theirs(segment.source)


def _ours(source: str) -> Any:
    try:
        return _typed(compile_leaf(f"{{{{{source}}}}}")(_values()))
    except TemplateError:
        return "an error"


def _theirs(source: str) -> Any:
    try:
        return _typed(by_jinja(source, _values()))
    except ArithmeticError:
        return "an error"


def _typed(value: Any) -> Any:
    """Compared by type too: true is not 1, and what is omitted equals nothing else."""
    if isinstance(value, Absent):
        return "omitted"
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return type(value), value


OPERATORS = ("and", "or", "==", "!=", "<", ">=", "~", "+", "-", "*", "/", "//", "%", "in", "not in")
ATOMS = (
    *VALUES,
    "absent",
    "'s'",
    '"\\u00e9"',
    "1",
    "0",
    "2.5",
    "10**9",
    "true",
    "none",
    "[]",
    "{}",
    "now()",
    "uuid4()",
    "-1",
)
ESCAPES = ("__class__", "mro()", "_x", "format", "f_globals", "lipsum", "self", "cycler", "namespace", "range", "loop")


def an_expression(random: random.Random, depth: int = 4) -> str:
    """An expression of the language, or nearly."""
    if depth == 0 or random.random() < 0.15:
        return random.choice(ATOMS if random.random() < 0.95 else ESCAPES)

    def inner() -> str:
        return an_expression(random, depth - 1)

    form = random.randrange(12)
    if form < 2:
        return f"({inner()}) {random.choice(OPERATORS)} ({inner()})"
    if form == 2:
        return f"({inner()}).{random.choice(('k', 'n', 'a', 'items', 'content', *ESCAPES[:5]))}"
    if form == 3:
        return f"({inner()})[{random.choice(('0', '-1', '9', repr('k'), '1:', ':-1', '::2', '::0', '1:n', inner()))}]"
    if form == 4:
        return f"({inner()}) is {random.choice(('', 'not '))}{random.choice([*TESTS, 'callable'])}"
    if form == 5:
        return f"{inner()} if {inner()} else {inner()}"
    if form == 6:
        return f"({inner()}) if {inner()}"
    if form < 10:
        argument = random.choice(("", "", f"({inner()})", "('d')"))
        return f"({inner()})|{random.choice([*FILTERS, 'attr'])}{argument}"
    return f"[{inner()}, {inner()}]" if form == 10 else f"{{'k': {inner()}, {random.choice(ATOMS)}: {inner()}}}"


def a_template(random: random.Random) -> bytes:
    """One or several expressions, with words around them."""
    made = [f"{{{{ {an_expression(random)} }}}}" for _ in range(random.choice((1, 1, 1, 2, 3)))]
    return random.choice(("", "", "x ", "}} ")).join(["", *made, ""][random.choice((0, 1)) :]).encode()


# fmt: off
TEMPLATE_TOKENS = (
    *(f" {word} ".encode() for word in (*OPERATORS, *ATOMS, *ESCAPES, "is", "not", "if", "else")),
    *(f"|{name}".encode() for name in (*FILTERS, "attr", "format", "map")),
    b"{{", b"}}", b"{%", b"%}", b"{#", b"#}", b"{{-", b"-}}", b"(", b")", b"[", b"]", b":", b",", b".", b"'", b'"', b"\\",
    b"{{ m.k }}", b"{{ 'a' * 9 }}", b"99999999999999", b"1e308", b"\xc2\xa0", b"\xe2\x80\xa8",
)
# fmt: on

TEMPLATES = (b"{{ m.k[0] if n is defined else messages|tojson }} {{ n * 2 }}", b"{{ [model, {'a': f}]|tojson }}")


TARGETS = (Target("expression", expression, lambda: TEMPLATES, TEMPLATE_TOKENS, a_template, seconds=0.2, share=0.5),)
