"""What steps say about each other and about the main request: which values there are when, where a reply may lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ..errors import Problem
from ..expressions import condition_source, is_one_expression, is_template, members_of, names_in_tree
from ..hosts import is_loopback, private_host, same_site
from ..suggest import did_you_mean
from .document import Place, walk
from .published import schema
from .subject import Check, Subject
from .wording import dotted

_HOST_NAME = re.compile(r"[^:]+(?::[0-9]{1,5})?")
_REQUEST_KEYS = ("path", "query", "headers", "json", "form", "follow")
_MAIN_KEYS = ("path", "query", "headers", "payload", "follow")


def _steps(subject: Subject) -> list[tuple[int, dict[str, Any]]]:
    steps = subject.data.get("steps")
    return [(i, step) for i, step in enumerate(steps if isinstance(steps, list) else ()) if isinstance(step, dict)]


def requests(subject: Subject) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The requests of the steps and of their clean-ups, each with its place."""
    for index, step in _steps(subject):
        yield ("steps", index), step
        if isinstance(step.get("cleanup"), dict):
            yield ("steps", index, "cleanup"), step["cleanup"]


def _check_steps(subject: Subject) -> Iterator[Problem]:
    names: set[str] = set()
    for index, step in _steps(subject):
        name = step.get("name")
        if isinstance(name, str) and name in names:
            message = f"two steps are named '{name}'"
            yield subject.problem(("steps", index, "name"), "duplicate-step", message, "rename one")
        names.add(str(name))
        if "expires_in" in step:
            yield from _check_cached(subject, ("steps", index), step)
    for place, request in requests(subject):
        for key in ("url", "path"):
            if "follow" in request and key in request:
                message = f"`{dotted(place)}` has both 'follow', which is a whole URL, and '{key}'"
                yield subject.problem((*place, key), "conflict", message, "keep one of them", key=True)
    if "follow" in subject.data and subject.data.get("path"):
        message = "the file has both 'follow', which is a whole URL, and 'path'"
        yield subject.problem(("path",), "conflict", message, "keep one of them", key=True)


def _check_cached(subject: Subject, place: Place, step: dict[str, Any]) -> Iterator[Problem]:
    """What is kept for later calls cannot depend on this one, and is not taken back with it."""
    if "cleanup" in step:
        message = f"`{dotted(place)}` is kept for later calls and has a clean-up"
        yield subject.problem((*place, "cleanup"), "conflict", message, "remove one of them", key=True)
    for where, text in walk({key: step.get(key) for key in _REQUEST_KEYS}, place):
        if not is_template(text):
            continue
        try:
            of_call = names_in_tree(text) - set(subject.section("settings")) - {"steps", "omit"}
        except Exception:  # noqa: BLE001  a template that cannot be read is the business of its own check
            continue
        if of_call:
            message = f"`{dotted(place)}` is kept for later calls and reads '{min(of_call)}', which is this call's"
            yield subject.problem(where, "cached-step", message, "remove expires_in, or the name")


def _check_values(subject: Subject) -> Iterator[Problem]:
    """Templates read values of steps that came before them."""
    known: dict[str, list[str]] = {}
    kept: set[str] = set()
    for index, step in _steps(subject):
        place: Place = ("steps", index)
        before = {name: values for name, values in known.items() if "expires_in" not in step or name in kept}
        yield from _check_members(subject, {key: step.get(key) for key in _REQUEST_KEYS}, place, before, known)
        read = step.get("read")
        known[str(step.get("name"))] = list(read) if isinstance(read, dict) else []
        if "expires_in" in step:
            kept.add(str(step.get("name")))
        yield from _check_members(subject, step.get("cleanup"), (*place, "cleanup"), known, known)
    main = {key: subject.data.get(key) for key in _MAIN_KEYS}
    yield from _check_members(subject, main, (), known, known)


def _check_members(
    subject: Subject, tree: Any, place: Place, known: dict[str, list[str]], declared: dict[str, list[str]]
) -> Iterator[Problem]:
    later = {str(step.get("name")) for _, step in _steps(subject)} - set(declared)
    for where, text in walk(tree, place):
        if not isinstance(text, str) or not ("steps" in text and (where[-1] == "$when" or is_template(text))):
            continue
        bare = where[-1] == "$when" and condition_source(text)[1]
        for offset, keys in members_of(text, "steps", bare=bare):
            fault = _fault(keys, known, declared, later)
            if fault is not None:
                message = f"{dotted(where)}: {fault[0]}"
                yield subject.problem(where, "undefined-step", message, fault[1], index=offset)


def _fault(
    keys: tuple[str, ...], known: dict[str, list[str]], declared: dict[str, list[str]], later: set[str]
) -> tuple[str, str] | None:
    if len(keys) < 2:
        return "the steps are no value themselves", "name a value: steps.NAME.VALUE"
    name, value, *_ = keys
    if name in later:
        return f"the step '{name}' comes later", "a template reads only what came before it"
    if name not in known:
        if name in declared:
            return f"the step '{name}' is not kept for later calls, and this one is", "give it expires_in too"
        return f"there is no step '{name}'", did_you_mean(name, known) or f"steps before: {', '.join(known) or 'none'}"
    if value not in known[name]:
        values = known[name]
        hint = did_you_mean(value, values) or f"it reads: {', '.join(values) or 'nothing'}"
        return f"the step '{name}' reads no value '{value}'", hint
    return None


def _check_follow(subject: Subject) -> Iterator[Problem]:
    """What is followed comes out of a reply, all of it: a host that a template puts together is nobody's word."""
    whole: list[tuple[Place, dict[str, Any]]] = [((), dict(subject.data)), *requests(subject)]
    for place, request in whole:
        follow = request.get("follow")
        if not isinstance(follow, str):
            continue
        try:
            is_value = is_one_expression(follow.strip()) and names_in_tree(follow) == {"steps"}
        except Exception:  # noqa: BLE001  a template that cannot be read is the business of its own check
            continue
        if not is_value:
            message = f"`{dotted((*place, 'follow'))}` is not the value of a step"
            yield subject.problem((*place, "follow"), "dynamic-host", message, "write '{{ steps.NAME.VALUE }}'")


def _check_hosts(subject: Subject) -> Iterator[Problem]:
    hosts = subject.data.get("hosts")
    url = subject.data.get("url")
    try:
        own = urlsplit(url).hostname or "" if isinstance(url, str) and "{{" not in url else ""
    except ValueError:
        return
    for index, host in enumerate(hosts if isinstance(hosts, list) else ()):
        name = host.get("name") if isinstance(host, dict) else host
        if not isinstance(name, str):
            continue
        place: Place = ("hosts", index, "name") if isinstance(host, dict) else ("hosts", index)
        if not _HOST_NAME.fullmatch(name):
            continue  # the schema speaks of it
        bare = name.partition(":")[0]
        suffix = bare.removeprefix("*.")
        if bare != suffix and (suffix.count(".") < 1 or is_loopback(suffix)):
            message = f"'{name}' stands for hosts of every owner"
            yield subject.problem(place, "dynamic-host", message, "name at least a domain: *.example.com")
        elif not 0 < int(name.partition(":")[2] or 443) <= 65535:
            message = f"the host '{name}' has a port that there is not"
            yield subject.problem(place, "out-of-range", message, "the range is 1 to 65535")
        elif private_host(suffix if bare == suffix else f"x.{suffix}"):
            message = f"the host '{name}' is not on the public network"
            yield subject.problem(place, "private-host", message, "only the caller may name such a host")
        elif isinstance(host, dict) and host.get("auth") is True and own and not same_site(suffix, own):
            message = f"credentials would go to '{name}', which does not belong to '{own}'"
            yield subject.problem((*place[:-1], "auth"), "secret-host-change", message, "remove auth")


def _check_polls(subject: Subject) -> Iterator[Problem]:
    total = subject.section("timeout").get("total", schema()["properties"]["timeout"]["properties"]["total"]["default"])
    polls = [(("steps", index, "poll"), step.get("poll")) for index, step in _steps(subject)]
    for place, poll in [(("poll",), subject.data.get("poll")), *polls]:
        if not isinstance(poll, dict):
            continue
        yield from _check_conditions(subject, place, poll)
        seconds = poll.get("for", schema()["$defs"]["poll"]["properties"]["for"]["default"])
        if isinstance(seconds, int | float) and isinstance(total, int | float) and seconds > total:
            message = (
                f"`{dotted((*place, 'for'))}` is {seconds:g} s, and the whole call has {total:g} s (timeout.total)"
            )
            yield subject.problem((*place, "for"), "out-of-range", message, "lower it, or raise timeout.total")


def _check_conditions(subject: Subject, place: Place, poll: dict[str, Any]) -> Iterator[Problem]:
    """A condition of which half was forgotten reads as one on a value that is called `path`, or `equals`."""
    operators = set(schema()["$defs"]["predicate"]["properties"]) - {"path"}
    for key in ("until", "fail"):
        says = poll.get(key)
        if not isinstance(says, dict) or not says or set(says) - {"path", *operators}:
            continue
        if set(says) == {"path"}:
            message = f"`{dotted((*place, key))}` names no comparison"
            hint = "write {path: PATH, equals: VALUE}, or in, exists, contains, regex"
            yield subject.problem((*place, key), "missing-key", message, hint)


STEP_CHECKS: tuple[Check, ...] = (
    _check_steps,
    _check_values,
    _check_follow,
    _check_hosts,
    _check_polls,
)
