"""The allow-list over Jinja's AST: what an expression may do, checked when a file is loaded, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from jinja2 import nodes

from ..suggest import did_you_mean
from .functions import FILTERS, FUNCTIONS, TESTS
from .keys import is_inner, judge_attribute, judge_item
from .parsing import MAX_DEPTH, every_node, tree_of
from .sandbox import is_number
from .segments import Expression, Fault, Faulty, segments
from .texts import is_writable

MAX_TEXT = 64 * 1024
MAX_NODES = 2000
MAX_GROWING = 3
"""How many filters that make text longer may be nested: `'"'|tojson|tojson|...` doubles at each step."""
MAX_FAULTS = 25

FOREIGN_NAMES = frozenset({"caller", "cycler", "dict", "joiner", "kwargs", "lipsum", "loop", "namespace", "range"})
FOREIGN_NAMES |= {"self", "super", "varargs"}
"""Names of Jinja's own that reach into its insides, or fill memory."""

FOREIGN_FILTERS = frozenset({"attr", "format", "groupby", "map", "max", "min", "pprint", "reject", "rejectattr"})
FOREIGN_FILTERS |= {"select", "selectattr", "sort", "sum", "unique", "xmlattr"}
FOREIGN_FILTERS |= {"batch", "center", "indent", "slice", "wordwrap"}
"""Filters of Jinja's own that read attributes of objects, call what they are given, or fill memory."""

_TEXT_NAMES = frozenset({"model", "system"})

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
    *(nodes.List, nodes.Dict, nodes.Pair),
)


def _check_node(node: nodes.Node, names: Collection[str]) -> Iterator[Fault]:
    if not isinstance(node, _ALLOWED):
        word = type(node).__name__.lower()
        yield Fault(node.lineno, "template-forbidden", f"'{word}' is not allowed in an expression")
        return
    judge = _JUDGES.get(type(node))
    if judge is not None:
        yield from judge(node, names)


def _judge_name(node: Any, names: Collection[str]) -> Iterator[Fault]:
    if is_inner(node.name) and node.name not in names:
        yield Fault(node.lineno, "template-forbidden", f"'{node.name}': a name does not begin with '_'")
    elif node.name in FUNCTIONS:
        yield Fault(node.lineno, "template-syntax", f"'{node.name}' is a function", f"write {node.name}()")
    elif node.name not in names and node.name in FOREIGN_NAMES:
        hint = f"names here: {', '.join(sorted(names)) or 'none'}"
        yield Fault(node.lineno, "template-forbidden", f"'{node.name}' is Jinja's own, and not allowed", hint)
    elif node.name not in names:
        known = ", ".join(sorted(names)) or "none"
        hint = did_you_mean(node.name, names) or f"known names here: {known}"
        yield Fault(node.lineno, "undefined-variable", f"'{node.name}' is not defined", hint)


def _judge_filter(node: Any, _: Collection[str]) -> Iterator[Fault]:
    yield from _judge_use(node, "filter", FILTERS)


def _judge_test(node: Any, _: Collection[str]) -> Iterator[Fault]:
    yield from _judge_use(node, "test", TESTS)


def _judge_use(node: Any, word: str, table: Mapping[str, Any]) -> Iterator[Fault]:
    entry = table.get(node.name)
    if entry is None:
        known = f"known {word}s: {', '.join(sorted(table))}"
        if word == "filter" and node.name in FOREIGN_FILTERS:
            message = f"the filter '{node.name}' is Jinja's own, and not allowed"
            yield Fault(node.lineno, "template-forbidden", message, known)
            return
        hint = did_you_mean(node.name, table) or known
        yield Fault(node.lineno, f"unknown-{word}", f"there is no {word} '{node.name}'", hint)
        return
    yield from _judge_arguments(node, node.name, entry)


def _judge_call(node: Any, _: Collection[str]) -> Iterator[Fault]:
    if not isinstance(node.node, nodes.Name) or node.node.name not in FUNCTIONS:
        known = ", ".join(f"{name}()" for name in sorted(FUNCTIONS))
        what = "calling a method" if isinstance(node.node, nodes.Getattr) else "this call"
        yield Fault(node.node.lineno, "template-forbidden", f"{what} is not allowed", f"functions: {known}")
        return
    yield from _judge_arguments(node, node.node.name, FUNCTIONS[node.node.name])


def _judge_arguments(node: Any, name: str, entry: Any) -> Iterator[Fault]:
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        yield Fault(node.lineno, "template-forbidden", f"'{name}' takes no keyword or starred arguments")
    elif not entry.least <= len(node.args or ()) <= entry.most:
        wanted = str(entry.least) if entry.least == entry.most else f"{entry.least} to {entry.most}"
        yield Fault(node.lineno, "template-type", f"'{name}' takes {wanted} arguments, not {len(node.args or ())}")


def _judge_constant(node: Any, _: Collection[str]) -> Iterator[Fault]:
    if is_number(node.value) and not is_writable(node.value):
        yield Fault(node.lineno, "template-too-big", "the number is too large")


def _judge_key(node: Any, _: Collection[str]) -> Iterator[Fault]:
    key = node.key
    if isinstance(key, nodes.List | nodes.Dict) or (isinstance(key, nodes.Const) and not isinstance(key.value, str)):
        yield Fault(node.lineno, "template-type", "the key of a map is text", "put it in quotes")


def _judge_numbers_only(node: Any, _: Collection[str]) -> Iterator[Fault]:
    for side in (node.left, node.right):
        literal = isinstance(side, nodes.List | nodes.Dict | nodes.Concat)
        literal |= isinstance(side, nodes.Name) and side.name in _TEXT_NAMES
        if literal or (isinstance(side, nodes.Const) and not is_number(side.value)):
            operator = {"Mul": "*", "Mod": "%"}.get(type(node).__name__, "-")
            yield Fault(node.lineno, "template-forbidden", f"'{operator}' is only for numbers")
            return


_JUDGES: dict[type[nodes.Node], Callable[[Any, Collection[str]], Iterator[Fault]]] = {
    nodes.Name: _judge_name,
    nodes.Getattr: judge_attribute,
    nodes.Getitem: judge_item,
    nodes.Filter: _judge_filter,
    nodes.Test: _judge_test,
    nodes.Call: _judge_call,
    nodes.Const: _judge_constant,
    nodes.Pair: _judge_key,
    nodes.Mul: _judge_numbers_only,
    nodes.Mod: _judge_numbers_only,
    nodes.Sub: _judge_numbers_only,
}


def _check_tree(tree: nodes.Node, names: Collection[str], left: int) -> Iterator[Fault]:
    """The faults of a tree; `left` is how many nodes it may have."""
    count = 0
    pending: list[tuple[nodes.Node, int, int]] = [(tree, 1, 0)]
    while pending:
        node, depth, growing = pending.pop()
        count += 1
        growing += isinstance(node, nodes.Filter) and node.name in FILTERS and FILTERS[node.name].grows
        if count > left or depth > MAX_DEPTH or growing > MAX_GROWING:
            yield Fault(_start(tree), "template-too-big", "the expression is too large", "make it smaller")
            return
        faults = list(_check_node(node, names))
        yield from faults
        if faults and isinstance(node, nodes.Call):
            continue
        for child in node.iter_child_nodes():
            if isinstance(node, nodes.Call) and child is node.node:
                continue  # the function's name: judged with the call
            pending.append((child, depth + 1, growing))


def _start(tree: nodes.Node) -> int:
    """Where an expression begins: an operator's own place is its sign."""
    return min(node.lineno for node in every_node(tree) if node.lineno is not None)


def _check_text_slot(tree: nodes.Node, collections: Collection[str]) -> Iterator[Fault]:
    if _is_collection(tree, collections):
        hint = "use a filter: tojson, length, join"
        yield Fault(_start(tree), "template-type", "a list or a map stands where text is due", hint)


def _is_collection(tree: nodes.Node, collections: Collection[str]) -> bool:
    """Whether an expression gives a list or a map, whatever a caller gives."""
    if isinstance(tree, nodes.Getitem) and isinstance(tree.arg, nodes.Slice):
        return _is_collection(tree.node, collections)
    if isinstance(tree, nodes.CondExpr) and tree.expr2 is not None:
        return all(_is_collection(branch, collections) for branch in (tree.expr1, tree.expr2))
    return isinstance(tree, nodes.List | nodes.Dict) or (isinstance(tree, nodes.Name) and tree.name in collections)


def faults_in(
    text: str, names: Collection[str], bare: bool, as_text: bool, collections: Collection[str]
) -> list[Fault]:
    """What `names.check` says of a template that is more than one name: there is what each of these means."""
    if len(text) > MAX_TEXT:
        return [Fault(None, "template-too-big", f"a template has at most {MAX_TEXT} characters", "make it smaller")]
    faults = islice(_faults(text, names, bare, as_text, collections), MAX_FAULTS)
    return sorted(faults, key=lambda fault: fault.offset or 0)


def _faults(
    text: str, names: Collection[str], bare: bool, as_text: bool, collections: Collection[str]
) -> Iterator[Fault]:
    position = 0
    nodes_left = MAX_NODES
    try:
        for segment in [Expression(text, 0)] if bare else segments(text):
            if isinstance(segment, str):
                stray = segment.find("}}")
                if stray >= 0 and segment.count("}") > segment.count("{"):
                    yield Fault(position + stray, "template-syntax", "'}}' closes nothing", "open it with '{{'")
                position += len(segment)
                continue
            position = segment.offset + len(segment.source) + len("}}")
            try:
                tree = tree_of(segment)
            except Faulty as error:
                yield error.fault
                continue
            yield from _check_tree(tree, names, nodes_left)
            nodes_left -= sum(1 for _ in every_node(tree))
            if nodes_left < 0:
                return
            if as_text or (not bare and len(segment.source) + 4 < len(text)):
                yield from _check_text_slot(tree, collections)
    except Faulty as error:
        yield error.fault


def names_used(text: str, *, bare: bool = False, functions: bool = False) -> frozenset[str]:
    """The names of values that a template reads, and with `functions` those of the functions that it calls.

    >>> sorted(names_used("{{ model }} of {{ messages[0].tools }} at {{ now() }}"))
    ['messages', 'model']
    """
    found: set[str] = set()
    for segment in [Expression(text, 0)] if bare else segments(text):
        if isinstance(segment, Expression):
            found |= {node.name for node in nodes.Template([tree_of(segment)]).find_all(nodes.Name)}
    return frozenset(found if functions else found - set(FUNCTIONS))
