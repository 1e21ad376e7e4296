"""Where in a provider file a key belongs: read out of the schema, for the hint at a key that stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Home = tuple[str, ...]
"""The keys above a key; NAME stands for one that the author chooses, and the items of a list for the list."""

NAME = "NAME"
OTHER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("body", "data", "json"), "payload"),
    **dict.fromkeys(("base_url", "api_base", "endpoint", "host"), "url"),
    "parameters": "params",
}
"""What other tools call a key at the top, and what it is here."""

_MAX_DEPTH = 5
_BRANCHES = ("then", "else")

_known: dict[int, dict[str, list[Home]]] = {}


def home_of(key: str, place: tuple[str | int, ...], schema: Mapping[str, Any]) -> str:
    """The section that a key belongs under, in words; empty when there is none.

    Of several, those nearest to where it stands, and of those the highest; beside it one that it already stands in.
    """
    if id(schema) not in _known:
        found: dict[str, list[Home]] = {}
        for name, home in _keys(schema, (), schema):
            if home not in found.setdefault(name, []):
                found[name].append(home)
        _known[id(schema)] = found
    above = tuple(part for part in place if isinstance(part, str))
    homes = _known[id(schema)].get(key, [])
    ranked = sorted((-_shared(home, above), len(home), number) for number, home in enumerate(homes) if home != above)
    best = [homes[number] for shared, depth, number in ranked if (shared, depth) == ranked[0][:2]][:2]
    around = [home for home in homes if home and home not in best and home == above[: len(home)] != above]
    return " or ".join(f"`{'.'.join(home) or 'the top'}`" for home in [*best, *around])


def _shared(home: Home, above: Home) -> int:
    """How many keys lead the same way."""
    count = 0
    for ours, theirs in zip(home, above, strict=False):
        if ours not in (theirs, NAME):
            break
        count += 1
    return count


def _keys(node: Any, home: Home, schema: Mapping[str, Any]) -> Iterator[tuple[str, Home]]:
    """Every key that the schema names, with what stands above it; not what nests in itself."""
    if not isinstance(node, Mapping) or len(home) > _MAX_DEPTH or (home and home[-1] in home[:-1]):
        return
    if "$ref" in node:
        yield from _keys(schema["$defs"][node["$ref"].rpartition("/")[2]], home, schema)
    for name, child in node.get("properties", {}).items():
        if home != ("models", "patches"):
            yield name, home
            yield from _keys(child, (*home, name), schema)
    yield from _keys(node.get("items"), home, schema)
    yield from _keys(node.get("additionalProperties"), (*home, NAME), schema)
    for branch in (*(node.get(word) for word in _BRANCHES), *(one.get("then") for one in node.get("allOf", ()))):
        yield from _keys(branch, home, schema)
