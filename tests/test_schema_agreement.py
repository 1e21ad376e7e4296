"""The published schema, as any validator reads it, and `wirefile validate` agree wherever JSON Schema can say it.

Valid files are spoilt in one place. What the plain schema refuses, we report, there; what we report because of the
schema, the plain schema refuses too, there. What only we can see is listed in `BEYOND`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from engine.errors import Problem
from engine.loader import problems_of_text
from engine.loader.document import Place
from engine.loader.judging import MAX_PROBLEMS
from engine.loader.published import schema
from engine.loader.schema import examine

from .goodfiles import children, files
from .test_no_false_alarms import named

PLAIN = Draft202012Validator(schema())
OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    7,
    2.5,
    10**13,
    "",
    "x",
    "a b\t",
    "5xx",
    [],
    [None],
    ["x"],
    {},
    {"zzz": 1},
    {"path": "a"},
]
"""Values of every type, one of which is wrong wherever something is right."""

NOT_SPOILT = ("spec_version",)
"""Of a file in another version nothing else is said."""


def places(data: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*place, key))


def at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def dropped(around: Any, key: Any, chance: Random) -> None:
    del around[key]


def replaced(around: Any, key: Any, chance: Random) -> None:
    around[key] = copy.deepcopy(chance.choice(OTHERS))


def unknown(around: Any, key: Any, chance: Random) -> None:
    if isinstance(around, dict):
        around[f"{key}{chance.choice(['s', '_', ' ', '{{'])}"] = around[key]


def misspelt(around: Any, key: Any, chance: Random) -> None:
    if isinstance(around, dict):
        around[str(key)[:-1] or "k"] = around.pop(key)


def emptied(around: Any, key: Any, chance: Random) -> None:
    around[key] = type(around[key])() if isinstance(around[key], dict | list | str) else None


def doubled(around: Any, key: Any, chance: Random) -> None:
    """A neighbour that may exclude it: `json` beside `form`, `stream` beside `codec`."""
    if isinstance(around, dict):
        rival = chance.choice(["json", "form", "text", "stream", "codec", "secret", "value", "equals", "in", "header"])
        around.setdefault(rival, copy.deepcopy(around[key]))


SPOILERS = (dropped, replaced, replaced, replaced, unknown, misspelt, emptied, doubled)


def spoilt(data: dict[str, Any], chance: Random) -> Place:
    """Change the data in one place, which is as likely in a section that is small as in one that is large."""
    section = chance.choice([key for key in data if key not in NOT_SPOILT])
    place = chance.choice([place for place in places(data) if place[:1] == (section,)])
    chance.choice(SPOILERS)(at(data, place[:-1]), place[-1], chance)
    return place


def near(one: Place, other: Place) -> bool:
    """Whether two places are the same, or one is a key that the map at the other should or should not have."""
    return one == other or one[:-1] == other or one == other[:-1]


def is_there(path: str, place: Place) -> bool:
    """Whether a problem's path is a place, or a key that the map there should or should not have."""
    prefix = "".join(f"{part}." for part in place)
    return f"{path}." == prefix or (path.startswith(prefix) and "." not in path[len(prefix) :]) or path == "extends"


def reported(data: Any) -> list[Problem]:
    return [
        p for p in problems_of_text(json.dumps(data, ensure_ascii=False).encode(), "acme.yaml") if p.severity == "error"
    ]


def compare(data: dict[str, Any]) -> tuple[int, int]:
    """Hold both against each other; how many mistakes each has found."""
    refused = [tuple(error.absolute_path) for error in PLAIN.iter_errors(data)]
    ours = examine(data, MAX_PROBLEMS, is_whole="extends" not in data)[0]
    problems = [problem.path for problem in reported(data)]
    for place in refused:
        assert any(is_there(path, place) for path in problems), (place, problems)
    for violation in ours:
        assert any(near(violation.place, place) for place in refused), (violation, refused)
    return len(refused), len(ours)


@given(st.integers(0, 2**62))
def test_what_is_spoilt_is_refused_by_both_or_by_none(seed: int) -> None:
    chance = Random(seed)
    data = files().make(chance)
    spoilt(data, chance)
    compare(data)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(0, 2**62))
def test_a_file_that_extends_another_too(seed: int) -> None:
    """The schema sees what is written, we see what is inherited as well: what it refuses, we refuse."""
    chance = Random(seed)
    data = children().make(chance)
    place = spoilt(data, chance)
    if "extends" in data and list(PLAIN.iter_errors(data)):
        assert reported(data), place


@given(st.integers(0, 2**62))
def test_however_much_is_spoilt_is_reported_and_never_raised(seed: int) -> None:
    chance = Random(seed)
    data = files().make(chance)
    for _ in range(chance.randint(1, 6)):
        if len(data) > 2:
            spoilt(data, chance)
    reported(data)


Spoil = Callable[[Any, Any], Any]

WRONG: dict[str, Spoil] = {
    "minimum": lambda least, value: least - 1,
    "exclusiveMinimum": lambda least, value: least,
    "maximum": lambda most, value: most + 1,
    "minLength": lambda size, value: "",
    "maxLength": lambda size, value: "x" * (size + 1),
    "minItems": lambda size, value: [],
    "maxItems": lambda size, value: value * (size + 1),
    "minProperties": lambda size, value: {},
    "pattern": lambda pattern, value: next(other for other in (" ", "!") if not re.search(pattern, other)),
    "enum": lambda words, value: "zzz",
    "const": lambda word, value: "zzz",
    "type": lambda kinds, value: next(other for other in OTHERS if not _is_of(other, kinds)),
    "required": lambda names, value: {key: item for key, item in value.items() if key != names[0]},
    "additionalProperties": lambda allowed, value: value | {"zzz": 1},
}
"""What the schema asks, and a value that breaks it."""

APPLIES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "maximum"), (int, float)),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), str),
    **dict.fromkeys(("minItems", "maxItems"), list),
    **dict.fromkeys(("minProperties", "required", "additionalProperties"), dict),
}


def _asks_nothing(keyword: str, says: Any) -> bool:
    """Whether other keys are described, or anything is allowed; and a map of that name is no keyword."""
    return isinstance(says, dict) or (keyword == "additionalProperties" and says is True)


def _is_of(value: Any, kinds: str | list[str]) -> bool:
    return bool(Draft202012Validator({"type": kinds}).is_valid(value))


def asking() -> Any:
    """A validator that gives each keyword that it comes by, as if it were an error: with the place and the value."""

    def noted(keyword: str) -> Any:
        plain = Draft202012Validator.VALIDATORS[keyword]

        def check(validator: Any, says: Any, instance: Any, around: Any) -> Any:
            if isinstance(instance, APPLIES.get(keyword, object)) and not _asks_nothing(keyword, says):
                yield ValidationError(
                    keyword, validator=keyword, validator_value=says, instance=instance, schema=around
                )
            if isinstance(says, dict):
                yield from plain(validator, says, instance, around)

        return check

    def condition(validator: Any, says: Any, instance: Any, around: Any) -> Any:
        branch = "then" if PLAIN.evolve(schema=says).is_valid(instance) else "else"
        if branch in around:
            yield from validator.descend(instance, around[branch], schema_path=branch)

    keywords = {keyword: noted(keyword) for keyword in WRONG} | {"if": condition}
    silent = {keyword: lambda *_: iter(()) for keyword in ("anyOf", "dependentSchemas")}
    return extend(Draft202012Validator, keywords | silent)(schema())


def test_each_thing_that_the_schema_asks_is_asked_by_both() -> None:
    """Every keyword at every place of the schema, broken once: many in one file, as far as they do not touch."""
    asked_for = asked_of_the_schema()
    done = {mark for mark, label in asked_for.items() if label in UNBROKEN}
    ask = asking()
    for seed in range(1000):  # as many as it takes
        if asked_for.keys() <= done:
            break
        chance = Random(seed)
        data = files().make(chance)
        met = list(ask.iter_errors(data))
        chance.shuffle(met)  # else what holds others would be broken first, each time
        spoilt: dict[Place, tuple[tuple[int, str], Any]] = {}
        for asked in met:
            place, mark = tuple(asked.absolute_path), (id(asked.schema), asked.validator)
            touched = any(place[: len(other)] == other or other[: len(place)] == place for other in spoilt)
            if mark not in done and not touched and place and place != ("spec_version",) and len(spoilt) < 25:
                spoilt[place] = (mark, WRONG[asked.validator](asked.validator_value, asked.instance))
        for place, (_, value) in spoilt.items():
            at(data, place[:-1])[place[-1]] = value
        if spoilt:
            compare(data)
            refused = [tuple(error.absolute_path) for error in PLAIN.iter_errors(data)]
            # One that changes which branch applies may hide another: that one has its turn in a later file.
            done |= {mark for place, (mark, _) in spoilt.items() if any(one[: len(place)] == place for one in refused)}
    assert {label for mark, label in asked_for.items() if mark not in done} == set()


OF_CHILDREN = [
    *(("extends", "type"), ("extends", "minLength"), ("unset", "type"), ("unset", "minItems")),
    *(("unset/items", "type"), ("unset/items", "minLength")),
]
UNBROKEN = {
    "$defs/predicate: required": "a condition without `path` is one of the other form",
    "$defs/auth/else: additionalProperties": "of a way without a type, which is missing already",
    ": required": "of the file itself; the tests above do",
    ": additionalProperties": "of the file itself; the tests above do",
    ": type": "of the file itself: not-a-mapping",
    "properties/spec_version: const": "of another version nothing else is said",
    **{f"properties/{key}: {word}": "of a file that extends another" for key, word in OF_CHILDREN},
}
"""What is asked and cannot be broken alone, each with the reason."""


def asked_of_the_schema() -> dict[tuple[int, str], str]:
    """Every keyword that asks something of a value, where it stands in the schema."""
    return {
        (id(node), keyword): f"{path}: {keyword}"
        for path, node in named(schema())
        for keyword in WRONG
        if keyword in node and not _asks_nothing(keyword, node[keyword]) and not path.endswith("properties")
    }


def whole() -> dict[str, Any]:
    """A file with what the changes below are made to."""
    return {
        "spec_version": 1,
        "name": "acme",
        "url": "https://api.acme.com",
        "retry": {"max": 2},
        "headers": {},
        "params": {"heat": {"type": "number", "min": 0, "maps_to": "heat"}},
        "secrets": {"key": {"env": ["KEY"]}},
        "payload": {"m": "{{ messages }}"},
        "response": {"codec": "sse", "rules": [{"text": "a"}], "end": "finish"},
        "examples": [
            {"name": "one", "call": {"messages": "hi"}, "reply": {"text": "a"}, "expect": {"text": "a"}},
            {"name": "two", "call": {"messages": "hi"}, "reply": {"status": 500}, "expect": {"error": "unavailable"}},
        ],
    }


BEYOND: list[tuple[str, Place, Any]] = [
    # JSON Schema has one number: 2.0 is 2.
    ("wrong-type", ("retry", "max"), 2.0),
    ("bad-version", ("spec_version",), 1.0),
    # Python's `$`, which third parties in Python use as it is, lets a last line end pass.
    ("bad-id", ("name",), "acme\n"),
    # Templates, paths, patterns: languages of their own.
    ("undefined-variable", ("payload", "m"), "{{ mesages }}"),
    ("template-syntax", ("payload", "m"), "{{ messages"),
    ("template-forbidden", ("payload", "{{ m }}"), 1),
    ("bad-path", ("response", "rules", 0, "text"), "a..b"),
    ("regex-unsafe", ("errors",), [{"kind": "auth", "body": {"path": "a", "regex": "(a+)+"}}]),
    # What two places say about each other.
    ("undefined-reference", ("auth",), {"type": "bearer", "secret": "kee"}),
    ("out-of-range", ("params", "heat", "max"), -1),
    ("conflict", ("settings",), {"heat": {"default": "a"}}),
    ("no-end-rule", ("response", "end"), "finish"),
    ("ambiguous-rule", ("errors",), [{"kind": "auth", "status": 400}, {"kind": "quota", "status": 400}]),
    ("duplicate-example", ("examples", 1, "name"), "one"),
    ("unknown-param", ("examples", 0, "call", "heet"), 1),
    ("missing-key", ("auth",), {"type": "header", "name": "x"}),
    # What a URL, a header and a secret are, and whom a file may send them to.
    ("bad-scheme", ("url",), "ftp://acme.com"),
    ("private-host", ("url",), "https://10.0.0.1"),
    ("forbidden-header", ("headers", "Host"), "a"),
    ("duplicate-header", ("headers",), {"x-a": "1", "X-A": "2"}),
    ("inline-secret", ("headers", "x-api-key"), "sk-abcdefghijklmnop1234"),
    ("env-not-allowed", ("secrets", "key", "env", 0), "AWS_SECRET_ACCESS_KEY"),
    # Other files.
    ("extends-missing", ("extends",), "nobody"),
]


@pytest.mark.parametrize(("rule", "place", "value"), BEYOND, ids=lambda value: str(value)[:40])
def test_what_json_schema_cannot_say_we_report(rule: str, place: Place, value: Any) -> None:
    data = whole()
    at(data, place[:-1])[place[-1]] = value
    assert not list(PLAIN.iter_errors(data))
    assert rule in [problem.rule for problem in reported(data)], reported(data)
