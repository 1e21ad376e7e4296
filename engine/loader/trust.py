"""What a file from a stranger must not do: where it sends, what it reads, and what it would show of its own author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..expressions import is_template, members_of, template_at
from ..headers import CONTROL, FORBIDDEN_HEADERS
from ..hosts import is_loopback
from .addresses import ADDRESS_CHECKS, other_requests, other_urls
from .bound import hosts_of, is_bound_elsewhere, is_shipped, own_urls, owners_of, variables_of
from .document import Place, walk
from .inline import inline_secret, secrets_at
from .subject import AUTH_NAMES, Check, Subject, ways
from .wording import dotted

PROTECTED_VARIABLES = re.compile(
    r"AWS_.*|HOME|PATH|USER|USERNAME|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|LANG|LC_.*|LD_.*|DYLD_.*|PYTHON.*|SSH_.*|GPG_.*"
    r"|XDG_.*|MAIL|HOSTNAME|GOOGLE_APPLICATION_CREDENTIALS|KUBE.*|DOCKER_.*|USERPROFILE|(?:LOCAL)?APPDATA|TE?MP"
    r"|COMPUTERNAME|.*_PROXY|SUDO_.*|HISTFILE|TERM|EDITOR|VISUAL|DISPLAY|PG.*|MYSQL_PWD|DATABASE_URL|VAULT_TOKEN"
    r"|NPM_TOKEN|TWINE_.*|CI|CI_.*|ACTIONS_.*",
    re.IGNORECASE,  # Windows ignores it too
)
"""Variables that no file may read unless the caller allows it: a stranger's file must not send them anywhere."""

_SECTIONS_WITH_LITERALS = (
    *("url", "path", "query", "headers", "payload", "auth", "params", "settings", "secrets"),
    *("steps", "follow", "models"),
)


def _check_headers(subject: Subject) -> Iterator[Problem]:
    yield from _check_fields(subject, ("headers",), subject.section("headers"))
    for place, request in other_requests(subject):
        if isinstance(request.get("headers"), dict):
            yield from _check_fields(subject, (*place, "headers"), request["headers"])


def _check_fields(subject: Subject, at: Place, headers: dict[str, Any]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, value in headers.items():
        place = (*at, name)
        yield from _check_header_name(subject, place, name, key=True)
        if name.lower() in seen:
            message = f"the header '{name}' is given twice, first as '{seen[name.lower()]}'"
            yield subject.problem(place, "duplicate-header", message, "keep one", key=True)
        seen.setdefault(name.lower(), name)
        yield from _check_header_value(subject, place, value)
        if at == ("headers",) and name.lower() == "content-type" and subject.data.get("encoding") == "multipart":
            message = "a multipart body needs the engine's own content-type, which names its boundary"
            yield subject.problem(place, "conflict", message, "remove the header", key=True)


def _check_header_name(subject: Subject, place: Place, name: str, *, key: bool) -> Iterator[Problem]:
    if name.lower() in FORBIDDEN_HEADERS:
        message = f"the header '{name}' is the engine's to set"
        yield subject.problem(place, "forbidden-header", message, "remove it", key=key)


def _check_header_value(subject: Subject, place: Place, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        return
    if bad := CONTROL.search(value):
        message = f"the value of `{dotted(place)}` holds a line break or a control character"
        yield subject.problem(place, "bad-header-value", message, "a header is one line", index=bad.start())
    elif bad := re.search(r"[^\x00-\x7f]", value):
        message = f"the value of `{dotted(place)}` holds a character beyond ASCII"
        yield subject.problem(place, "bad-header-value", message, "HTTP headers are ASCII", index=bad.start())


def _check_auth(subject: Subject) -> Iterator[Problem]:
    for place, way in ways(subject):
        send = {"send": way["send"]} if isinstance(way.get("send"), dict) else {}
        for where, text in walk({key: way.get(key) for key in ("name", "prefix", "value")} | send, place):
            if where[-1] in ("name", "header") and isinstance(text, str) and way.get("type") != "query":
                yield from _check_header_name(subject, where, text, key=False)
            elif where[-1] in ("prefix", "value"):
                yield from _check_header_value(subject, where, text)
        for where, text in walk(way, place):
            if is_template(text) and not subject.is_templated(where):
                message = f"`{dotted(where)}` is literal"
                hint = "name a secret of `secrets`; no template is needed"
                yield subject.problem(where, "template-forbidden", message, hint, index=template_at(text))
        yield from _check_way(subject, place, way)


def _check_way(subject: Subject, place: Place, way: dict[str, Any]) -> Iterator[Problem]:
    """What the keys of one way say about each other, and about the request."""
    kind, payload = way.get("type"), subject.data.get("payload")
    if kind == "header" and "secret" not in way and "value" not in way:
        message = f"`{dotted(place)}` does not say what the header holds"
        yield subject.problem(place, "missing-key", message, "add secret: NAME, or value: a template", key=True)
    if kind == "header" and "value" in way and "prefix" in way:
        message = f"`{dotted(place)}` has both 'value' and 'prefix'"
        yield subject.problem((*place, "prefix"), "conflict", message, "write the prefix into the value", key=True)
    if kind == "body" and payload is not None and not isinstance(payload, dict):
        message = "a secret can be added to a payload only where it is a map"
        yield subject.problem((*place, "key"), "conflict", message, "write the payload as a map")
    elif kind == "body" and subject.data.get("encoding") == "text":
        message = "a body of encoding text has no key for a secret"
        yield subject.problem((*place, "key"), "conflict", message, "choose another encoding, or another kind")
    if isinstance(way.get("token"), dict):
        yield from _check_token(subject, place, way)
    for name in subject.section("settings"):
        if name in AUTH_NAMES and any(subject.is_templated(where) for where, _ in walk(way, place)):
            message = f"the setting '{name}' has the name of a part of the request, which templates of `auth` read"
            yield subject.problem(("settings", name), "conflict", message, "rename the setting", key=True)


def _check_token(subject: Subject, place: Place, way: dict[str, Any]) -> Iterator[Problem]:
    """What the keys of a token request say about each other."""
    token = way["token"]
    if "expires_in" in token and "expires_at" in token:
        message = f"`{dotted((*place, 'token'))}` has both 'expires_in' and 'expires_at'"
        yield subject.problem((*place, "token", "expires_at"), "conflict", message, "keep one of them", key=True)
    if "url" not in token and "path" not in token:
        message = f"`{dotted((*place, 'token'))}` does not say where the token is asked for"
        yield subject.problem(
            (*place, "token"), "missing-key", message, "add url, or a path below the file's", key=True
        )
    for where, text in walk(way, place):
        if not isinstance(text, str) or "assertion" not in text or not subject.is_templated(where):
            continue
        if "assertion" not in way or where[len(place)] == "assertion":
            message = f"{dotted(where)} uses 'assertion', which is not defined"
            hint = "declare `assertion` beside `token`" if "assertion" not in way else "it cannot be made of itself"
            if _reads(text, "assertion"):
                yield subject.problem(where, "undefined-variable", message, hint)


def _reads(text: str, name: str) -> bool:
    return bool(members_of(text, name))


def _check_variables(subject: Subject) -> Iterator[Problem]:
    if subject.shipped:
        return
    hosts = {host for host in hosts_of(subject.data, redirected=subject.redirected) if not is_loopback(host)}
    for place, variable in variables_of(subject.data):
        if variable in subject.allow_env:
            continue
        protected = PROTECTED_VARIABLES.fullmatch(variable) is not None
        # What a built-in file reads goes, when it is copied or extended, to the same hosts.
        strange = protected and not is_shipped(subject.document.mark(place).source)
        elsewhere = [] if strange else is_bound_elsewhere(variable, hosts)
        if strange or (protected and elsewhere):
            message = f"the variable '{variable}' is not for provider files"
            hint = "use a variable of the service's own; only the caller can allow this one (allow_env)"
            yield subject.problem(place, "env-not-allowed", message, hint)
        elif elsewhere:
            host = elsewhere[0].replace("\0", "*")
            message = f"the variable '{variable}' belongs to a built-in provider, and '{host}' is none of its hosts"
            hint = "use a variable of your own; only the caller can allow this one (allow_env, or a base URL)"
            yield subject.problem(place, "env-of-another-host", message, hint)


def _check_inline_secrets(subject: Subject) -> Iterator[Problem]:
    source = subject.document.source
    told = set()
    for section in _SECTIONS_WITH_LITERALS:
        for place, text in walk(subject.data.get(section), (section,)):
            key = next((part for part in reversed(place) if isinstance(part, str)), "")
            key = "" if place in subject.paths else key  # whatever the value that a path leads to is called
            if isinstance(text, str) and (at := inline_secret(text, key)) is not None:
                problem = subject.problem(place, *_secret_words(f"`{dotted(place)}`", text[at : at + 4]), index=at)
                told.add((problem.file, problem.line, problem.column))
                yield problem
    for at in secrets_at(source.text):
        if (source.file, *source.position(at)) not in told:
            yield source.problem(at, *_secret_words("the file", source.text[at : at + 4]))


def _secret_words(where: str, begins: str) -> tuple[str, str, str]:
    hint = "revoke it; name a variable under `secrets` and send it with `auth`"
    return "inline-secret", f"{where} holds what looks like a secret ({begins}***)", hint


def _check_inherited_secrets(subject: Subject) -> Iterator[Problem]:
    """A file that sends its calls elsewhere does not take its parent's key along: that would be theft."""
    document = subject.document
    if not document.overridden:
        return
    theirs = [
        name
        for name in subject.maps("secrets")
        if document.mark(("secrets", name, "env")).source is not document.source
    ]
    for place in _own_destinations(subject) if theirs else ():
        name = theirs[0]
        message = f"`{dotted(place)}` leads elsewhere than the parent does, and the secret '{name}' is the parent's"
        hint = f"declare `secrets.{name}.env` in this file"
        yield subject.problem(place, "secret-host-change", message, hint)


_CHOSEN = ("default", "enum")
"""The keys of a setting by which a file's author says what it is."""


def _own_destinations(subject: Subject) -> Iterator[Place]:
    """Where this file, and not its parent, says that secrets go."""
    document = subject.document
    if "url" in document.overridden and subject.data.get("url") is not None:
        yield ("url",)
    defaults = [place for place, _ in own_urls(subject.data) if place != ("url",)]
    hosts = subject.data.get("hosts")
    named = [
        ("hosts", index)
        for index, host in enumerate(hosts if isinstance(hosts, list) else ())
        if isinstance(host, dict)
    ]
    others = list(other_urls(subject))
    owners = {word for url in (subject.data.get("url"), *(url for _, url in others)) for word in owners_of(url)}
    chosen = [
        ("settings", name, key)
        for name, setting in subject.maps("settings").items()
        for key in _CHOSEN
        if name in owners and key in setting
    ]
    for place in [*defaults, *chosen, *(where for where, _ in others), *named]:
        if document.mark(place).source is document.source:
            yield place


TRUST_CHECKS: tuple[Check, ...] = (
    *ADDRESS_CHECKS,
    _check_headers,
    _check_auth,
    _check_variables,
    _check_inline_secrets,
    _check_inherited_secrets,
)
