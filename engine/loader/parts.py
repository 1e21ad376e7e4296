"""What the parts of a file say about each other: names, params, models, payload and examples."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..expressions import FUNCTIONS, KEYWORDS
from ..fitting import TYPES, fits, patches_for, value_key
from ..paths import MISSING, Path
from ..suggest import did_you_mean
from .answers import ANSWER_CHECKS
from .document import Place, walk
from .misplaced import MISPLACED_CHECKS, is_json_text
from .patches import patterns_of
from .published import schema
from .refusals import REFUSAL_CHECKS
from .subject import Check, Subject
from .wording import dotted, type_name

_CALL_KEYS = frozenset(
    {"messages", "model", "stream", "tools", "tool_choice", "settings", "extra_body", "extra_headers"}
)
_DOOR_WORDS = frozenset({"settings", "strict", "extra_body", "extra_headers"})
"""Arguments of a call beside its params: no param could be given under such a name."""


def _check_names(subject: Subject) -> Iterator[Problem]:
    reserved = subject.reserved() | {"steps"}
    taken = {"params": reserved | _DOOR_WORDS, "settings": reserved}
    for section, reserved in taken.items():
        for name in subject.section(section):
            if name in reserved | KEYWORDS | set(FUNCTIONS):
                message = f"'{name}' is a word of every template already"
                yield subject.problem((section, name), "reserved-name", message, "choose another", key=True)
    for name in subject.section("params"):
        if name in subject.section("settings"):
            message = f"'{name}' is both a param and a setting"
            yield subject.problem(("params", name), "conflict", message, "rename one", key=True)


def _check_stem(subject: Subject) -> Iterator[Problem]:
    name, file = subject.data.get("name"), subject.document.source.file
    stem = re.sub(r"\.ya?ml$", "", re.split(r"[/\\]", file)[-1])
    if isinstance(name, str) and re.fullmatch(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", name):
        message = f"'{name}' is a device where there is Windows, and can be no file's name"
        yield subject.problem(("name",), "bad-id", message, "choose another")
    if isinstance(name, str) and re.search(r"\.ya?ml$", file) and name != stem:
        message = f"the name '{name}' is not the file's stem '{stem}'"
        yield subject.problem(("name",), "bad-id", message, "give both the same name")


def _check_params(subject: Subject) -> Iterator[Problem]:
    for name, param in subject.maps("params").items():
        kinds = _kinds(param)
        if kinds:
            yield from _check_values(subject, ("params", name), kinds, param)
            yield from _check_bounds(subject, ("params", name), kinds, param)
            yield from _check_value_map(subject, ("params", name), kinds, param)


def _kinds(param: dict[str, Any]) -> tuple[str, ...]:
    """The types that a param names; empty when one of them is none."""
    kinds = param.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return tuple(kinds) if all(isinstance(kind, str) and kind in TYPES for kind in kinds) else ()


def _check_settings(subject: Subject) -> Iterator[Problem]:
    for name, setting in subject.maps("settings").items():
        kind = setting.get("type", "string")
        if kind in ("string", "integer"):
            yield from _check_values(subject, ("settings", name), (kind,), setting)
        url = subject.data.get("url")
        if setting.get("optional") is True and isinstance(url, str) and re.search(rf"\{{\{{\s*{name}\b", url):
            message = f"the URL needs the setting '{name}', so it is not optional"
            yield subject.problem(("settings", name, "optional"), "conflict", message, "remove it, or give a default")


def _check_values(
    subject: Subject, place: Place, kinds: tuple[str, ...], declared: dict[str, Any]
) -> Iterator[Problem]:
    """The default and the enum of a param or setting are values that a caller could give."""
    enum = declared.get("enum")
    allowed = enum if isinstance(enum, list) else []
    given = [((*place, "enum", index), item) for index, item in enumerate(allowed)]
    if "default" in declared and declared["default"] is not None:
        given.append(((*place, "default"), declared["default"]))
    for where, value in given:
        if not any(fits(kind, value) for kind in kinds):
            kind = " or ".join(kinds)
            hint = "put it in quotes" if kind == "string" else f"write a value of type {kind}, or change the type"
            message = f"`{dotted(where)}` is {type_name(value)}, the type is {kind}"
            yield subject.problem(where, "wrong-type", message, hint)
        elif allowed and where[-1] == "default" and value not in allowed:
            hint = did_you_mean(str(value), map(str, allowed)) or "add it to `enum`"
            yield subject.problem(where, "not-in-enum", f"`{dotted(where)}` is not one of its enum", hint)


def _check_value_map(
    subject: Subject, place: Place, kinds: tuple[str, ...], param: dict[str, Any]
) -> Iterator[Problem]:
    """Each key of `values` is a value that a caller could give."""
    values, enum = param.get("values"), param.get("enum")
    for key in values if isinstance(values, dict) else ():
        where = (*place, "values", key)
        if not _could_be_given(key, kinds):
            message = f"no value of type {' or '.join(kinds)} is named '{key}'"
            yield subject.problem(where, "wrong-type", message, "name a value that a caller may give", key=True)
        elif isinstance(enum, list) and key not in map(value_key, enum):
            hint = did_you_mean(key, [known for item in enum if (known := value_key(item))]) or "add it to `enum`"
            yield subject.problem(where, "not-in-enum", f"'{key}' is not one of its enum", hint, key=True)


def _could_be_given(key: str, kinds: tuple[str, ...]) -> bool:
    spelled = {
        "string": True,
        "boolean": key in ("true", "false"),
        "integer": re.fullmatch(r"0|-?[1-9][0-9]{0,30}", key) is not None,
    }
    return any(spelled.get("integer" if kind == "number" else kind, False) for kind in kinds)


def _check_bounds(subject: Subject, place: Place, kinds: tuple[str, ...], param: dict[str, Any]) -> Iterator[Problem]:
    given = [key for key in ("min", "max", "out_of_range") if key in param]
    if given and not {"number", "integer"} & set(kinds):
        message = f"`{dotted(place)}` has a {given[0]}, which is only for numbers; its type is {' or '.join(kinds)}"
        yield subject.problem((*place, given[0]), "conflict", message, "remove it, or change the type", key=True)
        return
    low, high, value = (param.get(key) if fits("number", param.get(key)) else None for key in ("min", "max", "default"))
    for key, bound in (("min", low), ("max", high)):
        if "integer" in kinds and "number" not in kinds and isinstance(bound, float):
            message = f"`{dotted((*place, key))}` bounds whole numbers, and is none"
            yield subject.problem((*place, key), "wrong-type", message, "write a whole number")
    if low is not None and high is not None and low > high:
        message = f"the min of `{dotted(place)}` is above its max"
        yield subject.problem((*place, "min"), "out-of-range", message, "swap them")
    elif value is not None and ((low is not None and value < low) or (high is not None and value > high)):
        message = f"the default of `{dotted(place)}` is beyond its own min or max"
        yield subject.problem((*place, "default"), "out-of-range", message, "choose a default within the bounds")


def _check_models(subject: Subject) -> Iterator[Problem]:
    models = subject.section("models")
    allow, chosen, aliases = models.get("allow"), models.get("default"), models.get("aliases", {})
    if not isinstance(allow, list):
        return
    named: dict[Place, Any] = {("models", "default"): chosen}
    if isinstance(aliases, dict):
        named = {place: model for place, model in named.items() if model not in list(aliases)}
        named |= {("models", "aliases", alias): model for alias, model in aliases.items()}
    for place, model in named.items():
        if isinstance(model, str) and model not in allow:
            hint = did_you_mean(model, [str(known) for known in allow]) or "add it to `models.allow`"
            yield subject.problem(place, "conflict", f"`{dotted(place)}` names '{model}', which is not allowed", hint)


def _check_payload(subject: Subject) -> Iterator[Problem]:
    payload, encoding = subject.data.get("payload"), subject.data.get("encoding", "json")
    if encoding in ("form", "multipart") and payload is not None and not isinstance(payload, dict):
        message = f"a payload for encoding {encoding} is a map"
        yield subject.problem(("payload",), "wrong-type", message, "write the fields as keys")
    if encoding == "text" and payload is not None and not isinstance(payload, str):
        message = "a payload for encoding text is text"
        yield subject.problem(("payload",), "wrong-type", message, "write text with templates in it")
    for place, text in walk(payload, ("payload",)):
        if encoding in ("form", "multipart") and text is None:
            message = f"`{dotted(place)}` is null, which a form cannot say"
            yield subject.problem(place, "wrong-type", message, 'write "", or leave the key out')
    if payload is not None and not isinstance(payload, dict):
        if not is_json_text(payload):
            yield from _check_additions(subject)
    else:
        yield from _check_destinations(subject, payload or {})


def _check_additions(subject: Subject) -> Iterator[Problem]:
    message = "a value can be added to a payload only where it is a map"
    if subject.data.get("unknown_params") == "forward":
        yield subject.problem(("unknown_params",), "conflict", message, "write error or drop")
    for name, param in subject.maps("params").items():
        if "maps_to" in param:
            yield subject.problem(("params", name, "maps_to"), "conflict", message, "use the param in a template")


def _check_destinations(subject: Subject, payload: dict[str, Any]) -> Iterator[Problem]:
    """What `maps_to` would overwrite in the payload: another value there, or one on the way that is no map."""
    for name, param in subject.maps("params").items():
        target = param.get("maps_to")
        if not isinstance(target, str):
            continue
        try:
            path = Path(target)
        except ValueError:
            continue  # the mark's check speaks of it
        blocked, here = path.obstacle(payload), path.get(payload)
        if blocked is None and here is MISSING:
            continue
        where = target if blocked is None else blocked
        message = f"'{name}' goes to {target}, where the payload says {where} itself"
        if "{{" in str(Path(where).get(payload)) and blocked is not None:
            continue  # a template may give a map; a call is refused when it gives none
        hint = "remove maps_to, or that key of the payload"
        yield subject.problem(("params", name, "maps_to"), "conflict", message, hint)


def _check_examples(subject: Subject) -> Iterator[Problem]:
    examples = subject.data.get("examples")
    names: dict[str, int] = {}
    errors = 0
    for index, example in enumerate(examples if isinstance(examples, list) else ()):
        if not isinstance(example, dict):
            continue
        name = example.get("name")
        if isinstance(name, str) and names.setdefault(name, index) != index:
            message = f"two examples are named '{name}'"
            yield subject.problem(("examples", index, "name"), "duplicate-example", message, "rename one")
        expect = example.get("expect")
        errors += isinstance(expect, dict) and "error" in expect
        refused = isinstance(expect, dict) and expect.get("error") == "parameter"  # it shows what is no param
        yield from _check_call(subject, index, example.get("call"), refused=refused)
        yield from _check_reply(subject, ("examples", index, "reply"), example.get("reply"))
    if isinstance(examples, list) and examples and (not errors or errors == len(examples)):
        missing = "an error" if not errors else "an answer"
        message = f"no example shows {missing}"
        hint = "add one: it is test, mock and documentation at once"
        yield subject.problem(("examples",), "missing-example", message, hint, key=True, severity="warning")


def _check_call(subject: Subject, index: int, call: Any, *, refused: bool) -> Iterator[Problem]:
    if not isinstance(call, dict):
        return
    place: Place = ("examples", index, "call")
    settings = call.get("settings")
    given = [("params", (*place, name), name) for name in call if name not in _CALL_KEYS]
    if any(name not in subject.section("params") for _, _, name in given):
        patched = _params_of_patches(subject, call)
        given = [entry for entry in given if entry[2] not in patched]
    if subject.data.get("unknown_params", schema()["properties"]["unknown_params"]["default"]) != "error" or refused:
        given = []
    given += [
        ("settings", (*place, "settings", name), name) for name in (settings if isinstance(settings, dict) else ())
    ]
    for section, where, name in given:
        known = subject.section(section)
        if name not in known:
            message = f"the call gives '{name}', which is no {section[:-1]} of this file"
            hint = did_you_mean(name, known) or f"declare it under `{section}`"
            yield subject.problem(where, f"unknown-{section[:-1]}", message, hint, key=True)


def _params_of_patches(subject: Subject, call: dict[str, Any]) -> set[str]:
    """The params that the patches for a call's model add."""
    models = subject.section("models")
    asked, aliases = call.get("model", models.get("default")), models.get("aliases")
    model = aliases.get(asked, asked) if isinstance(aliases, dict) and isinstance(asked, str) else asked
    indexes = patches_for(patterns_of(subject.data), model if isinstance(model, str) else None)
    added = [models["patches"][index].get("params") for index in indexes]
    return {name for params in added if isinstance(params, dict) for name in params}


def _check_reply(subject: Subject, place: Place, reply: Any) -> Iterator[Problem]:
    text = reply.get("base64") if isinstance(reply, dict) else None
    if not isinstance(text, str):
        return
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        yield subject.problem((*place, "base64"), "bad-value", f"this is no base64: {error}", "encode the bytes again")


PART_CHECKS: tuple[Check, ...] = (
    _check_names,
    _check_stem,
    _check_params,
    _check_settings,
    _check_models,
    _check_payload,
    *MISPLACED_CHECKS,
    *ANSWER_CHECKS,
    *REFUSAL_CHECKS,
    _check_examples,
)
