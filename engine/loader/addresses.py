"""Where a file sends: its URLs and paths, and those of the requests beside the main one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import Problem
from ..hosts import MAX_LABEL, is_loopback, is_too_long, private_host
from .bound import SLOT, own_urls, urls_at
from .document import Place, walk
from .steps import requests as step_requests
from .subject import Check, Subject, ways

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def _check_url(subject: Subject) -> Iterator[Problem]:
    for place, url in (*own_urls(subject.data), *other_urls(subject)):
        # A slot is a word of a host, or a number where a port is; the value that it takes is checked when it is known.
        plain = SLOT.sub(lambda slot: "x" if slot["port"] is None else "8", url)
        try:
            parts = urlsplit(plain)
            is_port = parts.port != 0
        except ValueError as error:
            is_port = "out of range" not in str(error)
            if is_port:
                yield subject.problem(place, "bad-url", f"the URL cannot be read: {error}", "write https://host/prefix")
                continue
        if not is_port:
            message = "the URL's port is none that there is"
            yield subject.problem(place, "out-of-range", message, "the range is 1 to 65535")
            continue
        for rule, message, hint in _url_faults(subject, url, plain, parts):
            yield subject.problem(place, rule, message, hint)
        yield from _check_slots(subject, url)


def _check_slots(subject: Subject, url: str) -> Iterator[Problem]:
    """A setting in a host is a word of it, or a number where a port is: what the file itself gives it is known."""
    host = re.match(r"[a-z]+://([^/?#]*(?:\{\{.*?\}\}[^/?#]*)*)", url, re.IGNORECASE)
    for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", host[1] if host else ""):
        setting = subject.maps("settings").get(name, {})
        given = {key: setting[key] for key in ("default", "enum") if key in setting}
        for place, value in walk(given, ("settings", name)):
            if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9-]+", value):
                message = f"the setting '{name}' stands in a host, and '{value[:60]}' is no word of one"
                yield subject.problem(place, "dynamic-host", message, "use letters, digits and hyphens")


def other_urls(subject: Subject) -> Iterator[tuple[Place, str]]:
    """The URLs of requests beside the main one."""
    for place, request in other_requests(subject):
        yield from urls_at(subject.data, (*place, "url"), request.get("url"))


def other_requests(subject: Subject) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The requests beside the main one, each with its place: of steps, of their clean-ups, of tokens."""
    yield from step_requests(subject)
    for place, way in ways(subject):
        if isinstance(way.get("token"), dict):
            yield (*place, "token"), way["token"]


def _url_faults(subject: Subject, raw: str, url: str, parts: SplitResult) -> Iterator[tuple[str, str, str]]:
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
    if private_host(host) or _could_be_private(raw):
        hint = "make `url` a setting, so that the caller names the host"
        yield "private-host", f"the host '{host}' is not on the public network", hint
    elif not _HOST.fullmatch(parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}")):
        yield "bad-url", f"the host '{host}' has a character that no host name has", "write an IDN host as xn--"
    elif is_too_long(host):
        message = f"the host's name, or a part of it between dots, is longer than {MAX_LABEL} characters"
        yield "bad-url", message, "write the name of a host"
    if re.search(r"[^\x21-\x7e]|[\\<>\"^`{|}]", parts.path):
        yield "bad-url", "the URL's prefix has a character that must be percent-encoded", "write it as %20 and the like"
    if parts.scheme == "http" and subject.data.get("auth") and not is_loopback(host):
        yield "insecure-url", "a secret would go over http", "use https://"


def _could_be_private(url: str) -> bool:
    """Whether the host is an address of which a setting gives a piece: the rest of it says that it is one."""
    filled = re.match(r"[a-z]+://([0-9.]+)(?:[/:]|$)", SLOT.sub("1", url), re.IGNORECASE)
    return filled is not None and "{{" in url and re.search(r"//[^/]*[0-9]", SLOT.sub("", url)) is not None


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


ADDRESS_CHECKS: tuple[Check, ...] = (_check_url, _check_request_path)
