"""Which keys an expression may read: written out, or worked out as a number, and none of Python's own objects."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

from jinja2 import nodes

from .parsing import every_node
from .segments import Fault

_FRAMES = frozenset({"gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "cr_origin", "ag_frame"})
_FRAMES |= {"ag_code", "ag_await", "f_back", "f_globals", "f_locals", "f_builtins", "f_code", "tb_frame", "tb_next"}
_FRAMES |= {"func_globals", "func_code", "func_closure", "func_defaults", "im_func", "im_self", "im_class", "mro"}
"""Attributes of Python's own objects that lead out of a sandbox. No API has a key of such a name."""

_NUMBERS = frozenset({"int", "length", "default", "first", "last"})
"""Filters that a key may be worked out with."""

_PASSING = frozenset({"default", "last"})
"""Filters that may give a map; all others give text or a number."""

_NO_MAPS = frozenset({"messages", "model", "omit", "stream", "tools"})
"""Names that never hold a map."""

_KEYLESS: tuple[type[nodes.Node], ...] = (
    *(nodes.Const, nodes.List, nodes.Concat, nodes.Compare, nodes.Not, nodes.Neg, nodes.Pos, nodes.Test, nodes.Call),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)
"""What gives no map, whatever it is made of."""


def is_inner(word: str) -> bool:
    """Whether a word is spelt like an attribute of Python's insides, in letters that Python reads as the same, too.

    >>> is_inner("__class__"), is_inner("＿＿class＿＿"), is_inner("gi_frame"), is_inner("class")
    (True, True, True, False)
    """
    plain = word if word.isascii() else unicodedata.normalize("NFKC", word)
    return plain.startswith("_") or plain in _FRAMES


def judge_attribute(node: Any, _: Collection[str]) -> Iterator[Fault]:
    """What is wrong with a key behind a dot."""
    if is_inner(node.attr):
        yield _inner(node.lineno, f".{node.attr}")
    elif _has_no_key(node.node, node.attr):
        yield _no_key(node.lineno, f".{node.attr}")


def judge_item(node: Any, _: Collection[str]) -> Iterator[Fault]:
    """What is wrong with a key in brackets: one that is put together could be any."""
    for part in sorted(every_node(node.arg), key=lambda part: part.lineno or 0):
        if isinstance(part, nodes.Const) and is_inner(str(part.value)):
            yield _inner(part.lineno, f"[{part.value!r}]")
            return
        text = isinstance(part, nodes.Const) and part is not node.arg and isinstance(part.value, str)
        if isinstance(part, nodes.Concat) or text or (isinstance(part, nodes.Filter) and part.name not in _NUMBERS):
            hint = "write it out: a.b, or a['b']"
            yield Fault(part.lineno, "template-forbidden", "a key is not made of pieces", hint)
            return
    key = node.arg.value if isinstance(node.arg, nodes.Const) else None
    if isinstance(key, str) and _has_no_key(node.node, key):
        yield _no_key(node.arg.lineno, f"[{key!r}]")


def _inner(place: int, key: str) -> Fault:
    message = f"'{key}': a key does not begin with '_', and is no word of Python's insides"
    return Fault(place, "template-forbidden", message)


def _no_key(place: int, key: str) -> Fault:
    message = f"'{key}': what stands before it has no such key, and methods are not known"
    return Fault(place, "template-forbidden", message, "keys are read of maps; filters change text and lists")


def _has_no_key(tree: nodes.Node, key: str) -> bool:
    """Whether an expression gives no map, or one without this key, whatever a caller gives."""
    if isinstance(tree, nodes.Dict):
        return all(isinstance(pair.key, nodes.Const) and pair.key.value != key for pair in tree.items)
    if isinstance(tree, nodes.Filter):
        return tree.name not in _PASSING
    if isinstance(tree, nodes.Name):
        return tree.name in _NO_MAPS
    if isinstance(tree, nodes.CondExpr):
        return all(_has_no_key(branch, key) for branch in (tree.expr1, tree.expr2) if branch is not None)
    if isinstance(tree, nodes.And | nodes.Or):
        return _has_no_key(tree.left, key) and _has_no_key(tree.right, key)
    return isinstance(tree, _KEYLESS)
