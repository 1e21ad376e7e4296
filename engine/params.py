"""Call parameters against what a file declares: typed, bounded, and every change to them on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .errors import ParameterError
from .fitting import TYPES, fits, value_key
from .messages import Adjustment
from .paths import Path
from .plain import briefly
from .spec import Param, ProviderSpec
from .suggest import did_you_mean

STRICTLY_REFUSED = ("dropped", "clamped", "forwarded")
"""What a strict caller does not want done: a renamed or defaulted parameter changes nothing that was asked for."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The parameters of one call: names for templates, values for paths in the payload, and for its top level."""

    values: Mapping[str, Any]
    placed: tuple[tuple[str, Any], ...]
    forwarded: Mapping[str, Any]
    adjustments: tuple[Adjustment, ...]


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


class Parameters:
    """The parameters that a file declares, compiled."""

    def __init__(self, spec: ProviderSpec) -> None:
        self._spec = spec
        self._declared = {name: _Declared.of(name, param) for name, param in spec.params.items()}
        self._unasked = {
            name: declared
            for name, declared in self._declared.items()
            if declared.param.has_default or not declared.param.optional
        }
        paths = {param.maps_to for param in spec.params.values() if param.maps_to is not None}
        self._depths = {path: len(Path(path).keys) for path in paths}

    def resolve(self, given: Mapping[str, Any]) -> Resolved:
        """Those of a call. Raises ParameterError for one that the file does not take as it is given.

        A parameter given as None counts as not given.
        """
        return self._resolved(given) if given else self._of_none

    @cached_property
    def _of_none(self) -> Resolved:
        """Those of every call that gives none; nothing is ever written into what calls share."""
        return self._resolved({})

    def _resolved(self, given: Mapping[str, Any]) -> Resolved:
        given = {name: value for name, value in given.items() if value is not None}
        values: dict[str, Any] = {}
        placed: dict[str, tuple[str, Any]] = {}
        adjustments: list[Adjustment] = []
        for name, declared in (self._declared if given else self._unasked).items():
            if name in given:
                values[name] = self._given(name, declared, given, placed, adjustments)
            elif name in self._unasked:
                values[name] = self._by_default(name, declared, placed, adjustments)
        is_known = self._declared.keys() >= given.keys()
        forwarded = {} if is_known else _unknown(self._spec, given, adjustments)
        # A map first, then what goes into it.
        ordered = sorted(placed, key=self._depths.__getitem__) if len(placed) > 1 else placed
        return Resolved(values, tuple((path, placed[path][1]) for path in ordered), forwarded, tuple(adjustments))

    def _given(
        self,
        name: str,
        declared: _Declared,
        given: Mapping[str, Any],
        placed: dict[str, tuple[str, Any]],
        adjustments: list[Adjustment],
    ) -> Any:
        param = declared.param
        value = given[name]
        if type(value) not in declared.kinds:
            _refuse_other_type(self._spec, name, param, value)
        if declared.is_bounded:
            value = _bounded(self._spec, name, param, value, adjustments)
        if param.values:
            value = _in_other_words(name, param, value, adjustments)
        if param.maps_to is not None:
            if param.maps_to in placed:
                _refuse_same_place(name, param.maps_to, placed, given)
            placed[param.maps_to] = (name, value)
            if declared.renamed is not None:
                adjustments.append(declared.renamed)
        return value

    def _by_default(
        self, name: str, declared: _Declared, placed: dict[str, tuple[str, Any]], adjustments: list[Adjustment]
    ) -> Any:
        param = declared.param
        if declared.defaulted is None:
            kind = " or ".join(param.type)
            raise ParameterError(f"the parameter '{name}' ({kind}) is needed by {self._spec.name}; give it a value")
        adjustments.append(declared.defaulted)
        value = declared.defaulted.sent
        if param.maps_to is not None and param.maps_to not in placed:  # a default gives way to what was given
            placed[param.maps_to] = (name, value)
        return value


@dataclass(frozen=True, slots=True)
class _Declared:
    """A parameter, and what can be said of it before any call.

    `kinds` are the Python types of its values; `is_bounded` says that not every value of them is one.
    """

    param: Param
    kinds: frozenset[type]
    is_bounded: bool
    defaulted: Adjustment | None
    renamed: Adjustment | None

    @classmethod
    def of(cls, name: str, param: Param) -> _Declared:
        default = param.values.get(value_key(param.default) or "", param.default)
        defaulted = Adjustment(name, "defaulted", None, default) if param.has_default else None
        path = param.maps_to
        is_renamed = path is not None and path.rpartition(".")[2] != name
        renamed = Adjustment(name, "renamed", name, path) if is_renamed else None
        kinds = frozenset(kind for word in param.type for kind in TYPES[word])
        is_bounded = bool(param.enum) or param.min is not None or param.max is not None
        return cls(param, kinds, is_bounded, defaulted, renamed)


def refuse_adjusted(name: str, adjustments: Iterable[Adjustment]) -> None:
    """What strict means: raise ParameterError for the first parameter that does not go to the wire as it was given."""
    for adjustment in adjustments:
        if adjustment.action in STRICTLY_REFUSED:
            raise ParameterError(f"{name}, strictly: {adjustment}; leave it out, or call without strict")


def _refuse_same_place(name: str, path: str, placed: Mapping[str, tuple[str, Any]], given: Mapping[str, Any]) -> None:
    other = placed[path][0] if path in placed else None
    if other in given and name in given:
        raise ParameterError(f"the parameters '{other}' and '{name}' are both sent as {path}; give one of them")


def _refuse_other_type(spec: ProviderSpec, name: str, param: Param, value: Any) -> None:
    if not any(fits(kind, value) for kind in param.type):
        kinds = " or ".join(param.type)
        raise ParameterError(
            f"the parameter '{name}' of {spec.name} is of type {kinds}, not {_kind(value)} ({briefly(value)})"
        )


def _bounded(spec: ProviderSpec, name: str, param: Param, value: Any, adjustments: list[Adjustment]) -> Any:
    if param.enum and value not in param.enum:
        allowed = ", ".join(str(item) for item in param.enum)
        hint = did_you_mean(value, map(str, param.enum)) if isinstance(value, str) else ""
        message = f"the parameter '{name}' of {spec.name} is one of: {allowed}; not {briefly(value)}"
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
        raise ParameterError(f"the parameter '{name}' of {spec.name} is {briefly(value)}; {_range(param)}")
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
        return f"the range is {briefly(param.min)} to {briefly(param.max)}"
    return f"the least is {briefly(param.min)}" if param.min is not None else f"the most is {briefly(param.max)}"


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)
