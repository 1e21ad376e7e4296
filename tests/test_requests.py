"""What shipped files make of conversations and parameters that another service would take as they are.

Each case is written from the service's documentation, or its SDK, named in the file; the SDKs that can be asked are
asked in test_sdk_requests.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Catalog
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import ParameterError
from engine.rendering import RenderedCall

CATALOG = Catalog()
NAMES = [name for name in CATALOG.names() if not CATALOG.provider(name).spec.is_abstract]


def call(name: str, messages: Any, model: str | None = "m-1", **params: Any) -> RenderedCall:
    allowed = CATALOG.provider(name).spec.models.allow
    model = allowed[0] if allowed else model
    return CATALOG.provider(name).call(ChatRequest.of(messages, model, **params), Deployment(placeholders=True))


def body(name: str, messages: Any, model: str | None = "m-1", **params: Any) -> Any:
    return json.loads(call(name, messages, model, **params).wire.content)


def calling(*ids: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    calls = [{"id": id_, "type": "function", "function": {"name": "look", "arguments": '{"n":1}'}} for id_ in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls, **more}


def result(identity: str, content: Any = "rain") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identity, "content": content}


# --- messages ---

KNOW_DEVELOPERS = {"acytoo", "openai", "azure-openai", "xai-responses"}
"""acytoo takes what it is given; the others know the role by their documentation."""


@pytest.mark.parametrize("name", NAMES)
def test_a_developer_speaks_as_the_system_where_no_developer_is_known(name: str) -> None:
    said = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    sent = b" ".join(wire.content for wire in call(name, said).wires)
    assert b"Be brief." in sent
    assert (b'"developer"' in sent) == (name in KNOW_DEVELOPERS)


def test_ids_of_calls_are_nine_letters_and_digits_at_mistral() -> None:
    sent = body("mistral", ["hi", calling("call_0123456789", "b"), result("b"), result("call_0123456789")])["messages"]
    ids = [each["id"] for each in sent[1]["tool_calls"]]
    assert all(len(identity) == 9 and identity.isalnum() for identity in ids)
    assert [each["tool_call_id"] for each in sent[2:]] == [ids[1], ids[0]]


def test_users_and_assistants_alternate_at_perplexity() -> None:
    sent = body("perplexity", ["One", "Two", {"role": "assistant", "content": "A"}, "Three"])["messages"]
    assert [each["role"] for each in sent] == ["user", "assistant", "user"]
    assert [part["text"] for part in sent[0]["content"]] == ["One", "Two"]


@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
def test_no_empty_text_goes_to_gemini(name: str) -> None:
    sent = body(name, ["hi", calling("a", content=""), result("a")], "gemini-2.5-flash")["contents"]
    assert [list(part) for part in sent[1]["parts"]] == [["functionCall"]]


def test_a_result_is_a_json_object_at_gigachat() -> None:
    sent = body("gigachat", ["hi", calling("a"), result("a"), calling("b"), result("b", '{"sky": "rain"}')])["messages"]
    assert [json.loads(each["content"]) for each in sent if each["role"] == "function"] == [
        {"result": "rain"},
        {"sky": "rain"},
    ]


def test_a_plan_and_a_text_beside_calls_are_both_said_at_cohere() -> None:
    said = calling("a", content="Let me look.", reasoning_content="It may rain.")
    assert body("cohere", ["hi", said, result("a")])["messages"][1]["tool_plan"] == "It may rain.\n\nLet me look."


def test_what_the_assistant_said_last_is_not_put_in_the_users_mouth() -> None:
    sent = body("cohere-v1", ["hi", {"role": "assistant", "content": "So"}])
    assert "message" not in sent


# --- parameters ---


@pytest.mark.parametrize("name", ["baidu", "huggingface", "together", "watsonx", "xai", "zai"])
def test_stop_is_a_list_where_only_a_list_is_taken(name: str) -> None:
    assert body(name, "hi", stop="END")["stop"] == ["END"]
    assert body(name, "hi", stop=["A", "B"])["stop"] == ["A", "B"]
    assert "stop" not in body(name, "hi")


def test_reasoning_models_of_xai_take_no_stop() -> None:
    with pytest.raises(ParameterError, match="takes no 'stop' for the model 'grok-4'"):
        call("xai", "hi", "grok-4", stop="END")
    assert body("xai", "hi", "grok-4-fast-non-reasoning", stop="END")["stop"] == ["END"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro"])
@pytest.mark.parametrize("name", ["cohere", "gemini", "ollama", "ollama-generate", "vertex-gemini", "yandexgpt"])
def test_an_effort_without_a_word_of_the_services_is_refused(name: str, model: str) -> None:
    with pytest.raises(ParameterError, match=r"'reasoning_effort' of .* is one of: none"):
        call(name, "hi", model, reasoning_effort="utmost")


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def test_the_schema_of_an_answer_is_flat_at_gigachat() -> None:
    said = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    sent = body("gigachat", "hi", response_format=said)
    assert sent["response_format"] == {"type": "json_schema", "schema": SCHEMA, "strict": True}


# --- requests without a body ---


def test_a_body_of_the_callers_goes_to_no_request_that_has_none() -> None:
    with pytest.raises(ParameterError, match="replicate: a GET has no body that could take version"):
        call("replicate", "hi", "a/b", extra_body={"version": "1"})


# --- who asks ---


@pytest.mark.parametrize("name", ["azure-openai", "azure-responses"])
@pytest.mark.parametrize(
    ("secrets", "header"),
    [
        ({"api_key": "k-1234", "ad_token": "t-1234"}, ("api-key", "k-1234")),
        ({"ad_token": "t-1234"}, ("authorization", "Bearer t-1234")),
    ],
)
def test_azure_takes_a_key_or_a_token(name: str, secrets: dict[str, str], header: tuple[str, str]) -> None:
    there = Deployment(settings={"resource": "acme"}, secrets=secrets)
    headers = CATALOG.provider(name).call(ChatRequest.of("hi", "m-1"), there).wire.headers
    assert [pair for pair in headers.items() if pair[0] in ("api-key", "authorization")] == [header]


def test_a_program_asks_databricks_for_a_token_at_the_workspace() -> None:
    secrets = {"client_id": "Aladdin", "client_secret": "open sesame"}
    there = Deployment(settings={"url": "https://acme.cloud.databricks.com"}, secrets=secrets)
    token, main = CATALOG.provider("databricks").call(ChatRequest.of("hi", "m-1"), there).wires
    assert (token.method, token.url) == ("POST", "https://acme.cloud.databricks.com/oidc/v1/token")
    assert token.headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617
    assert token.content == b"grant_type=client_credentials&scope=all-apis"
    assert main.headers["authorization"] == "Bearer <access token>"
