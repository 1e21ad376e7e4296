"""Valid provider files by the thousand: a strategy over all that the language has, and over how YAML can be written.

Each section is made by what the schema and the checks across sections ask of it, so that every file must pass. A file
that does not is a false alarm, or a mistake here.
"""

from __future__ import annotations

import json
from typing import Any

from engine.errors import KINDS

from .answers import LIMITS, conditions, errors, responses
from .chance import (
    Draw,
    Strategy,
    booleans,
    composite,
    dictionaries,
    fixed_dictionaries,
    integers,
    just,
    lists,
    none,
    one_of,
    permutations,
    sampled_from,
    some,
    tuples,
)
from .conversation import messages, parts, tools
from .requests import (
    CALL,
    NUMBERS,
    header_predicates,
    main_request,
    params,
    payloads,
    secrets,
    settings,
    statuses,
    steps,
    ways,
)
from .styles import written
from .texts import lines, scalars, texts, trees

__all__ = ["children", "files", "written"]

ERRORS: dict[str, Any] = {
    "status": statuses,
    "header": header_predicates,
    "body": conditions(),
    "frame": one_of(just("oops"), conditions()),
}
URLS = ["https://api.acme.com", "https://api.acme.com:8443/v1", "http://localhost:8080", "https://acme.com/a%20b/c"]
URLS_OF = {
    "region": "https://{{ region }}.acme.com/v1",
    "port": "http://localhost:{{ port }}",
}
HOSTS = ["stream.acme.com", "*.acme.com", "files.example.net:8443", {"name": "cdn.example.org"}]


@composite
def files(draw: Draw) -> dict[str, Any]:
    """The data of one file."""
    data: dict[str, Any] = {"spec_version": 1, "name": "acme"}
    data |= draw(some({}, title=texts, flags=some({"working": draw(booleans())}, supports_x=booleans())))
    data |= draw(some({}, params=params(), settings=settings(), unknown_params=sampled_from(["error", "drop"])))
    of_settings = tuple(data.get("settings", {}))
    of_call = (*CALL, *(name for name in NUMBERS if name in data.get("params", {})), *of_settings)
    encoding = draw(sampled_from(["json", "json", "form", "multipart", "text"]))
    data["url"] = draw(sampled_from([*URLS, *(url for name, url in URLS_OF.items() if name in of_settings)]))
    if draw(sampled_from([True, True, False])):
        way = ways(of_settings, body=encoding != "text")
        data |= {"secrets": draw(secrets()), "auth": draw(way | lists(way, min_size=2, max_size=6))}
    data |= draw(some({}, steps=steps(of_call), hosts=hosts(data["url"])))
    last = data["steps"][-1] if "steps" in data else None
    if last:
        of_call = (*of_call, f"steps.{last['name']}.{next(iter(last['read']))}")
    data |= draw(main_request(of_call, last))
    data |= draw(conversations(encoding, of_call))
    if encoding != "text":
        mapped(draw, data, encoding)
    data["response"] = draw(responses())
    data |= draw(some({}, errors=errors(ERRORS), **LIMITS))
    data["examples"] = draw(examples(data))
    data |= draw(some({}, models=models(data)))
    data |= draw(dictionaries(sampled_from(["x-owner", "x-Заметка"]), trees(scalars), max_size=1))
    if draw(integers(0, 5)) == 0:
        data["abstract"] = draw(booleans())
        if data["abstract"]:
            data = {key: value for key, value in data.items() if key != "examples"}
    order = draw(permutations(list(data))) if draw(booleans()) else list(data)
    return _copied({key: data[key] for key in order})


def hosts(url: str) -> Strategy:
    """Where a reply may lead; credentials go only to the site of the file's own URL."""
    own = {"name": "stream.acme.com", "auth": True}
    more = [own, own | {"auth": False}] if "acme.com" in url and "{{" not in url else []
    return lists(sampled_from([*HOSTS, *more]), min_size=1)


@composite
def conversations(draw: Draw, encoding: str, of: tuple[str, ...]) -> dict[str, Any]:
    """The payload, with the sections that shape what it reads."""
    made = draw(some({}, messages=messages(), tools=tools()))
    if made.get("messages", {}).get("items") or draw(booleans()):
        made["parts"] = draw(parts(made.get("messages", {})))
    reads = ["messages", "tools", "tool_choice"]
    if made.get("messages", {}).get("system") == "field":
        reads.append("system")
    made["payload"] = draw(payloads(encoding, of, reads))
    if encoding != "json" or draw(booleans()):
        made["encoding"] = encoding
    return made


def mapped(draw: Draw, data: dict[str, Any], encoding: str) -> None:
    """Some parameters go into the payload without a template, where nothing else is."""
    for name, param in data.get("params", {}).items():
        if draw(booleans()):
            param["maps_to"] = f"x_{name}" if encoding != "json" else draw(sampled_from([f"x_{name}", f"at.{name}"]))
    if draw(booleans()):
        data["unknown_params"] = "forward"


@composite
def models(draw: Draw, data: dict[str, Any]) -> dict[str, Any]:
    """Models, and what is different for some of them."""
    match = one_of(just("o1*"), lists(sampled_from(["big-?", "[ab]c", "small"]), min_size=1, max_size=2))
    added = {"flags": {"slow": True}, "retry": {"max": 1}, "timeout": {"connect": 5}, "limits": {"event_bytes": 2048}}
    added |= {"errors": [{"status": 499, "kind": "timeout"}], "headers": {"x-model": "{{ model }}"}}
    added |= {"query": {"m": "{{ model }}"}, "method": "POST", "encoding": data.get("encoding", "json")}
    added |= {"response": {"finish": {"max": "length"}}, "unknown_params": sampled_from(["error", "drop"])}
    added |= {"params": {"depth": {"type": "integer", "default": 1, **({"maps_to": "x_depth"} if maps(data) else {})}}}
    if "follow" not in data:
        added["path"] = "/models/{{ model }}"
    if maps(data):
        added["payload"] = {"x_patched": "{{ model }}"}
    for section, patch in (("messages", {"drop_empty": True}), ("parts", {"fallback": "drop"}), ("tools", {})):
        if section in data and patch:
            added[section] = patch
    if "tools" in data:
        added["tools"] = {"schema": ["inline_refs"]}
    if "retry" in data:
        added["unset"] = ["retry"]
        added.pop("retry")
    patch = tuples(match, some({}, at_least=1, **added)).map(lambda both: {"match": both[0], **both[1]})
    return draw(
        some(
            {},
            **draw(
                sampled_from(
                    [
                        {"default": "small", "allow": ["small", "big"], "aliases": {"best": "big"}},
                        {"default": "any", "aliases": dictionaries(texts, texts, max_size=2)},
                    ]
                )
            ),
            patches=lists(patch, min_size=1, max_size=2),
        )
    )


def maps(data: dict[str, Any]) -> bool:
    return isinstance(data.get("payload"), dict)


ERROR_KINDS = sampled_from([*KINDS, "parameter", "unsupported"])
reply_bodies = one_of(
    lists(lines, min_size=1, max_size=3).map(lambda value: {"chunks": value}),
    lines.map(lambda value: {"text": value}),
    texts.map(lambda value: {"body": value}),
    trees(scalars).map(lambda value: {"json": value}),
    sampled_from([{"base64": "SGVsbG8="}, {"base64": "AAE=\n"}, {}]),
)
some_headers = dictionaries(sampled_from(["content-type", "x-a"]), texts, max_size=2)
replies = tuples(reply_bodies, some({}, status=integers(100, 599), headers=some_headers)).map(
    lambda both: both[0] | both[1]
)
sent_bodies = one_of(
    trees(scalars).map(lambda value: {"json": value}),
    dictionaries(texts, texts, max_size=2).map(lambda value: {"form": value}),
    lines.map(lambda value: {"text": value}),
)
sent = tuples(
    sent_bodies,
    some({}, method="POST", url="https://api.acme.com", headers=some_headers, query=just({"a": "1"})),
).map(lambda both: both[0] | both[1])
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
tokens = one_of(none(), integers(0, 99))
adjusted = sampled_from(["dropped", "clamped", "renamed", "defaulted", "forwarded", "replaced"])
expected = some(
    {},
    at_least=1,
    text=lines,
    reasoning=texts,
    refusal=texts,
    finish=sampled_from(["stop", "length", "tool_calls", "content_filter", "error", "unknown"]),
    usage=some({}, **{f"{kind}_tokens": tokens for kind in ("input", "output", "cached_input", "reasoning")}),
    adjustments=dictionaries(sampled_from(["heat", "messages"]), adjusted, max_size=2),
    tool_calls=lists(some({}, at_least=1, id=texts, name=texts, arguments=trees(scalars)), max_size=2),
)


@composite
def examples(draw: Draw, data: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer, an error, and perhaps one more."""
    made = []
    settings = {name: draw(texts) for name in data.get("settings", {})}
    for number, expect in enumerate([expected, ERROR_KINDS.map(lambda kind: {"error": kind}), expected]):
        said = one_of(lines, lists(fixed_dictionaries({"role": just("user"), "content": lines}), min_size=1))
        call = some(
            {"messages": draw(said)},
            model="small",
            stream=booleans(),
            tools=[TOOL],
            tool_choice=sampled_from(["auto", TOOL]),
            settings=just(settings),
            **dict.fromkeys(data.get("params", {}), scalars),
        )
        before = lists(some({"reply": draw(replies)}, request=sent), min_size=1, max_size=2)
        example = {
            "name": f"{draw(texts)} {number}",
            "call": draw(call),
            "reply": draw(replies),
            "expect": draw(expect),
        }
        made.append(draw(some(example, request=sent, steps=before)))
        if number and draw(booleans()):
            break
    return made


@composite
def children(draw: Draw) -> dict[str, Any]:
    """A file that extends a protocol and says only what is different."""
    parent = draw(sampled_from(["openai-chat", "openai-chat-details"]))
    data = {"spec_version": 1, "name": "acme", "extends": parent, "url": "https://api.acme.com/v1"}
    data["secrets"] = {"api_key": {"env": ["ACME_KEY"]}}
    changes = {
        "unset": ["params.seed"],
        "params": some({}, temperature=just({"max": 1}), max_tokens=just({"optional": True}), own=numeric_param),
        "auth": sampled_from([{"type": "header", "name": "x-key"}, {"type": "bearer"}, [{"type": "none"}]]),
        "response": some({}, at_least=1, think=just({"open": "<t>", "close": "</t>"}), finish=just({"eos": "stop"})),
        "errors": errors(ERRORS),
        "title": texts,
        **LIMITS,
    }
    data |= draw(some({}, **changes))
    data["examples"] = draw(examples({"params": {"temperature": {}}}))
    return _copied(data)


def _copied(data: Any) -> Any:
    """The same of which no two parts are one object, nor one of a strategy's: a test may change it."""
    return json.loads(json.dumps(data))


numeric_param = just({"type": "integer", "min": 1, "maps_to": "own.depth"})
