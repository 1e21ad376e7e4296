"""Call parameters against what a file declares: typed, bounded, and every change to them on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ParameterError
from .messages import Adjustment
from .spec import Param, ProviderSpec
from .suggest import did_you_mean

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
"""A param's type, and the Python types of its values; a boolean is never a number."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The parameters of one call: names for templates, values for paths in the payload, and for its top level."""

    values: Mapping[str, Any]
    placed: tuple[tuple[str, Any], ...]
    forwarded: Mapping[str, Any]
    adjustments: tuple[Adjustment, ...]


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a param's type.

    >>> fits("number", 1), fits("number", True), fits("integer", 1.0)
    (True, False, False)
    """
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def resolve(spec: ProviderSpec, given: Mapping[str, Any]) -> Resolved:
    """The call's parameters. Raises ParameterError for one that the file does not take as it is given.

    A parameter given as None counts as not given.
    """
    given = {name: value for name, value in given.items() if value is not None}
    values: dict[str, Any] = {}
    placed: list[tuple[str, Any]] = []
    adjustments: list[Adjustment] = []
    for name, param in spec.params.items():
        if name not in given and not param.has_default:
            if not param.optional:
                raise ParameterError(f"the parameter '{name}' ({param.type}) is needed by {spec.name}; give it a value")
            continue
        value = _checked(spec, name, param, given[name], adjustments) if name in given else param.default
        if name not in given:
            adjustments.append(Adjustment(name, "defaulted", None, value))
        values[name] = value
        if param.maps_to is not None:
            placed.append((param.maps_to, value))
            if name in given and param.maps_to.rpartition(".")[2] != name:
                adjustments.append(Adjustment(name, "renamed", name, param.maps_to))
    forwarded = _unknown(spec, given, adjustments)
    return Resolved(values, tuple(placed), forwarded, tuple(adjustments))


def _checked(spec: ProviderSpec, name: str, param: Param, value: Any, adjustments: list[Adjustment]) -> Any:
    if not fits(param.type, value):
        raise ParameterError(
            f"the parameter '{name}' of {spec.name} is of type {param.type}, not {_kind(value)} ({_short(value)})"
        )
    if param.enum and value not in param.enum:
        allowed = ", ".join(str(item) for item in param.enum)
        hint = did_you_mean(value, map(str, param.enum)) if isinstance(value, str) else ""
        message = f"the parameter '{name}' of {spec.name} is one of: {allowed}; not {_short(value)}"
        raise ParameterError(f"{message}; {hint}" if hint else message)
    if param.type not in ("number", "integer"):
        return value
    nearest = value
    if param.min is not None and value < param.min:
        nearest = param.min
    if param.max is not None and value > param.max:
        nearest = param.max
    if nearest == value:
        return value
    if param.out_of_range == "error":
        raise ParameterError(f"the parameter '{name}' of {spec.name} is {_short(value)}; {_range(param)}")
    adjustments.append(Adjustment(name, "clamped", value, nearest))
    return nearest


def _unknown(spec: ProviderSpec, given: Mapping[str, Any], adjustments: list[Adjustment]) -> dict[str, Any]:
    forwarded: dict[str, Any] = {}
    for name, value in given.items():
        if name in spec.params:
            continue
        if spec.unknown_params == "error":
            known = ", ".join(spec.params) or "none"
            hint = did_you_mean(name, spec.params) or f"its parameters: {known}"
            raise ParameterError(f"{spec.name} has no parameter '{name}'; {hint}")
        if spec.unknown_params == "forward":
            forwarded[name] = value
            adjustments.append(Adjustment(name, "forwarded", value, value))
        else:
            adjustments.append(Adjustment(name, "dropped", value))
    return forwarded


def _range(param: Param) -> str:
    if param.min is not None and param.max is not None:
        return f"the range is {_short(param.min)} to {_short(param.max)}"
    return f"the least is {_short(param.min)}" if param.min is not None else f"the most is {_short(param.max)}"


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number too large to write"
    return text if len(text) <= 60 else text[:57] + "..."
