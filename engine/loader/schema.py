"""The only home of jsonschema: plain data against the published schema.

The schema says more than types: the keywords `x-template`, `x-path`, `x-regex`, `x-refers-to` and `x-exclusive` mark
what a value is for. One pass over the data gives both what breaks the schema and where the marked values are, so that
which fields may hold templates is written down once, in the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from ..suggest import did_you_mean, near
from .conforming import Marks, is_pattern_in, is_whole_number, keeps
from .document import Place
from .homes import OTHER_WORDS, home_of
from .meanings import meaning
from .published import MARKS, asked, schema, target

PATCHES: Place = ("models", "patches")


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that the schema does not allow; `key` says that the mistake is in the key of that place.

    `meant` is what a mistyped key is read as, so that its mistake is told once, and all that stands under it is
    examined.
    """

    place: Place
    rule: str
    message: str
    hint: str = ""
    key: bool = False
    index: int | None = None
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A value that the schema marks, with what the mark says."""

    mark: str
    says: Any
    place: Place
    value: Any


@cache
def _validator(*, is_whole: bool) -> Any:
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def mark(name: str) -> Any:
        def keyword(validator: Any, says: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
            yield ValidationError(name, validator=name, validator_value=says, instance=instance)

        return keyword

    def pattern(validator: Any, wanted: str, instance: Any, _: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not is_pattern_in(wanted, instance):
            yield ValidationError(f"does not match {wanted}")

    def whole(_: Any, instance: Any) -> bool:
        return is_whole_number(instance)

    def reference(validator: Any, says: str, instance: Any, _: Any) -> Iterator[ValidationError]:
        return validator.descend(instance, target(says))  # type: ignore[no-any-return]

    def condition(validator: Any, says: Any, instance: Any, node: Any) -> Iterator[ValidationError]:
        branch = "else" if next(validator.descend(instance, says), None) else "then"
        if branch in node:
            yield from validator.descend(instance, node[branch], schema_path=branch)

    extended: Any = extend
    keywords = {name: mark(name) for name in MARKS} | {"pattern": pattern, "$ref": reference, "if": condition}
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", whole)
    known = extended(Draft202012Validator, keywords, type_checker=types)
    known.descend = _descend
    return known(asked(is_whole=is_whole))


_checks: dict[int, list[tuple[str, Any, Any]]] = {}
"""What each node of the schema asks, by the node: `schema()` and `asked()` keep them all."""


def _descend(
    validator: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
) -> Iterator[Any]:
    """The library's way through a schema, without a new validator and a look-up of references at every node.

    This schema refers to itself alone, and its nodes stay what they are: it takes a third of the time. What is false is
    a key that another excludes: other validators are told so; we say it with better words, by `x-exclusive`.
    """
    if schema is True or schema is False:
        return
    checks = _checks.get(id(schema))
    if checks is None:
        known = validator.VALIDATORS
        checks = _checks[id(schema)] = [(word, known[word], says) for word, says in schema.items() if word in known]
    for keyword, check, says in checks:
        for error in check(validator, says, instance, schema) or ():
            error._set(validator=keyword, validator_value=says, instance=instance, schema=schema, type_checker=None)
            if keyword not in ("if", "$ref"):
                error.schema_path.appendleft(keyword)
            if path is not None:
                error.path.appendleft(path)
            if schema_path is not None:
                error.schema_path.appendleft(schema_path)
            yield error


Examined = tuple[list[Violation], list[Marked]]
"""What breaks the schema, and what it marks."""


def examine(data: Any, most: int, *, is_whole: bool = True) -> Examined:
    """What breaks the schema, and what it marks; the search ends at `most` violations.

    Not `is_whole` is a file without what it inherits: nothing is said of what is missing in it.
    """
    met: Marks = []
    if keeps(asked(is_whole=is_whole), data, (), met):
        return [], [Marked(*mark) for mark in met if mark[2][:2] != PATCHES]  # a patch is read when it is laid on
    return told(data, most, is_whole=is_whole)


def told(data: Any, most: int, *, is_whole: bool = True) -> Examined:
    """The same by jsonschema, which can tell what is wrong."""
    violations: list[Violation] = []
    marked: list[Marked] = []
    of_wrong_type: set[Place] = set()
    for error in _validator(is_whole=is_whole).iter_errors(data):
        place = tuple(error.absolute_path)
        if error.validator in MARKS:
            if place[:2] != PATCHES:
                marked.append(Marked(error.validator, error.validator_value, place, error.instance))
            continue
        if place in of_wrong_type and error.validator not in ("type", "required"):
            continue  # of a value that is no number, nothing is said about its range
        if error.validator == "type":
            of_wrong_type.add(place)
        explain = _EXPLAIN.get(error.validator, _explain_other)
        violations.extend(islice(explain(error, place), most - len(violations)))
        if len(violations) >= most:
            break
    return violations, marked


def _explain_unknown(error: Any, place: Place) -> Iterator[Violation]:
    known = error.schema.get("properties", {})
    patterns = error.schema.get("patternProperties", {})
    for name in error.instance:
        if name in known or any(name.startswith(pattern.lstrip("^")) for pattern in patterns):
            continue
        if (loose := _loosens_tls(name, error.instance[name])) is not None:
            message = "a file cannot turn off the check of certificates"
            hint = "remove it; a certificate of your own is given to the client, or in SSL_CERT_FILE"
            yield Violation((*place, *loose), "insecure-tls", message, hint, key=True)
            continue
        where = f"`{_dotted(place)}`" if place else "a provider file"
        hint, meant = _unknown_hint(name, known, place)
        meant = "" if meant in error.instance else meant
        yield Violation(
            (*place, name), "unknown-key", f"'{_short(name)}' is no key of {where}", hint, True, None, meant
        )


def _unknown_hint(name: str, known: Mapping[str, Any], place: Place) -> tuple[str, str]:
    """What to do about a key that is not known, and the key that it is a slip of."""
    if name == "$schema":
        return "name the schema in a comment: # yaml-language-server: $schema=PATH", ""
    slip, home = near(name, known, most=1), home_of(name, place, schema())
    if not place and name in OTHER_WORDS:
        return f"did you mean '{OTHER_WORDS[name]}'?", OTHER_WORDS[name]
    belongs, listed = f"it belongs under {home}", f"known keys: {', '.join(known)}"
    if slip is not None:
        return f"did you mean '{slip}'?" + (f" Or {belongs}" if home else ""), slip
    if home:
        return f"{belongs}; {listed}", ""
    return did_you_mean(name, known) or listed, near(name, known) or ""


_TLS = {
    **dict.fromkeys(("verify", "verifyssl", "sslverify", "tlsverify", "verifytls", "checkcertificates"), False),
    **dict.fromkeys(("insecure", "skipverify", "insecureskipverify", "skiptlsverify", "allowinsecure"), True),
}
"""Keys of other tools, without case and hyphens, and the value that turns the check of certificates off."""
_YES = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0", "none"), False)}


def _loosens_tls(name: str, value: Any) -> Place | None:
    """Where a key that no file has would turn the check of certificates off, from that key on; None if it does not."""
    if isinstance(value, dict):
        below = (_loosens_tls(key, inner) for key, inner in value.items() if not isinstance(inner, dict))
        return next(((name, *place) for place in below if place is not None), None)
    off = _TLS.get(re.sub(r"[-_]", "", name).lower())
    return (name,) if off is not None and _YES.get(str(value).lower()) is off else None


def _explain_missing(error: Any, place: Place) -> Iterator[Violation]:
    where, at = (f"`{_dotted(place)}`" if place else "the file"), place
    if not place and "extends" in error.instance:
        where, at = "the file, with what it extends,", ("extends",)
    for name in error.validator_value:
        if name not in error.instance:
            described = meaning((*place, name), error.instance, schema())
            hint = f"add it: {_in_a_sentence(described)}" if described else "add it"
            yield Violation(at, "missing-key", f"{where} needs the key `{name}`", hint, key=True)


def _in_a_sentence(described: str) -> str:
    """A description, to stand at the end of a sentence of ours."""
    words = described.partition(" Names: ")[0].removesuffix(".")
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _explain_type(error: Any, place: Place) -> Iterator[Violation]:
    if error.instance is None and len(place) == 1 and place[0] in schema()["$defs"]["whole"]["else"]["required"]:
        message = f"`{place[0]}` is null, and every provider needs it"
        yield Violation(place, "missing-key", message, "write its value, or leave the key out to inherit it")
        return
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    due = " or ".join(_TYPE_NAMES[name] for name in wanted)
    message = f"`{_dotted(place)}` is {type_name(error.instance)}, where {due} is due"
    hint = _quote_hint(error.instance) if "string" in wanted else _unquote_hint(error.instance, wanted)
    if error.instance is None and place:
        hint = f"write a value; `unset: [{_dotted(place)}]` takes away what is inherited"
    yield Violation(place, "wrong-type", message, hint)


def _quote_hint(value: Any) -> str:
    return "put it in quotes" if isinstance(value, bool | int | float) else ""


def _unquote_hint(value: Any, wanted: list[str]) -> str:
    bare = {"number", "integer", "boolean"} & set(wanted)
    if isinstance(value, str) and "boolean" in wanted and (meant := _YES.get(value.lower())) is not None:
        return f"write {str(meant).lower()}, without quotes"
    return "write it without quotes" if isinstance(value, str) and bare and _looks_bare(value) else ""


def _looks_bare(text: str) -> bool:
    try:
        return len(text) <= 40 and not isinstance(json.loads(text), str | list | dict)
    except ValueError:
        return False


def _explain_enum(error: Any, place: Place) -> Iterator[Violation]:
    values = error.validator_value if error.validator == "enum" else [error.validator_value]
    allowed = ", ".join(_scalar(value) for value in values)
    hint = did_you_mean(str(error.instance), [v for v in values if isinstance(v, str)])
    message = f"`{_dotted(place)}` is {_scalar(error.instance)}; it is one of: {allowed}"
    yield Violation(place, "not-in-enum", message, hint)


def _explain_range(error: Any, place: Place) -> Iterator[Violation]:
    least = error.schema.get("minimum", error.schema.get("exclusiveMinimum"))
    most = f" to {error.schema['maximum']}" if "maximum" in error.schema else " and more"
    bounds = f"{'above ' if 'exclusiveMinimum' in error.schema else ''}{least}{most}"
    yield Violation(place, "out-of-range", f"`{_dotted(place)}` is {_scalar(error.instance)}", f"the range is {bounds}")


def _explain_empty(error: Any, place: Place) -> Iterator[Violation]:
    if error.validator == "minProperties" and "kind" in error.instance:
        yield Violation(place, "ambiguous-rule", f"`{_dotted(place)}` matches every answer", "add a predicate")
    else:
        yield Violation(place, "empty-value", f"`{_dotted(place)}` is empty", "fill it, or remove the key")


def _explain_pattern(error: Any, place: Place) -> Iterator[Violation]:
    rule = error.schema.get("x-rule", "bad-value")
    described = error.schema.get("description", "")
    hint = f"due here: {_in_a_sentence(described)}" if described else f"it must match {error.validator_value}"
    if list(error.absolute_schema_path)[-2:-1] == ["propertyNames"]:
        message = f"'{_short(str(error.instance))}' is no name for a key here"
        if holds_template(error.instance):
            literal = "keys are literal; only values hold templates"
            yield Violation((*place, error.instance), "template-forbidden", message, literal, key=True)
            return
        yield Violation((*place, error.instance), "bad-name", message, f"names match {error.validator_value}", key=True)
        return
    if holds_template(error.instance):
        message, hint = f"`{_dotted(place)}` is literal", "write the value itself; no template is worked out here"
        yield Violation(place, "template-forbidden", message, hint, index=template_at(error.instance))
        return
    yield Violation(place, rule, f"`{_dotted(place)}` is {_scalar(error.instance)}", hint)


TEMPLATE_SIGNS = ("{{", "{%", "{#")


def holds_template(text: Any) -> bool:
    """Whether a text was meant to be worked out."""
    return isinstance(text, str) and any(sign in text for sign in TEMPLATE_SIGNS)


def template_at(text: str) -> int:
    """Where the template in a text begins."""
    return min(text.find(sign) for sign in TEMPLATE_SIGNS if sign in text)


def _explain_other(error: Any, place: Place) -> Iterator[Violation]:
    yield Violation(place, "bad-value", f"`{_dotted(place)}`: {_short(error.message)}")


_EXPLAIN = {
    "additionalProperties": _explain_unknown,
    "required": _explain_missing,
    "type": _explain_type,
    "enum": _explain_enum,
    "const": _explain_enum,
    "minimum": _explain_range,
    "maximum": _explain_range,
    "exclusiveMinimum": _explain_range,
    "minLength": _explain_empty,
    "minItems": _explain_empty,
    "minProperties": _explain_empty,
    "pattern": _explain_pattern,
}

_TYPE_NAMES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}


def type_name(value: Any) -> str:
    """What a value is, in the words of our messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"{str(value).lower()} (a boolean)"
    for kind, name in ((int, "a whole number"), (float, "a number"), (str, "text"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return "a map"


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "the file"


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"'{_short(value)}'" if isinstance(value, str) else _short(str(value))


def _short(text: str) -> str:
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= 60 else text[:57] + "..."
