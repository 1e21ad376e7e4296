"""What a file says about answers, and a schema cannot check: readings, their ends, and what rules may ask and yield."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import Problem
from .document import Place
from .published import schema
from .subject import Check, Subject
from .wording import dotted

_STRUCTURE = frozenset({"when", "for"})
_PATCH_KEYS = ("patches", "path", "value")


def _check_readings(subject: Subject) -> Iterator[Problem]:
    response = subject.section("response")
    for place in (("response",), ("response", "stream"), ("response", "whole")):
        reading = response if len(place) == 1 else response.get(place[1])
        if isinstance(reading, dict) and _is_codec(reading.get("codec")):
            check = _check_plain_text if reading["codec"] == "text" else _check_reading
            yield from check(subject, place, reading)


def _is_codec(value: Any) -> bool:
    return isinstance(value, str) and value in schema()["$defs"]["codec"]["enum"]


def _check_streamed(subject: Subject) -> Iterator[Problem]:
    """A stream that is asked for in so many words must be read as one."""
    payload, response = subject.data.get("payload"), subject.section("response")
    streams = isinstance(payload, dict) and payload.get("stream") is True
    if streams and response.get("codec", "json") == "json" and "stream" not in response and response:
        message = "`payload.stream` is true, and `response` does not say how a stream is read"
        yield subject.problem(("response",), "missing-key", message, "add stream, with a codec", key=True)


def _check_reading(subject: Subject, place: Place, reading: dict[str, Any]) -> Iterator[Problem]:
    rules = reading.get("rules")
    ends = _ends(reading)
    if not (_mentions(rules, "text") or _mentions(rules, "reasoning")):
        message = f"nothing reads the text out of `{dotted(place)}`"
        yield subject.problem(place, "no-text-rule", message, "add rules: [{text: PATH}]", key=True)
    if reading["codec"] != "json" and not ends and not _mentions(rules, "end"):
        message = f"`{dotted(place)}` does not say what ends the answer, so a cut one could pass as whole"
        hint = "add end: '[DONE]', {type: message_stop}, finish, or body where the API has no mark"
        yield subject.problem(place, "no-end-rule", message, hint, key=True)
    if "finish" in ends and not _mentions(rules, "finish"):
        message = "`end: finish` needs a rule that reads `finish`"
        yield subject.problem((*place, "end"), "no-end-rule", message, "add finish: PATH to a rule")
    for end in ends:
        yield from _check_no_slot(subject, (*place, "end"), end)
        if reading["codec"] == "json" and isinstance(end, str) and end not in ("finish", "body"):
            message = f"`{dotted((*place, 'end'))}`: a body of JSON is never the text '{end[:60]}'"
            yield subject.problem((*place, "end"), "dead-rule", message, "remove it: the end of the body suffices")
    yield from _check_events(subject, place, reading)
    yield from _check_rules(subject, (*place, "rules"), rules, is_in_slot=False)


_WITH_EVENTS = frozenset({"sse", "aws_eventstream"})
"""Codecs whose frames have names."""


def _check_events(subject: Subject, place: Place, reading: dict[str, Any]) -> Iterator[Problem]:
    """A rule that waits for a frame's name, where no frame has one."""
    others = reading.get("other_codecs")
    codecs = {reading["codec"], *filter(_is_codec, others if isinstance(others, list) else ())}
    if codecs & _WITH_EVENTS:
        return
    asked = [((*place, "end", *index), end) for index, end in _each(reading.get("end"))]
    asked += [
        ((*where, "when"), rule.get("when")) for where, rule in _all_rules((*place, "rules"), reading.get("rules"))
    ]
    for where, condition in asked:
        if isinstance(condition, dict) and isinstance(condition.get("event"), str):
            message = f"`{dotted(where)}` asks for the name of a frame, and frames of {reading['codec']} have none"
            hint = "ask for a value of the frame: {PATH: VALUE}"
            yield subject.problem((*where, "event"), "dead-rule", message, hint, key=True)


def _each(value: Any) -> list[tuple[Place, Any]]:
    return [((index,), item) for index, item in enumerate(value)] if isinstance(value, list) else [((), value)]


def _all_rules(place: Place, rules: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            yield (*place, index), rule
            yield from _all_rules((*place, index, "rules"), rule.get("rules"))


def _ends(reading: dict[str, Any]) -> list[Any]:
    ends = reading.get("end", [])
    return ends if isinstance(ends, list) else [ends]


def _check_plain_text(subject: Subject, place: Place, reading: dict[str, Any]) -> Iterator[Problem]:
    """Plain text has no frames: the network cuts it, and a rule that asked about a piece would ask chance."""
    wrong: list[tuple[Place, str, str]] = []
    if any(end != "body" for end in _ends(reading)):
        wrong.append(((*place, "end"), "plain text ends with the body alone", "write end: body, or leave it out"))
    if reading.get("unwrap", ["text"]) != ["text"]:
        wrong.append(((*place, "unwrap"), "plain text has nothing to unwrap", "remove it"))
    rules = reading.get("rules", [{"text": "$"}])
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if rule not in ({"text": "$"}, {"text": {"path": "$"}}, {"text": {"path": "$", "mode": "append"}}):
            hint = "write {text: $}, or choose a codec that has frames"
            wrong.append(((*place, "rules", index), "a rule can read no more of plain text than all of it", hint))
    for where, message, hint in wrong:
        yield subject.problem(where, "text-codec", f"`{dotted(where)}`: {message}", hint)


def _check_rules(
    subject: Subject, place: Place, rules: Any, *, is_in_slot: bool, known: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Problem]:
    """`known` holds what the rules around say about the frame: paths, and the values that they must have."""
    yield from _check_twice(subject, place, rules)
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, dict):
            continue
        here = (*place, index)
        if rule and not set(rule) - _STRUCTURE:
            message = f"`{dotted(here)}` reads nothing"
            yield subject.problem(here, "dead-rule", message, "add text, finish, usage, ...")
        if not is_in_slot:
            yield from _check_no_slot(subject, (*here, "when"), rule.get("when"))
        fixed = _plain(rule.get("when"))
        for path in fixed:
            if path in known and known[path] != fixed[path]:
                message = f"`{dotted((*here, 'when'))}` asks for another '{path}' than the rule around it: never both"
                yield subject.problem((*here, "when", path), "dead-rule", message, "ask for one of them", key=True)
        if rule.get("error") == "$" and not (fixed or known or "when" in rule or "for" in rule):
            message = f"`{dotted((*here, 'error'))}` takes every frame for an error"
            yield subject.problem((*here, "error"), "ambiguous-rule", message, "add a `when`, or the path of an error")
        for key, check in _YIELD_CHECKS.items():
            if isinstance(rule.get(key), dict):
                yield from check(subject, (*here, key), rule[key])
        inner = {} if "for" in rule else {**known, **fixed}
        is_in_slot_too = is_in_slot or "slot" in rule
        yield from _check_rules(subject, (*here, "rules"), rule.get("rules"), is_in_slot=is_in_slot_too, known=inner)


def _plain(condition: Any) -> dict[str, Any]:
    """The comparisons of a condition with one plain value each."""
    says = normal(condition)
    return {path: value for path, value in says.items() if isinstance(value, str | int | float)}


def _check_twice(subject: Subject, place: Place, rules: Any) -> Iterator[Problem]:
    """Two rules that read the same value of the same frames: it would count twice."""
    first: dict[str, int] = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        scope = {key: rule.get(key) for key in ("when", "for", "slot")} if isinstance(rule, dict) else {}
        for key in sorted(_COUNTED & set(rule)) if scope else ():
            says = repr((sorted(scope.items()), key, rule[key]))
            earlier = first.setdefault(says, index)
            if earlier != index:
                line = subject.problem((*place, earlier), "", "").line
                message = f"`{dotted((*place, index))}` reads the `{key}` that the rule in line {line} has read"
                yield subject.problem((*place, index), "ambiguous-rule", message, "remove one")


_COUNTED = frozenset({"text", "reasoning", "refusal", "tool_call", "usage", "finish", "error"})


def _check_no_slot(subject: Subject, place: Place, condition: Any) -> Iterator[Problem]:
    if isinstance(condition, dict) and "slot" in condition and "path" not in condition:
        message = f"`{dotted(place)}` asks for the kind of a slot, and stands in no rule that has one"
        hint = "put it into the `rules` of a rule with `slot`"
        yield subject.problem(place, "no-slot", message, hint, key=True)


def _check_patches(subject: Subject, place: Place, says: dict[str, Any]) -> Iterator[Problem]:
    given = [key for key in _PATCH_KEYS if key in says]
    if says.get("mode") == "patch":
        for key in _PATCH_KEYS:
            if key not in says:
                meaning = schema()["$defs"]["rule"]["properties"]["tool_call"]["properties"][key]["description"]
                message = f"`{dotted(place)}` in mode patch needs the key `{key}`"
                yield subject.problem(place, "missing-key", message, f"add it: {meaning}", key=True)
    elif given:
        message = f"`{dotted((*place, given[0]))}` is only for mode patch"
        yield subject.problem((*place, given[0]), "conflict", message, "remove it, or add mode: patch", key=True)


def _check_carried(subject: Subject, place: Place, says: dict[str, Any]) -> Iterator[Problem]:
    for name, carried in says.items():
        if isinstance(carried, dict) and "append" in carried and "by" not in carried:
            message = f"`{dotted((*place, name))}` says what grows, but not by which key items are told apart"
            yield subject.problem((*place, name), "missing-key", message, "add by: index, or the key of their id")


def normal(condition: Any) -> dict[str, Any]:
    """A condition as paths and what they are compared with: {path: a, equals: b} is {a: b}; of a list, nothing."""
    says = condition if isinstance(condition, dict) else {}
    if "path" in says:
        compared = {key: value for key, value in says.items() if key != "path"}
        says = {says["path"]: compared} if isinstance(says["path"], str) else {}  # of several, any may be the one
    simple = {
        path: one["equals"] if isinstance(one, dict) and set(one) == {"equals"} else one for path, one in says.items()
    }
    return {path: value for path, value in simple.items() if isinstance(path, str)}


_YIELD_CHECKS: dict[str, Callable[[Subject, Place, dict[str, Any]], Iterator[Problem]]] = {
    "tool_call": _check_patches,
    "carry": _check_carried,
}


def _mentions(rules: Any, key: str) -> bool:
    if not isinstance(rules, list):
        return rules is not None  # the schema speaks of it
    return any(isinstance(rule, dict) and (key in rule or _mentions(rule.get("rules"), key)) for rule in rules)


def _check_think(subject: Subject) -> Iterator[Problem]:
    think = subject.section("response").get("think")
    for key in ("open", "close"):
        tag = think.get(key) if isinstance(think, dict) else None
        if isinstance(tag, str) and tag and not tag.strip():
            place = ("response", "think", key)
            message = f"`{dotted(place)}` is nothing but white space, which every text has"
            yield subject.problem(place, "bad-value", message, "write the tag as the API does: <think>")


def _check_error_frames(subject: Subject) -> Iterator[Problem]:
    errors = subject.data.get("errors")
    for index, rule in enumerate(errors if isinstance(errors, list) else ()):
        for key in ("frame", "body"):
            if isinstance(rule, dict):
                yield from _check_no_slot(subject, ("errors", index, key), rule.get(key))


ANSWER_CHECKS: tuple[Check, ...] = (_check_readings, _check_streamed, _check_think, _check_error_frames)
