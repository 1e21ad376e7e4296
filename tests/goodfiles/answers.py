"""The half of a file that says how an answer is read: codecs, rules, conditions, errors, and the limits of a call."""

from __future__ import annotations

from typing import Any

from engine.errors import KINDS
from engine.events import FINISH_REASONS

from .chance import (
    Draw,
    Strategy,
    booleans,
    composite,
    dictionaries,
    floats,
    integers,
    just,
    lists,
    none,
    one_of,
    sampled_from,
    some,
    tuples,
)
from .texts import keys, many_paths, names, path_or_paths, paths, regexes, texts

seconds = one_of(integers(1, 3600), floats(0.1, 3600))
plain = one_of(texts, booleans(), none(), integers(0, 9), floats(0, 9))
operators = one_of(
    plain.map(lambda value: {"equals": value}),
    lists(plain, min_size=1, max_size=3).map(lambda values: {"in": values}),
    booleans().map(lambda value: {"exists": value}),
    texts.map(lambda value: {"contains": value}),
    regexes.map(lambda value: {"regex": value}),
)
kinds = sampled_from(sorted(KINDS))


WITH_EVENTS = ("sse", "aws_eventstream")
"""Codecs whose frames have names to ask for."""


def conditions(*, slot: bool = False, event: bool = True, above: str = "") -> Strategy:
    """What a frame is like: paths with their values, or one path with a comparison; of a slot, its kind too.

    Paths begin with `above`, so that a rule does not ask what the one around it has denied.
    """
    special = [*(["event"] if event and not above else []), *(["slot"] if slot else [])]
    asked = keys.map(lambda key: above + key) | (sampled_from(special) if special else just(f"{above}type"))
    shapes = dictionaries(asked, plain | operators, min_size=1, max_size=2)
    single = tuples(path_or_paths, operators).map(lambda both: {"path": f"{above}$key.of", **both[1]})
    listed = tuples(paths, operators).map(lambda both: {"path": [f"{above}a", f"{above}b"], **both[1]})
    return one_of(shapes, shapes, single, listed)


texts_at = one_of(
    path_or_paths,
    some({"path": "delta.text"}, mode=sampled_from(["append", "cumulative", "final"])),
)
joined = some({"path": "details"}, by=sampled_from(["index", ["id", "index"]]))
carried = one_of(path_or_paths, joined, joined.map(lambda one: one | {"by": "index", "append": ["text"]}))
whole_error = some({"path": "error"}, kind=kinds, message=path_or_paths, code=path_or_paths)
refused = one_of(just(["error", "code"]), just("error.what"), whole_error, whole_error)
calls = one_of(
    some(
        {},
        at_least=1,
        **dict.fromkeys(("key", "id", "name", "arguments"), path_or_paths),
        mode=sampled_from(["append", "final"]),
        custom=booleans(),
    ),
    some(
        {"mode": "patch", "patches": "writes", "path": "at", "value": ["string", "number"]},
        null_value=path_or_paths,
        id=paths,
        name=paths,
    ),
)
YIELDS: dict[str, Any] = {
    "text": texts_at,
    "reasoning": texts_at,
    "refusal": texts_at,
    "tool_call": calls,
    "finish": path_or_paths,
    "usage": one_of(path_or_paths, dictionaries(names, path_or_paths, min_size=1, max_size=2)),
    "meta": some({}, at_least=1, id=path_or_paths, model=path_or_paths),
    "carry": dictionaries(sampled_from(["signature", "_raw", "Details"]), carried, min_size=1, max_size=2),
    "error": refused,
    "end": True,
}


@composite
def rules(draw: Draw, *, event: bool, slot: bool = False, depth: int = 1) -> dict[str, Any]:
    """A rule that reads something, now and then with rules in it."""
    rule = draw(some({}, at_least=1, **YIELDS))
    above = "" if depth else "inner."
    around = draw(some({}, **{"when": conditions(slot=slot, event=event, above=above), "for": many_paths}))
    if depth and draw(booleans()):
        kind = some({"key": "index"}, kind=path_or_paths)
        rule |= draw(some({}, slot=kind))
        inner = rules(event=event, slot=slot or "slot" in rule, depth=depth - 1)
        rule["rules"] = draw(lists(inner, min_size=1, max_size=2))
    return around | rule


def told_apart(rules: list[dict[str, Any]], above: str = "") -> list[dict[str, Any]]:
    """The rules with places of their own: what one has read, no other reads again."""
    made = []
    for number, rule in enumerate(rules):
        own = dict(rule)
        for key in ("text", "reasoning", "refusal", "error", "finish"):
            place = f"{key}{above}{number}.$value"
            if isinstance(own.get(key), dict):
                own[key] = own[key] | {"path": place}
            elif key in own:
                own[key] = place if isinstance(own[key], str) else [place, f"{place}.more"]
        if "usage" in own:
            counted = own["usage"] if isinstance(own["usage"], dict) else {}
            several = [f"usage{above}{number}", f"used{above}{number}"]
            one = several if isinstance(own["usage"], list) else several[0]
            own["usage"] = counted | {f"of{above}{number}": "n"} if counted else one
        if "tool_call" in own:
            own["tool_call"] = own["tool_call"] | {"id": f"call{above}{number}.id"}
        if "rules" in own:
            own["rules"] = told_apart(own["rules"], f"{above}{number}_")
        made.append(own)
    return made


FRAMED = ("sse", "ndjson", "json_array", "aws_eventstream")
unwraps = one_of(sampled_from(["json", "text", "base64"]), paths.map(lambda path: {"at": path}))


def ends(codec: str) -> list[Any]:
    """What may end an answer: a text is none of a body of JSON, and only some frames have names."""
    frames = [] if codec == "json" else ["[DONE]", "конец", "# no"]
    return ["body", {"type": "end"}, *frames, *([{"event": "message_stop"}] if codec in WITH_EVENTS else [])]


@composite
def readings(draw: Draw, codec: str) -> dict[str, Any]:
    if codec == "text":
        rule = sampled_from([{"text": "$"}, {"text": {"path": "$"}}, {"text": {"path": "$", "mode": "append"}}])
        return draw(some({"codec": "text"}, rules=rule.map(lambda one: [one]), unwrap=["text"], end="body"))
    said = told_apart([{"text": draw(texts_at)}, *draw(lists(rules(event=codec in WITH_EVENTS), max_size=2))])
    end = sampled_from([*ends(codec), *(["finish"] if any("finish" in rule for rule in said) else [])])
    optional = {"unwrap": lists(unwraps, min_size=1, max_size=3)}
    value = draw(some({"codec": codec, "rules": said}, **optional))
    if codec != "json" or draw(booleans()):
        value["end"] = draw(one_of(end, lists(end, min_size=1, max_size=2)))
    return value


reasons = sampled_from([*FINISH_REASONS, None])
counters = one_of(path_or_paths, just({"sum": ["in", ["cached", "cache.read"]]}))
COMMON: dict[str, Any] = {
    "finish": some(
        {},
        at_least=1,
        **dict.fromkeys(("default", "missing", "with_tools", "end_turn", "конец", "max tokens"), reasons),
    ),
    "usage": some(
        {},
        at_least=1,
        **{f"{kind}_tokens": counters for kind in ("input", "output", "cached_input", "reasoning")},
        output_excludes_reasoning=booleans(),
    ),
    "think": some({"open": "<think>", "close": "</think>"}, anywhere=booleans()),
}


@composite
def responses(draw: Draw) -> dict[str, Any]:
    """Flat, or a stream and a whole."""
    codec = draw(sampled_from(["text", "json", *FRAMED, "sse", "json_array"]))
    common = draw(some({}, **COMMON))
    if draw(booleans()):
        return draw(readings(codec)) | common
    stream = draw(readings(codec))
    if codec == "sse":
        stream |= draw(some({}, at_least=1, other_codecs=["json_array"]))
    elif codec == "json_array":
        stream |= draw(some({}, at_least=1, other_codecs=["sse"]))
    whole = draw(readings(draw(sampled_from(["json", "json", "text"]))))
    return draw(sampled_from([{"stream": stream, "whole": whole}, {"stream": stream}, {"whole": whole}])) | common


@composite
def errors(draw: Draw, predicates: dict[str, Any]) -> list[dict[str, Any]]:
    """One rule that asks anything, or some of which each asks for a body of its own."""
    rest = some({}, message=path_or_paths, code=path_or_paths, retry_after=path_or_paths)
    alone = draw(booleans())
    made = []
    for number in range(draw(integers(0, 1 if alone else 3))):
        ask = draw(some({}, at_least=1, **predicates))
        ask |= {} if alone else {"body": {f"error.of{number}": draw(plain)}}
        made.append({**ask, "kind": draw(kinds), **draw(rest)})
    return made


LIMITS: dict[str, Any] = {
    "retry": some(
        {},
        max=integers(0, 10),
        base=floats(0, 60),
        cap=floats(0, 600),
        max_wait=integers(0, 3600),
        idempotent=booleans(),
    ),
    "timeout": some({}, connect=seconds, first_byte=seconds, idle=seconds, pool=seconds, total=floats(60, 3600)),
    "limits": some({}, event_bytes=integers(1024, 2**30), body_bytes=integers(1024, 2**34)),
}
