"""Compiled leaves and trees: templates -> functions of the call's values, compiled once per file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .budget import spend
from .functions import FUNCTIONS, EncodedPath, quoted
from .names import bare_name
from .sandbox import OMIT, NotGivenError, Omitted
from .segments import Expression, Faulty, is_template, segments
from .texts import TemplateError, as_text

Values = Mapping[str, Any]
Rendered = Callable[[Values], Any]


_FAULTS = (NotGivenError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError)
"""What an expression may raise on the values of a call; it is told as a TemplateError, which is one of them."""


def _compile_expression(expression: Expression) -> Rendered:
    from .closures import closure, is_safe  # with the template engine, which many a file does not need

    tree = _tree(expression)
    return closure(tree) if is_safe(tree) else _careful(closure(tree))


def _evaluated(expression: Expression) -> Rendered:
    """An expression whose faults the caller tells."""
    from .closures import closure

    return closure(_tree(expression))


def _tree(expression: Expression) -> Any:
    from .parsing import parse

    try:
        return parse(expression)
    except Faulty as error:
        raise TemplateError(error.fault.message) from None


def _careful(evaluate: Rendered) -> Rendered:
    """What goes wrong in an expression is a TemplateError."""

    def render(values: Values) -> Any:
        try:
            return evaluate(values)
        except _FAULTS as error:
            raise TemplateError(_told(error)) from None

    return render


def _told(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return str(error)
    if isinstance(error, NotGivenError):
        return f"uses something that was not given ({error})"
    words = " ".join(str(error).split())
    return "cannot be worked out: " + (words if len(words) <= 120 else f"{words[:117]}...")


def compile_text(text: str, encode: Callable[[str], str] = str) -> Rendered:
    """A template that gives text, or OMIT when something in it is omitted; `encode` is applied to each slot."""
    if not is_template(text):
        return lambda values: text
    try:
        pieces = [s if isinstance(s, str) else _compile_expression(s) for s in segments(text)]
    except Faulty as error:
        raise TemplateError(error.fault.message) from None

    def render(values: Values) -> Any:
        out: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            value = piece(values)
            kind = type(value)
            if kind is Omitted:
                return OMIT
            out.append(encode(value if kind is str or kind is EncodedPath else as_text(value)))
        spend(sum(map(len, out)))
        return "".join(out)

    return render


def compile_leaf(text: str) -> Rendered:
    """A leaf: one expression keeps its native type, anything else is text.

    >>> compile_leaf("{{ n }}")({"n": 1}), compile_leaf("n={{ n }}")({"n": 1}), compile_leaf("n")({})
    (1, 'n=1', 'n')
    """
    if not is_template(text):
        return lambda values: text
    expression = _only_expression(text)
    return compile_text(text) if expression is None else _compile_expression(expression)


def _only_expression(text: str) -> Expression | None:
    """The expression that is all of a leaf; None where there is more."""
    try:
        pieces = list(segments(text))
    except Faulty as error:
        raise TemplateError(error.fault.message) from None
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Expression) else None


def condition_source(text: str) -> tuple[str, bool]:
    """What `$when` holds is one expression; braces around it may be written or left out. Gives (text, is bare)."""
    return text, not text.strip().startswith("{{")


def names_in_tree(tree: Any, *, functions: bool = False) -> frozenset[str]:
    """The names of values that the templates of a tree read, and with `functions` those of the functions they call.

    >>> sorted(names_in_tree({"$when": "stream", "to": ["{{ model }}", "tools"]}))
    ['model', 'stream']
    """
    if isinstance(tree, Mapping):
        when = _condition_names(tree["$when"], functions) if isinstance(tree.get("$when"), str) else frozenset()
        rest = (names_in_tree(value, functions=functions) for key, value in tree.items() if key != "$when")
        return when.union(*rest)
    if isinstance(tree, list | tuple):
        return frozenset().union(*(names_in_tree(item, functions=functions) for item in tree))
    if not is_template(tree):
        return frozenset()
    if (name := bare_name(tree)) is not None:
        return frozenset({name}) if functions else frozenset({name}) - set(FUNCTIONS)
    from .allowed import names_used

    return names_used(tree, functions=functions)


def _condition_names(text: str, functions: bool) -> frozenset[str]:
    from .allowed import names_used

    text, bare = condition_source(text)
    return names_used(text, bare=bare, functions=functions)


def compile_condition(text: str) -> Rendered:
    """The expression of a `$when`."""
    text, bare = condition_source(text)
    return _compile_expression(Expression(text, 0)) if bare else compile_leaf(text.strip())


def compile_tree(tree: Any, where: str = "payload") -> Rendered:
    """A tree of maps, lists and leaves; omitted leaves leave no key, a false `$when` omits its whole map.

    Raises TemplateError, when rendered, with the place in the tree.
    """
    if isinstance(tree, Mapping):
        return _compile_map(tree, where)
    if isinstance(tree, list | tuple):
        items = [compile_tree(item, f"{where}.{index}") for index, item in enumerate(tree)]
        return lambda values: [item for render in items if (item := render(values)) is not OMIT]
    if not is_template(tree):
        return lambda values: tree
    if (name := bare_name(tree)) is not None:
        return lambda values: values.get(name, OMIT)
    expression = _only_expression(tree)
    leaf = compile_text(tree) if expression is None else _evaluated(expression)

    def render(values: Values) -> Any:
        try:
            value = leaf(values)
        except _FAULTS as error:
            raise TemplateError(f"{where} {_told(error)}") from None
        return OMIT if type(value) is Omitted else value

    return render


def _compile_map(tree: Mapping[str, Any], where: str) -> Rendered:
    when = compile_condition(str(tree["$when"])) if "$when" in tree else None
    # What is literal stands in the map that each rendering is a copy of; it also keeps the order of the keys.
    literal = {key: value for key, value in tree.items() if key != "$when"}
    names, others = [], []
    for key, value in literal.items():
        if isinstance(value, str) and (name := bare_name(value)) is not None:
            names.append((key, name))
        elif isinstance(value, Mapping | list | tuple) or is_template(value):
            others.append((key, compile_tree(value, f"{where}.{key}")))

    def render(values: Values) -> Any:
        if when is not None and not when(values):
            return OMIT
        made = literal.copy()
        for key, name in names:
            made[key] = value = values.get(name, OMIT)
            if value is OMIT:
                del made[key]
        for key, render in others:
            made[key] = value = render(values)
            if value is OMIT:
                del made[key]
        return made

    return render


def encode_slot(value: str) -> str:
    """Percent-encode one slot of a path: no slash, no query, no fragment gets through.

    >>> encode_slot("a/b?c:d")
    'a%2Fb%3Fc%3Ad'
    """
    if isinstance(value, EncodedPath):
        return str(value)
    if value in ("", ".", ".."):
        raise TemplateError(f"gives {value!r}, which is no part of a path")
    return quoted(value)
