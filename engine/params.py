"""Call parameters against what a file declares: typed, bounded, and every change to them on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .errors import ParameterError
from .messages import Adjustment
from .paths import Path
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

MAX_PATTERN = 200
"""How long a pattern of models' names may be. The schema says so too, but a longer one is read before it is refused:
brackets that never close take quadratic time."""

STRICTLY_REFUSED = ("dropped", "clamped", "forwarded")
"""What a strict caller does not want done: a renamed or defaulted parameter changes nothing that was asked for."""


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


def value_key(value: Any) -> str | None:
    """The key of a param's `values` that stands for a given value; None for one that has no such name.

    >>> value_key("low"), value_key(True), value_key(3), value_key(0.5)
    ('low', 'true', '3', None)
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def model_of(spec: ProviderSpec, asked: str | None) -> str | None:
    """The model on the wire: the call's, by its alias or its name, else the default. Raises ParameterError."""
    models = spec.models
    asked = asked or models.default
    model = models.aliases.get(asked, asked) if asked else None
    if models.allow and model not in models.allow:
        known = [*models.allow, *models.aliases]
        hint = did_you_mean(asked or "", known) or f"its models: {', '.join(known)}"
        what = f"has no model '{asked}'" if asked else "needs a model"
        raise ParameterError(f"{spec.name} {what}; {hint}")
    return model


def patches_for(patches: Iterable[Collection[str]], model: str | None) -> tuple[int, ...]:
    """The places of those patches, each given as its patterns, that match a model's name on the wire.

    >>> patches_for([["o1*", "o3*"], ["*mini"], ["gpt-?"]], "o3-mini")
    (0, 1)
    """
    if model is None:
        return ()
    matches = (any(_matches(model, pattern) for pattern in patterns) for patterns in patches)
    return tuple(index for index, is_match in enumerate(matches) if is_match)


def _matches(model: str, pattern: str) -> bool:
    return len(pattern) <= MAX_PATTERN and fnmatchcase(model, pattern)


def resolve(spec: ProviderSpec, given: Mapping[str, Any]) -> Resolved:
    """The call's parameters. Raises ParameterError for one that the file does not take as it is given.

    A parameter given as None counts as not given.
    """
    given = {name: value for name, value in given.items() if value is not None}
    values: dict[str, Any] = {}
    placed: dict[str, tuple[str, Any]] = {}
    adjustments: list[Adjustment] = []
    for name, param in spec.params.items():
        is_given = name in given
        if not is_given and not param.has_default:
            if not param.optional:
                kind = " or ".join(param.type)
                raise ParameterError(f"the parameter '{name}' ({kind}) is needed by {spec.name}; give it a value")
            continue
        if is_given:
            value = _in_other_words(name, param, _checked(spec, name, param, given[name], adjustments), adjustments)
        else:
            value = param.values.get(value_key(param.default) or "", param.default)
            adjustments.append(Adjustment(name, "defaulted", None, value))
        values[name] = value
        if param.maps_to is None:
            continue
        _refuse_same_place(name, param.maps_to, placed, given)
        if is_given or param.maps_to not in placed:  # a default gives way to what was given
            placed[param.maps_to] = (name, value)
        if is_given and param.maps_to.rpartition(".")[2] != name:
            adjustments.append(Adjustment(name, "renamed", name, param.maps_to))
    forwarded = _unknown(spec, given, adjustments)
    ordered = sorted(placed, key=lambda path: len(Path(path).keys))  # a map first, then what goes into it
    return Resolved(values, tuple((path, placed[path][1]) for path in ordered), forwarded, tuple(adjustments))


def refuse_adjusted(name: str, adjustments: Iterable[Adjustment]) -> None:
    """What strict means: raise ParameterError for the first parameter that does not go to the wire as it was given."""
    for adjustment in adjustments:
        if adjustment.action in STRICTLY_REFUSED:
            raise ParameterError(f"{name}, strictly: {adjustment}; leave it out, or call without strict")


def _refuse_same_place(name: str, path: str, placed: Mapping[str, tuple[str, Any]], given: Mapping[str, Any]) -> None:
    other = placed[path][0] if path in placed else None
    if other in given and name in given:
        raise ParameterError(f"the parameters '{other}' and '{name}' are both sent as {path}; give one of them")


def _checked(spec: ProviderSpec, name: str, param: Param, value: Any, adjustments: list[Adjustment]) -> Any:
    if not any(fits(kind, value) for kind in param.type):
        kinds = " or ".join(param.type)
        raise ParameterError(
            f"the parameter '{name}' of {spec.name} is of type {kinds}, not {_kind(value)} ({_short(value)})"
        )
    if param.enum and value not in param.enum:
        allowed = ", ".join(str(item) for item in param.enum)
        hint = did_you_mean(value, map(str, param.enum)) if isinstance(value, str) else ""
        message = f"the parameter '{name}' of {spec.name} is one of: {allowed}; not {_short(value)}"
        raise ParameterError(f"{message}; {hint}" if hint else message)
    if not fits("number", value):
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


def _in_other_words(name: str, param: Param, value: Any, adjustments: list[Adjustment]) -> Any:
    """A given value in the service's words: what `values` names for it."""
    key = value_key(value)
    if key is None or key not in param.values:
        return value
    adjustments.append(Adjustment(name, "renamed", value, param.values[key]))
    return param.values[key]


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
