"""A call and a deployment -> the exact bytes of a request; what could break out of its place is refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Catalog
from engine.base_url import checked_url
from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import MissingSecretError, ParameterError, UnsupportedError, UsageError
from engine.loader import load_text
from engine.messages import Adjustment, Message
from engine.rendering import RenderedCall, Renderer
from engine.request_template import USER_AGENT
from engine.wire import WireRequest
from tests.badfiles import text_of

KEY = "secrets: {api_key: {env: [ACME_KEY]}}\nauth: {type: bearer, secret: api_key}"


def call(
    parts: dict[str, str], model: str | None = None, *, deploy: dict[str, Any] | None = None, **given: Any
) -> RenderedCall:
    messages = given.pop("messages", "hi")
    request = ChatRequest.of(messages, model, **given)
    return Renderer(load_text(text_of(**parts))).render(request, Deployment(**(deploy or {})))


def wire(parts: dict[str, str], model: str | None = None, **given: Any) -> WireRequest:
    return call(parts, model, **given).wire


def body(parts: dict[str, str], model: str | None = None, **given: Any) -> Any:
    return json.loads(wire(parts, model, **given).content)


def test_the_exact_bytes_of_acytoo() -> None:
    request = Catalog().provider("acytoo").render([{"role": "user", "content": 'Привет! {{ x }} "q"'}], temperature=0.7)
    assert (request.method, request.url) == ("POST", "https://chat.acytoo.com/api/completions")
    assert request.headers.pairs == (
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        ("accept-encoding", "identity"),
    )
    assert (
        request.content
        == (
            '{"key":"","model":"gpt-3.5-turbo","messages":[{"role":"user","content":"Привет! {{ x }} \\"q\\""}],'
            '"temperature":0.7,"password":""}'
        ).encode()
    )


def test_what_an_earlier_answer_carried_is_not_in_openai_s_shape() -> None:
    replay = {"from": "acytoo", "blocks": [{"type": "reasoning", "text": "hm"}]}
    said = Message("assistant", "Hello", replay=replay)
    request = Catalog().provider("acytoo").render(["Hi", said, "More"])
    assert json.loads(request.content)["messages"][1] == {"role": "assistant", "content": "Hello"}


def test_the_same_call_is_the_same_request() -> None:
    assert wire({}) == wire({})
    renderer = Renderer(load_text(text_of()))
    request = ChatRequest.of("hi", heat=1)
    assert renderer.render(request, Deployment()) == renderer.render(request, Deployment())


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_of_the_caller_is_never_read_again(text: str) -> None:
    parts = {"payload": 'payload: {m: "{{ messages }}", t: "<{{ messages[0].content }}>", model: "{{ model }}"}'}
    sent = body(parts, text, messages=[{"role": "user", "content": text}])
    wanted = {"m": [{"role": "user", "content": text}], "t": f"<{text}>", "model": text or "small"}
    assert sent == wanted


# --- the URL ---


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/b", "a%2Fb"),
        ("..a", "..a"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("a:b@c", "a%3Ab%40c"),
        ("%2e%2e", "%252e%252e"),
        ("é 😀", "%C3%A9%20%F0%9F%98%80"),
        ("a\\b\r\nc", "a%5Cb%0D%0Ac"),
    ],
)
def test_slots_of_a_path_are_encoded(value: str, path: str) -> None:
    assert wire({"path": "path: '/m/{{ model }}/x'"}, value).url == f"https://api.acme.com/v1/m/{path}/x"


@pytest.mark.parametrize("value", [".", ".."])
def test_a_slot_that_is_no_segment_is_refused(value: str) -> None:
    with pytest.raises(ParameterError, match="acme: path gives"):
        wire({"path": "path: '/m/{{ model }}'"}, value)


def test_path_segments_keep_their_slashes() -> None:
    parts = {"path": "path: '/m/{{ model|path_segments }}:run'"}
    assert wire(parts, "org/mödel?x").url == "https://api.acme.com/v1/m/org/m%C3%B6del%3Fx:run"
    for bad in ("a//b", "../b", "a/..", "/a"):
        with pytest.raises(ParameterError, match="segment"):
            wire(parts, bad)


def test_a_path_without_its_value_is_an_error() -> None:
    parts = {
        "path": "path: '/m/{{ p }}'",
        "params": "params: {heat: {type: number, default: 1}, p: {type: string, optional: true}}",
    }
    with pytest.raises(ParameterError, match="the path uses something that was not given"):
        wire(parts)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "https://api.acme.com/v1"),
        ("path: chat", "https://api.acme.com/v1/chat"),
        ("path: //evil.com/x", "https://api.acme.com/v1//evil.com/x"),
        ("path: '@evil.com'", "https://api.acme.com/v1/@evil.com"),
        ("path: '/ä b'", "https://api.acme.com/v1/%C3%A4%20b"),
    ],
)
def test_a_path_is_appended(path: str, url: str) -> None:
    assert wire({"path": path}).url == url


def test_query() -> None:
    query = 'query: {a b: "{{ model }}", n: 5, t: true, e: "", gone: "{{ p }}", none: "{{ none }}"}'
    parts = {"query": query, "params": "params: {heat: {type: number, default: 1}, p: {type: string, optional: true}}"}
    assert wire(parts, "x&y=z #é+").url.partition("?")[2] == "a%20b=x%26y%3Dz%20%23%C3%A9%2B&n=5&t=true&e="


REGION = {
    "url": 'url: "https://{{ region }}.acme.com:{{ port }}/v1"',
    "settings": "settings: {region: {}, port: {type: integer, default: 443}}",
}


def test_settings_in_a_host() -> None:
    deploy = {"settings": {"region": "eu-1", "port": 8443}}
    assert wire(REGION, deploy=deploy).url == "https://eu-1.acme.com:8443/v1/chat"


@pytest.mark.parametrize(
    "value",
    [
        "evil.com/",
        "x@evil",
        "evil.com#",
        "evil.com?",
        "a.b",
        "a:1",
        "a b",
        "a\n",
        "ä",
        "\\",
        "%2f",
        "[::1]",
        "a\u3002b",
        "<A>",
    ],
)
def test_a_setting_does_not_break_out_of_a_host(value: str) -> None:
    with pytest.raises(ParameterError, match="'region' is part of a URL"):
        wire(REGION, deploy={"settings": {"region": value}})


def test_settings_do_not_spell_a_private_address() -> None:
    quads = {name: {"default": value} for name, value in zip("abcd", ("169", "254", "169", "254"), strict=True)}
    parts = {
        "url": 'url: "https://{{ a }}.{{ b }}.{{ c }}.{{ d }}"',
        "settings": f"settings: {json.dumps(quads)}",
    }
    with pytest.raises(ParameterError, match="private host"):
        wire(parts)
    with pytest.raises(ParameterError, match="private host"):
        wire(
            {"url": 'url: "https://{{ a }}"', "settings": "settings: {a: {default: '2130706433'}}"}
            | {"url": "url: 'https://{{ a ~ \"\" }}'"}
        )


WHOLE = {"url": 'url: "{{ base }}"', "settings": "settings: {base: {env: ACME_URL}}"}


def test_a_setting_may_be_the_whole_url() -> None:
    assert (
        wire(WHOLE, deploy={"environ": {"ACME_URL": "http://10.0.0.5:8080/api/"}}).url
        == "http://10.0.0.5:8080/api/chat"
    )


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x", "x", "//x", "https://", "https://u:p@x", "https://@x", "https://x?a", "https://x#a", "https://x?"),
        *(
            "https://x y",
            "https://x\n",
            "https://x\t",
            "https://x:99999",
            "https://[::1",
            "https://x\\@y",
            "javascript:1",
        ),
    ],
)
def test_a_bad_url_of_the_caller_is_refused(url: str) -> None:
    with pytest.raises(ParameterError, match="the base URL"):
        checked_url(url, "the base URL")
    with pytest.raises(ParameterError, match="the base URL"):
        wire({}, deploy={"base_url": url})
    with pytest.raises(ParameterError, match="the setting for url"):
        wire(WHOLE, deploy={"settings": {"base": url}})


def test_a_base_url_replaces_the_whole_url() -> None:
    assert wire(REGION, deploy={"base_url": "http://localhost:1/p/"}).url == "http://localhost:1/p/chat"


# --- headers ---


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\0", "a\x7f", "é", "\u2028"])
def test_a_header_is_one_line_of_ascii(value: str) -> None:
    with pytest.raises(ParameterError, match="the header 'x-model'"):
        wire({"headers": 'headers: {x-model: "{{ model }}"}'}, value)


def test_headers() -> None:
    parts = {
        "headers": 'headers: {X-A: "{{ model }}", x-n: 5, x-t: true, x-p: "{{ p }}", x-o: "{{none}}", user-agent: me}',
        "params": "params: {heat: {type: number, default: 1}, p: {type: string, optional: true}}",
    }
    assert wire(parts).headers.pairs == (
        ("X-A", "small"),
        ("x-n", "5"),
        ("x-t", "true"),
        ("user-agent", "me"),
        ("content-type", "application/json"),
        ("accept-encoding", "identity"),
    )
    assert wire({"headers": "headers: {Content-Type: text/x}"}).headers["content-type"] == "text/x"


def test_a_header_that_cannot_be_worked_out_is_named() -> None:
    with pytest.raises(ParameterError, match=r"headers\.x-a gives a list where text is due"):
        wire({"headers": 'headers: {x-a: "{{ messages[0:] or model }}"}'})
    with pytest.raises(ParameterError, match=r"headers\.x-a cannot be worked out"):
        wire({"headers": 'headers: {x-a: "{{ messages[0].content - 1 }}"}'})


# --- models ---


MODELS = {"models": "models: {default: large, allow: [large, small-1], aliases: {s: small-1, l: large}}"}


@pytest.mark.parametrize(
    ("asked", "sent"), [(None, "large"), ("", "large"), ("s", "small-1"), ("small-1", "small-1"), ("l", "large")]
)
def test_models(asked: str | None, sent: str) -> None:
    assert body(MODELS, asked)["model"] == sent


def test_a_model_that_is_not_allowed() -> None:
    with pytest.raises(ParameterError, match="acme has no model 'smal-1'; did you mean 'small-1'"):
        body(MODELS, "smal-1")
    with pytest.raises(ParameterError, match="acme needs a model; its models: small"):
        body({"models": "models: {allow: [small]}"})
    with pytest.raises(ParameterError, match="needs a model; say acme:MODEL"):
        body({"models": ""})


def test_a_file_that_uses_no_model_needs_none() -> None:
    assert body({"models": "", "payload": 'payload: {model: fixed, note: "a {{ heat }} model"}'})["model"] == "fixed"


def test_tools() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(UnsupportedError, match="takes no tools"):
        body({"payload": 'payload: {a: "{{ messages[0].tools }} tools", m: "{{ messages }}"}'}, tools=[tool])
    parts = {"payload": 'payload: {tools: "{{ tools }}", stream: "{{ stream }}"}'}
    assert body(parts, tools=[tool]) == {"tools": [tool], "stream": True}
    assert body(parts, stream=False) == {"stream": False}


# --- params in the payload ---


def test_params_and_their_adjustments() -> None:
    parts = {
        "params": "params:\n  heat: {type: number, default: 0.5, max: 2, out_of_range: clamp}\n"
        "  max_tokens: {type: integer, optional: true, maps_to: options.limit}\n  top: {type: number, optional: true}",
        "unknown_params": "unknown_params: forward",
        "payload": 'payload: {heat: "{{ heat }}", top: "{{ top }}"}',
    }
    rendered = call(parts, heat=9, max_tokens=5, seed=[1])
    assert json.loads(rendered.wire.content) == {"heat": 2, "options": {"limit": 5}, "seed": [1]}
    assert {(a.parameter, a.action) for a in rendered.adjustments} == {
        ("heat", "clamped"),
        ("max_tokens", "renamed"),
        ("seed", "forwarded"),
    }
    assert call(parts).adjustments == (Adjustment("heat", "defaulted", None, 0.5),)


def test_what_is_added_makes_a_payload() -> None:
    declared = "params: {heat: {type: number, maps_to: a.b}}"
    assert body({"params": declared, "payload": ""}, heat=1) == {"a": {"b": 1}}
    whole = "payload: {$when: model == 'none', c: 1}"
    assert body({"params": declared, "payload": whole}, heat=1) == {"a": {"b": 1}}
    assert wire({"payload": whole}).content == b""
    assert "content-type" not in wire({"payload": ""}).headers


def test_what_is_forwarded_is_added_to_a_map() -> None:
    parts = {"payload": 'payload: {$when: "{{ messages }}", a: 1}', "unknown_params": "unknown_params: forward"}
    assert body(parts, x=1) == {"a": 1, "x": 1}


def test_what_is_forwarded_over_a_key_of_the_payload_is_reported() -> None:
    parts = {"payload": "payload: {a: 1, b: 2}", "unknown_params": "unknown_params: forward"}
    assert body(parts, a=3) == {"a": 3, "b": 2}
    adjustments = call(parts, a=3).adjustments
    assert Adjustment("a", "replaced", 1, 3) in adjustments
    assert Adjustment("a", "forwarded", 3, 3) in adjustments


def test_a_value_that_has_no_room_in_the_payload() -> None:
    parts = {"params": "params: {heat: {type: number, maps_to: a.b}}", "payload": 'payload: {a: "{{ model }}"}'}
    with pytest.raises(ParameterError, match=r"goes to a\.b in the payload, and a is no map"):
        wire(parts, heat=1)


def test_extra_body_is_merged_over_the_finished_payload() -> None:
    parts = {"payload": 'payload: {model: "{{ model }}", o: {heat: "{{ heat }}"}}'}
    rendered = call(parts, extra_body={"o": {"k": [1]}, "model": "mine"})
    assert json.loads(rendered.wire.content) == {"model": "mine", "o": {"heat": 0.5, "k": [1]}}
    assert [(item.parameter, item.action) for item in rendered.adjustments] == [
        ("heat", "defaulted"),
        ("extra_body.o", "forwarded"),
        ("extra_body.model", "forwarded"),
        ("extra_body.model", "replaced"),
    ]
    assert body({"payload": ""}, extra_body={"a": 1}) == {"a": 1}
    form = wire({"payload": "payload: {a: b}", "encoding": "encoding: form"}, extra_body={"q": "1"})
    assert form.content == b"a=b&q=1"


@pytest.mark.parametrize("given", [{"extra_body": [1]}, {"extra_body": "{}"}, {"extra_headers": ["a: b"]}])
def test_extras_are_mappings(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"extra_\w+ is a mapping"):
        wire({}, **given)


def test_extra_body_needs_a_map() -> None:
    with pytest.raises(ParameterError, match="the payload is no map that could take a"):
        wire({"payload": 'payload: ["{{ messages }}"]'}, extra_body={"a": 1})


def test_extra_headers_go_in_place_of_the_file_s_and_are_masked() -> None:
    rendered = call(
        {"headers": "headers: {accept: '*/*', x-a: '1'}"}, extra_headers={"X-A": "2", "x-api-key": "k-12345"}
    )
    headers = rendered.wire.headers
    assert (headers["x-a"], headers["accept"], str.__str__(headers["x-api-key"])) == ("2", "*/*", "k-12345")
    assert Adjustment("extra_headers.x-a", "replaced", "1", "2") in rendered.adjustments
    assert "k-12345" not in repr(rendered)
    assert "k-12345" not in json.dumps(dict(rendered.wire.shown().headers))
    assert [secret.reveal() for secret in rendered.secrets] == ["k-12345"]


def test_an_extra_header_in_place_of_the_key_shows_neither() -> None:
    deploy = {"secrets": {"api_key": "sk-secret-1"}}
    rendered = call({"auth": KEY}, deploy=deploy, extra_headers={"authorization": "Bearer other-2"})
    assert str.__str__(rendered.wire.headers["authorization"]) == "Bearer other-2"
    for text in (repr(rendered), str(rendered.adjustments)):
        assert "sk-secret-1" not in text
        assert "other-2" not in text


def test_a_credential_of_the_caller_is_not_sent_over_http() -> None:
    with pytest.raises(UsageError, match="not sent over http"):
        wire({"url": "url: http://api.acme.com"}, extra_headers={"authorization": "Bearer a"})
    assert wire({"url": "url: http://api.acme.com"}, extra_headers={"x-a": "b"}).headers["x-a"] == "b"


def test_a_multipart_body_keeps_its_content_type() -> None:
    parts = {"encoding": "encoding: multipart", "payload": "payload: {a: b}"}
    with pytest.raises(ParameterError, match="multipart"):
        wire(parts, extra_headers={"Content-Type": "text/plain"})


@pytest.mark.parametrize(
    ("parts", "given"),
    [
        ({"unknown_params": "unknown_params: drop"}, {"x": 1}),
        ({"unknown_params": "unknown_params: forward"}, {"x": 1}),
        ({"params": "params: {heat: {type: number, max: 2, out_of_range: clamp}}"}, {"heat": 3}),
        ({"payload": "payload: {a: 1}"}, {"heat": 1}),
    ],
)
def test_a_strict_caller_is_told(parts: dict[str, str], given: dict[str, Any]) -> None:
    assert call(parts, **given).adjustments
    with pytest.raises(ParameterError, match="acme, strictly: "):
        call(parts, deploy={"strict": True}, **given)


def test_a_strict_caller_may_add_what_is_explicit() -> None:
    rendered = call({}, deploy={"strict": True}, extra_body={"a": 1}, extra_headers={"accept": "b"})
    assert json.loads(rendered.wire.content)["a"] == 1


@pytest.mark.parametrize(
    "part",
    [
        {"path": 'path: "/{{ zone }}"'},
        {"query": 'query: {z: "{{ zone }}"}'},
        {"headers": 'headers: {z: "{{ zone }}"}'},
        {"payload": 'payload: {z: "{{ zone }}"}'},
        {"payload": 'payload: {z: "{{ zone }}"}', "encoding": "encoding: form"},
    ],
)
def test_half_a_character_is_a_parameter_error_everywhere(part: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match=r"half a character|beyond ASCII"):
        wire({"settings": "settings: {zone: {}}", **part}, deploy={"settings": {"zone": "a\ud800b"}})
    with pytest.raises(ParameterError, match="half a character"):
        body({}, messages="a\ud800b")


# --- encodings ---


@pytest.mark.parametrize(
    ("encoding", "payload", "content", "kind"),
    [
        ("json", 'payload: {m: "{{ model }}", n: 1}', b'{"m":"small","n":1}', "application/json"),
        ("form", 'payload: {m: "{{ model }} &", n: 1}', b"m=small%20%26&n=1", "application/x-www-form-urlencoded"),
        ("text", 'payload: "ask {{ model }}"', b"ask small", "text/plain; charset=utf-8"),
        ("multipart", 'payload: {m: "{{ model }}"}', b'name="m"\r\n\r\nsmall\r\n', "multipart/form-data; boundary="),
    ],
)
def test_encodings(encoding: str, payload: str, content: bytes, kind: str) -> None:
    request = wire({"encoding": f"encoding: {encoding}", "payload": payload})
    assert content in request.content if encoding == "multipart" else content == request.content
    assert request.headers["content-type"].startswith(kind)


# --- secrets ---


AUTHS = [
    ("{type: bearer, secret: api_key}", "authorization", "Bearer s3cr3t"),
    ("{type: header, name: X-Api-Key, secret: api_key}", "x-api-key", "s3cr3t"),
    ("{type: header, name: authorization, secret: api_key, prefix: 'Key '}", "authorization", "Key s3cr3t"),
    ("{type: basic, user: api_key, password: api_key}", "authorization", "Basic czNjcjN0OnMzY3IzdA=="),
]


@pytest.mark.parametrize(("auth", "header", "value"), AUTHS)
def test_a_secret_is_sent_in_a_header_and_shown_nowhere(auth: str, header: str, value: str) -> None:
    parts = {"auth": KEY.partition("\n")[0] + f"\nauth: {auth}", "headers": f"headers: {{{header}: own}}"}
    rendered = call(parts, deploy={"environ": {"ACME_KEY": "s3cr3t"}})
    assert rendered.wire.headers[header] == value
    assert [secret.name for secret in rendered.secrets] == ["ACME_KEY"]
    for text in (repr(rendered), repr(rendered.wire.headers), str(rendered.wire.shown())):
        assert "s3cr3t" not in text
        assert "czNjcjN0" not in text
        assert "<ACME_KEY>" in text


def test_a_secret_in_a_query() -> None:
    parts = {"auth": KEY.replace("bearer", "query, name: key"), "query": "query: {a: b}"}
    request = wire(parts, deploy={"environ": {"ACME_KEY": "s3/t"}})
    assert request.url == "https://api.acme.com/v1/chat?a=b&key=s3%2Ft"
    assert "s3" not in repr(request)
    assert request.shown().url == "https://api.acme.com/v1/chat?a=b&key=<ACME_KEY>"


def test_a_missing_secret_names_its_variable() -> None:
    with pytest.raises(MissingSecretError, match="set the variable ACME_KEY"):
        wire({"auth": KEY})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]"])
def test_a_secret_goes_over_http_to_this_machine(host: str) -> None:
    assert wire({"auth": KEY}, deploy={"base_url": f"http://{host}", "environ": {"ACME_KEY": "k"}}).headers[
        "authorization"
    ]


@pytest.mark.parametrize("host", ["example.com", "localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1"])
def test_a_secret_does_not_go_over_http_to_another_host(host: str) -> None:
    with pytest.raises(UsageError, match="not sent over http"):
        wire({"auth": KEY}, deploy={"base_url": f"http://{host}", "environ": {"ACME_KEY": "k"}})
    assert wire({}, deploy={"base_url": f"http://{host}"}).url == f"http://{host}/chat"


def test_placeholders_stand_for_what_is_missing() -> None:
    parts = {**REGION, "auth": KEY, "path": 'path: "/{{ zone }}"'}
    parts["settings"] = "settings: {region: {env: ACME_REGION}, port: {type: integer, default: 443}, zone: {}}"
    request = wire(parts, deploy={"placeholders": True, "environ": {"ACME_KEY": "s3cr3t"}})
    assert urlsplit(request.url).netloc == "<ACME_REGION>.acme.com:443"
    assert request.url.endswith("/%3Czone%3E")
    assert request.headers["authorization"] == "Bearer <ACME_KEY>"
    assert wire(WHOLE, deploy={"placeholders": True}).url == "<ACME_URL>/chat"


def test_a_declared_param_that_nothing_reads_is_reported_as_dropped() -> None:
    text = """
spec_version: 1
name: quiet
url: https://quiet.example
params: {seed: {type: integer, optional: true}, top_k: {type: integer, optional: true}}
payload: {k: "{{ top_k }}"}
response: {codec: text}
examples: [{name: e, call: {messages: x}, reply: {status: 500, text: x}, expect: {error: unavailable}}]
"""
    renderer = Renderer(load_text(text, "quiet.yaml"))
    made = renderer.render(ChatRequest.of("hi", seed=3, top_k=4), Deployment())
    assert made.adjustments == (Adjustment("seed", "dropped", 3),)
    assert made.wire.content == b'{"k":4}'


# --- a choice of tools ---

TOOL = {"type": "function", "function": {"name": "f"}}
FORCED = {"type": "function", "function": {"name": "f"}}
WITH_TOOLS = 'payload: {tools: "{{ tools }}"}'
WITH_CHOICE = 'payload: {tools: "{{ tools }}", choice: "{{ tool_choice }}"}'


@pytest.mark.parametrize("choice", ["auto", "none", "required", FORCED])
def test_a_choice_of_tools_goes_where_the_file_puts_it(choice: Any) -> None:
    assert body({"payload": WITH_CHOICE}, tools=[TOOL], tool_choice=choice) == {"tools": [TOOL], "choice": choice}


def test_no_choice_of_tools_leaves_no_key() -> None:
    assert body({"payload": WITH_CHOICE}, tools=[TOOL]) == {"tools": [TOOL]}


def test_a_choice_without_tools_is_not_sent() -> None:
    made = call({"payload": WITH_CHOICE}, tool_choice="none")
    assert made.wire.content == b"{}"
    assert Adjustment("tool_choice", "dropped", "none") in made.adjustments
    with pytest.raises(ParameterError, match="the call offers none"):
        call({"payload": WITH_CHOICE}, tool_choice="required")


def test_a_forced_tool_is_one_of_the_tools() -> None:
    other = {"type": "function", "function": {"name": "g"}}
    for tools in ([], [TOOL]):
        with pytest.raises(ParameterError, match="'g', which is not among"):
            call({"payload": WITH_CHOICE}, tools=tools, tool_choice=other)


def test_a_choice_that_no_template_reads_follows_the_policy_for_unknown_parameters() -> None:
    given: dict[str, Any] = {"tools": [TOOL], "tool_choice": "none"}
    with pytest.raises(UnsupportedError, match="takes no tool_choice"):
        call({"payload": WITH_TOOLS}, **given)
    assert body({"payload": WITH_TOOLS}, tools=[TOOL], tool_choice="auto") == {"tools": [TOOL]}
    dropped = call({"payload": WITH_TOOLS, "u": "unknown_params: drop"}, **given)
    assert json.loads(dropped.wire.content) == {"tools": [TOOL]}
    assert Adjustment("tool_choice", "dropped", "none") in dropped.adjustments
    forwarded = call({"payload": WITH_TOOLS, "u": "unknown_params: forward"}, **given)
    assert json.loads(forwarded.wire.content) == {"tools": [TOOL], "tool_choice": "none"}
    assert Adjustment("tool_choice", "forwarded", "none", "none") in forwarded.adjustments
