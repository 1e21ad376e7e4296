"""The google-genai SDK, generateContent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from google import genai
from google.genai import types

from .intents import KEY, Intent, given, parts
from .reading import Reading

_OPTIONS = genai.Client(api_key=KEY)._api_client._http_options
HOME = f"{str(_OPTIONS.base_url).rstrip('/')}/{_OPTIONS.api_version}"
MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def _client(url: str) -> genai.Client:
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=url.removesuffix("/v1beta")))


def _part(kind: str, value: Any) -> types.Part:
    if kind == "text":
        return types.Part(text=value)
    if kind == "image":
        return types.Part.from_bytes(data=base64.b64decode(value), mime_type="image/png")
    identity, name, arguments = value
    return types.Part(function_call=types.FunctionCall(id=identity, name=name, args=arguments))


def _contents(intent: Intent) -> list[types.Content]:
    contents: list[types.Content] = []
    for turn in intent.turns:
        if turn["role"] != "tool":
            role = "model" if turn["role"] == "assistant" else "user"
            contents.append(types.Content(role=role, parts=[_part(*part) for part in parts(turn)]))
            continue
        if contents[-1].role != "user":
            contents.append(types.Content(role="user", parts=[]))
        identity = turn["tool_call_id"]
        answer = types.FunctionResponse(
            id=identity, name=intent.name_of(identity), response={"result": turn["content"]}
        )
        contents[-1].parts.append(types.Part(function_response=answer))
    return contents


def _choice(intent: Intent) -> types.ToolConfig | None:
    if intent.tool_choice is None:
        return None
    mode = MODES[intent.tool_choice] if not intent.forced else "ANY"
    names = [intent.forced] if intent.forced else None
    calling = types.FunctionCallingConfig(mode=mode, allowed_function_names=names)
    return types.ToolConfig(function_calling_config=calling)


def send(url: str, intent: Intent, client_of: Callable[[str], genai.Client] = _client) -> None:
    """`client_of` makes the SDK's client for a URL: there is one for each place."""
    functions = [types.FunctionDeclaration(**each) for each in intent.functions]
    config = types.GenerateContentConfig(
        **given(
            system_instruction=intent.system,
            tools=[types.Tool(function_declarations=functions)] if functions else None,
            tool_config=_choice(intent),
            stop_sequences=list(intent.stop),
            max_output_tokens=intent.limit,
            temperature=intent.temperature,
        )
    )
    client = client_of(url)  # it is closed when nothing holds it
    asked = {"model": intent.model, "contents": _contents(intent), "config": config}
    if intent.stream:
        next(client.models.generate_content_stream(**asked))
    else:
        client.models.generate_content(**asked)


def read(url: str, is_stream: bool) -> Reading:
    client = _client(url)
    asked = {"model": "m-1", "contents": "Hi"}
    models = client.models
    answers = list(models.generate_content_stream(**asked)) if is_stream else [models.generate_content(**asked)]
    candidates = [answer.candidates[0] for answer in answers if answer.candidates]
    found = [part for each in candidates if each.content for part in each.content.parts or ()]
    calls = [part.function_call for part in found if part.function_call]
    finishes = [each.finish_reason for each in candidates if each.finish_reason]
    blocked = [answer.prompt_feedback for answer in answers if answer.prompt_feedback]
    counters: dict[str, int | None] = {}
    for usage in (answer.usage_metadata for answer in answers if answer.usage_metadata):
        spoken, thought = usage.candidates_token_count, usage.thoughts_token_count
        counters |= {
            "input_tokens": usage.prompt_token_count,
            "output_tokens": None if spoken is None else spoken + (thought or 0),
            "cached_input_tokens": usage.cached_content_token_count,
            "reasoning_tokens": thought,
        }
    return Reading(
        text="".join(part.text for part in found if part.text and not part.thought),
        reasoning="".join(part.text for part in found if part.text and part.thought),
        calls=tuple((each.id, each.name, json.dumps(each.args)) for each in calls),
        finish=finishes[-1].value if finishes else (blocked[-1].block_reason.value if blocked else None),
        usage=counters,
    )
