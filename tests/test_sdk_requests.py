"""Our requests and those of the official SDKs for the same intent: the same JSON at the same place.

The SDKs come with the extra `sdk`. Each sends its request to a server on loopback, with hand-written arguments in the
SDK's own words (`tests/sdks`); ours is `Provider.render` of the canonical messages. What a protocol leaves free is
brought to one form on both sides, by `FREEDOMS` alone: each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine import Catalog
from engine.errors import UnknownProviderError
from engine.provider import Provider

from .sdks import driver
from .sdks.intents import INTENTS, KEY, Intent
from .sdks.loopback import Sent, captured, same_path

# --- what a protocol leaves free: each brings a body to one form ---

Freedom = Callable[[Any], Any]


def everywhere(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Freedom:
    """The change made to every object, inner ones first. `__doc__` of the change is the reason for it."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        return change({key: walk(item) for key, item in value.items()}) if isinstance(value, dict) else value

    return walk


def without(key: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda data: {name: item for name, item in data.items() if (name, item) != (key, value)}


@everywhere
def text_as_string(data: dict[str, Any]) -> dict[str, Any]:
    """Content that is one part of text may be said as a string."""
    for key in ("content", "system"):
        content = data.get(key)
        if isinstance(content, list) and len(content) == 1 and set(content[0]) == {"type", "text"}:
            data[key] = content[0]["text"]
    return data


@everywhere
def null_is_absent(data: dict[str, Any]) -> dict[str, Any]:
    """A message of calls alone has content null, or none."""
    return {key: value for key, value in data.items() if value is not None}


def limit_is_ours(body: Any) -> Any:
    """`max_tokens` must be said; where the caller does not, the number is the client's choice."""
    return {key: value for key, value in body.items() if key != "max_tokens"}


no_stream = without("stream", False)
"""`stream: false` is the default, and may be left out."""

no_tools = without("tools", [])
"""An empty list of tools is none."""

no_system = without("system", "")
"""An empty instruction is none."""

no_content = everywhere(without("content", ""))
"""A message of calls alone has empty content, or none."""

mistral_defaults = everywhere(lambda data: without("prefix", False)(without("index", 0)(data)))
"""The SDK says two defaults in each assistant message and call: `prefix: false`, `index: 0`."""


PROTO_NAMES = {"mime_type": "mimeType", "allowed_function_names": "allowedFunctionNames"}


@everywhere
def proto_json(data: dict[str, Any]) -> dict[str, Any]:
    """JSON of protocol buffers: names in either case, both alphabets of base64, enums by name in any case; an empty
    message is none, and the role of the system's instruction is not read."""
    data = {PROTO_NAMES.get(name, name): value for name, value in data.items()}
    if {"mimeType", "data"} <= data.keys():
        data["data"] = data["data"].replace("-", "+").replace("_", "/")
    if isinstance(data.get("type"), str):
        data["type"] = data["type"].lower()
    if isinstance(data.get("systemInstruction"), dict):
        data["systemInstruction"].pop("role", None)
    return without("generationConfig", {})(data)


@dataclass(frozen=True, slots=True)
class Row:
    """A file and the SDK that speaks its protocol.

    `file` is the file's name where the row has another one. `headers` are compared beside the body, `free` brings both
    bodies to one form, `lacks` says which intents the API cannot be told, and why; `options` are the driver's.
    `secrets` are those that there are, if not all; `prefix` is the path of the SDK's base URL, if it is neither its
    home's nor the file's.
    """

    sdk: str
    file: str = ""
    free: tuple[Freedom, ...] = ()
    headers: tuple[str, ...] = ("authorization",)
    model: str = "m-1"
    settings: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    prefix: str | None = None
    is_home: bool = False


LIMIT = {"limit": "max_completion_tokens"}
DIALECT = (
    *("alibaba", "baidu", "crusoe", "fireworks", "gemini-openai", "huggingface", "minimax", "nvidia", "sambanova"),
    *("vercel-gateway", "vllm", "volcengine"),
)
"""Services whose documentation says to call them by OpenAI's SDK, and which take all that it is asked here."""

NO_STOP = {"stop texts": "Responses has no stop texts"}
NO_TOOLS = dict.fromkeys((wish for wish in INTENTS if "tool" in wish), "the API has no tools, or the file none")
RESPONSES = Row("openai_responses", free=(text_as_string, no_stream), lacks=NO_STOP)
MANTLE = {"region": "us-east-1"}
ACME = {"resource": "acme"}
GOOGLE = {"project": "acme", "location": "us-east5"}

ROWS: Mapping[str, Row] = {
    "openai": Row("openai_chat", options=LIMIT, is_home=True),
    "groq": Row("openai_chat", options=LIMIT),
    "deepseek": Row("openai_chat"),
    "together": Row("openai_chat"),
    "xai": Row("openai_chat"),
    "openrouter": Row("openai_chat"),
    "llama-cpp": Row("openai_chat"),
    **dict.fromkeys(DIALECT, Row("openai_chat")),
    "cerebras": Row("openai_chat", options=LIMIT),
    "cloudflare": Row("openai_chat", settings={"account": "acme"}, prefix="/client/v4/accounts/acme/ai/v1"),
    "snowflake": Row("openai_chat", options=LIMIT, settings={"account": "acme"}),
    "lmstudio": Row("openai_chat", lacks={"a forced tool": "it has no choice of one tool"}),
    "moonshot": Row("openai_chat", lacks={"tools required": "it cannot be made to call any tool"}),
    "ollama-openai": Row(
        "openai_chat",
        lacks=dict.fromkeys(("tools by choice", "tools required", "a forced tool"), "it reads no choice of tools"),
    ),
    "bedrock-openai": Row("openai_chat", settings=MANTLE),
    # of the two ways to give the key, the SDK has one and the file the other
    "azure-openai": Row("openai_chat", headers=(), options=LIMIT, settings=ACME, prefix="/openai/v1"),
    "azure-openai, by version": Row(
        "openai_azure",
        "azure-openai",
        headers=("api-key",),
        options=LIMIT,
        settings={**ACME, "api_version": "2024-10-21"},
        prefix="",
    ),
    "openai-responses": replace(RESPONSES, is_home=True),
    "xai-responses": replace(RESPONSES, options={"is_inline": True}),
    "deepseek-responses": RESPONSES,
    "openrouter-responses": RESPONSES,
    "lmstudio-responses": RESPONSES,
    "bedrock-responses": replace(RESPONSES, settings=MANTLE),
    "azure-responses": replace(RESPONSES, headers=(), settings=ACME),
    "anthropic": Row(
        "anthropic_messages",
        free=(text_as_string, limit_is_ours, no_stream),
        headers=("x-api-key", "anthropic-version"),
        is_home=True,
    ),
    "vertex-anthropic": Row(
        "anthropic_vertex", free=(text_as_string, limit_is_ours, no_stream), settings=GOOGLE, is_home=True
    ),
    "bedrock-invoke": Row(
        "anthropic_bedrock",
        free=(text_as_string, limit_is_ours),
        model="anthropic.claude-3-5-sonnet-20240620-v1:0",
        settings=MANTLE,
        is_home=True,
    ),
    "gemini": Row("gemini", free=(proto_json,), headers=("x-goog-api-key",), model="gemini-2.5-flash", is_home=True),
    "vertex-gemini": Row("gemini_vertex", free=(proto_json,), model="gemini-2.5-flash", settings=GOOGLE, is_home=True),
    "vertex-gemini, express": Row(
        "gemini_vertex",
        "vertex-gemini",
        free=(proto_json,),
        headers=("x-goog-api-key",),
        model="gemini-2.5-flash",
        options={"express": True},
        secrets=("api_key",),
    ),
    "cohere": Row("cohere_v2", free=(text_as_string, null_is_absent, no_stream), is_home=True),
    "cohere-v1": Row(
        "cohere_v1",
        free=(no_stream,),
        lacks={**NO_TOOLS, "an image": "the API has no images"},
        is_home=True,
    ),
    "mistral": Row("mistral", free=(text_as_string, null_is_absent, mistral_defaults, no_stream), is_home=True),
    "ollama": Row(
        "ollama_chat",
        free=(null_is_absent, no_content, no_tools),
        lacks=dict.fromkeys(("tools required", "a forced tool"), "Ollama has no choice of tools"),
        is_home=True,
    ),
    "ollama-generate": Row(
        "ollama_generate",
        free=(no_stream, no_system),
        lacks={**NO_TOOLS, "system and history": "the API has no history"},
        is_home=True,
    ),
    "bedrock": Row(
        "bedrock_converse",
        headers=(),  # the signature has a test of its own
        model="anthropic.claude-3-5-sonnet-20240620-v1:0",
        settings={"region": "us-east-1"},
        is_home=True,
    ),
}
"""File name, or any other where a file has more rows than one -> how to compare it."""


@cache
def our(name: str) -> Provider:
    try:
        return Catalog().provider(name)
    except UnknownProviderError:
        pytest.skip("no such file yet")


def give_secrets(monkeypatch: pytest.MonkeyPatch, provider: Provider, row: Row) -> None:
    """The key for every secret of the row, as its variable says; none is read from a file."""
    for name, secret in provider.spec.secrets.items():
        for variable in secret.env:
            monkeypatch.delenv(variable, raising=False)
            if secret.json is None and name in (row.secrets or provider.spec.secrets):
                monkeypatch.setenv(variable, KEY)


def rendered(provider: Provider, intent: Intent, row: Row) -> Sent:
    wire = provider.render(
        list(intent.messages),
        intent.model,
        stream=intent.stream,
        settings=row.settings,
        tools=intent.tools,
        tool_choice=intent.tool_choice,
        **intent.params,
    )
    return Sent.of(wire.method, wire.url, dict(wire.headers), wire.content)


def at_one_form(sent: Sent, row: Row) -> dict[str, Any]:
    body = sent.body
    for free in row.free:
        body = free(body)
    headers = {name: sent.headers.get(name) for name in row.headers}
    kind = sent.headers.get("content-type", "").partition(";")[0]
    return {"method": sent.method, "query": sent.query, "headers": {**headers, "content-type": kind}, "body": body}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("wish", INTENTS)
def test_a_request_is_the_sdks(monkeypatch, name, wish):
    row = ROWS[name]
    provider = our(row.file or name)
    intent = INTENTS[wish].on(row.model)
    if wish in row.lacks:
        pytest.skip(row.lacks[wish])
    sdk = driver(row.sdk)
    give_secrets(monkeypatch, provider, row)
    prefix = urlsplit(sdk.HOME if row.is_home else str(provider.spec.url)).path if row.prefix is None else row.prefix
    theirs = captured(lambda url: sdk.send(url, intent, **row.options), prefix)
    ours = rendered(provider, intent, row)
    assert same_path(ours.path, theirs.path), (ours.path, theirs.path)
    assert at_one_form(ours, row) == at_one_form(theirs, row)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.is_home])
def test_the_place_is_the_sdks(monkeypatch, name):
    row = ROWS[name]
    provider = our(row.file or name)
    sdk = driver(row.sdk)
    give_secrets(monkeypatch, provider, row)
    ours = provider.render("Hi", row.model, settings=row.settings).url
    assert ours.startswith(sdk.HOME.rstrip("/") + "/")
