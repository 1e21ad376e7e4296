"""What a file from a stranger must not do: where it sends, what it reads, and what it would show of its own author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import Problem
from ..headers import CONTROL, FORBIDDEN_HEADERS
from ..hosts import is_loopback, private_host
from .bound import SLOT, hosts_of, is_bound_elsewhere, is_shipped, own_urls, urls_at, variables_of
from .inline import inline_secret
from .steps import requests as step_requests
from .subject import AUTH_NAMES, Check, Subject, dotted
from .yamltext import Place, walk

PROTECTED_VARIABLES = re.compile(
    r"AWS_.*|HOME|PATH|USER|USERNAME|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|LANG|LC_.*|LD_.*|DYLD_.*|PYTHON.*|SSH_.*|GPG_.*"
    r"|XDG_.*|MAIL|HOSTNAME|GOOGLE_APPLICATION_CREDENTIALS|KUBECONFIG|DOCKER_CONFIG",
    re.IGNORECASE,  # Windows ignores it too
)
"""Variables that no file may read unless the caller allows it: a stranger's file must not send them anywhere."""

_SECTIONS_WITH_LITERALS = (
    *("url", "path", "query", "headers", "payload", "auth", "params", "settings", "secrets"),
    *("steps", "follow"),
)
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def _check_url(subject: Subject) -> Iterator[Problem]:
    for place, url in (*own_urls(subject.data), *_other_urls(subject)):
        # A slot is a word of a host, or a number where a port is; the value that it takes is checked when it is known.
        plain = SLOT.sub(lambda slot: "x" if slot["port"] is None else "8", url)
        try:
            parts = urlsplit(plain)
            parts.port  # noqa: B018  raises for a port that is none
        except ValueError as error:
            yield subject.problem(place, "bad-url", f"the URL cannot be read: {error}", "write https://host/prefix")
            continue
        for rule, message, hint in _url_faults(subject, plain, parts):
            yield subject.problem(place, rule, message, hint)


def _other_urls(subject: Subject) -> Iterator[tuple[Place, str]]:
    """The URLs of requests beside the main one."""
    for place, request in other_requests(subject):
        yield from urls_at(subject.data, (*place, "url"), request.get("url"))


def other_requests(subject: Subject) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The requests beside the main one, each with its place: of steps, of their clean-ups, of tokens."""
    yield from step_requests(subject)
    for place, way in ways(subject):
        if isinstance(way.get("token"), dict):
            yield (*place, "token"), way["token"]


def _url_faults(subject: Subject, url: str, parts: SplitResult) -> Iterator[tuple[str, str, str]]:
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https"):
        yield "bad-scheme", f"the URL's scheme is '{parts.scheme}'", "begin it with https://"
        return
    if not host:
        yield "bad-url", "the URL has no host", "write https://host"
        return
    if "@" in parts.netloc:
        yield "userinfo", "the URL holds a user or a password", "declare `secrets` and `auth`"
    if "?" in url or "#" in url:
        yield "bad-url", "the URL holds a query or a fragment", "use `query`"
    if private_host(host):
        hint = "make `url` a setting, so that the caller names the host"
        yield "private-host", f"the host '{host}' is not on the public network", hint
    elif not _HOST.fullmatch(parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}")):
        yield "bad-url", f"the host '{host}' has a character that no host name has", "write an IDN host as xn--"
    if re.search(r"[^\x21-\x7e]|[\\<>\"^`{|}]", parts.path):
        yield "bad-url", "the URL's prefix has a character that must be percent-encoded", "write it as %20 and the like"
    if parts.scheme == "http" and subject.data.get("auth") and not is_loopback(host):
        yield "insecure-url", "a secret would go over http", "use https://"


def _check_request_path(subject: Subject) -> Iterator[Problem]:
    for place, request in (((), subject.data), *other_requests(subject)):
        path = request.get("path")
        if not isinstance(path, str):
            continue
        where = (*place, "path")
        plain = SLOT.sub(lambda slot: "x" * len(slot[0]), path)
        if bad := re.search(r"[?#]", plain):
            message = f"the path holds '{bad[0]}', which would be percent-encoded"
            yield subject.problem(where, "bad-url", message, "use `query`", index=bad.start())
        if bad := re.search(r"(?<![^/])\.\.?(?![^/])", plain):
            message = "the path has a '.' or '..' segment"
            yield subject.problem(where, "bad-url", message, "write the path that is meant", index=bad.start())


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


def ways(subject: Subject) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The ways to authenticate, each with its place; there is one, or a list of them."""
    auth = subject.data.get("auth")
    places: list[tuple[Place, Any]] = [(("auth",), auth)]
    if isinstance(auth, list):
        places = [(("auth", index), way) for index, way in enumerate(auth)]
    for place, way in places:
        if isinstance(way, dict):
            yield place, way


def _check_auth(subject: Subject) -> Iterator[Problem]:
    for place, way in ways(subject):
        send = {"send": way["send"]} if isinstance(way.get("send"), dict) else {}
        for where, text in walk({key: way.get(key) for key in ("name", "prefix", "value")} | send, place):
            if where[-1] in ("name", "header") and isinstance(text, str) and way.get("type") != "query":
                yield from _check_header_name(subject, where, text, key=False)
            elif where[-1] in ("prefix", "value"):
                yield from _check_header_value(subject, where, text)
        for where, text in walk(way, place):
            if isinstance(text, str) and "{{" in text and not subject.is_templated(where):
                message = f"`{dotted(where)}` is literal"
                hint = "name a secret of `secrets`; no template is needed"
                yield subject.problem(where, "template-forbidden", message, hint, index=text.index("{{"))
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
    from ..expressions import members_of

    return bool(members_of(text, name))


def _check_variables(subject: Subject) -> Iterator[Problem]:
    if subject.shipped:
        return
    hosts = {host for host in hosts_of(subject.data, redirected=subject.redirected) if not is_loopback(host)}
    for place, variable in variables_of(subject.data):
        if variable in subject.allow_env:
            continue
        elsewhere = is_bound_elsewhere(variable, hosts)
        # What a built-in file reads goes, when it is copied or extended, to the same hosts.
        is_known = is_shipped(subject.document.mark(place).source) and not elsewhere
        if PROTECTED_VARIABLES.fullmatch(variable) and not is_known:
            message = f"the variable '{variable}' is not for provider files"
            hint = "use a variable of the service's own; only the caller can allow this one (allow_env)"
            yield subject.problem(place, "env-not-allowed", message, hint)
        elif elsewhere:
            host = elsewhere[0].replace("\0", "*")
            message = f"the variable '{variable}' belongs to a built-in provider, and '{host}' is none of its hosts"
            hint = "use a variable of your own; only the caller can allow this one (allow_env, or a base URL)"
            yield subject.problem(place, "env-of-another-host", message, hint)


def _check_inline_secrets(subject: Subject) -> Iterator[Problem]:
    for section in _SECTIONS_WITH_LITERALS:
        for place, text in walk(subject.data.get(section), (section,)):
            key = next((part for part in reversed(place) if isinstance(part, str)), "")
            if not isinstance(text, str) or (at := inline_secret(text, key)) is None:
                continue
            message = f"`{dotted(place)}` holds what looks like a secret ({text[at : at + 4]}***)"
            hint = "revoke it; name a variable under `secrets` and send it with `auth`"
            yield subject.problem(place, "inline-secret", message, hint, index=at)


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


def _own_destinations(subject: Subject) -> Iterator[Place]:
    """Where this file, and not its parent, says that secrets go."""
    document = subject.document
    if "url" in document.overridden:
        yield ("url",)
    defaults = [place for place, _ in own_urls(subject.data) if place != ("url",)]
    hosts = subject.data.get("hosts")
    named = [
        ("hosts", index)
        for index, host in enumerate(hosts if isinstance(hosts, list) else ())
        if isinstance(host, dict)
    ]
    for place in [*defaults, *(where for where, _ in _other_urls(subject)), *named]:
        if document.mark(place).source is document.source:
            yield place


TRUST_CHECKS: tuple[Check, ...] = (
    _check_url,
    _check_request_path,
    _check_headers,
    _check_auth,
    _check_variables,
    _check_inline_secrets,
    _check_inherited_secrets,
)
