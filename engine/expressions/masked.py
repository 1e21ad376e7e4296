"""Templates that may read secrets: which of them they read, and the text that they give with a mask over it.

What is shown follows from the template, not from the values: `secrets.key` alone shows as its mask, any other
expression that reads a secret as `***`, the rest as it is. So no way of taking a secret apart gets around the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

from ..secrets import MASK, Secret, Sensitive, shown
from ..suggest import did_you_mean
from .compiled import Values, compile_leaf, condition_source
from .parsing import tree_of
from .segments import SECRETS, Expression, Fault, Faulty, segments
from .texts import as_text


def compile_masked(text: str) -> Callable[[Values], tuple[str, tuple[Secret, ...]]]:
    """A template -> its text, Sensitive where it reads a secret, and the pieces of it that are masked.

    Raises TemplateError for what has no text. `values["secrets"]` maps names to Sensitive text.
    """
    pieces = [_piece(segment) for segment in segments(text)]

    def render(values: Values) -> tuple[str, tuple[Secret, ...]]:
        rendered = [piece(values) for piece in pieces]
        hidden = tuple(Secret(str.__str__(part), name=shown(part)) for part in rendered if isinstance(part, Sensitive))
        whole = "".join(rendered)
        return (Sensitive(whole, "".join(map(shown, rendered))) if hidden else whole), hidden

    return render


def _piece(segment: str | Expression) -> Callable[[Values], str]:
    if isinstance(segment, str):
        return lambda values: segment
    evaluate = compile_leaf(f"{{{{{segment.source}}}}}")
    if next(_uses(tree_of(segment)), None) is None:
        return lambda values: as_text(evaluate(values))

    def hidden(values: Values) -> str:
        text = as_text(evaluate(values))
        return text if isinstance(text, Sensitive) else Sensitive(text, MASK)

    return hidden


def keys_of(tree: Any) -> frozenset[str]:
    """The secrets that the templates of a tree read.

    >>> sorted(keys_of({"a": "{{ secrets.id }}:{{ body | hmac_sha256(secrets.key) }}", "b": ["secrets.none"]}))
    ['id', 'key']
    """
    if isinstance(tree, Mapping):
        when = tree.get("$when")
        here = _keys([Expression(when, 0)] if isinstance(when, str) and condition_source(when)[1] else [])
        return here.union(*map(keys_of, tree.values()))
    if isinstance(tree, list | tuple):
        return frozenset().union(*map(keys_of, tree))
    return _keys(segments(tree)) if isinstance(tree, str) else frozenset()


def _keys(pieces: Iterable[str | Expression]) -> frozenset[str]:
    trees = [tree_of(piece) for piece in pieces if isinstance(piece, Expression)]
    return frozenset(key for tree in trees for _, key in _uses(tree) if key is not None)


def check_keys(text: str, declared: Collection[str], *, bare: bool = False) -> Iterator[Fault]:
    """What is wrong with how a template reads secrets: each is named, as `secrets.NAME`, and declared."""
    try:
        pieces = [Expression(text, 0)] if bare else list(segments(text))
        expressions = [piece for piece in pieces if isinstance(piece, Expression)]
        uses = [use for expression in expressions for use in _uses(tree_of(expression))]
    except Faulty:
        return  # `check` has said so
    for offset, key in uses:
        if key is None:
            yield Fault(offset, "template-forbidden", "the secrets are no value", "name one of them: secrets.NAME")
        elif key not in declared:
            hint = did_you_mean(key, declared) or "declare it under `secrets`"
            yield Fault(offset, "undefined-reference", f"'secrets.{key}' is not declared", hint)


def _uses(tree: nodes.Node) -> Iterator[tuple[int, str | None]]:
    """Every place where a tree reads the secrets, with the key; None where that is not written as `secrets.NAME`."""
    pending: list[nodes.Node] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == SECRETS:
            yield node.node.lineno, node.attr
            continue
        if isinstance(node, nodes.Name) and node.name == SECRETS:
            yield node.lineno, None
        pending.extend(node.iter_child_nodes())
