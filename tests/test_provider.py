"""Both halves of a file without any network: render, decode, events."""

from __future__ import annotations

import gzip
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Catalog
from engine.errors import DecodeError, MissingSecretError, ParameterError, ProviderError, TruncatedError, UsageError
from engine.events import Finish, TextDelta, Usage
from engine.examples import run_example
from engine.loader import load_text
from engine.provider import Provider

SSE = r"""
spec_version: 1
name: api
url: https://api.example.com
path: /{{ model }}
models: {default: m1}
secrets: {key: {env: [WIREFILE_TEST_KEY]}}
auth: {type: bearer, secret: key}
payload: {m: "{{ messages }}", s: "{{ stream }}"}
response:
  codec: sse
  rules: [{text: t, finish: f, usage: u}]
  end: '[DONE]'
  usage: {input_tokens: i}
errors: [{body: {path: error.type, equals: slow}, kind: rate_limit, retry_after: error.wait}]
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, expect: {text: hi}, reply: {text: "data: {\"t\": \"hi\"}\n\ndata: [DONE]\n\n"}}
"""
ANSWER = (
    'data: {"t": "При"}\r\n\r\n: ping\r\n'
    'data: {"t": "вет", "f": "stop"}\r\n\r\ndata: {"u": {"i": 3}}\r\n\r\ndata: [DONE]\r\n\r\n'
).encode()
EVENTS = [TextDelta("При"), TextDelta("вет"), Usage(3), Finish("stop", "stop")]


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(load_text(SSE))


@pytest.fixture(scope="module")
def acytoo() -> Provider:
    return Catalog().provider("acytoo")


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(CUTS)
def test_any_cut_gives_the_same_answer_and_events(cuts):
    provider = Provider(load_text(SSE))
    assert provider.decode(pieces(ANSWER, cuts)) == provider.decode(ANSWER)
    assert list(provider.events(pieces(ANSWER, cuts))) == EVENTS


def test_bytes_one_by_one(provider, acytoo):
    assert list(provider.events(bytes([byte]) for byte in ANSWER)) == EVENTS
    text = "Привет! Как дела? 🎉"
    assert acytoo.decode(bytes([byte]) for byte in text.encode()).text == text
    packed = gzip.compress(ANSWER)
    headers = {"Content-Encoding": "gzip"}
    assert list(provider.events((bytes([byte]) for byte in packed), headers=headers)) == EVENTS


@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: [data], lambda data: iter([data[:9], data[9:]])])
def test_bytes_in_any_wrapping(provider, kind):
    assert provider.decode(kind(ANSWER)).text == "Привет"


def test_an_answer_holds_everything(provider):
    answer = provider.decode(ANSWER)
    assert (answer.text, answer.finish, answer.finish_raw) == ("Привет", "stop", "stop")
    assert answer.usage == Usage(3)
    assert answer.message.content == "Привет"


@pytest.mark.parametrize("length", range(len(ANSWER) - len(b"data: [DONE]\r\n\r\n")))
def test_no_cut_stream_is_an_answer(provider, length):
    with pytest.raises((TruncatedError, ProviderError)) as caught:
        provider.decode(ANSWER[:length])
    assert caught.value.kind == ("truncated" if length else "empty")
    assert "Привет".startswith(caught.value.partial.text)


def test_events_come_before_the_error(provider):
    events = provider.events(ANSWER[:30])
    assert next(events) == TextDelta("При")
    with pytest.raises(TruncatedError) as caught:
        next(events)
    assert caught.value.partial.text == "При"


def test_events_are_given_as_they_come(provider):
    def endless():
        yield b'data: {"t": "a"}\n\n'
        raise AssertionError("more is read than was asked for")

    assert next(provider.events(endless())) == TextDelta("a")


def test_decode_raises_what_a_live_call_would(provider):
    with pytest.raises(ProviderError) as caught:
        provider.decode(
            b'{"error": {"type": "slow", "message": "wait", "wait": "7s"}}', status=429, headers={"X-Id": "1"}
        )
    error = caught.value
    assert (error.kind, error.status, error.retry_after, error.headers) == ("rate_limit", 429, 7.0, {"X-Id": "1"})
    with pytest.raises(DecodeError, match="event 1"):
        provider.decode(b"data: {\n\n")
    with pytest.raises(ProviderError, match="redirects"):
        provider.decode(b"", status=302)


def test_render_needs_the_secret_and_decode_does_not(provider, monkeypatch):
    monkeypatch.delenv("WIREFILE_TEST_KEY", raising=False)
    assert provider.decode(ANSWER).text
    with pytest.raises(MissingSecretError, match="WIREFILE_TEST_KEY"):
        provider.render("hi")
    monkeypatch.setenv("WIREFILE_TEST_KEY", "sk-1234567")
    wire = provider.render([{"role": "user", "content": "hi"}], "m/2", stream=False)
    assert wire.url == "https://api.example.com/m%2F2"
    assert wire.content == b'{"m":[{"role":"user","content":"hi"}],"s":false}'
    assert wire.headers["authorization"] == "Bearer sk-1234567"
    assert "sk-1234567" not in repr(wire)


def test_render_says_what_is_wrong(acytoo):
    with pytest.raises(ParameterError, match="did you mean 'temperature'"):
        acytoo.render("hi", temprature=1)
    with pytest.raises(ParameterError, match=r"gpt-3.5-turbo"):
        acytoo.render("hi", "gpt-9")
    with pytest.raises(ParameterError, match="no setting"):
        acytoo.render("hi", settings={"region": "eu"})


def test_the_seed(acytoo):
    wire = acytoo.render("Привет", temperature=0.7)
    assert wire.content.decode() == (
        '{"key":"","model":"gpt-3.5-turbo","messages":[{"role":"user","content":"Привет"}],"temperature":0.7,"password":""}'
    )
    assert repr(acytoo) == "Provider('acytoo')"
    assert acytoo.name == acytoo.spec.name == "acytoo"


@pytest.mark.parametrize("body", [b"hi", bytearray(b"hi"), memoryview(b"hi"), [b"h", memoryview(b"i")], iter([b"hi"])])
def test_a_body_is_bytes_in_any_form(acytoo: Provider, body: Any) -> None:
    assert acytoo.decode(body).text == "hi"


@pytest.mark.parametrize("body", ["hi", ["hi"], [3], 3, None])
def test_what_is_no_bytes_is_refused(acytoo: Provider, body: Any) -> None:
    with pytest.raises(UsageError, match="is read from bytes"):
        acytoo.decode(body)


def test_a_recorded_refusal_says_how_long_to_wait_as_a_live_one_does(acytoo: Provider) -> None:
    with pytest.raises(ProviderError) as caught:
        acytoo.decode(b"busy", status=429, headers={"Retry-After": "3"})
    assert caught.value.retry_after == 3


PATCHED = """
spec_version: 1
name: acme
url: https://acme.example
models:
  aliases: {best: o3}
  patches:
    - match: [o1*, o3*]
      unset: [params.heat, payload.heat]
      params: {effort: {type: string, optional: true, maps_to: effort}}
      response: {stream: {rules: [{text: said}]}}
      retry: {max: 0}
    - {match: "*-mini", params: {depth: {type: integer, default: 2, maps_to: depth}}, headers: {x-mini: "1"}}
params: {heat: {type: number, optional: true}}
payload: {model: "{{ model }}", heat: "{{ heat }}", q: "{{ messages }}", stream: "{{ stream }}"}
response:
  stream: {codec: sse, rules: [{text: text}], end: "[DONE]"}
  whole: {codec: json, rules: [{text: text}]}
examples:
  - name: plain
    call: {messages: hi, model: m, heat: 1, stream: false}
    request: {json: {model: m, heat: 1, q: [{role: user, content: hi}], stream: false}}
    reply: {json: {text: Hello}}
    expect: {text: Hello}
  - name: patched
    call: {messages: hi, model: best, effort: high}
    request: {json: {model: o3, q: [{role: user, content: hi}], stream: true, effort: high}}
    reply:
      headers: {content-type: text/event-stream}
      chunks: ["data: {\\"said\\": \\"Hi\\"}\\n\\ndata: [DONE]\\n\\n"]
    expect: {text: Hi}
  - {name: no heat, call: {messages: hi, model: o1, heat: 1}, reply: {status: 400}, expect: {error: parameter}}
"""
STREAM = b'data: {"said": "Hi", "text": "Hello"}\n\ndata: [DONE]\n\n'


def patched() -> Provider:
    return Provider(load_text(PATCHED, "acme.yaml"))


def test_a_model_without_a_patch_is_as_the_file_says() -> None:
    provider = patched()
    assert provider.for_model("m") is provider.for_model() is provider
    assert json.loads(provider.render("hi", "m", heat=1).content)["heat"] == 1


def test_every_patch_that_matches_counts_in_order() -> None:
    provider = patched()
    request = provider.render("hi", "o1-mini")
    assert json.loads(request.content)["depth"] == 2
    assert request.headers["x-mini"] == "1"
    assert "depth" not in json.loads(provider.render("hi", "o1").content)
    found = provider.for_model("o1-mini").spec
    assert (found.retry.max, found.models.patches, len(found.examples)) == (0, (), 3)


def test_an_alias_is_patched_by_the_name_on_the_wire() -> None:
    provider = patched()
    assert provider.for_model("best") is provider.for_model("o3") is not provider
    assert json.loads(provider.render("hi", "best", effort="high").content)["model"] == "o3"


def test_what_a_patch_takes_away_is_refused_for_the_model() -> None:
    with pytest.raises(ParameterError, match="acme takes no 'heat' for the model 'o1'; leave it out"):
        patched().render("hi", "o1", heat=1)
    assert patched().render("hi", "o1", heat=None)


def test_answers_are_read_as_the_patch_says() -> None:
    provider = patched()
    assert provider.decode(STREAM).text == "Hello"
    assert provider.for_model("o3").decode(STREAM).text == "Hi"


def test_patched_forms_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = patched()
    assert provider.for_model("o1") is provider.for_model("o1-preview")
    monkeypatch.setattr("engine.provider.MAX_PATCHED", 1)
    first = provider.for_model("o1")
    assert provider.for_model("x-mini") is not first
    assert provider.for_model("o1") is not first


def test_a_model_that_is_not_allowed_has_no_form() -> None:
    provider = Provider(
        load_text(PATCHED.replace("aliases: {best: o3}", "allow: [m, o3, o1]\n  aliases: {best: o3}"), "acme.yaml")
    )
    assert provider.for_model() is provider
    with pytest.raises(ParameterError, match="has no model 'o4'"):
        provider.for_model("o4")


def test_examples_run_with_the_patches_of_their_model() -> None:
    provider = patched()
    assert [run_example(provider, example) for example in provider.spec.examples] == [[], [], []]
