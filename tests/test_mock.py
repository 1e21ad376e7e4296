from __future__ import annotations

import base64
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from engine import Catalog, Client
from engine.errors import EngineError, ProviderError, TransportError, TruncatedError, UsageError
from engine.framing import FRAMINGS, Frame
from engine.loader import load_text
from engine.mock import FAULTS, MockServer
from engine.mock.reencode import ENCODERS, WRAPS, reencode
from engine.mock.shape import body_faults, path_fits, prompt_of
from engine.provider import Provider
from engine.rules import UNWRAPS

from .conftest import CHIRP


@pytest.fixture
def acytoo() -> Provider:
    return Catalog().provider("acytoo")


@pytest.fixture
def chirp_provider() -> Provider:
    return Provider(load_text(CHIRP, "chirp.yaml"))


def client_of(mock: MockServer, catalog: Catalog | None = None, **options: Any) -> Client:
    name = mock.provider.name
    return Client(catalog, base_urls={name: mock.url}, secrets={name: {"api_key": "k-123456"}}, **options)


def post(url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_an_example_is_answered_from_the_file(acytoo: Provider) -> None:
    with MockServer(acytoo) as mock, client_of(mock) as client:
        assert client.chat("acytoo", 'Привет! {{ x }} "q"').text == "Привет! Как дела?"


def test_any_other_prompt_is_quoted_in_the_wire_format(acytoo: Provider) -> None:
    with MockServer(acytoo) as mock, client_of(mock) as client:
        text = client.chat("acytoo", [{"role": "user", "content": "a"}, {"role": "user", "content": "б ✓"}]).text
    assert "mock of Acytoo" in text
    assert "«б ✓»" in text


def test_a_request_that_an_error_example_has_is_no_error(acytoo: Provider) -> None:
    with MockServer(acytoo) as mock, client_of(mock) as client:
        assert "«hi»" in client.chat("acytoo", "hi").text


@pytest.mark.parametrize("stream", [True, False])
def test_events_of_an_example_carry_the_new_text(chirp: Path, stream: bool) -> None:
    catalog = Catalog(chirp)
    provider = catalog.provider("chirp")
    lines: list[str] = []
    with MockServer(provider, log=lines.append) as mock, client_of(mock, catalog) as client:
        if stream:
            with client.stream("chirp", 'say "x"\n{{ y }}') as answer:
                pieces = [event for event in answer if type(event).__name__ == "TextDelta"]
                assert len(pieces) > 1
            response = answer.response
        else:
            response = client.chat("chirp", 'say "x"\n{{ y }}')
    assert response.text.endswith('«say "x"\n{{ y }}»')
    assert response.finish == ("stop" if stream else "length")
    assert response.id == ("c1" if stream else "c2")
    assert len(lines) == 1
    assert "POST /chat -> 200" in lines[0]


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/api/other", {}, 404, "/api/completions"),
        ("/api/completions", {}, 400, "key is missing"),
        ("/api/completions", [], 400, "no object"),
        ("/api/completions", "x", 400, "no json"),
    ],
)
def test_a_request_that_does_not_fit_the_file_is_refused(
    acytoo: Provider, path: str, body: Any, status: int, word: str
) -> None:
    with MockServer(acytoo) as mock:
        code, answer = post(mock.url + path, json.dumps(body).encode())
    assert code == status
    assert word in json.loads(answer)["error"]["message"]


def test_literals_types_and_unknown_keys_are_checked(acytoo: Provider) -> None:
    good = {"key": "", "model": "m", "messages": [], "temperature": 0.5, "password": ""}
    assert body_faults(acytoo.spec, good) == []
    assert body_faults(acytoo.spec, good | {"password": "x"}) == ["password is 'x', it is always ''"]
    assert body_faults(acytoo.spec, good | {"extra": 1}) == ["extra is unknown"]


def test_the_credential_must_be_there(chirp_provider: Provider) -> None:
    body = {"model": "chirp-1", "messages": [{"role": "user", "content": "x"}], "stream": True}
    with MockServer(chirp_provider) as mock:
        assert post(f"{mock.url}/chat", json.dumps(body).encode())[0] == 401
        assert post(f"{mock.url}/chat", json.dumps(body).encode(), authorization="Bearer k")[0] == 200


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        ("busy", ProviderError, "unavailable"),
        ("cut", TruncatedError, "truncated"),
        ("reset", TransportError, "lost"),
        ("stall", TransportError, "timeout"),
    ],
)
def test_faults(acytoo: Provider, fault: Any, error: type[EngineError], kind: str) -> None:
    with MockServer(acytoo, fault=fault) as mock:
        text = acytoo.spec.examples[1].name  # any words
        with client_of(mock, timeout={"idle": 0.5}) as client, pytest.raises(error) as caught:
            client.chat("acytoo", f"Привет {text}")
    assert caught.value.kind == kind
    assert caught.value.partial is not None
    if fault != "busy":
        assert "This is a mock" in caught.value.partial.text
        assert "Привет" not in caught.value.partial.text


def test_the_fault_busy_uses_the_error_example_of_the_file(acytoo: Provider) -> None:
    with MockServer(acytoo, fault="busy") as mock, client_of(mock) as client, pytest.raises(ProviderError) as caught:
        client.chat("acytoo", "x")
    assert (caught.value.status, caught.value.body) == (503, "busy")


def test_faults_and_ports_that_are_none_are_refused(acytoo: Provider) -> None:
    assert FAULTS == ("busy", "cut", "stall", "reset")
    with pytest.raises(UsageError, match="busy, cut, stall, reset"):
        MockServer(acytoo, fault="explode")  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="--port"):
        MockServer(acytoo, port=taken.getsockname()[1])


def test_it_leaves_nothing_behind(acytoo: Provider) -> None:
    before = threading.active_count()
    with MockServer(acytoo, fault="stall") as mock, client_of(mock, timeout={"idle": 0.2}) as client:
        with pytest.raises(TransportError):
            client.chat("acytoo", "x")
        url = mock.url
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        threading.Event().wait(0.01)
    assert threading.active_count() == before
    with pytest.raises(urllib.error.URLError):
        post(url, b"")


def test_bodies_are_cut_inside_characters(acytoo: Provider) -> None:
    with MockServer(acytoo) as mock, socket.create_connection(("127.0.0.1", int(mock.url.rsplit(":", 1)[1]))) as raw:
        body = acytoo.render("Привет").content
        raw.sendall(
            b"POST /api/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n"
        )
        raw.sendall(b"content-length: %d\r\n\r\n%s" % (len(body), body))
        raw.settimeout(5)
        data = b""
        while piece := raw.recv(65536):
            data += piece
    chunks = data.partition(b"\r\n\r\n")[2].split(b"\r\n")[1::2]
    with pytest.raises(UnicodeDecodeError):
        [chunk.decode() for chunk in chunks]


@pytest.mark.parametrize(
    ("path", "asked", "fits"),
    [
        ("/chat", "/chat", True),
        ("/chat", "/chat/", False),
        ("/m/{{ model }}/go", "/m/a%2Fb/go", True),
        ("/m/{{ model }}/go", "/m/a/b/go", False),
        ("/m/{{ model | path_segments }}", "/m/a/b", True),
        ("", "/", True),
    ],
)
def test_paths(path: str, asked: str, fits: bool) -> None:
    text = CHIRP.replace("path: /chat", f"path: {json.dumps(path)}")
    assert path_fits(load_text(text, "chirp.yaml"), asked) is fits


@pytest.mark.parametrize(
    ("payload", "body", "prompt"),
    [
        ('{messages: "{{ messages }}"}', {"messages": [{"content": "a"}, {"content": "b"}]}, "b"),
        ('{prompt: "{{ messages[-1].content }}"}', {"prompt": "b"}, "b"),
        ('{a: {b: ["{{ messages }}"]}}', {"a": {"b": [[{"content": [{"type": "text", "text": "long b"}]}]]}}, "long b"),
        ('{x: "{{ model }}"}', {"x": "longest"}, "longest"),
    ],
)
def test_the_prompt_is_found(payload: str, body: Any, prompt: str) -> None:
    text = CHIRP.split("payload:")[0] + f"payload: {payload}\nresponse:" + CHIRP.split("\nresponse:")[1]
    assert prompt_of(load_text(text, "chirp.yaml"), body) == prompt


def test_a_cumulative_stream_is_spoken_cumulatively() -> None:
    text = """
spec_version: 1
name: grow
url: https://grow.example
payload: {q: "{{ messages }}"}
response: {codec: sse, rules: [{text: {path: all, mode: cumulative}}], end: {done: true}}
examples:
  - name: grows
    call: {messages: hi}
    reply: {chunks: ['data: {"all": "a"}', "\\n\\n", 'data: {"all": "ab"}', "\\n\\n", 'data: {"done": true}', "\\n\\n"]}
    expect: {text: ab}
"""
    provider = Provider(load_text(text, "grow.yaml"))
    spoken = reencode(provider, provider.spec.examples[0], "Hello, world")
    assert spoken is not None
    assert provider.decode(spoken[1]).text == "Hello, world"
    assert spoken[1].count(b"Hel") > 1


@pytest.mark.parametrize("model", ["amazon.nova-pro-v1:0", "amazon.titan-text-express-v1", "meta.llama3-8b-v1:0"])
def test_a_model_that_the_path_names_has_its_own_words(model: str) -> None:
    name = "bedrock-invoke"
    provider = Catalog().provider(name)
    secrets = dict.fromkeys(provider.spec.secrets, "k-1234")
    with MockServer(provider) as mock, Client(base_urls={name: mock.url}, secrets={name: secrets}) as client:
        assert client.chat(name, "Hi there", model).text.count("Hi there") == 1


def test_a_file_whose_examples_say_no_text_gives_501(chirp: Path) -> None:
    text = CHIRP[: CHIRP.index("examples:")] + (
        "examples:\n  - {name: e, call: {messages: x}, reply: {status: 500, text: x}, expect: {error: unavailable}}\n"
    )
    provider = Provider(load_text(text, "chirp.yaml"))
    with MockServer(provider) as mock, client_of(mock, Catalog(chirp)) as client:
        with pytest.raises(ProviderError, match="add one") as caught:
            client.chat("chirp", "x")
        assert caught.value.status == 501


ASK = """
spec_version: 1
name: ask
url: https://ask.example
path: /q
%s
secrets: {api_key: {env: [ASK_KEY]}}
auth: {type: query, name: key, secret: api_key}
response: {codec: text}
examples:
  - {name: asked, call: {messages: hi}, reply: {text: hello}, expect: {text: hello}}
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
"""


@pytest.mark.parametrize(
    "request_keys",
    [
        'method: GET\nquery: {q: "{{ messages[-1].content }}", v: 2}',
        'encoding: form\npayload: {q: "{{ messages[-1].content }}", v: 2, safe: true}',
        'encoding: multipart\npayload: {q: "{{ messages[-1].content }}", v: 2, safe: true}',
        'encoding: text\npayload: "{{ messages[-1].content }}"',
    ],
    ids=["query", "form", "multipart", "text"],
)
def test_the_prompt_is_found_wherever_the_file_puts_it(tmp_path: Path, request_keys: str) -> None:
    (tmp_path / "ask.yaml").write_text(ASK % request_keys, encoding="utf-8")
    catalog = Catalog(tmp_path)
    lines: list[str] = []
    with MockServer(catalog.provider("ask"), log=lines.append) as mock, client_of(mock, catalog) as client:
        assert client.chat("ask", "hi").text == "hello"
        assert client.chat("ask", "a & «b»\r\nc").text.endswith("«a & «b»\r\nc»")
    assert [line.partition(" ->")[0].split()[1] for line in lines] == ["/q", "/q"]
    assert "k-123456" not in str(lines)


# --- the other framings ---

FRAMED = """
spec_version: 1
name: framed
url: https://framed.example
payload: {q: "{{ messages }}"}
response:
  codec: CODEC
  rules: [{text: t, finish: f}]
  end: finish
examples:
  - name: says
    call: {messages: hi}
    reply: REPLY
    expect: {text: ab}
"""
FRAMES = [Frame("chunk", '{"t":"a"}'), Frame("chunk", '{"t":"b"}'), Frame("chunk", '{"f":"stop"}')]


@pytest.mark.parametrize("codec", sorted(set(ENCODERS) - {"text", "json"}))
def test_what_is_encoded_is_decoded(codec: str) -> None:
    named = codec in ("sse", "aws_eventstream")
    body = ENCODERS[codec](FRAMES)
    decoder = FRAMINGS[codec]()
    found = [frame for at in range(len(body)) for frame in decoder.feed(body[at : at + 1])] + decoder.finish()
    assert found == [frame if named else Frame(None, frame.data) for frame in FRAMES]
    assert decoder.unfinished is None
    assert ENCODERS[codec]([]) == (b"[]" if codec == "json_array" else b"\n" if codec == "sse" else b"")


def test_every_framing_can_be_spoken() -> None:
    assert set(ENCODERS) == set(FRAMINGS)


@pytest.mark.parametrize(
    "codec",
    [
        "sse",
        "aws_eventstream",
        "ndjson",
        "json_array",
    ],
)
def test_any_prompt_is_quoted_in_each_framing(codec: str) -> None:
    reply = f"{{base64: {base64.b64encode(ENCODERS[codec](FRAMES)).decode()}}}"
    provider = Provider(load_text(FRAMED.replace("CODEC", codec).replace("REPLY", reply), "framed.yaml"))
    prompt = 'say "]}\\"\n✓'
    spoken = reencode(provider, provider.spec.examples[0], prompt)
    assert spoken is not None
    assert spoken[0] == codec
    assert provider.decode(spoken[1]).text == prompt
    with MockServer(provider) as mock:
        code, body = post(mock.url, json.dumps({"q": [{"role": "user", "content": prompt}]}).encode())
    answer = provider.decode(body)
    assert code == 200
    assert prompt in answer.text
    assert answer.finish == "stop"


def test_wrapped_frames_stay_wrapped() -> None:
    body = b"".join(b'data: {"result": %s}\n\n' % frame.data.encode() for frame in FRAMES).decode()
    text = FRAMED.replace("CODEC", "sse\n  unwrap: [json, {at: result}]").replace(
        "REPLY", f"{{chunks: [{json.dumps(body)}]}}"
    )
    provider = Provider(load_text(text, "framed.yaml"))
    spoken = reencode(provider, provider.spec.examples[0], "Hi")
    assert spoken is not None
    lines = [line for line in spoken[1].decode().splitlines() if line]
    assert len(lines) > 1
    assert all(line.startswith('data: {"result"') for line in lines)


def respoken(response: str, frames: list[str], text: str = "Hello, world") -> list[Any]:
    """What the mock says instead of these frames of an event stream, frame by frame."""
    chunks = [f"data: {frame}\n\n" for frame in frames]
    file = f"""
spec_version: 1
name: spoken
url: https://spoken.example
payload: {{q: "{{{{ messages }}}}"}}
response: {response}
examples: [{{name: a, call: {{messages: hi}}, reply: {{chunks: {json.dumps(chunks)}}}, expect: {{finish: unknown}}}}]
"""
    provider = Provider(load_text(file, "spoken.yaml"))
    spoken = reencode(provider, provider.spec.examples[0], text)
    assert spoken is not None
    answer = provider.decode(spoken[1])
    assert answer.text == text
    return [json.loads(frame.removeprefix("data: ")) for frame in spoken[1].decode().strip().split("\n\n")]


def test_a_text_of_a_slot_is_spoken_in_its_slot() -> None:
    rules = "[{slot: {key: i, kind: k}, rules: [{when: {slot: text}, text: t}]}]"
    frames = ['{"i": 0, "k": "text"}', '{"i": 1, "k": "tool"}', '{"i": 1, "t": "x"}', '{"i": 0, "t": "Hi"}']
    spoken = respoken(f"{{codec: sse, rules: {rules}, end: {{done: true}}}}", [*frames, '{"done": true}'])
    assert spoken[:3] == [json.loads(frame) for frame in frames[:3]]
    assert "".join(frame["t"] for frame in spoken[3:-1]) == "Hello, world"


def test_what_says_all_of_the_text_again_says_the_new_one() -> None:
    rules = "[{text: t}, {text: {path: all, mode: final}}]"
    frames = ['{"t": "Hi "}', '{"t": "all"}', '{"all": "Hi all", "n": ["Hi all", "Hi"]}', '{"done": true}']
    spoken = respoken(f"{{codec: sse, rules: {rules}, end: {{done: true}}}}", frames)
    assert spoken[-2] == {"all": "Hello, world", "n": ["Hello, world", "Hi"]}
    assert "".join(frame.get("t", "") for frame in spoken) == "Hello, world"


def test_a_text_that_is_only_said_as_a_whole() -> None:
    rules = "[{text: {path: all, mode: final}}]"
    spoken = respoken(f"{{codec: sse, rules: {rules}, end: {{done: true}}}}", ['{"all": "Hi"}', '{"done": true}'])
    assert spoken[-2] == {"all": "Hello, world"}


def test_json_in_base64_in_json() -> None:
    inner = base64.b64encode(json.dumps({"t": "Hi"}).encode()).decode()
    response = "{codec: sse, unwrap: [json, {at: bytes}, base64, json], rules: [{text: t}], end: {done: true}}"
    done = json.dumps({"bytes": base64.b64encode(b'{"done": true}').decode()})
    spoken = respoken(response, [json.dumps({"bytes": inner, "p": "abc"}), done], "Привет")
    said = [json.loads(base64.b64decode(frame["bytes"]))["t"] for frame in spoken[:-1]]
    assert "".join(said) == "Привет"
    assert all(frame["p"] == "abc" for frame in spoken[:-1])
    assert set(WRAPS) == set(UNWRAPS)
