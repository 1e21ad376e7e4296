"""The caller's decisions before anything is sent: which provider, which deployment, which words are no parameters."""

from __future__ import annotations

import asyncio
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import MissingSecretError, ParameterError, ProviderError, UsageError
from engine.loader import load_text
from engine.mock import MockServer
from engine.testing import FaultServer, whole

from .faults import fault

ACME = """
spec_version: 1
name: acme
url: "https://{{ region }}.acme.com"
settings: {region: {type: string, default: de}}
secrets: {key: {env: [ACME_CALLER_KEY]}}
auth: {type: header, name: x-key, secret: key}
payload: {messages: "{{ messages }}"}
response: {codec: text}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}
"""


def begun(client: Client | AsyncClient, *args: Any, **params: Any) -> None:
    """A stream up to where its call is made; an AsyncClient makes the first of a provider when it is entered."""
    if isinstance(client, Client):
        client.stream(*args, **params)
    else:
        asyncio.run(client.stream(*args, **params).__aenter__())


@pytest.mark.parametrize("provider", [None, 3, b"acytoo", ["acytoo"]])
def test_a_provider_is_text(provider: Any) -> None:
    with pytest.raises(UsageError, match="give it as text"):
        Client().chat(provider, "hi")
    with pytest.raises(UsageError, match="give it as text"):
        AsyncClient().stream(provider, "hi")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_stream_is_a_method_and_no_parameter(kind: type[Client] | type[AsyncClient]) -> None:
    with pytest.raises(ParameterError, match=r"stream\(\) asks for a stream"):
        kind().stream("acytoo", "hi", stream=True)


@pytest.mark.parametrize("named_by", ["name", "path"])
def test_a_deployment_is_found_by_the_name_of_the_call_and_of_the_file(chirp: Path, named_by: str) -> None:
    """A file may be called by its path; its calls must never go where the caller did not send them."""
    catalog = Catalog(chirp)
    path = str(chirp / "chirp.yaml")
    key = {"name": "chirp", "path": path}[named_by]
    with (
        MockServer(catalog.provider("chirp")) as mock,
        Client(catalog, base_urls={key: mock.url}, secrets={key: {"api_key": "k-123456"}}) as client,
    ):
        assert client.chat(path, "hi").text.endswith("«hi»")


def test_what_was_decided_for_a_path_does_not_count_for_the_name(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(ACME, encoding="utf-8")
    secrets = {name: {"key": "k-123456"} for name in ("acme", str(path))}
    client = Client(Catalog(tmp_path), base_urls={str(path): "http://127.0.0.1:9"}, secrets=secrets)
    for _ in range(2):
        for name, url in ((str(path), "http://127.0.0.1:9"), ("acme", "https://de.acme.com")):
            assert client.exchange(name, "Hi", None, True, {}).start().url == url


def test_another_environment_counts_from_the_next_call_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests put in the place of `os.environ` is asked, and a key that is gone is used no more."""
    (tmp_path / "acme.yaml").write_text(ACME, encoding="utf-8")
    catalog = Catalog(tmp_path)
    client, provider = Client(catalog), catalog.provider("acme")
    for key in ("k-123456", "k-654321"):
        monkeypatch.setattr("os.environ", {"ACME_CALLER_KEY": key})
        for wire in (client.exchange("acme", "Hi", None, True, {}).start(), provider.render("Hi")):
            assert str.__str__(wire.headers["x-key"]) == key
        assert [secret.reveal() for secret in provider.known_secrets()] == [key]
    monkeypatch.setattr("os.environ", {})
    with pytest.raises(MissingSecretError):
        client.exchange("acme", "Hi", None, True, {})
    with pytest.raises(MissingSecretError):
        provider.render("Hi")


def test_decisions_that_change_between_calls_are_heard(tmp_path: Path) -> None:
    """A client takes the caller's own mappings: what a caller puts into them later counts from the next call on."""
    (tmp_path / "acme.yaml").write_text(ACME, encoding="utf-8")
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    client = Client(Catalog(tmp_path), settings={"acme": settings}, secrets={"acme": secrets})
    for region, key in (("eu", "k-123456"), ("us", "k-654321"), ("us", "k-123456")):
        settings["region"], secrets["key"] = region, key
        wire = client.exchange("acme", "Hi", None, True, {}).start()
        assert (wire.url, str.__str__(wire.headers["x-key"])) == (f"https://{region}.acme.com", key)
    secrets.clear()
    with pytest.raises(MissingSecretError):
        client.exchange("acme", "Hi", None, True, {})


def test_allow_env_belongs_to_the_catalog(chirp: Path) -> None:
    with pytest.raises(UsageError, match="your own Catalog"):
        Client(Catalog(chirp), allow_env=["HOME"])


def test_a_client_without_a_catalog_passes_allow_env_on(chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = chirp / "chirp.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("CHIRP_API_KEY", "AWS_CHIRP"), encoding="utf-8")
    monkeypatch.setenv("WIREFILE_PATH", str(chirp))
    assert Client(allow_env=["AWS_CHIRP"]).catalog.spec("chirp").secrets["api_key"].env == ("AWS_CHIRP",)


@pytest.mark.parametrize("url", ["ftp://me:hush-hush@host", "http://me:hush-hush@host", "//me:hush-hush@host"])
def test_a_password_in_a_base_url_is_not_shown(url: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Client(base_urls={"acytoo": url}).chat("acytoo", "hi")
    assert "hush-hush" not in str(caught.value)


def test_a_base_url_is_text() -> None:
    with pytest.raises(ParameterError, match="of type int"):
        Client(base_urls={"acytoo": 3}).chat("acytoo", "hi")  # type: ignore[dict-item]


STREAM = "{codec: sse, rules: [{text: t}], end: '[DONE]'}"
WHOLE = "{codec: json, rules: [{text: t}]}"


@pytest.mark.parametrize(
    ("response", "asked"),
    [
        (STREAM, (True, True)),
        (WHOLE, (False, False)),
        (f"{{stream: {STREAM}, whole: {WHOLE}}}", (True, False)),
        ("{codec: text}", (True, False)),
    ],
    ids=["stream", "whole", "both", "text"],
)
def test_only_what_the_file_can_read_is_asked_for(response: str, asked: tuple[bool, bool]) -> None:
    """`chat()` asks for the whole answer where the API offers one, `stream()` for a stream."""
    spec = load_text(
        "spec_version: 1\nname: one\nurl: https://one.example\npayload: {m: '{{ messages }}'}\n"
        f"response: {response}\n"
        "examples: [{name: busy, call: {messages: hi}, reply: {status: 503, body: x}, expect: {error: unavailable}}]"
    )
    assert (spec.response.asks_for_stream(True), spec.response.asks_for_stream(False)) == asked


def test_chat_asks_a_file_that_reads_only_streams_for_a_stream(chirp: Path) -> None:
    file = chirp / "chirp.yaml"
    text = file.read_text(encoding="utf-8")
    whole = text[text.index("  whole:") : text.index("  finish: {end")]
    example = text[text.index("  - name: a whole answer") : text.index("  - name: out of credit")]
    file.write_text(text.replace(whole, "").replace(example, ""), encoding="utf-8")
    catalog = Catalog(chirp)
    with (
        MockServer(catalog.provider("chirp")) as mock,
        Client(catalog, base_urls={"chirp": mock.url}, secrets={"chirp": {"api_key": "k-123456"}}) as client,
    ):
        assert client.chat("chirp", "Hi", temperature=1).text == "Hello ✓"  # the example that says `stream: true`


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "decisions",
    [{"base_urls": {"chrip": "https://x.example"}}, {"settings": {"chrip": {}}}, {"secrets": {"chrip": {}}}],
)
def test_a_decision_under_a_name_that_no_provider_has(
    kind: type[Client] | type[AsyncClient], decisions: dict[str, Any], chirp: Path
) -> None:
    client = kind(Catalog(chirp), **decisions)
    with pytest.raises(UsageError, match=r"names a provider 'chrip', which there is not; did you mean 'chirp'\?"):
        begun(client, "chirp", "hi")


def test_decisions_for_other_providers_are_no_mistake(chirp: Path) -> None:
    names = {"acytoo": {}, str(chirp / "chirp.yaml"): {}, "chirp": {}}
    client = Client(Catalog(), settings=names, secrets={"chirp": {"api_key": "k-123456"}})
    assert client.stream(str(chirp / "chirp.yaml"), "hi")


def test_a_strict_client_refuses_before_anything_is_sent(chirp: Path) -> None:
    given: dict[str, Any] = {"secrets": {"chirp": {"api_key": "k-123456"}}}
    assert Client(Catalog(chirp), **given).stream("chirp", "hi", temperature=3)
    for kind in (Client, AsyncClient):
        with pytest.raises(ParameterError, match="chirp, strictly: temperature: 3 is out of range"):
            begun(kind(Catalog(chirp), strict=True, **given), "chirp", "hi", temperature=3)


def test_a_live_call_uses_the_patches_of_its_model(tmp_path: Path) -> None:
    """Which form is asked for, what is sent and how it is read: all as the patch for the model says."""
    text = """
spec_version: 1
name: acme
url: https://acme.example
path: /chat
models:
  patches:
    - match: o*
      unset: [response.stream]
      payload: {kind: patched}
      response: {whole: {rules: [{text: said}]}}
payload: {model: "{{ model }}", q: "{{ messages }}", stream: "{{ stream }}"}
response:
  stream: {codec: sse, rules: [{text: text}], end: "[DONE]"}
  whole: {codec: json, rules: [{text: text}]}
examples:
  - {name: one, call: {messages: hi, model: o1, stream: false}, reply: {json: {said: Hi}}, expect: {text: Hi}}
  - {name: two, call: {messages: hi, model: m, stream: false}, reply: {json: {text: Hello}}, expect: {text: Hello}}
"""
    (tmp_path / "acme.yaml").write_text(text)
    catalog = Catalog(tmp_path)
    with MockServer(catalog.provider("acme")) as mock, Client(catalog, base_urls={"acme": mock.url}) as client:
        assert client.chat("acme:o1", "hi").text == "Hi"
        assert client.chat("acme", "hi", "m").text == "Hello"
        with client.stream("acme:o1", "hi") as stream:  # the patch leaves only the whole form
            assert len(list(stream)) >= 1
            assert stream.response.text == "Hi"
        assert "You said: «other»" in client.chat("acme:o1", "other").text


@pytest.mark.parametrize("word", ["base_urls", "settings", "secrets"])
@pytest.mark.parametrize("given", [5, "acytoo", ["acytoo"], {5: {}}, {None: {}}])
def test_decisions_are_by_the_names_of_providers(word: str, given: object) -> None:
    with pytest.raises(UsageError, match=f"^{word} "):
        Client(**{word: given})  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["settings", "secrets"])
@pytest.mark.parametrize("given", [5, "sk-hidden", ["sk-hidden"]])
def test_what_is_decided_of_a_provider_is_a_mapping_and_not_shown(word: str, given: object) -> None:
    with pytest.raises(UsageError, match=f"^{word} has a value of type") as caught:
        Client(**{word: {"acytoo": given}})  # type: ignore[arg-type]
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("value", [5, b"sk-hidden", ["sk-hidden"], {"sk-hidden": 1}, object()])
def test_a_secret_of_the_callers_is_text_and_not_shown(value: object) -> None:
    with (
        Client(secrets={"openai": {"api_key": value}}) as client,  # type: ignore[dict-item]
        pytest.raises(UsageError, match="the secret 'api_key' is text") as caught,
    ):
        client.chat("openai:gpt-5", "Hi")
    assert "hidden" not in str(caught.value)


KEY = "k-hush-123456"


def with_locals(error: BaseException) -> str:
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    return "".join(frame for own in frames if "/tests/" not in own.filename for frame in [str(own.locals)])


@pytest.mark.parametrize("secrets", [{"chirp": KEY}, {"chirp": [KEY]}, {"chirp": {"api_key": [KEY]}}, KEY])
def test_secrets_that_are_no_map_of_maps_of_text_are_refused_and_not_shown(chirp: Path, secrets: Any) -> None:
    with pytest.raises(UsageError, match=r"^secrets |^the secret ") as caught:
        Client(Catalog(chirp), secrets=secrets, base_urls={"chirp": "http://127.0.0.1:1"}).chat("chirp", "hi")
    assert KEY not in f"{caught.value}{with_locals(caught.value)}"


@pytest.mark.parametrize("wrong", [{"max_connections": 0}, {"timeout": "soon"}, {"http_client": 1}])
def test_no_secret_is_in_the_frames_of_a_client_that_cannot_be(chirp: Path, wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"secrets": {"chirp": {"api_key": KEY}}, "proxy": f"http://me:{KEY}@h"}
    with pytest.raises(UsageError) as caught:
        Client(Catalog(chirp), **given, **wrong)
    assert KEY not in with_locals(caught.value)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1", "http://api.example.com", "HTTP://127.0.0.1.nip.io", "http://127.1"]
)
@fault("Secrets", "a call with a secret would go over http beyond loopback", "UsageError, nothing is sent")
def test_a_secret_does_not_go_over_http_to_another_host(chirp: Path, url: str) -> None:
    client = Client(Catalog(chirp), base_urls={"chirp": url}, secrets={"chirp": {"api_key": KEY}})
    with pytest.raises(UsageError, match="not sent over http"):
        client.chat("chirp", "hi")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@fault(
    "Secrets", "a proxy elsewhere would be told a secret that goes over http to loopback", "UsageError, nothing is sent"
)
def test_a_proxy_on_another_machine_is_told_no_secret(
    chirp: Path, kind: type[Client] | type[AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("a connection is opened"))
    options: dict[str, Any] = {"base_urls": {"chirp": "http://127.0.0.1:1"}, "proxy": "http://10.0.0.1:3128"}
    client = kind(Catalog(chirp), secrets={"chirp": {"api_key": KEY}}, **options)

    def ask() -> None:
        answer: Any = client.chat("chirp", "hi")
        asyncio.run(answer)  # of the AsyncClient; the other has raised

    with pytest.raises(UsageError, match="through a proxy"):
        ask()


def test_a_proxy_on_this_machine_may_see_what_goes_to_this_machine(chirp: Path) -> None:
    with FaultServer([whole(b"no", 401)]) as proxy:
        options: dict[str, Any] = {"base_urls": {"chirp": "http://localhost:9"}, "proxy": proxy.url}
        client = Client(Catalog(chirp), secrets={"chirp": {"api_key": KEY}}, **options)
        with client, pytest.raises(ProviderError):
            client.chat("chirp", "hi")
        assert proxy.requests[0].line.startswith("POST http://localhost:9/")
        assert KEY not in repr(proxy.journal)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(proxy.requests)


CREDENTIALS = {
    "Authorization": f"Bearer {KEY}",
    "x-auth": KEY,
    "Ocp-Apim-Subscription-Key": KEY,
    "x-session-id": KEY,
    "x-anything": f"Bearer {KEY}",
    "cookie": f"sid={KEY}",
}


@pytest.mark.parametrize("name", CREDENTIALS)
@fault("Secrets", "the caller's own headers of a call hold a credential", "masked like a secret of the file")
def test_a_credential_in_a_header_of_the_callers_shows_nowhere(chirp: Path, name: str) -> None:
    given = {"extra_headers": {name: CREDENTIALS[name]}}
    with FaultServer([whole(f"bad key {KEY}".encode(), 401)]) as server:
        options: dict[str, Any] = {"base_urls": {"chirp": server.url}, "secrets": {"chirp": {"api_key": "k"}}}
        with Client(Catalog(chirp), **options) as client, pytest.raises(ProviderError) as caught:
            client.chat("chirp", "hi", **given)
        assert dict(server.requests[0].headers)[name.lower()] == CREDENTIALS[name]
    assert KEY not in f"{caught.value!r}{vars(caught.value)}{with_locals(caught.value)}"
    with pytest.raises(ParameterError) as wrong:
        Catalog(chirp).provider("chirp").render("hi", extra_headers={**given["extra_headers"], "x": "\n"})
    assert KEY not in f"{wrong.value!r}{with_locals(wrong.value)}"
