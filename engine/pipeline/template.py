"""A template of the pipeline: compiled once, rendered for each message, part or tool over a few names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from ..expressions import FUNCTIONS, OMIT, Rendered, compile_tree, cost_of, names_in_tree, spend
from ..messages import Adjustment
from .moulds import Mould, NoMouldError, mould_of


class Context(NamedTuple):
    """What all of one call's templates share: whose file it is, the call's names, and what is reported of it."""

    owner: str
    values: Mapping[str, Any]
    adjustments: list[Adjustment]

    def dropped(self, what: str, given: Any) -> None:
        """Report something of the caller's that is not sent."""
        self.adjustments.append(Adjustment(what, "dropped", given))


class Template:
    """A tree, or a list of trees of which the first that is not omitted counts."""

    def __init__(self, tree: Any, where: str, names: frozenset[str]) -> None:
        trees: list[Rendered] = [compile_tree(tree, where)]
        if isinstance(tree, list):
            trees = [compile_tree(item, f"{where}.{index}") for index, item in enumerate(tree)]
        self._trees = tree if isinstance(tree, list) else [tree]
        self._first, *self._others = trees
        used = names_in_tree(tree, functions=True)
        self.reads = used & names
        """The names of its own that it uses."""
        self.outer = used - names - frozenset(FUNCTIONS)
        """The names of the call that it uses."""
        self.cost, self.where = cost_of(tree), where
        # Most templates use no name of the call: they are spared a copy of all of these.
        self._hidden = dict.fromkeys(names, OMIT) if used - names else None

    def mould(self, fixed: Mapping[str, Any], open_names: Mapping[str, Mould]) -> Mould:
        """What it makes of a text: see moulds.py. Raises NoMouldError where that is not always the same."""
        for tree in self._trees:
            made = mould_of(tree, fixed, open_names)
            if callable(made):
                return made
            if made is not OMIT:
                return lambda text: deepcopy(made)
        raise NoMouldError

    def render(self, own: Mapping[str, Any], context: Context) -> Any:
        """The rendered tree, or OMIT. Raises TemplateError."""
        spend(self.cost, self.where)
        values = own if self._hidden is None else {**context.values, **self._hidden, **own}
        value = self._first(values)
        if value is not OMIT:
            return value
        for tree in self._others:
            value = tree(values)
            if value is not OMIT:
                return value
        return OMIT
