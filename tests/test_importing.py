# ruff: noqa: E501  (commands are as they were copied)
"""Captured requests -> provider files: each is valid, renders the request that was captured, and holds no secret."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from engine.deployment import Deployment
from engine.display import request_data
from engine.examples import request_of as call_of
from engine.examples import run_example
from engine.importing.capture import body_of
from engine.importing.conversation import find
from engine.importing.curl import request_of
from engine.importing.draft import Draft, draft
from engine.loader import load_text
from engine.provider import Provider

from .curls import CANARY, CURLS, Curl


@cache
def of(name: str) -> Draft:
    return draft("acme-test", request_of(next(curl.command for curl in CURLS if curl.name == name)))


def drafted(curl: Curl) -> Draft:
    return of(curl.name)


def rendered(text: str) -> dict[str, Any]:
    """The request of the file's first example, as the file renders it."""
    provider = Provider(load_text(text))
    example = provider.spec.examples[0]
    wire = provider.call(call_of(example), Deployment(settings=example.settings, placeholders=True)).wire
    return request_data(wire)


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.name)
def test_the_file_is_valid_and_its_examples_pass(curl: Curl) -> None:
    made = drafted(curl)
    assert made.problems == ()
    assert made.failures == ()
    provider = Provider(load_text(made.text))
    for example in provider.spec.examples:
        assert run_example(provider, example) == []


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.name)
def test_no_secret_is_written(curl: Curl) -> None:
    made = drafted(curl)
    assert CANARY not in made.text
    assert CANARY not in repr(made)
    assert CANARY not in repr(request_of(curl.command))


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.name)
def test_the_file_says_what_was_found(curl: Curl) -> None:
    spec = load_text(drafted(curl).text)
    example = spec.examples[0]
    said = [
        (message["role"].replace("developer", "system"), text_of(message["content"])) for message in example.messages
    ]
    assert said == curl.messages
    assert spec.models.default == curl.model
    assert (spec.auth[0].type if spec.auth else None) == curl.auth
    assert ("extends: " in drafted(curl).text) == (curl.extends is not None)
    if curl.extends:
        assert f"extends: {curl.extends}\n" in drafted(curl).text


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@pytest.mark.parametrize("curl", CURLS, ids=lambda curl: curl.name)
def test_the_request_is_rendered_as_it_was_captured(curl: Curl) -> None:
    request = request_of(curl.command)
    seen = rendered(drafted(curl).text)
    ours, theirs = urlsplit(seen["url"]), urlsplit(request.url)
    assert (seen["method"], ours.netloc, ours.path or theirs.path) == (request.method, theirs.netloc, theirs.path)
    query = {name: masked(value) for name, value in parse_qsl(theirs.query, keep_blank_values=True)}
    assert {name: masked(value) for name, value in seen["query"].items()} == query
    body = body_of(request)
    key = body.encoding if body.encoding in ("json", "text") else "form"
    if body.tree is None:
        assert key not in seen
    elif curl.is_exact:
        assert comparable(seen.get(key, seen["content"])) == comparable(body.tree)
    else:
        assert find(seen[key]).pairs == find(body.tree).pairs


def masked(value: str) -> str:
    return "SECRET" if CANARY in value or value.startswith("<") else value


def comparable(value: Any) -> Any:
    """A body in which JSON inside a text is JSON, secrets are one word, and `stream: false` says nothing."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items() if not (key == "stream" and item is False)}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        if value[:1] in ("{", "["):
            try:
                return comparable(json.loads(value))
            except ValueError:
                pass
        return masked(value)
    return value


def test_what_a_protocol_sends_in_another_way_is_said() -> None:
    command = """curl https://c.acme.example/v1/messages --json '{"model":"cl","max_tokens":9,"tools":[{"name":"f"}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}'"""
    made = draft("acme-test", request_of(command))
    assert made.is_sound
    assert "TODO: the protocol sends `tools` in another way" in made.text


def test_one_text_for_the_prompt_that_was_typed() -> None:
    command = """curl https://c.acme.example/t --json '{"a":"What now","b":"User: Why so?\\nBot:","title":"A long title, of many words"}'"""
    made = draft("acme-test", request_of(command), prompt="Why so?")
    assert made.is_sound
    assert load_text(made.text).examples[0].messages == [{"role": "user", "content": "Why so?"}]
    assert rendered(made.text)["json"]["b"] == "User: Why so?\nBot:"


def test_a_credential_that_is_sent_twice_and_others_beside_it() -> None:
    command = f"""curl https://c.acme.example/t -H 'x-auth-token: {CANARY}' -H 'x-api-key: {CANARY}' --json '{{"prompt":"Say {CANARY} twice","meta":{{"auth_token":"{CANARY}2","inner":"{{\\"access_token\\":\\"{CANARY}3\\"}}"}}}}'"""
    made = draft("acme-test", request_of(command))
    assert made.problems == ()
    assert CANARY not in made.text
    assert "<ACME_TEST_API_KEY>" in made.text
    assert "TODO: `meta.auth_token` of the body looked like another secret" in made.text


@pytest.mark.parametrize("header", ["x-csrf", "X-XSRF", "x-csrf-token"])
def test_a_header_against_forged_requests_is_a_secret(header: str) -> None:
    words = f"curl https://chat.example/api -H '{header}: plain-old-words' --json '{{\"prompt\": \"Hi there\"}}'"
    assert "plain-old-words" not in draft("acme-test", request_of(words)).text
