"""What breaks the schema, in our words: an error of jsonschema as a rule's name, what is wrong, and the next step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..expressions import is_template, template_at
from ..suggest import did_you_mean, near
from .document import Place
from .homes import OTHER_WORDS, home_of
from .meanings import meaning
from .published import schema
from .wording import dotted, shortened, type_name


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


def violations_in(error: Any, place: Place) -> Iterator[Violation]:
    """What one error of the library comes to; nothing, or several for a map with several keys that are not known."""
    return _EXPLAIN.get(error.validator, _explain_other)(error, place)


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
        if is_template(error.instance):
            literal = "keys are literal; only values hold templates"
            yield Violation((*place, error.instance), "template-forbidden", message, literal, key=True)
            return
        yield Violation((*place, error.instance), "bad-name", message, f"names match {error.validator_value}", key=True)
        return
    if is_template(error.instance):
        message, hint = f"`{_dotted(place)}` is literal", "write the value itself; no template is worked out here"
        yield Violation(place, "template-forbidden", message, hint, index=template_at(error.instance))
        return
    yield Violation(place, rule, f"`{_dotted(place)}` is {_scalar(error.instance)}", hint)


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


def _dotted(place: Place) -> str:
    return dotted(place) or "the file"


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"'{_short(value)}'" if isinstance(value, str) else _short(str(value))


def _short(text: str) -> str:
    return shortened("".join(char if char.isprintable() else "?" for char in text))
