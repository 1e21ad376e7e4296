"""What the schema marks: templates, paths, patterns and references, each checked where the schema says that it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import Problem
from ..expressions import check, check_keys, condition_source, is_one_expression, is_template, names_in_tree
from ..paths import Path
from ..regex import RegexError, compile_regex
from ..shaping import NAMES
from ..suggest import did_you_mean
from .document import Place, walk
from .schema import Marked
from .subject import TEXT_ENCODINGS, Subject, both
from .wording import dotted, type_name

SHAPED = ("messages", "parts", "tools")
"""The sections whose templates make parts of a payload."""


def _check_template(subject: Subject, marked: Marked) -> Iterator[Problem]:
    is_tree = _is_tree(subject, marked)
    for place, text in walk(marked.value, marked.place):
        if place[-1] == "$when":
            yield from _check_when(subject, place, text, marked.says)
        elif isinstance(text, str) and any(brace in text for brace in ("{{", "}}", "{%", "{#")):
            yield from _faults(subject, place, text, marked.says, as_text=not is_tree)
    for place in _keys(marked.value, marked.place):
        yield from _check_key(subject, place)


def _is_tree(subject: Subject, marked: Marked) -> bool:
    """Whether the values of the templates keep their types, so that a list or a map is one of them."""
    section = marked.place[0]
    if section == "payload":
        return subject.data.get("encoding") not in TEXT_ENCODINGS
    if section in ("auth", "steps"):
        return isinstance(marked.value, dict | list) and marked.place[-1] != "form"  # claims, and bodies of JSON
    return section in SHAPED


def _check_when(subject: Subject, place: Place, text: Any, scope: str) -> Iterator[Problem]:
    if not isinstance(text, str):
        message = f"`{dotted(place)}` is {type_name(text)}, where an expression is due"
        yield subject.problem(place, "wrong-type", message, "write it as text: model is defined")
        return
    text, bare = condition_source(text)
    faults = list(_faults(subject, place, text, scope, bare=bare))
    yield from faults
    if not faults and not bare and not is_one_expression(text.strip()):
        message = f"`{dotted(place)}` is text with expressions in it, which is always true"
        yield subject.problem(place, "template-syntax", message, "write one expression, without braces")


def _faults(subject: Subject, place: Place, text: str, scope: str, **how: bool) -> Iterator[Problem]:
    faults = check(text, subject.names(scope), collections=subject.collections(scope), **how)
    if scope in ("auth", "token"):
        faults += check_keys(text, subject.section("secrets"), bare=how.get("bare", False))
    for fault in faults:
        rule, message, hint = fault.rule, f"{dotted(place)}: {fault.message}", fault.hint
        if rule == "undefined-variable":
            rule, words, hint = _undefined(subject, scope, fault.message.split("'")[1], hint)
            message = f"{dotted(place)} uses {words}"
        yield subject.problem(place, rule, message, hint, index=fault.offset)


def _undefined(subject: Subject, scope: str, name: str, hint: str) -> tuple[str, str, str]:
    if scope in ("auth", "token") and name in subject.section("secrets"):
        return "undefined-variable", f"'{name}', which is not defined", f"write secrets.{name}"
    if name == "secrets":
        return "secret-not-allowed-here", "a secret", "declare it under `auth`, which sends it"
    if name in subject.section("secrets"):
        return "secret-not-allowed-here", f"the secret '{name}'", "declare it under `auth`, which sends it"
    if scope == "settings" and name in subject.names("call"):
        return "dynamic-host", f"'{name}', which a call gives", "only settings may vary the URL"
    return "undefined-variable", f"'{name}', which is not defined", hint


def _keys(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*place, key)
            yield from _keys(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys(item, (*place, index))


def _check_key(subject: Subject, place: Place) -> Iterator[Problem]:
    key = place[-1]
    if is_template(key):
        hint = "keys are literal; use $when to leave a map out"
        message = f"a key of `{dotted(place[:-1])}` holds a template"
        yield subject.problem(place, "template-forbidden", message, hint, key=True)
    elif isinstance(key, str) and key.startswith("$") and key != "$when":
        message = f"'{key}' is no key that the engine knows"
        hint = did_you_mean(key, ["$when"]) or "the only one that begins with $ is $when"
        yield subject.problem(place, "unknown-key", message, hint, key=True)


def _check_path(subject: Subject, marked: Marked) -> Iterator[Problem]:
    if not isinstance(marked.value, str) or (marked.value in ("event", "slot") and marked.value not in marked.place):
        return
    place, key = marked.place, False
    if place not in subject.document.values or subject.document.at(place) != marked.value:
        place, key = (*place, marked.value), True  # the key of a condition
    if key and marked.value in _COMPARISONS:
        message = f"`{dotted(marked.place)}` names no path"
        hint = "write {path: PATH, " + f"{marked.value}: VALUE" + "}, or {PATH: {" + f"{marked.value}: VALUE" + "}}"
        yield subject.problem(marked.place, "missing-key", message, hint)
    if (key and marked.value in _COMPARISONS) or not marked.value:
        return  # of an empty text the schema speaks
    try:
        Path(marked.value, many=marked.says == "many")
    except ValueError as error:  # a PathError, or what int() says of 5,000 digits
        rule, offset = getattr(error, "rule", "bad-path"), getattr(error, "offset", 0)
        message = f"'{marked.value[:60]}' is no path"
        yield subject.problem(place, rule, message, str(error), key=key, index=offset)


_COMPARISONS = ("equals", "in", "exists", "contains", "regex")


def _check_regex(subject: Subject, marked: Marked) -> Iterator[Problem]:
    if not isinstance(marked.value, str):
        return
    try:
        compile_regex(marked.value)
    except RegexError as error:
        yield subject.problem(marked.place, error.rule, str(error), error.hint, index=error.offset)


def _check_reference(subject: Subject, marked: Marked) -> Iterator[Problem]:
    if subject.data.get("abstract") is True:
        return  # whoever extends it declares what it names
    known = subject.section(marked.says)
    if is_template(marked.value):
        if marked.place[0] == "auth":
            return  # its own checks say so (trust.py)
        message, hint = f"`{dotted(marked.place)}` is literal", f"write a name that is declared under `{marked.says}`"
        yield subject.problem(marked.place, "template-forbidden", message, hint)
    elif isinstance(marked.value, str) and marked.value not in known:
        hint = did_you_mean(marked.value, known) or f"declare it under `{marked.says}`"
        message = f"{dotted(marked.place)}: '{marked.value}' is not declared"
        yield subject.problem(marked.place, "undefined-reference", message, hint)


def _check_exclusive(subject: Subject, marked: Marked) -> Iterator[Problem]:
    sets = marked.says if isinstance(marked.says[0], list) else [marked.says]
    for exclusive in sets:
        given = [key for key in marked.value if key in exclusive] if isinstance(marked.value, dict) else []
        for key in given[1:]:
            where = dotted(marked.place)
            yield both(subject, where, (*marked.place, given[0]), (*marked.place, key))


def unused_params(subject: Subject, marked: list[Marked]) -> Iterator[Problem]:
    """Params that no template reads and that map nowhere: what is given for them is never sent.

    The templates are sound: names are read out of them. A protocol's params may wait for the file that extends it.
    """
    params = subject.maps("params")
    idle = [name for name, param in params.items() if "maps_to" not in param]
    if not idle or subject.data.get("abstract") is True:
        return
    used = frozenset[str]().union(
        *(
            names_in_tree(mark.value) - NAMES.get(mark.says, frozenset())
            for mark in marked
            if mark.mark == "x-template"
        ),
    )
    for name in idle:
        if name not in used:
            message = f"nothing reads the param '{name}', so it is never sent"
            hint = f"use it in a template, give it a `maps_to`, or unset params.{name}"
            yield subject.problem(("params", name), "unused-param", message, hint, key=True, severity="warning")


MARK_CHECKS: Mapping[str, Callable[[Subject, Marked], Iterator[Problem]]] = {
    "x-template": _check_template,
    "x-path": _check_path,
    "x-regex": _check_regex,
    "x-refers-to": _check_reference,
    "x-exclusive": _check_exclusive,
}
