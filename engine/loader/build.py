"""A checked tree -> ProviderSpec. Nothing is judged here: what arrives has passed the schema and the checks.

Defaults are read from the schema, which documents them; the shorthands of the language (one for a list, a path for a
map) are spelled out, so that nothing behind this door meets them again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..framing import FRAMINGS
from ..shaping import MessageShaping, PartShaping, ToolShaping
from ..spec import (
    Auth,
    CarryMap,
    Comparison,
    Condition,
    End,
    ErrorRule,
    Example,
    Host,
    Limits,
    Models,
    Param,
    Patch,
    Poll,
    ProviderSpec,
    Read,
    Reading,
    Reply,
    Request,
    Response,
    RetryPolicy,
    Rule,
    SecretSource,
    Setting,
    SlotMap,
    Step,
    StepExample,
    Think,
    Timeouts,
    TokenRequest,
    UsageMap,
)
from .document import Document, Place
from .published import default

COUNTERS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
OPERATORS = ("equals", "in", "exists", "contains", "regex")
META_KEYS = ("description",)


Line = tuple[str, int]
"""A file and the number of a line in it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a spec is built of: the file's name, its data with all that it inherits, and where the examples and the
    patches in it are written.
    """

    file: str
    data: dict[str, Any]
    examples: Sequence[Line]
    patches: Sequence[Line]

    @classmethod
    def of(cls, document: Document) -> Whole:
        """What of a document counts once it is judged."""

        def lines(above: Place, items: Iterable[Any]) -> list[Line]:
            places = (document.problem((*above, index), "", "") for index, _ in enumerate(items))
            return [(place.file, place.line) for place in places]

        data: dict[str, Any] = document.data
        patches = lines(("models", "patches"), data.get("models", {}).get("patches", ()))
        return cls(document.source.file, data, lines(("examples",), data.get("examples", ())), patches)


def build(whole: Whole) -> ProviderSpec:
    """The file as values."""
    data = whole.data
    return ProviderSpec(
        name=data["name"],
        title=data.get("title", data["name"]),
        is_abstract=data.get("abstract", False),
        file=whole.file,
        flags=data.get("flags", {}),
        models=_models(data.get("models", {}), whole.patches),
        params={name: _param(param) for name, param in data.get("params", {}).items()},
        unknown_params=data.get("unknown_params", default("unknown_params")),
        settings={name: _setting(setting) for name, setting in data.get("settings", {}).items()},
        secrets={
            name: SecretSource(tuple(secret["env"]), secret.get("optional", False), secret.get("json"))
            for name, secret in data.get("secrets", {}).items()
        },
        auth=tuple(_auth(auth) for auth in _many(data.get("auth", []))),
        url=data.get("url", ""),
        path=data.get("path", default("path")),
        method=data.get("method", default("method")),
        query=data.get("query", {}),
        headers=data.get("headers", {}),
        payload=data.get("payload"),
        encoding=data.get("encoding", default("encoding")),
        messages=_messages(data.get("messages")),
        parts=_parts(data.get("parts")),
        tools=_tools(data.get("tools")),
        steps=tuple(_step(step) for step in data.get("steps", ())),
        follow=data.get("follow"),
        poll=_poll(data.get("poll")),
        hosts=tuple(Host(**({"name": host} if isinstance(host, str) else host)) for host in data.get("hosts", ())),
        response=_response(data.get("response", {})),
        errors=tuple(_error(error) for error in data.get("errors", ())),
        retry=RetryPolicy(**_filled("retry", data)),
        timeout=Timeouts(**_filled("timeout", data)),
        limits=Limits(**_filled("limits", data)),
        examples=tuple(
            _example(example, *line) for example, line in zip(data.get("examples", ()), whole.examples, strict=True)
        ),
        tree=data,
    )


def _filled(section: str, data: Mapping[str, Any]) -> dict[str, Any]:
    from .published import schema

    known = schema()["properties"][section]["properties"]
    given = data.get(section, {})
    return {name: given.get(name, node["default"]) for name, node in known.items()}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _paths(value: Any) -> tuple[str, ...]:
    return () if value is None else tuple(_many(value))


def _models(models: Mapping[str, Any], lines: Sequence[Line]) -> Models:
    patches = tuple(
        Patch(tuple(_many(patch["match"])), *line) for patch, line in zip(models.get("patches", ()), lines, strict=True)
    )
    return Models(models.get("default"), tuple(models.get("allow", ())), models.get("aliases", {}), patches)


def _param(param: Mapping[str, Any]) -> Param:
    given = {key: value for key, value in param.items() if key not in ("type", "enum")}
    return Param(
        tuple(_many(param["type"])), **given, enum=tuple(param.get("enum", ())), has_default="default" in param
    )


def _setting(setting: Mapping[str, Any]) -> Setting:
    given = {key: value for key, value in setting.items() if key != "enum"}
    return Setting(**given, enum=tuple(setting.get("enum", ())))


def _auth(auth: Mapping[str, Any]) -> Auth:
    options = {key: value for key, value in auth.items() if key != "type"}
    token = _token(auth) if "token" in auth else None
    if "{{" not in str(options) and "$when" not in str(options):
        return Auth(auth["type"], options, token=token)
    from ..expressions import keys_of  # jinja2 is imported only where a file holds templates

    signing = {auth["assertion"]["key"]} if "assertion" in auth else set()
    return Auth(auth["type"], options, tuple(sorted(keys_of(options) | signing)), token)


def _token(auth: Mapping[str, Any]) -> TokenRequest:
    token = auth["token"]
    return TokenRequest(
        _request(token),
        _paths(token["value"]),
        _paths(token.get("expires_at", token.get("expires_in"))),
        is_date="expires_at" in token,
        unit=1000.0 if token.get("unit", default("#token", "unit")) == "ms" else 1.0,
        refresh=tuple(_error({"kind": "auth", **sign}) for sign in auth.get("refresh", ())),
        assertion=auth.get("assertion"),
    )


def _messages(messages: Mapping[str, Any] | None) -> MessageShaping | None:
    if messages is None:
        return None
    return MessageShaping(**{**messages, "items": tuple(messages.get("items", ()))})


def _parts(parts: Mapping[str, Any] | None) -> PartShaping | None:
    if parts is None:
        return None
    templates = {kind: tree for kind, tree in parts.items() if kind != "fallback"}
    return PartShaping(templates, parts.get("fallback", default("parts", "fallback")))


def _tools(tools: Mapping[str, Any] | None) -> ToolShaping | None:
    if tools is None:
        return None
    passes = (one if isinstance(one, dict) else {one: None} for one in tools.get("schema", ()))
    return ToolShaping(**{**tools, "schema": tuple(pair for one in passes for pair in one.items())})


def _request(says: Mapping[str, Any]) -> Request:
    """A request beside the main one: its body is `json` or `form`, and its method follows from whether there is one."""
    encoding = "form" if "form" in says else "json"
    method = says.get("method", "POST" if encoding in says else "GET")
    url, path, query, headers = (says.get(key, empty) for key, empty in _REQUEST.items())
    return Request(method, url, path, query, headers, says.get(encoding), encoding, says.get("follow"))  # type: ignore[arg-type]


_REQUEST: Mapping[str, Any] = {"url": "", "path": "", "query": {}, "headers": {}}


def _step(step: Mapping[str, Any]) -> Step:
    expires = step.get("expires_in")
    return Step(
        step["name"],
        _request(step),
        {name: _read(says) for name, says in step.get("read", {}).items()},
        expires["json"] if isinstance(expires, Mapping) else expires,
        _poll(step.get("poll")),
        _request(step["cleanup"]) if "cleanup" in step else None,
    )


def _read(says: Any) -> Read:
    if isinstance(says, str):
        return Read("json", says)
    ((source, where),) = says.items()
    return Read(source, where)


def _poll(poll: Mapping[str, Any] | None) -> Poll | None:
    if poll is None:
        return None
    every, most = (poll.get(key, default("#poll", key)) for key in ("every", "for"))
    return Poll(condition(poll["until"]), condition(poll.get("fail", {})), every, most)


def _response(response: Mapping[str, Any]) -> Response:
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
            {name: _paths(usage[name]) for name in COUNTERS if not isinstance(usage.get(name, {}), Mapping)},
            usage.get("output_excludes_reasoning", False),
            {
                name: tuple(_paths(addend) for addend in usage[name]["sum"])
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
    if codec not in FRAMINGS:
        raise KeyError(codec)
    others = tuple(other for other in reading.get("other_codecs", ()) if other != codec)
    return Reading(codec, unwrap, tuple(_rule(rule) for rule in rules), _end(_many(end)), others)


def _rule(rule: Mapping[str, Any]) -> Rule:
    structure = ("when", "for", "slot", "rules", "carry")
    slot = rule.get("slot")
    return Rule(
        condition(rule.get("when", {})),
        rule.get("for"),
        tuple((key, value) for key, value in rule.items() if key not in structure),
        tuple(_rule(nested) for nested in rule.get("rules", ())),
        None if slot is None else SlotMap(_paths(slot["key"]), _paths(slot.get("kind"))),
        tuple(_carry(name, says) for name, says in rule.get("carry", {}).items()),
    )


def _carry(name: str, says: Any) -> CarryMap:
    if not isinstance(says, Mapping):
        return CarryMap(name, _paths(says))
    return CarryMap(name, _paths(says["path"]), _paths(says.get("by")), tuple(says.get("append", ())))


def condition(tests: Mapping[str, Any]) -> Condition:
    """A `when` in either spelling: {path: type, equals: x} or {type: x}."""
    if "path" in tests:
        operators = [key for key in OPERATORS if key in tests] or ["exists"]
        return tuple(Comparison(_paths(tests["path"]), key, tests.get(key, True)) for key in operators)  # type: ignore[arg-type]
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


def _error(error: Mapping[str, Any]) -> ErrorRule:
    frame = error.get("frame", {})
    return ErrorRule(
        error["kind"],
        tuple(_many(error.get("status", []))),
        tuple(_comparison(name, value) for name, value in error.get("header", {}).items()),
        condition(error.get("body", {})),
        condition({"event": frame} if isinstance(frame, str) else frame),
        _paths(error.get("message")),
        _paths(error.get("code")),
        _paths(error.get("retry_after")),
    )


def _example(example: Mapping[str, Any], file: str, line: int) -> Example:
    call = dict(example["call"])
    return Example(
        name=example["name"],
        messages=call.pop("messages"),
        model=call.pop("model", None),
        stream=call.pop("stream", True),
        settings=call.pop("settings", {}),
        tools=tuple(call.pop("tools", ())),
        tool_choice=call.pop("tool_choice", None),
        params=call,
        request=example.get("request", {}),
        reply=_reply(example["reply"]),
        steps=tuple(StepExample(step.get("request", {}), _reply(step["reply"])) for step in example.get("steps", ())),
        expect=example["expect"],
        file=file,
        line=line,
    )


def _reply(reply: Mapping[str, Any]) -> Reply:
    headers = dict(reply.get("headers", {}))
    if "json" in reply:
        body = json.dumps(reply["json"], ensure_ascii=False).encode()
        chunks: tuple[bytes, ...] = (body,)
        if not any(name.lower() == "content-type" for name in headers):
            headers["content-type"] = "application/json"
    elif "base64" in reply:
        chunks = (base64.b64decode("".join(reply["base64"].split())),)
    else:
        pieces = reply.get("chunks", [reply.get("text", reply.get("body", ""))])
        chunks = tuple(piece.encode() for piece in pieces)
    return Reply(reply.get("status", 200), headers, chunks)
