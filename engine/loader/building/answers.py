"""What a file says of answers as values: how they are framed and read, when they are whole, what is a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...events import COUNTERS
from ...spec import (
    CarryMap,
    Comparison,
    Condition,
    End,
    ErrorRule,
    Reading,
    Response,
    Rule,
    SlotMap,
    Think,
    UsageMap,
)

OPERATORS = ("equals", "in", "exists", "contains", "regex")


def many(value: Any) -> list[Any]:
    """What may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]


def paths_of(value: Any) -> tuple[str, ...]:
    """No path, one or several, as several."""
    return () if value is None else tuple(many(value))


def response_of(response: Mapping[str, Any]) -> Response:
    """The `response` section; flat, it says how a stream is read, or how a whole answer is, if that is one of JSON."""
    if "codec" in response:
        reading = _reading(response)
        stream, whole = (None, reading) if response["codec"] == "json" else (reading, None)
    else:
        stream, whole = (_reading(response[key]) if key in response else None for key in ("stream", "whole"))
    usage = response.get("usage", {})
    return Response(
        stream,
        whole,
        response.get("finish", {}),
        UsageMap(
            {name: paths_of(usage[name]) for name in COUNTERS if not isinstance(usage.get(name, {}), Mapping)},
            usage.get("output_excludes_reasoning", False),
            {
                name: tuple(paths_of(addend) for addend in usage[name]["sum"])
                for name in COUNTERS
                if isinstance(usage.get(name), Mapping)
            },
        ),
        _think(response.get("think")),
    )


def _think(think: Mapping[str, Any] | None) -> Think | None:
    return None if think is None else Think(think["open"], think["close"], think.get("anywhere", False))


def _reading(reading: Mapping[str, Any]) -> Reading:
    codec = reading["codec"]
    plain = codec == "text"
    unwrap = tuple(reading.get("unwrap", ["text"] if plain else ["json"]))
    rules = reading.get("rules", [{"text": "$"}] if plain else [])
    # A codec without frames of its own ends with the body, which HTTP delimits.
    end = reading.get("end", "body" if codec in ("text", "json") else [])
    others = tuple(other for other in reading.get("other_codecs", ()) if other != codec)
    return Reading(codec, unwrap, tuple(_rule(rule) for rule in rules), _end(many(end)), others)


def _rule(rule: Mapping[str, Any]) -> Rule:
    structure = ("when", "for", "slot", "rules", "carry")
    slot = rule.get("slot")
    return Rule(
        condition(rule.get("when", {})),
        rule.get("for"),
        tuple((key, value) for key, value in rule.items() if key not in structure),
        tuple(_rule(nested) for nested in rule.get("rules", ())),
        None if slot is None else SlotMap(paths_of(slot["key"]), paths_of(slot.get("kind"))),
        tuple(_carry(name, says) for name, says in rule.get("carry", {}).items()),
    )


def _carry(name: str, says: Any) -> CarryMap:
    if not isinstance(says, Mapping):
        return CarryMap(name, paths_of(says))
    return CarryMap(name, paths_of(says["path"]), paths_of(says.get("by")), tuple(says.get("append", ())))


def condition(tests: Mapping[str, Any]) -> Condition:
    """A `when` in either spelling: {path: type, equals: x} or {type: x}."""
    if "path" in tests:
        operators = [key for key in OPERATORS if key in tests] or ["exists"]
        return tuple(Comparison(paths_of(tests["path"]), key, tests.get(key, True)) for key in operators)  # type: ignore[arg-type]
    return tuple(_comparison(subject, value) for subject, value in tests.items())


def _comparison(subject: str, value: Any) -> Comparison:
    named = None if subject in ("event", "slot") else subject
    of_slot = subject == "slot"
    if isinstance(value, Mapping):
        ((operator, operand),) = value.items()
        return Comparison(named, operator, operand, of_slot)
    return Comparison(named, "equals", value, of_slot)


def _end(ends: list[Any]) -> End:
    return End(
        frozenset(end for end in ends if isinstance(end, str) and end not in ("finish", "body")),
        tuple(condition(end) for end in ends if isinstance(end, Mapping)),
        "finish" in ends,
        "body" in ends,
    )


def error_rule_of(error: Mapping[str, Any]) -> ErrorRule:
    """An item of `errors`, or a sign that a token is used up."""
    frame = error.get("frame", {})
    return ErrorRule(
        error["kind"],
        tuple(many(error.get("status", []))),
        tuple(_comparison(name, value) for name, value in error.get("header", {}).items()),
        condition(error.get("body", {})),
        condition({"event": frame} if isinstance(frame, str) else frame),
        paths_of(error.get("message")),
        paths_of(error.get("code")),
        paths_of(error.get("retry_after")),
    )
