"""How secrets are sent: in the right place, made of the right parts, and shown nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import pickle
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import Catalog, Client
from engine.auth import AUTH, Credentials, Unsigned, compile_auth
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.display import REQUEST_FORMATS
from engine.errors import EngineError, ParameterError, ProviderError, UsageError
from engine.expressions import OMIT, Helpers
from engine.loader import load_text
from engine.mock import MockServer
from engine.provider import Provider, recorded
from engine.redaction import redact
from engine.rendering import RenderedCall, Renderer
from engine.reply import Reply
from engine.secrets import Secret, shown
from engine.spec import Auth
from engine.wire import Headers, ResponseHead, WireRequest
from tests.badfiles import text_of
from tests.tracebacks import raised_with, with_locals

SECRETS = {
    "k": Secret("s3cr3t/+ &", name="K_VAR"),
    "u": Secret("user", name="U_VAR"),
    "p": Secret("pa:ss", name="P_VAR"),
}

SENT = [
    (Auth("none"), [], [], []),
    (Auth("bearer", {"secret": "k"}), [("authorization", "Bearer s3cr3t/+ &")], [], ["Bearer <K_VAR>"]),
    (Auth("header", {"secret": "k", "name": "x-api-key"}), [("x-api-key", "s3cr3t/+ &")], [], ["<K_VAR>"]),
    (
        Auth("header", {"secret": "k", "name": "authorization", "prefix": "Key "}),
        [("authorization", "Key s3cr3t/+ &")],
        [],
        ["Key <K_VAR>"],
    ),
    (Auth("query", {"secret": "k", "name": "a key"}), [], [("a%20key", "s3cr3t%2F%2B%20%26")], ["<K_VAR>"]),
    (
        Auth("basic", {"user": "u", "password": "p"}),
        [("authorization", "Basic " + base64.b64encode(b"user:pa:ss").decode())],
        [],
        ["Basic <U_VAR>:<P_VAR>"],
    ),
]


@pytest.mark.parametrize(("auth", "headers", "query", "masked"), SENT)
def test_what_is_sent_and_what_is_shown(
    auth: Auth, headers: list[tuple[str, str]], query: list[tuple[str, str]], masked: list[str]
) -> None:
    sent = compile_auth(auth).credentials(SECRETS)
    assert (list(sent.headers), list(sent.query)) == (headers, query)
    assert [shown(value) for _, value in (*sent.headers, *sent.query)] == masked
    assert "s3cr3t" not in repr(sent)
    assert "pa:ss" not in repr(sent)


def test_every_kind_is_tried_here() -> None:
    tried = {auth.type for auth, *_ in SENT} | {re.search(r"type: (\w+)", auth)[1] for _, auth in WAYS.values()}  # type: ignore[index]
    assert tried == set(AUTH) - {"oauth2"}, "oauth2 has a test file of its own"


def test_no_way_to_authenticate_adds_nothing() -> None:
    way = compile_auth(None)
    unsigned = Unsigned(WireRequest("POST", "https://x.example", Headers()), {}, 0.0)
    assert way.credentials({}) == way.sign(unsigned, {}) == Credentials()
    assert way.fill(OMIT, {}) is OMIT


# --- through the renderer ---

CANARY = "sk-Canary/7+\"é'=?\\ &".replace("é", "e")
ID = "id-Canary-9"
ENVIRON = {"ACME_KEY": CANARY, "ACME_ID": ID}
NOW = 1_700_000_000.25
HELPERS = Helpers(clock=lambda: NOW, entropy=lambda: b"\0" * 16)

TWO = "{k: {env: [ACME_KEY]}, id: {env: [ACME_ID]}}"
WAYS = {
    "body": (TWO, "{type: body, key: login.password, secret: k}"),
    "header": (
        TWO,
        "{type: header, name: x-signature, value: \"id={{ secrets.id }};sig={{ (method ~ path ~ '?' ~ query ~ body)"
        ' | hmac_sha256(secrets.k) }};at={{ now() * 1000 }};n={{ uuid4() }};for={{ org }}"}',
    ),
    "jwt": (
        TWO,
        "{type: jwt, algorithm: HS256, key: k, header: {sign_type: SIGN},"
        ' claims: {api_key: "{{ secrets.id }}", exp: "{{ now() + 600 }}", aud: [a, "{{ org }}"], on: true}}',
    ),
    "jwt elsewhere": (
        TWO,
        '{type: jwt, algorithm: HS256, key: k, send: {header: x-token, prefix: ""}, claims: {id: "{{ secrets.id }}"}}',
    ),
    "aws_sigv4": (
        TWO,
        '{type: aws_sigv4, service: bedrock, region: "{{ org }}", access_key: id, secret_key: k}',
    ),
    "bearer": (TWO, "{type: bearer, secret: k}"),
    "basic": (TWO, "{type: basic, user: id, password: k}"),
    "query": (TWO, "{type: query, name: key, secret: k}"),
}
SETTINGS = "settings: {org: {default: us-east-1}}"


def parts_of(way: str, **parts: str) -> dict[str, str]:
    secrets, auth = WAYS[way]
    return {"settings": SETTINGS, "secrets": f"secrets: {secrets}", "auth": f"auth: {auth}"} | parts


def call(way: str, environ: dict[str, str] = ENVIRON, **parts: str) -> RenderedCall:
    spec = load_text(text_of(**parts_of(way, **parts)))
    return Renderer(spec, HELPERS).render(ChatRequest.of("Привет <ACME_KEY>"), Deployment(environ=environ))


def test_a_secret_in_the_body() -> None:
    wire = call("body").wire
    sent = json.loads(wire.content)
    assert sent["login"] == {"password": CANARY}
    assert list(sent) == ["model", "messages", "heat", "login"]
    assert json.loads(wire.shown().content) == sent | {"login": {"password": "<ACME_KEY>"}}


@pytest.mark.parametrize("encoding", ["form", "multipart"])
def test_a_secret_in_a_form(encoding: str) -> None:
    wire = call("body", payload='payload: {q: "{{ model }}"}', encoding=f"encoding: {encoding}", auth=FORM).wire
    data = json.loads(REQUEST_FORMATS["json"](wire))
    assert data["form"] == {"q": "small", "password": "<ACME_KEY>"}
    real = REQUEST_FORMATS["json"](WireRequest(wire.method, wire.url, wire.headers, bytes(wire.content)))
    assert json.loads(real)["form"] == {"q": "small", "password": CANARY}


FORM = "auth: {type: body, key: password, secret: k}"


def test_the_place_of_a_secret_in_the_body_is_made_or_taken() -> None:
    assert json.loads(call("body", payload="").wire.content) == {"login": {"password": CANARY}}
    taken = call("body", payload='payload: {login: {password: "", user: "{{ model }}"}}').wire
    assert json.loads(taken.content) == {"login": {"password": CANARY, "user": "small"}}


def test_a_header_made_of_the_finished_request() -> None:
    wire = call("header", path="path: '/a b'", query='query: {q: "{{ model }} x"}').wire
    text = b"POST" + b"/v1/a%20b" + b"?" + b"q=small%20x" + wire.content
    signature = hmac.digest(CANARY.encode(), text, hashlib.sha256).hex()
    rest = f"at=1700000000000;n={'0' * 8}-0000-4000-8000-{'0' * 12};for=us-east-1"
    assert wire.headers["x-signature"] == f"id={ID};sig={signature};{rest}"
    assert wire.shown().headers["x-signature"] == f"id=<ACME_ID>;sig=***;{rest}"


def test_a_token_of_claims() -> None:
    token = call("jwt").wire.headers["authorization"].removeprefix("Bearer ")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == {"alg": "HS256", "typ": "JWT", "sign_type": "SIGN"}
    assert claims == {"api_key": ID, "exp": 1_700_000_600, "aud": ["a", "us-east-1"], "on": True}
    assert call("jwt").wire.shown().headers["authorization"] == "Bearer ***"
    elsewhere = call("jwt elsewhere").wire
    assert elsewhere.headers["x-token"].count(".") == 2
    assert elsewhere.shown().headers["x-token"] == "***"
    assert "authorization" not in elsewhere.headers


def test_an_aws_signature_is_over_the_bytes_that_are_sent() -> None:
    wire = call("aws_sigv4", path='path: "/model/{{ model }}/converse"', models="models: {default: 'a:0'}").wire
    assert wire.url.endswith("/model/a%3A0/converse")
    assert wire.headers["x-amz-date"] == "20231114T221320Z"
    assert wire.headers["x-amz-content-sha256"] == hashlib.sha256(wire.content).hexdigest()
    assert wire.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={ID}/20231114/us-east-1/bedrock/")
    assert "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, " in wire.headers["authorization"]
    assert "x-amz-security-token" not in wire.headers


def test_temporary_credentials_send_their_token() -> None:
    secrets = "secrets: {k: {env: [ACME_KEY]}, id: {env: [ACME_ID]}, t: {env: [ACME_TOKEN]}}"
    auth = f"auth: {WAYS['aws_sigv4'][1][:-1]}, session_token: t}}"
    assert "x-amz-security-token" not in call("aws_sigv4", secrets=secrets, auth=auth).wire.headers
    wire = call("aws_sigv4", ENVIRON | {"ACME_TOKEN": "tok"}, secrets=secrets, auth=auth).wire
    assert wire.headers["x-amz-security-token"] == "tok"
    assert "x-amz-security-token" in wire.headers["authorization"]
    assert wire.shown().headers["x-amz-security-token"] == "<ACME_TOKEN>"


def test_a_signature_takes_the_place_of_a_header_of_the_file() -> None:
    wire = call("jwt", headers="headers: {Authorization: none, x-a: b}").wire
    assert [name.lower() for name, _ in wire.headers.pairs].count("authorization") == 1
    assert wire.headers["authorization"].startswith("Bearer ey")


@pytest.mark.parametrize("way", WAYS)
def test_what_was_made_with_a_secret_is_kept_out_of_messages(way: str) -> None:
    rendered = call(way)
    for value in (*rendered.wire.headers.values(), rendered.wire.url, rendered.wire.content.decode()):
        said = redact(f"what you sent was {str.__str__(value)}", rendered.secrets)
        hidden = re.findall(r"ey\w+\.\w+|sig=[0-9a-f]{4}|Signature=[0-9a-f]{4}|Canary", said)
        assert not hidden, said


# --- shown nowhere ---


def spellings() -> list[str]:
    signed = call("header").wire.headers["x-signature"].partition("sig=")[2][:64]
    aws = call("aws_sigv4").wire.headers["authorization"].rpartition("=")[2]
    token = str.__str__(call("jwt").wire.headers["authorization"]).partition(" ")[2]
    plain = [CANARY, ID, CANARY.replace("\\", "\\\\").replace('"', '\\"'), "Canary"]
    return [*plain, signed, aws, token, *(base64.b64encode(text.encode()).decode().rstrip("=") for text in plain[:2])]


SHOWS = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value} {value!r:>5}",
    "http": lambda value: REQUEST_FORMATS["http"](value.wire),
    "curl": lambda value: REQUEST_FORMATS["curl"](value.wire),
    "json": lambda value: REQUEST_FORMATS["json"](value.wire),
    "content": lambda value: f"{value.wire.content!r} {value.wire.content} {value.wire.headers}",
    "pickle": lambda value: pickle.dumps(value.wire).decode("latin-1"),
    "traceback": lambda value: with_locals(raised_with(value)),
}


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("way", WAYS)
def test_no_form_of_a_request_shows_a_secret(way: str, show: str) -> None:
    text = SHOWS[show](call(way))
    assert text
    assert not [spelling for spelling in spellings() if spelling in text]


def test_a_pickled_request_holds_masks() -> None:
    wire = pickle.loads(pickle.dumps(call("body").wire))
    assert b'"password":"<ACME_KEY>"' in wire.content


def test_the_curl_command_reads_the_variable_and_leaves_the_prompt_alone() -> None:
    command = REQUEST_FORMATS["curl"](call("body").wire)
    # The prompt has the mask in it too; whoever writes that gets what he wrote.
    assert """"password":"'"${ACME_KEY}"'"}""" in command
    other = REQUEST_FORMATS["curl"](call("body", payload="payload: {a: <HOME>}").wire)
    assert "<HOME>" in other
    assert "${HOME}" not in other


FAILING = {
    "text as a number": "{{ secrets.k | int }}",
    "text of text as a number": "{{ ('x' ~ secrets.k) | int }}",
    "a line break": "{{ secrets.k ~ '\\n' }}",
    "beyond ASCII": "{{ secrets.k }}é{{ body }}",
    "path": "{{ ('/' ~ secrets.k) | path_segments }}",
    "no text": "{{ {'a': secrets.k} }}x",
    "omitted": "{{ secrets.k ~ omit }}",
}


@pytest.mark.parametrize("value", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("way", ["value", "claim"])
def test_what_fails_says_nothing_of_the_secret(value: str, way: str) -> None:
    options: dict[str, Any] = {"name": "x-a", "value": value}
    if way == "claim":
        options = {"algorithm": "HS256", "key": "k", "claims": {"a": value, "b": "{{ secrets.k | int }}"}}
    compiled = compile_auth(Auth("header" if way == "value" else "jwt", options))
    unsigned = Unsigned(WireRequest("POST", "https://x.example", Headers(), "й".encode()), {"omit": OMIT}, NOW)
    secrets = {"k": Secret("Canary", name="K")}
    with pytest.raises(ParameterError) as caught:
        compiled.sign(unsigned, secrets)
    assert "Canary" not in with_locals(caught.value, behind=1)
    assert caught.value.__context__ is None


def test_a_payload_that_cannot_be_sent_says_nothing_of_the_secret() -> None:
    spec = load_text(text_of(**parts_of("body")))
    with pytest.raises(ParameterError, match="half a character") as caught:
        Renderer(spec).render(ChatRequest.of("\ud800"), Deployment(environ=ENVIRON))
    assert "Canary" not in with_locals(caught.value, behind=1)


@pytest.mark.parametrize("way", ["body", "header", "jwt", "aws_sigv4"])
def test_no_way_sends_a_secret_over_http_to_another_host(way: str) -> None:
    spec = load_text(text_of(**parts_of(way)))
    with pytest.raises(UsageError, match="not sent over http"):
        Renderer(spec).render(ChatRequest.of("hi"), Deployment("http://10.0.0.1", environ=ENVIRON))


@pytest.mark.parametrize("way", WAYS)
def test_without_secrets_a_request_shows_their_names(way: str) -> None:
    spec = load_text(text_of(**parts_of(way)))
    rendered = Renderer(spec, HELPERS).render(ChatRequest.of("hi"), Deployment(placeholders=True))
    text = REQUEST_FORMATS["http"](rendered.wire)
    assert ("<ACME_KEY>" in text) or ("***" in text)


def test_of_a_list_the_first_whose_secrets_are_there() -> None:
    auth = (
        'auth: [{type: header, name: x-s, value: "{{ secrets.id }}{{ body | hmac_sha256_b64(secrets.k) }}"},'
        " {type: jwt, algorithm: HS256, key: k, claims: {$when: secrets.k == 'never', a: 1}},"
        " {type: body, key: id, secret: id}]"
    )
    both = call("jwt", auth=auth).wire
    assert both.headers["x-s"].startswith(ID)
    one = call("jwt", {"ACME_KEY": CANARY}, auth=auth).wire
    assert one.headers["authorization"].startswith("Bearer ey")
    other = call("jwt", {"ACME_ID": ID}, auth=auth).wire
    assert json.loads(other.content)["id"] == ID


def test_the_clock_and_the_randomness_come_through_the_provider() -> None:
    spec = load_text(text_of(**parts_of("header")))
    rendered = Provider(spec, HELPERS).call(ChatRequest.of("hi"), Deployment(environ=ENVIRON))
    assert ";at=1700000000000;n=00000000-0000-4000-8000-000000000000;" in rendered.wire.headers["x-signature"]


def test_errors_are_of_our_tree() -> None:
    spec = load_text(text_of(**parts_of("jwt", auth="auth: {type: jwt, algorithm: RS256, key: k}")))
    with pytest.raises(EngineError) as caught:
        Renderer(spec).render(ChatRequest.of("hi"), Deployment(environ=ENVIRON))
    assert "Canary" not in with_locals(caught.value, behind=1)


# --- over a socket ---


@pytest.mark.parametrize("way", WAYS)
def test_a_call_over_a_socket_logs_and_tells_no_secret(
    way: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in ENVIRON.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "acme.yaml").write_text(text_of(**parts_of(way)))
    caplog.set_level(logging.DEBUG)
    catalog = Catalog(tmp_path)
    with MockServer(catalog.provider("acme")) as server, Client(catalog, base_urls={"acme": server.url}) as client:
        answer = client.chat("acme", "hi")
    assert answer.text
    said = "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records) + repr(answer)
    assert caplog.records
    assert not [spelling for spelling in spellings() if spelling in said]
    assert not re.search(r"ey[\w-]+\.ey|Signature=[0-9a-f]|sig=[0-9a-f]", said)


@pytest.mark.parametrize("way", WAYS)
def test_an_error_that_echoes_the_request_is_told_without_what_was_sent(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rendered = call(way)
    sent = [str.__str__(value) for value in rendered.wire.headers.values()]
    echo = json.dumps({"you": [*sent, rendered.wire.content.decode(), str.__str__(rendered.wire.url)]})
    spec = load_text(text_of(**parts_of(way)))
    reply = Reply(Provider(spec).readers, (), rendered.secrets)
    with pytest.raises(ProviderError) as caught:
        for _ in recorded(reply, ResponseHead(401, Headers([("x-echo", sent[-1])])), echo.encode()):
            pass
    error = caught.value
    told = f"{error!r} {error} {error.message} {error.body} {error.headers}"
    assert "you" in error.body
    assert not re.search(r"Canary|ey[\w-]+\.ey|Signature=[0-9a-f]|sig=[0-9a-f]", told)


def test_a_mock_asks_for_the_header_that_carries_the_credential() -> None:
    for way, header in (("jwt elsewhere", "x-token"), ("aws_sigv4", "authorization"), ("header", "x-signature")):
        provider = Provider(load_text(text_of(**parts_of(way))))
        assert provider.spec.auth[0].header == header
        with MockServer(provider) as server:
            refused = httpx.post(f"{server.url}/chat", json={"model": "small", "messages": [], "heat": 0.5})
            assert (refused.status_code, header in refused.text) == (401, True)
