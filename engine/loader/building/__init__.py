"""A checked tree -> ProviderSpec. Nothing is judged here: what arrives has passed the schema and the checks.

Defaults are read from the schema, which documents them; the shorthands of the language (one for a list, a path for a
map) are spelled out, so that nothing behind this door meets them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...shaping import MessageShaping, PartShaping, ToolShaping
from ...spec import Host, Limits, Models, Param, Patch, ProviderSpec, RetryPolicy, SecretSource, Setting, Timeouts
from ..published import default, schema
from ..whole import Line, Whole
from .answers import error_rule_of, many, response_of
from .examples import example_of
from .requests import auth_of, poll_of, step_of


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
        auth=tuple(auth_of(auth) for auth in many(data.get("auth", []))),
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
        steps=tuple(step_of(step) for step in data.get("steps", ())),
        follow=data.get("follow"),
        poll=poll_of(data.get("poll")),
        hosts=tuple(Host(**({"name": host} if isinstance(host, str) else host)) for host in data.get("hosts", ())),
        response=response_of(data.get("response", {})),
        errors=tuple(error_rule_of(error) for error in data.get("errors", ())),
        retry=RetryPolicy(**_filled("retry", data)),
        timeout=Timeouts(**_filled("timeout", data)),
        limits=Limits(**_filled("limits", data)),
        examples=tuple(
            example_of(example, *line) for example, line in zip(data.get("examples", ()), whole.examples, strict=True)
        ),
        tree=data,
    )


def _filled(section: str, data: Mapping[str, Any]) -> dict[str, Any]:
    known = schema()["properties"][section]["properties"]
    given = data.get(section, {})
    return {name: given.get(name, node["default"]) for name, node in known.items()}


def _models(models: Mapping[str, Any], lines: Sequence[Line]) -> Models:
    patches = tuple(
        Patch(tuple(many(patch["match"])), *line) for patch, line in zip(models.get("patches", ()), lines, strict=True)
    )
    return Models(models.get("default"), tuple(models.get("allow", ())), models.get("aliases", {}), patches)


def _param(param: Mapping[str, Any]) -> Param:
    given = {key: value for key, value in param.items() if key not in ("type", "enum")}
    return Param(tuple(many(param["type"])), **given, enum=tuple(param.get("enum", ())), has_default="default" in param)


def _setting(setting: Mapping[str, Any]) -> Setting:
    given = {key: value for key, value in setting.items() if key != "enum"}
    return Setting(**given, enum=tuple(setting.get("enum", ())))


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
