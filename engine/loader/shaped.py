"""What `messages`, `parts` and `tools` say about each other, and whether what they make is read by any template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from ..expressions import names_in_tree
from ..shaping import CONTENT, NAMES, PART_TYPES, RAW, RENDERED, ROLES
from .document import Place
from .schema import Marked
from .subject import Subject
from .wording import dotted

SYSTEM = ("system", "developer")


def check_shaping(subject: Subject, marked: list[Marked]) -> Iterator[Problem]:
    """Every problem of these sections. The templates are sound: names are read out of them."""
    if not any(isinstance(subject.data.get(section), dict) for section in ("messages", "parts", "tools")):
        return
    if subject.data.get("abstract") is not True:  # else whoever extends it may read what it makes
        yield from _unread(subject, _names(marked))
    yield from _dead_roles(subject)
    yield from _dead_reasoning(subject)
    yield from _items(subject)
    yield from _silent_shapes(subject)
    yield from _unreachable_parts(subject)
    yield from _dead_choices(subject)


def _names(marked: list[Marked]) -> frozenset[str]:
    """The names that the file's requests read."""
    trees = (mark.value for mark in marked if mark.mark == "x-template" and mark.says not in NAMES)
    return frozenset[str]().union(*map(names_in_tree, trees))


def _reads(tree: Any) -> frozenset[str]:
    return names_in_tree(tree) & NAMES["message"]


def _dead(subject: Subject, place: Place, why: str, hint: str) -> Problem:
    return subject.problem(place, "dead-rule", f"`{dotted(place)}` has no effect: {why}", hint, key=True)


def _unread(subject: Subject, names: frozenset[str]) -> Iterator[Problem]:
    for section in ("messages", "parts"):
        if section in subject.data and not names & {"messages", "system"}:
            yield _dead(subject, (section,), "no template reads `messages`", 'add messages: "{{ messages }}"')
    if subject.section("messages").get("system") == "field" and "system" not in names:
        message = "`messages.system` takes the system's texts out of the messages, and no template reads `system`"
        yield subject.problem(("messages", "system"), "dead-rule", message, 'add system: "{{ system }}" to the payload')
    if "tools" in subject.data and "tools" not in names:
        yield _dead(subject, ("tools",), "no template reads `tools`", 'add tools: "{{ tools }}"')
    if "choice" in subject.section("tools") and "tool_choice" not in names:
        hint = 'add tool_choice: "{{ tool_choice }}"'
        yield _dead(subject, ("tools", "choice"), "no template reads `tool_choice`", hint)


def _gone(subject: Subject) -> dict[str, str]:
    """The roles that no message has any more when it gets its shape, and why."""
    messages = subject.section("messages")
    gone: dict[str, str] = {}
    if messages.get("system") in ("field", "first_user"):
        gone |= dict.fromkeys(SYSTEM, f"`system: {messages['system']}` leaves no message of that role")
    if messages.get("tool_results") == "user_block":
        gone["tool"] = "`tool_results: user_block` leaves no message of that role"
    return gone


def _item_types(messages: dict[str, Any]) -> list[str]:
    items = messages.get("items")
    return [kind for kind in items if isinstance(kind, str)] if isinstance(items, list) else []


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dead_roles(subject: Subject) -> Iterator[Problem]:
    messages, gone = subject.section("messages"), _gone(subject)
    for section in ("roles", "shapes"):
        for role in _map(messages.get(section)):
            is_own = subject.document.wrote(("messages", section, role))
            if role in gone and (is_own or section == "shapes"):  # a protocol's word for a role that a file has not
                yield _dead(subject, ("messages", section, role), gone[role], "remove it")
    shapes, items = _map(messages.get("shapes")), _item_types(messages)
    for kind in shapes:
        if kind in PART_TYPES and kind not in items:
            hint = f"add {kind} to `messages.items`, or remove it"
            yield _dead(subject, ("messages", "shapes", kind), "it is no item", hint)
    results_apart = "tool_result" in items
    if messages.get("tool_results") == "user_block" and not results_apart and not {"user", "any"} & set(shapes):
        message = "a message of the user has no place for results of tools in the shape of chat completions"
        hint = "add `messages.shapes.user` or `any`, with {{ parts }} or {{ tool_results }} in it"
        yield subject.problem(("messages", "tool_results"), "conflict", message, hint)


def _dead_reasoning(subject: Subject) -> Iterator[Problem]:
    messages = subject.section("messages")
    if messages.get("reasoning") == "replay":
        return
    why, hint = "reasoning is dropped", "add `reasoning: replay` to `messages`, or remove it"
    if "replay_within" in messages:
        yield _dead(subject, ("messages", "replay_within"), why, hint)
    if "reasoning" in subject.section("parts"):
        yield _dead(subject, ("parts", "reasoning"), why, hint)
    if "reasoning" in _map(messages.get("shapes")):
        yield _dead(subject, ("messages", "shapes", "reasoning"), why, hint)


def _items(subject: Subject) -> Iterator[Problem]:
    messages = subject.section("messages")
    items = messages.get("items")
    known = {*subject.section("parts"), *_map(messages.get("shapes"))}
    for number, kind in enumerate(items if isinstance(items, list) else ()):
        if isinstance(kind, str) and kind not in known:
            message = f"`messages.items` names '{kind}', for which there is no template"
            hint = f"add `parts.{kind}`"
            yield subject.problem(("messages", "items", number), "undefined-reference", message, hint)


_SAYS = {
    "tool": frozenset({"result", "parts", "tool_results"}),
    "tool_result": frozenset({"result", "parts", "tool_results"}),
    "tool_call": frozenset({"tool_calls", "parts"}),
    "reasoning": frozenset({"reasoning", "parts"}),
}
"""The names that hold what is said, of a shape that is not of a text."""


def _silent_shapes(subject: Subject) -> Iterator[Problem]:
    """A shape without a place for what is said would refuse every message."""
    for role, tree in _map(subject.section("messages").get("shapes")).items():
        wanted = _SAYS.get(role, frozenset({"text", "content", "parts"}))
        if not _reads(tree) & wanted:
            place = ("messages", "shapes", role)
            message = f"`{dotted(place)}` has no place for what is said"
            hint = f"use one of: {', '.join(sorted(wanted))}"
            yield subject.problem(place, "no-text-rule", message, hint, key=True)


def _unreachable_parts(subject: Subject) -> Iterator[Problem]:
    messages, parts = subject.section("messages"), subject.section("parts")
    shapes, gone = _map(messages.get("shapes")), _gone(subject)
    reached = set(_item_types(messages))
    for tree in shapes.values():
        reached |= set[str]().union(*(RENDERED.get(name, ()) for name in _reads(tree)))
    if "any" not in shapes and not set(ROLES) <= {*shapes, *gone}:
        reached |= {*CONTENT, "tool_call"}  # the shape of chat completions
    if "tool_result" in reached and _reads(parts.get("tool_result")) & {"parts", "content"}:
        reached |= CONTENT
    for kind in parts:
        if (
            kind not in reached
            and kind in PART_TYPES
            and (kind != "reasoning" or messages.get("reasoning") == "replay")
        ):
            raw = [name for name, type_ in RAW.items() if type_ == kind]
            names = sorted({name for name, kinds in RENDERED.items() if kind in kinds})
            hint = f"use one of {', '.join(names)} in a shape" + (f" ({raw[0]} needs no template)" if raw else "")
            yield _dead(subject, ("parts", kind), "no shape holds such parts", hint)


def _dead_choices(subject: Subject) -> Iterator[Problem]:
    tools = subject.section("tools")
    choice = _map(tools.get("choice"))
    for key, name in (("drop_on_none", "none"), ("only_forced", "tool")):
        if tools.get(key) is True and name in choice:
            place = ("tools", "choice", name)
            yield subject.problem(
                place, "conflict", f"`{dotted(place)}` is never sent: `tools.{key}`", "keep one", key=True
            )
