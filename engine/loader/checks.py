"""What a schema cannot say: templates, paths, patterns and references, each checked where the schema marks it; then
what the parts of a file say about each other. Every check is a row of a table and gives problems with their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import Problem
from ..hosts import is_loopback
from ..params import TYPES, fits
from ..paths import Path, PathError
from ..regex import RegexError, compile_regex
from ..suggest import did_you_mean
from .schema import Marked, type_name
from .yamltext import Document, Place, walk

RESERVED_NAMES = frozenset({"model", "messages", "stream", "tools", "omit"})
"""The names that every template of a call may use, beside its params and settings."""

FORBIDDEN_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "accept-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "proxy-authorization", "proxy-connection", "expect"),
    }
)
"""Headers that the engine or the HTTP client decides: they describe the connection, not the request."""

PROTECTED_VARIABLES = re.compile(
    r"AWS_.*|HOME|PATH|USER|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|LANG|LC_.*|LD_.*|PYTHON.*|SSH_.*|GPG_.*|XDG_.*|MAIL|HOSTNAME"
)
"""Variables that no file may read: a file from a stranger must not send them anywhere."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A document under examination, and the names that its templates may use."""

    document: Document
    data: Mapping[str, Any]
    shipped: bool

    def section(self, name: str) -> dict[str, Any]:
        """A map at the top of the file; empty when it is missing or no map."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def names(self, scope: str) -> frozenset[str]:
        """The names that a template of `scope` (settings, call) may use."""
        settings = frozenset(self.section("settings"))
        return settings if scope == "settings" else settings | RESERVED_NAMES | frozenset(self.section("params"))


# --- what the schema marks -------------------------------------------------------------------------------------------


def _check_template(subject: Subject, marked: Marked) -> Iterator[Problem]:
    from ..expressions import check, condition_source  # jinja2 is imported only where a file holds templates

    names = subject.names(marked.says)
    for place, text in walk(marked.value, marked.place):
        if not isinstance(text, str):
            continue
        bare = False
        if place[-1] == "$when":
            text, bare = condition_source(text)
        elif not _may_be_template(text):
            continue
        for fault in check(text, names, bare=bare):
            message = f"{_dotted(place)}: {fault.message}"
            if fault.rule == "undefined-variable":
                message = f"{_dotted(place)} uses {fault.message.replace('is not defined', 'which is not defined')}"
                if marked.says == "settings" and not fault.hint.startswith("did you"):
                    yield subject.document.problem(place, "dynamic-host", message, _DYNAMIC_HOST, index=fault.offset)
                    continue
            yield subject.document.problem(place, fault.rule, message, fault.hint, index=fault.offset)
    for place in _template_keys(marked.value, marked.place):
        hint = "keys are literal; use $when to leave a map out"
        message = f"the key of {_dotted(place[:-1])} holds a template"
        yield subject.document.problem(place, "template-forbidden", message, hint, key=True)


_DYNAMIC_HOST = "only settings may vary the URL"


def _may_be_template(text: str) -> bool:
    return "{{" in text or "}}" in text or "{%" in text or "{#" in text


def _template_keys(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, item in value.items():
            if "{{" in key or "{%" in key:
                yield (*place, key)
            yield from _template_keys(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template_keys(item, (*place, index))


def _check_path(subject: Subject, marked: Marked) -> Iterator[Problem]:
    if not isinstance(marked.value, str) or (marked.value == "event" and marked.value not in marked.place):
        return
    place, key = marked.place, False
    if place not in subject.document.values or subject.document.at(place) != marked.value:
        place, key = (*place, marked.value), True  # the key of a condition
    try:
        Path(marked.value, many=marked.says == "many")
    except PathError as error:
        message = f"'{marked.value}' is no path"
        yield subject.document.problem(place, "bad-path", message, str(error), key=key, index=error.offset)


def _check_regex(subject: Subject, marked: Marked) -> Iterator[Problem]:
    if not isinstance(marked.value, str):
        return
    try:
        compile_regex(marked.value)
    except RegexError as error:
        yield subject.document.problem(marked.place, error.rule, str(error), error.hint, index=error.offset)


def _check_reference(subject: Subject, marked: Marked) -> Iterator[Problem]:
    known = subject.section(marked.says)
    if isinstance(marked.value, str) and marked.value not in known:
        hint = did_you_mean(marked.value, known) or f"declare it under `{marked.says}`"
        message = f"{_dotted(marked.place)}: '{marked.value}' is not declared"
        yield subject.document.problem(marked.place, "undefined-reference", message, hint)


def _check_exclusive(subject: Subject, marked: Marked) -> Iterator[Problem]:
    given = [key for key in marked.says if isinstance(marked.value, dict) and key in marked.value]
    for key in given[1:]:
        message = f"{_dotted(marked.place)} has both '{given[0]}' and '{key}'"
        yield subject.document.problem((*marked.place, key), "conflict", message, "keep one of them", key=True)


MARK_CHECKS: Mapping[str, Callable[[Subject, Marked], Iterator[Problem]]] = {
    "x-template": _check_template,
    "x-path": _check_path,
    "x-regex": _check_regex,
    "x-refers-to": _check_reference,
    "x-exclusive": _check_exclusive,
}


# --- what the parts say about each other -----------------------------------------------------------------------------


def _check_names(subject: Subject) -> Iterator[Problem]:
    for section in ("params", "settings"):
        for name in subject.section(section):
            if name in RESERVED_NAMES:
                message = f"'{name}' is a name of every template already"
                yield subject.document.problem((section, name), "reserved-name", message, "choose another", key=True)
    for name in sorted(set(subject.section("params")) & set(subject.section("settings"))):
        message = f"'{name}' is both a param and a setting"
        yield subject.document.problem(("params", name), "conflict", message, "rename one", key=True)


def _check_stem(subject: Subject) -> Iterator[Problem]:
    name, file = subject.data.get("name"), subject.document.source.file
    stem = re.sub(r"\.ya?ml$", "", re.split(r"[/\\]", file)[-1])
    if isinstance(name, str) and re.search(r"\.ya?ml$", file) and name != stem:
        message = f"the name '{name}' is not the file's stem '{stem}'"
        yield subject.document.problem(("name",), "bad-id", message, "give both the same name")


def _check_url(subject: Subject) -> Iterator[Problem]:
    url = subject.data.get("url")
    if not isinstance(url, str):
        return
    # A slot is some word of a host; the value that it takes is checked when it is known.
    if re.fullmatch(r"\{\{\s*\w+\s*\}\}", url):
        return  # a setting that is the whole URL
    plain = re.sub(r"\{\{.*?\}\}", "8", url, flags=re.DOTALL)
    try:
        parts = urlsplit(plain)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        yield subject.document.problem(("url",), "bad-url", f"the URL cannot be read: {error}")
        return
    for rule, message, hint in _url_faults(subject, parts, host):
        yield subject.document.problem(("url",), rule, message, hint)


def _url_faults(subject: Subject, parts: Any, host: str | None) -> Iterator[tuple[str, str, str]]:
    if parts.scheme not in ("http", "https"):
        yield "bad-scheme", f"the URL's scheme is '{parts.scheme}'", "begin it with https://"
        return
    if not host:
        yield "bad-url", "the URL has no host", "write https://host"
        return
    if parts.username is not None or parts.password is not None:
        yield "userinfo", "the URL holds a user or a password", "declare `secrets` and `auth`"
    if parts.query or parts.fragment:
        yield "bad-url", "the URL holds a query or a fragment", "use `query`"
    if parts.scheme == "http" and subject.data.get("auth") and not is_loopback(host):
        yield "insecure-url", "a secret would go over http", "use https://"


def _check_headers(subject: Subject) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, value in subject.section("headers").items():
        place = ("headers", name)
        if name.lower() in FORBIDDEN_HEADERS:
            message = f"the header '{name}' is the engine's to set"
            yield subject.document.problem(place, "forbidden-header", message, "remove it", key=True)
        if name.lower() in seen:
            message = f"the header '{name}' is given twice, first as '{seen[name.lower()]}'"
            yield subject.document.problem(place, "duplicate-header", message, "keep one", key=True)
        seen.setdefault(name.lower(), name)
        if isinstance(value, str) and re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            message = f"the value of '{name}' holds a line break or a control character"
            yield subject.document.problem(place, "bad-header-value", message, "a header is one line")


def _check_params(subject: Subject) -> Iterator[Problem]:
    for name, param in subject.section("params").items():
        if not isinstance(param, dict):
            continue
        if "default" in param and param.get("type") in TYPES and not fits(param["type"], param["default"]):
            message = f"the default of '{name}' is {type_name(param['default'])}, its type is {param.get('type')}"
            yield subject.document.problem(("params", name, "default"), "wrong-type", message)
        low, high = param.get("min"), param.get("max")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            message = f"the min of '{name}' is above its max"
            yield subject.document.problem(("params", name, "min"), "out-of-range", message, "swap them")


def _check_variables(subject: Subject) -> Iterator[Problem]:
    places: list[tuple[Place, Any]] = []
    for name, secret in subject.section("secrets").items():
        for index, variable in enumerate(secret.get("env") or () if isinstance(secret, dict) else ()):
            places.append((("secrets", name, "env", index), variable))
    for name, setting in subject.section("settings").items():
        if isinstance(setting, dict):
            places.append((("settings", name, "env"), setting.get("env")))
    for place, variable in places:
        if isinstance(variable, str) and not subject.shipped and PROTECTED_VARIABLES.fullmatch(variable):
            message = f"the variable '{variable}' is not for provider files"
            yield subject.document.problem(place, "env-not-allowed", message, "use a variable of the service's own")


def _check_readings(subject: Subject) -> Iterator[Problem]:
    response = subject.section("response")
    for place in (("response",), ("response", "stream"), ("response", "whole")):
        reading = response if len(place) == 1 else response.get(place[1])
        if isinstance(reading, dict) and isinstance(reading.get("codec"), str):
            yield from _check_reading(subject, place, reading)


def _check_reading(subject: Subject, place: Place, reading: dict[str, Any]) -> Iterator[Problem]:
    codec = reading["codec"]
    rules = reading.get("rules")
    if codec != "text" and not _reads_text(rules):
        message = f"nothing reads the text out of `{_dotted(place)}`"
        yield subject.document.problem(place, "no-text-rule", message, "add rules: [{text: PATH}]", key=True)
    if codec == "sse" and "end" not in reading:
        message = f"`{_dotted(place)}` does not say what ends the answer, so a cut one could pass as whole"
        hint = "add end: '[DONE]', {type: message_stop}, finish, or body where the API has no mark"
        yield subject.document.problem(place, "no-end-rule", message, hint, key=True)
    ends = reading.get("end")
    finishes = [end for end in (ends if isinstance(ends, list) else [ends]) if end == "finish"]
    if finishes and not _mentions(rules, "finish"):
        message = "`end: finish` needs a rule that reads `finish`"
        yield subject.document.problem((*place, "end"), "no-end-rule", message, "add finish: PATH to a rule")


def _reads_text(rules: Any) -> bool:
    return _mentions(rules, "text") or _mentions(rules, "reasoning")


def _mentions(rules: Any, key: str) -> bool:
    return isinstance(rules, list) and any(
        isinstance(rule, dict) and (key in rule or _mentions(rule.get("rules"), key)) for rule in rules
    )


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
            yield subject.document.problem(("examples", index, "name"), "duplicate-example", message, "rename one")
        expect = example.get("expect")
        errors += isinstance(expect, dict) and "error" in expect
        yield from _check_call(subject, index, example.get("call"))
    if isinstance(examples, list) and (not errors or errors == len(examples)):
        missing = "an error" if not errors else "an answer"
        message = f"no example shows {missing}"
        hint = "add one: it is test, mock and documentation at once"
        yield subject.document.problem(("examples",), "missing-example", message, hint, key=True, severity="warning")


def _check_call(subject: Subject, index: int, call: Any) -> Iterator[Problem]:
    if not isinstance(call, dict) or subject.data.get("unknown_params", "error") != "error":
        return
    known = set(subject.section("params"))
    for name in call:
        if name not in known | {"messages", "model", "stream", "tools", "settings"}:
            message = f"the call gives '{name}', which is no param of this file"
            hint = did_you_mean(name, known) or "declare it under `params`"
            yield subject.document.problem(("examples", index, "call", name), "unknown-param", message, hint, key=True)


def _check_models(subject: Subject) -> Iterator[Problem]:
    models = subject.section("models")
    allow, chosen = models.get("allow"), models.get("default")
    if isinstance(allow, list) and isinstance(chosen, str) and chosen not in allow:
        hint = did_you_mean(chosen, [str(m) for m in allow]) or "add it to `allow`"
        message = f"the default model '{chosen}' is not allowed"
        yield subject.document.problem(("models", "default"), "conflict", message, hint)


def _check_payload(subject: Subject) -> Iterator[Problem]:
    payload, encoding = subject.data.get("payload"), subject.data.get("encoding", "json")
    if encoding in ("form", "multipart") and payload is not None and not isinstance(payload, dict):
        message = f"a payload for encoding {encoding} is a map"
        yield subject.document.problem(("payload",), "wrong-type", message)
    if encoding == "text" and payload is not None and not isinstance(payload, str):
        yield subject.document.problem(("payload",), "wrong-type", "a payload for encoding text is text")
    for place, text in walk(payload, ("payload",)) if encoding == "json" else ():
        if isinstance(text, str) and re.match(r"\s*[\[{]\s*\"[^{}]*\{\{", text):
            hint = "write the tree itself, with templates as leaves"
            yield subject.document.problem(place, "payload-as-text", "JSON is written as text here", hint)


FILE_CHECKS: tuple[Callable[[Subject], Iterator[Problem]], ...] = (
    _check_names,
    _check_stem,
    _check_url,
    _check_headers,
    _check_params,
    _check_models,
    _check_variables,
    _check_payload,
    _check_readings,
    _check_examples,
)


def check(subject: Subject, marked: list[Marked]) -> Iterator[Problem]:
    """Every problem that the schema cannot see."""
    for mark in marked:
        yield from MARK_CHECKS[mark.mark](subject, mark)
    for file_check in FILE_CHECKS:
        yield from file_check(subject)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)
