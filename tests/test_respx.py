"""The clients under respx: the request exactly as rendered, what each status becomes, and how often it is sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
import respx

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError, ProviderError, TransportError
from engine.failures import KIND_BY_STATUS
from engine.retry import NEVER_RETRIED_KINDS, RETRIED_STATUSES

FILE = r"""
spec_version: 1
name: api
url: https://api.example.com/v1
path: /models/{{ model }}/chat
query: {version: "2024-01-01", q: "a b&c"}
method: POST
headers: {accept: text/plain, x-title: "{{ title }}"}
models: {default: "a/b c"}
params: {title: {type: string, default: Hello}}
secrets: {key: {env: [WIREFILE_TEST_KEY]}}
auth: {type: header, name: x-api-key, prefix: "Key ", secret: key}
payload: {messages: "{{ messages }}", "n": null, "f": 0.1, "i": 9007199254740993}
retry: {base: 0.001, cap: 0.002}
response: {codec: text}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}
"""
PROMPT = 'Привет! {{ x }} "q"\n\u2028\x00 🎉'
URL = "https://api.example.com/v1/models/a%2Fb%20c/chat?version=2024-01-01&q=a%20b%26c"


@pytest.fixture
def catalog(tmp_path, monkeypatch) -> Catalog:
    monkeypatch.setenv("WIREFILE_TEST_KEY", "sk-123456")
    (tmp_path / "api.yaml").write_text(FILE, encoding="utf-8")
    return Catalog(tmp_path)


@pytest.fixture(params=["sync", "async"])
def chat(request, catalog):
    def run(**options: Any) -> str:
        if request.param == "sync":
            with Client(catalog, **options) as client:
                return client.chat("api", PROMPT).text

        async def main() -> str:
            async with AsyncClient(catalog, **options) as client:
                return (await client.chat("api", PROMPT)).text

        return asyncio.run(main())

    return run


@respx.mock
def test_the_request_is_the_rendered_one(chat, catalog):
    route = respx.post(url__eq=URL).respond(200, text="hello", headers={"content-type": "text/plain"})
    assert chat() == "hello"
    sent: httpx.Request = route.calls.last.request
    wire = catalog.provider("api").render(PROMPT, stream=False)
    assert (sent.method, str(sent.url), wire.url) == ("POST", URL, URL)
    assert sent.url.raw_path == b"/v1/models/a%2Fb%20c/chat?version=2024-01-01&q=a%20b%26c"
    assert sent.content == wire.content
    assert sent.content.startswith('{"messages":[{"role":"user","content":"Привет! {{ x }} \\"q\\"'.encode())
    assert sent.content.endswith(b'"n":null,"f":0.1,"i":9007199254740993}')
    assert json.loads(sent.content)["messages"][0]["content"] == PROMPT
    assert [(name.decode().lower(), value.decode()) for name, value in sent.headers.raw] == [
        ("host", "api.example.com"),
        ("content-length", str(len(wire.content))),
        ("accept", "text/plain"),
        ("x-title", "Hello"),
        ("x-api-key", "Key sk-123456"),
        ("content-type", "application/json"),
        ("user-agent", wire.headers["user-agent"]),
        ("accept-encoding", "identity"),
    ]


STATUSES = sorted({*KIND_BY_STATUS, *RETRIED_STATUSES, 418, 451, 599})


@respx.mock
@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_kind_and_its_number_of_tries(chat, status):
    route = respx.post(url__eq=URL).respond(status, json={"error": {"message": "no"}})
    with pytest.raises(ProviderError) as caught:
        chat()
    error = caught.value
    assert error.status == status
    assert error.kind == KIND_BY_STATUS.get(status, "unavailable" if status >= 500 else "bad_request")
    is_retried = status in RETRIED_STATUSES and error.kind not in NEVER_RETRIED_KINDS
    assert route.call_count == error.attempts == (3 if is_retried else 1)


@respx.mock
def test_success_after_two_refusals(chat):
    route = respx.post(url__eq=URL).mock(
        side_effect=[
            httpx.Response(503),
            httpx.Response(429, headers={"retry-after-ms": "1"}),
            httpx.Response(200, text="hi"),
        ]
    )
    assert chat() == "hi"
    assert route.call_count == 3
    assert len({call.request.content for call in route.calls}) == 1


ERRORS = [
    (httpx.ConnectError("no route"), "connect", None, 3),
    (httpx.ConnectTimeout("slow"), "timeout", "connect", 3),
    (httpx.ReadTimeout("slow"), "timeout", "first_byte", 1),
    (httpx.WriteTimeout("slow"), "timeout", "first_byte", 1),
    (httpx.ReadError("reset"), "lost", None, 1),
    (httpx.WriteError("reset"), "lost", None, 1),
    (httpx.CloseError("reset"), "lost", None, 1),
    (httpx.RemoteProtocolError("half a head"), "lost", None, 1),
    (httpx.ProxyError("407 no"), "proxy", None, 1),
    (httpx.ProxyError("502 no"), "proxy", None, 3),
]


@respx.mock
@pytest.mark.parametrize(("raised", "kind", "phase", "tries"), ERRORS, ids=lambda item: type(item).__name__)
def test_each_exception_of_httpx_in_our_words(chat, raised, kind, phase, tries):
    route = respx.post(url__eq=URL).mock(side_effect=raised)
    with pytest.raises(TransportError) as caught:
        chat()
    error = caught.value
    assert (error.kind, error.phase, error.attempts) == (kind, phase, tries)
    assert route.call_count == tries
    assert "sk-123456" not in str(error)


@respx.mock
@pytest.mark.parametrize("raised", [httpx.LocalProtocolError("bad header"), httpx.UnsupportedProtocol("what")])
def test_a_request_that_cannot_be_sent_is_not_tried_again(chat, raised):
    route = respx.post(url__eq=URL).mock(side_effect=raised)
    with pytest.raises(EngineError) as caught:
        chat()
    assert caught.value.kind == "usage"
    assert route.call_count == 1


@pytest.mark.excused("foreign", "it is no exception of the network's, but of the caller's own client")
@respx.mock
def test_what_is_no_error_of_the_network_passes_unchanged(chat):
    respx.post(url__eq=URL).mock(side_effect=ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        chat()
