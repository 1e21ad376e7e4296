"""Parameters in a body that have a name of our own, by the names that services have for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .capture import json_or_none
from .places import Place, is_within, last_name

PARAMS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "temperature": ("temperature", {"type": "number", "min": 0, "max": 2}),
    "topp": ("top_p", {"type": "number", "min": 0, "max": 1}),
    "topk": ("top_k", {"type": "integer", "min": 0}),
    **dict.fromkeys(
        ("maxtokens", "maxoutputtokens", "maxnewtokens", "maxcompletiontokens", "numpredict", "maxlength", "ntokens"),
        ("max_tokens", {"type": "integer", "min": 1}),
    ),
    "seed": ("seed", {"type": "integer"}),
    "presencepenalty": ("presence_penalty", {"type": "number", "min": -2, "max": 2}),
    "frequencypenalty": ("frequency_penalty", {"type": "number", "min": -2, "max": 2}),
    **dict.fromkeys(("stop", "stopsequences"), ("stop", {"type": ["string", "array"]})),
}


def params_in(
    leaves: list[tuple[Place, Any]], inside: Place | None
) -> Iterator[tuple[Place, tuple[str, dict[str, Any], Any]]]:
    """Parameters that have a name of our own: the place, our name, its declaration and the value."""
    taken: set[str] = set()
    for place, value in leaves:
        known = PARAMS.get(last_name(place))
        if known is None or known[0] in taken or is_within(place, inside):
            continue
        name, declared = known
        typed = _typed(value, declared["type"])
        if typed is None:
            continue
        taken.add(name)
        beyond = not isinstance(typed, str | list) and not (
            declared.get("min", typed) <= typed <= declared.get("max", typed)
        )
        bounds = {key: bound for key, bound in declared.items() if not (beyond and key in ("min", "max"))}
        yield place, (name, bounds, typed)


def _typed(value: Any, kind: Any) -> Any:
    """The value as its parameter's type; None where it has another. Forms hold numbers as texts."""
    if isinstance(kind, list):
        return value if value and isinstance(value, str | list) else None
    if isinstance(value, str):
        inner = json_or_none(value)
        value = inner if str(inner) == value else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if kind == "integer" and not isinstance(value, int) else value
