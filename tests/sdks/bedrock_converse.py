"""boto3, which serialises with botocore's model of Bedrock Converse: nothing but loopback is called."""

from __future__ import annotations

import base64
import json
from typing import Any

import boto3
from botocore.config import Config

from .intents import KEY, Intent, given, parts
from .reading import Reading

REGION = "us-east-1"


# One for all clients: it keeps what it read of the API's model, which takes longer than a call.
SESSION = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=REGION)


def _client(url: str | None) -> Any:
    config = Config(retries={"total_max_attempts": 1}, signature_version="v4", proxies={})
    return SESSION.client("bedrock-runtime", endpoint_url=url, config=config)


HOME = _client(None).meta.endpoint_url


def _block(kind: str, value: Any) -> dict[str, Any]:
    if kind == "text":
        return {"text": value}
    if kind == "image":
        return {"image": {"format": "png", "source": {"bytes": base64.b64decode(value)}}}
    identity, name, arguments = value
    return {"toolUse": {"toolUseId": identity, "name": name, "input": arguments}}


def _messages(intent: Intent) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for turn in intent.turns:
        if turn["role"] != "tool":
            messages.append({"role": turn["role"], "content": [_block(*part) for part in parts(turn)]})
            continue
        if messages[-1]["role"] != "user":
            messages.append({"role": "user", "content": []})
        result = {"toolUseId": turn["tool_call_id"], "content": [{"text": turn["content"]}]}
        messages[-1]["content"].append({"toolResult": result})
    return messages


def _tools(intent: Intent) -> dict[str, Any]:
    tools = [
        {
            "toolSpec": {
                "name": each["name"],
                "description": each["description"],
                "inputSchema": {"json": each["parameters"]},
            }
        }
        for each in intent.functions
    ]
    choices = {"auto": {"auto": {}}, "required": {"any": {}}}
    choice = {"tool": {"name": intent.forced}} if intent.forced else choices.get(intent.tool_choice)
    return given(tools=tools, toolChoice=choice)


def send(url: str, intent: Intent) -> None:
    limits = given(maxTokens=intent.limit, stopSequences=list(intent.stop), temperature=intent.temperature)
    options = given(
        system=[{"text": intent.system}] if intent.system else None,
        inferenceConfig=limits,
        toolConfig=_tools(intent),
    )
    client = _client(url)
    method = client.converse_stream if intent.stream else client.converse
    method(modelId=intent.model, messages=_messages(intent), **options)


def _counters(usage: Any) -> dict[str, int | None]:
    cached, written = usage.get("cacheReadInputTokens"), usage.get("cacheWriteInputTokens")
    return {
        "input_tokens": usage["inputTokens"] + (cached or 0) + (written or 0),
        "output_tokens": usage["outputTokens"],
        "cached_input_tokens": cached,
    }


def read(url: str, is_stream: bool) -> Reading:
    asked = {"modelId": "m-1", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    client = _client(url)
    return _streamed(client.converse_stream(**asked)["stream"]) if is_stream else _whole(client.converse(**asked))


def _is_ours(block: Any) -> bool:
    """Whether a block is a call of the client's tools; one with a type is run by the service."""
    return "toolUse" in block and "type" not in block["toolUse"]


def _whole(answer: Any) -> Reading:
    blocks = answer["output"]["message"]["content"]
    calls = [block["toolUse"] for block in blocks if _is_ours(block)]
    cited = [block.get("citationsContent", {}).get("content", ()) for block in blocks]
    thoughts = [block["reasoningContent"] for block in blocks if "reasoningContent" in block]
    return Reading(
        text="".join(
            block.get("text", "") + "".join(each["text"] for each in quotes)
            for block, quotes in zip(blocks, cited, strict=True)
        ),
        reasoning="".join(each.get("reasoningText", {}).get("text", "") for each in thoughts),
        calls=tuple((each["toolUseId"], each["name"], json.dumps(each["input"])) for each in calls),
        finish=answer["stopReason"],
        usage=_counters(answer["usage"]),
    )


def _streamed(events: Any) -> Reading:
    text, thoughts, finish = "", "", None
    calls: dict[int, list[str]] = {}
    usage: dict[str, int | None] = {}
    for event in events:
        [(kind, value)] = event.items()
        if kind == "contentBlockStart" and _is_ours(value["start"]):
            use = value["start"]["toolUse"]
            calls[value["contentBlockIndex"]] = [use["toolUseId"], use["name"], ""]
        elif kind == "contentBlockDelta":
            delta = value["delta"]
            text += delta.get("text", "")
            thoughts += delta.get("reasoningContent", {}).get("text", "")
            if "toolUse" in delta and value["contentBlockIndex"] in calls:
                calls[value["contentBlockIndex"]][2] += delta["toolUse"]["input"]
        elif kind == "messageStop":
            finish = value["stopReason"]
        elif kind == "metadata":
            usage = _counters(value["usage"])
    return Reading(text=text, reasoning=thoughts, calls=tuple(map(tuple, calls.values())), finish=finish, usage=usage)
