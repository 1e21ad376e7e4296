"""What each provider file can do, and what becomes of each parameter: tables read off the checked files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from engine import Catalog, ProviderSpec
from engine.expressions import names_in_tree
from engine.spec import Reading, Rule

CANONICAL = (
    *("temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty"),
    *("response_format", "reasoning_effort", "parallel_tool_calls", "user"),
)
"""Call parameters by the names that callers use everywhere."""


def readings(spec: ProviderSpec) -> list[Reading]:
    """The forms of an answer that a file reads."""
    return [reading for reading in (spec.response.stream, spec.response.whole) if reading is not None]


def rules(spec: ProviderSpec) -> Iterator[Rule]:
    """Every rule of a file, nested ones too."""

    def walk(some: Iterable[Rule]) -> Iterator[Rule]:
        for rule in some:
            yield rule
            yield from walk(rule.rules)

    for reading in readings(spec):
        yield from walk(reading.rules)


def yields(spec: ProviderSpec) -> set[str]:
    """What the rules of a file yield."""
    found = {name for rule in rules(spec) for name, _ in rule.yields}
    return found | ({"reasoning"} if spec.response.think is not None else set())


def _sends(name: str) -> Callable[[ProviderSpec], bool]:
    return lambda spec: name in names_in_tree([spec.path, spec.query, spec.headers, spec.payload])


def _images(spec: ProviderSpec) -> str:
    if "image" in spec.tree.get("parts", {}):
        return "yes"
    # Without templates for parts, messages go out as they came, save where their shape takes nothing but text.
    shapes = spec.tree.get("messages", {}).get("shapes", {})
    takes_all = "any" not in shapes or names_in_tree(shapes["any"]) & {"content", "parts", "images"}
    return "as given" if takes_all and "parts" not in spec.tree and _sends("messages")(spec) else ""


FEATURES: Mapping[str, Callable[[ProviderSpec], Any]] = {
    "stream": lambda spec: spec.response.stream is not None,
    "whole": lambda spec: spec.response.whole is not None or readings(spec)[0].codec == "text",
    "tools": lambda spec: _sends("tools")(spec) and "tool_call" in yields(spec),
    "reasoning": lambda spec: "reasoning" in yields(spec),
    "replay": lambda spec: spec.tree.get("messages", {}).get("reasoning") == "replay",
    "usage": lambda spec: "usage" in yields(spec),
    "images": _images,
    "errors": lambda spec: str(len(spec.errors)) if spec.errors else "by status",
}
"""A column's title, and what a file's cell says; `errors` counts the file's own rules beyond those by status."""


def features(catalog: Catalog) -> Iterator[str]:
    """Provider by feature."""
    yield "| name | " + " | ".join(FEATURES) + " |"
    yield "|---" * (len(FEATURES) + 1) + "|"
    for name in catalog.names():
        spec = catalog.spec(name)
        cells = (feature(spec) for feature in FEATURES.values())
        yield f"| {name} | " + " | ".join(cell if isinstance(cell, str) else "yes" * cell for cell in cells) + " |"


def parameters(catalog: Catalog) -> Iterator[str]:
    """Canonical parameter by provider."""
    yield "| name | " + " | ".join(f"`{name}`" for name in CANONICAL) + " | anything else |"
    yield "|---" * (len(CANONICAL) + 2) + "|"
    for name in catalog.names():
        spec = catalog.spec(name)
        cells = [_fate(spec, parameter) for parameter in CANONICAL]
        yield f"| {name} | " + " | ".join([*cells, _UNKNOWN[spec.unknown_params]]) + " |"


_UNKNOWN = {"error": "error", "drop": "dropped", "forward": "forwarded"}


def _fate(spec: ProviderSpec, parameter: str) -> str:
    """What becomes of a canonical parameter: where it goes, its bounds where it is clamped, or what is done instead."""
    param = spec.params.get(parameter)
    if param is None:
        return _UNKNOWN[spec.unknown_params]
    target = param.maps_to or ""
    words = [f"`{target}`" if target and target != parameter else "yes"]
    if param.out_of_range == "clamp":
        words.append(f"clamped {_bound(param.min)} to {_bound(param.max)}")
    elif param.min is not None or param.max is not None:
        words.append(f"{_bound(param.min)} to {_bound(param.max)}")
    if not param.optional or param.has_default:
        words.append(f"default {param.default}" if param.has_default else "needed")
    return ", ".join(words)


def _bound(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"
