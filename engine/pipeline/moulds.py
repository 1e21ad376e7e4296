"""What a template makes of a message that is one text, worked out but for the text: most messages are nothing else.

A mould is the template's own tree with all that does not depend on the text rendered once. A template that does more
with a text than to say it somewhere has none, and is rendered for each message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..expressions import OMIT, TemplateError, bare_name, compile_tree, names_in_tree

Mould = Callable[[str], Any]
"""Gives what is made of a text."""


class NoMouldError(Exception):
    """What a template makes is not the same but for the text."""


def itself(text: str) -> str:
    """The mould of a text that is said as it is."""
    return text


def mould_of(tree: Any, fixed: Mapping[str, Any], open_names: Mapping[str, Mould]) -> Mould | Any:
    """What a tree makes: a mould, or a value where nothing in it depends on the text.

    `fixed` are the names whose values are known, `open_names` those whose values the text decides, each with its mould.
    Raises NoMouldError for any other name, and for an expression that reads an open one.
    """
    if isinstance(tree, Mapping):
        return _of_map(tree, fixed, open_names)
    if isinstance(tree, list | tuple):
        items = [item for one in tree if (item := mould_of(one, fixed, open_names)) is not OMIT]
        return _of_list(items)
    name = bare_name(tree) if isinstance(tree, str) else None
    if name is not None and name in open_names:
        return open_names[name]
    return _rendered(tree, fixed)


def _rendered(tree: Any, fixed: Mapping[str, Any]) -> Any:
    if not names_in_tree(tree, functions=True) <= fixed.keys():
        raise NoMouldError
    try:
        return compile_tree(tree)(fixed)
    except TemplateError:
        raise NoMouldError from None  # each message says so


def _of_map(tree: Mapping[str, Any], fixed: Mapping[str, Any], open_names: Mapping[str, Mould]) -> Any:
    if "$when" in tree and _rendered({"$when": tree["$when"]}, fixed) is OMIT:
        return OMIT
    made: dict[str, Any] = {}
    moulds: list[tuple[str, Mould]] = []
    for key, value in tree.items():
        one = mould_of(value, fixed, open_names) if key != "$when" else OMIT
        if one is OMIT:
            continue
        if callable(one):
            moulds.append((key, one))
        made[key] = one
    return _filled(made, moulds) if moulds else made


def _of_list(items: list[Any]) -> Any:
    moulds = [(place, item) for place, item in enumerate(items) if callable(item)]
    return _filled(items, moulds) if moulds else items


def _filled(made: Any, moulds: list[tuple[Any, Mould]]) -> Mould:
    """Copies of a map or a list, with what the moulds at some places give."""

    def fill(text: str) -> Any:
        filled = made.copy()
        for place, mould in moulds:
            filled[place] = text if mould is itself else mould(text)
        return filled

    return fill
