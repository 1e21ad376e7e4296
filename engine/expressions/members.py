"""Which members of a map, written as `root.first.second`, a template reads, and where."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from .parsing import tree_of
from .segments import Expression, Faulty, segments


def members_of(text: str, root: str, *, bare: bool = False) -> list[tuple[int, tuple[str, ...]]]:
    """Every place where a template reads `root`: the offset in its text, and the keys behind the name.

    A key that is worked out ends the list of keys, as nobody can say what it will be. A text that cannot be read has
    none: `check` says what is wrong with it.

    >>> members_of("{{ steps.a.id }} {{ steps['b'] }} {{ steps[model] }}", "steps")
    [(3, ('a', 'id')), (20, ('b',)), (37, ())]
    """
    try:
        pieces = [Expression(text, 0)] if bare else list(segments(text))
        trees = [tree_of(piece) for piece in pieces if isinstance(piece, Expression)]
    except Faulty:
        return []
    return sorted(found for tree in trees for found in _members(tree, root))


def _members(tree: nodes.Node, root: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    pending = [tree]
    while pending:
        node = pending.pop()
        keys = _keys_from(node, root)
        if keys is None:
            pending.extend(node.iter_child_nodes())
            continue
        place, names, rest = keys
        yield place, names
        pending.extend(rest)


def _keys_from(node: nodes.Node, root: str) -> tuple[int, tuple[str, ...], list[nodes.Node]] | None:
    """The keys of a chain that begins at `root`, and what of it is worked out; None where it begins elsewhere."""
    names: list[str] = []
    worked_out: list[nodes.Node] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            names.append(node.attr)
        elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            names.append(node.arg.value)
        else:
            names.clear()  # what stands behind a key that is worked out is nobody's to know
            worked_out.append(node.arg)
        node = node.node
    if not isinstance(node, nodes.Name) or node.name != root:
        return None
    return node.lineno, tuple(reversed(names)), worked_out
