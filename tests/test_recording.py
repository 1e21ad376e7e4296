from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from engine import AsyncClient, Catalog, Client, examples
from engine.errors import EngineError, UsageError
from engine.examples import run_example
from engine.framing import Frame
from engine.framing.aws_eventstream import encode_message
from engine.loader import load
from engine.mock import MockServer
from engine.provider import Provider
from engine.recording import Recorder, Written
from engine.spec import Example
from engine.testing import FIN, RST, FaultServer, Send, chunked, head, sse, whole

from .conftest import CHIRP, Run
from .faultserver import DONE
from .stepserver import Answer, Asked, StepServer

CANARY = "sk-canary/7+9=Zq&x"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fewer_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is tried at every cut; here it is what is written that counts, and it is long."""
    monkeypatch.setattr(examples, "TWO_WAY_LIMIT", 256)


echoes = pytest.mark.excused("echo", "the service says the secret as words of its answer, and those are the caller's")

DELTA = '{"delta": {"text": "%s"}, "stop_reason": "end"}'
USED = '{"usage": {"in": 1, "out": 2}}'


def spelt(secret: str) -> list[str]:
    """The ways in which a service may say a key again."""
    return [
        secret,
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"user:{secret}".encode()).decode(),
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        secret.replace("&", "\\u0026"),
    ]


def assert_no_secret(text: str, secret: str = CANARY) -> None:
    for spelling in spelt(secret):
        core = spelling.rstrip("=")[-16:-2]
        assert core not in text, spelling


def recorded(
    folder: Path, answer: Send, name: str = "chirp", messages: Any = "Hi", file: str = "chirp.yaml", **params: Any
) -> tuple[Example, str]:
    """The example that a call to a server that says `answer` becomes, and the text of its file."""
    recorder = Recorder()
    declares = Catalog(folder).spec(name).secrets
    options: dict[str, Any] = {"secrets": {name: {"api_key": CANARY}}} if declares else {}
    with (
        FaultServer([answer, FIN()]) as server,
        Client(Catalog(folder), base_urls={name: server.url}, recorder=recorder, **options) as client,
    ):
        try:
            with client.stream(name, messages, **params) as stream:
                for _ in stream:
                    pass
        except EngineError:
            pass
    assert recorder.last is not None
    written = recorder.last.write(folder / file, now=NOW)
    return of(folder / file, written), (folder / file).read_text(encoding="utf-8")


def of(path: Path, written: Written) -> Example:
    """The example that was written; it holds, and so do all others."""
    provider = Provider(load(path))
    for example in provider.spec.examples:
        assert not run_example(provider, example, thorough=False)
    return next(example for example in provider.spec.examples if example.name == written.name)


# --- what is recorded ---


def test_a_stream(chirp: Path) -> None:
    answer = sse(DELTA % "Hallo", USED, DONE, set_cookie="session=abcdefghijkl", x_request_id="r-1")
    example, text = recorded(chirp, answer, temperature=0.3)
    assert example.name == "recorded from another address than the file's url on 2026-01-02 at 03:04:05"
    assert (example.messages, example.params) == ([{"role": "user", "content": "Hi"}], {"temperature": 0.3})
    assert example.request == {
        "method": "POST",
        "headers": {"authorization": "Bearer <CHIRP_API_KEY>"},
        "json": {
            "model": "chirp-1",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.3,
            "stream": True,
        },
    }
    assert dict(example.reply.headers) == {"content-type": "text/event-stream"}
    assert len(example.reply.chunks) >= 1
    assert example.expect == {"text": "Hallo", "finish": "stop", "usage": {"input_tokens": 1, "output_tokens": 2}}
    assert text.startswith(CHIRP[:-1])
    assert "\n  # recorded 2026-01-02 with wirefile " in text
    assert ", from another address than the file's url\n" in text


def test_the_files_own_url_is_named_where_it_was_called(tmp_path: Path) -> None:
    with FaultServer([sse(DELTA % "Hi", USED, DONE)]) as server:
        own = CHIRP.replace("https://api.chirp.example/v1", server.url).replace("frame: oops", "frame: oops")
        (tmp_path / "chirp.yaml").write_text(own, encoding="utf-8")
        recorder = Recorder()
        secrets = {"chirp": {"api_key": CANARY}}
        with Client(Catalog(tmp_path), secrets=secrets, recorder=recorder) as client:
            client.chat("chirp", "Hi", "chirp-2")
        assert recorder.last is not None
        example = of(tmp_path / "chirp.yaml", recorder.last.write(tmp_path / "chirp.yaml", now=NOW))
    assert example.request["url"] == f"{server.url}/chat"
    assert example.name == "recorded on 2026-01-02 at 03:04:05"
    assert (example.model, example.stream) == ("chirp-2", False)
    text = (tmp_path / "chirp.yaml").read_text(encoding="utf-8")
    assert "# recorded 2026-01-02 with wirefile 0.1.0\n" in text


@pytest.mark.parametrize(
    ("answer", "expect"),
    [
        (
            whole(b'{"error": {"code": "no_credit", "message": "none left"}}', 429, "application/json"),
            {"error": "quota"},
        ),
        (whole(b"busy", 503, retry_after="1"), {"error": "unavailable"}),
        (sse(DELTA % "Hal"), {"error": "truncated", "text": "Hal"}),
        (whole(b"", 200, "text/event-stream"), {"error": "empty"}),
    ],
)
def test_errors(chirp: Path, answer: Send, expect: dict[str, str]) -> None:
    example, _ = recorded(chirp, answer)
    assert example.expect == expect


def test_a_lost_connection_is_no_example(chirp: Path) -> None:
    before = (chirp / "chirp.yaml").read_bytes()
    recorder = Recorder()
    steps = [Send(head(200, "text/event-stream", content_length="900") + b"data: {}\n\n"), RST()]
    with (
        FaultServer(steps) as server,
        Client(
            Catalog(chirp),
            base_urls={"chirp": server.url},
            secrets={"chirp": {"api_key": CANARY}},
            recorder=recorder,
        ) as client,
        pytest.raises(EngineError),
    ):
        client.chat("chirp", "Hi")
    assert recorder.last is not None
    with pytest.raises(UsageError, match="network failed"):
        recorder.last.write(chirp / "chirp.yaml")
    assert (chirp / "chirp.yaml").read_bytes() == before


def test_a_retry_leaves_only_what_counted(chirp: Path) -> None:
    recorder = Recorder()
    first, second = whole(b"busy", 503, retry_after="0", connection="close"), sse(DELTA % "Hi", USED, DONE)
    options: dict[str, Any] = {"secrets": {"chirp": {"api_key": CANARY}}, "recorder": recorder}
    with (
        FaultServer([first, FIN()], [second]) as server,
        Client(Catalog(chirp), base_urls={"chirp": server.url}, **options) as c,
        c.stream("chirp", "Hi") as stream,
    ):
        list(stream)
    assert recorder.last is not None
    assert of(chirp / "chirp.yaml", recorder.last.write(chirp / "chirp.yaml")).expect["text"] == "Hi"


def test_an_answer_that_was_left_is_no_example(chirp: Path) -> None:
    recorder = Recorder()
    with (
        FaultServer([sse(DELTA % "Hi", USED, DONE)]) as server,
        Client(
            Catalog(chirp), base_urls={"chirp": server.url}, secrets={"chirp": {"api_key": CANARY}}, recorder=recorder
        ) as client,
        client.stream("chirp", "Hi") as stream,
    ):
        next(iter(stream))
    assert recorder.last is not None
    with pytest.raises(UsageError, match="not come to its end"):
        recorder.last.recorded()


def test_the_async_client_records_the_same(chirp: Path) -> None:
    recorder = Recorder(origin="a mock")

    async def run(url: str) -> None:
        options: dict[str, Any] = {"secrets": {"chirp": {"api_key": CANARY}}, "recorder": recorder}
        async with AsyncClient(Catalog(chirp), base_urls={"chirp": url}, **options) as client:
            await client.chat("chirp", "Hi")

    with FaultServer([sse(DELTA % "Hi", USED, DONE)]) as server:
        asyncio.run(run(server.url))
    assert recorder.last is not None
    example = of(chirp / "chirp.yaml", recorder.last.write(chirp / "chirp.yaml", now=NOW))
    assert example.name == "recorded from a mock on 2026-01-02 at 03:04:05"
    assert example.expect["text"] == "Hi"


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "bedrock", "ollama", "acytoo", "replicate"])
@pytest.mark.parametrize("streams", [True, False])
def test_every_protocol_can_be_recorded_from_its_mock(tmp_path: Path, name: str, streams: bool) -> None:
    provider = Catalog().provider(name)
    recorder = Recorder(origin="a mock")
    secrets = {key: f"<{source.env[0]}>" for key, source in provider.spec.secrets.items()}
    path = tmp_path / "mine.yaml"
    with (
        MockServer(provider) as mock,
        Client(base_urls={name: mock.url}, secrets={name: secrets}, recorder=recorder) as client,
    ):
        model = provider.spec.models.default or "m"
        if streams:
            with client.stream(name, "Привет", model) as stream:
                list(stream)
                answer = stream.response
        else:
            answer = client.chat(name, "Привет", model)
    assert recorder.last is not None
    written = recorder.last.write(path, now=NOW)
    assert of(path, written).expect["text"] == answer.text
    assert path.read_text(encoding="utf-8").startswith("spec_version: 1\nname: mine\n")
    # The stand-in's address is one territory: a credential goes to a host there that gets none of the service's.
    assert written.left_out == (("request.headers.authorization",) if name == "replicate" else ())


TEXT = """\
spec_version: 1
name: plain
title: Plain
url: https://api.plain.example
payload: "{{ messages[-1].content }}"
encoding: text
response: {codec: text}
examples:
  - {name: a, call: {messages: hi}, reply: {text: Hello}, expect: {text: Hello}}
"""


def test_characters_that_the_network_cut_are_whole(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(TEXT, encoding="utf-8")
    body = "Привет, 世界! 👋".encode()
    answer = chunked(*(body[at : at + 1] for at in range(len(body))))
    example, _ = recorded(tmp_path, answer, "plain", file="plain.yaml")
    assert example.reply.body == body
    assert all(chunk.decode() for chunk in example.reply.chunks)


def test_bytes_that_are_no_text_are_base64(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(TEXT, encoding="utf-8")
    example, text = recorded(tmp_path, whole(b"caf\xe9"), "plain", file="plain.yaml")
    assert example.reply.body == b"caf\xe9"
    assert f"base64: {base64.b64encode(b'caf' + bytes([0xE9])).decode()}" in text


# --- secrets ---


@echoes
@pytest.mark.parametrize("spelling", spelt(CANARY))
def test_a_key_that_the_service_says_again_is_taken_out(chirp: Path, spelling: str) -> None:
    said = json.dumps({"delta": {"text": f"your key is {spelling}, friend"}, "stop_reason": "end"})
    body = f"data: {said}\n\ndata: {USED}\n\ndata: [DONE]\n\n".encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]  # it is cut by the network too
    example, text = recorded(
        chirp, chunked(*pieces, kind="text/event-stream"), messages=f"I have {CANARY} and {spelling}"
    )
    assert_no_secret(text)
    assert "<CHIRP_API_KEY>" in example.expect["text"]
    assert "<CHIRP_API_KEY>" in example.messages[0]["content"]


def test_a_key_in_a_refusal_and_in_its_headers_is_taken_out(chirp: Path) -> None:
    body = json.dumps({"error": {"code": "x", "message": f"no such key: {CANARY}"}}).encode()
    answer = whole(body, 401, "application/json", x_echo=CANARY, retry_after=CANARY)
    example, text = recorded(chirp, answer)
    assert_no_secret(text)
    assert example.reply.headers["retry-after"] == "<CHIRP_API_KEY>"


@echoes
def test_a_key_that_a_model_spells_piece_by_piece_is_not_recorded(chirp: Path) -> None:
    frames = [json.dumps({"delta": {"text": char}}) for char in CANARY]
    with pytest.raises(UsageError, match="spells a secret"):
        recorded(chirp, sse(*frames, DELTA % ".", USED, DONE))
    assert (chirp / "chirp.yaml").read_text(encoding="utf-8") == CHIRP


BINARY = """\
spec_version: 1
name: binary
title: Binary
secrets: {api_key: {env: [BINARY_KEY]}}
auth: {type: bearer, secret: api_key}
url: https://api.binary.example
method: POST
payload: {messages: "{{ messages }}"}
response:
  codec: aws_eventstream
  rules: [{when: {event: text}, text: text}]
  end: {event: stop}
examples:
  - {name: a, call: {messages: hi}, reply: {base64: ""}, expect: {error: empty}}
"""


def test_a_binary_stream(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_text(BINARY, encoding="utf-8")
    frames = [Frame("text", '{"text": "Hi"}'), Frame("stop", "{}")]
    answer = chunked(*map(encode_message, frames), kind="application/vnd.amazon.eventstream")
    example, _ = recorded(tmp_path, answer, "binary", file="binary.yaml")
    assert example.reply.body == b"".join(map(encode_message, frames))
    assert example.expect == {"text": "Hi", "finish": "unknown"}


@echoes
def test_a_binary_stream_with_a_key_in_it_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_text(BINARY, encoding="utf-8")
    frames = [Frame("text", json.dumps({"text": CANARY})), Frame("stop", "{}")]
    answer = chunked(*map(encode_message, frames), kind="application/vnd.amazon.eventstream")
    with pytest.raises(UsageError, match="holds a secret"):
        recorded(tmp_path, answer, "binary", file="binary.yaml")
    assert (tmp_path / "binary.yaml").read_text(encoding="utf-8") == BINARY


STEPS = """\
spec_version: 1
name: steppy
title: Steppy
secrets: {key: {env: [STEPPY_KEY]}}
auth:
  type: oauth2
  token: {url: "https://api.steppy.example/token", form: {key: "{{ secrets.key }}"}, value: access_token}
  send: {header: authorization, prefix: "Bearer "}
url: https://api.steppy.example
steps:
  - {name: open, path: /open, method: POST, read: {sid: {cookie: sid}, nonce: {json: nonce}, tag: {header: x-tag}}}
method: POST
path: /chat
headers: {x-tag: "{{ steps.open.tag }}"}
payload: {q: "{{ messages[-1].content }}", nonce: "{{ steps.open.nonce }}"}
response: {codec: json, rules: [{text: answer}]}
examples:
  - name: a
    call: {messages: hi}
    steps: [{reply: {headers: {set-cookie: "sid=1", x-tag: t}, json: {nonce: n-1}}}]
    reply: {json: {answer: Hello}}
    expect: {text: Hello}
"""


@echoes
def test_a_call_of_several_requests(tmp_path: Path) -> None:
    (tmp_path / "steppy.yaml").write_text(STEPS, encoding="utf-8")
    token, session, tag = "token-canary-77", "session-canary-88", "tag-canary-99"

    def answer(asked: Asked) -> Answer:
        headers = (("set-cookie", f"sid={session}; Path=/"), ("set-cookie", "other=1"), ("x-tag", tag))
        return {
            "/token": Answer({"access_token": token}),
            "/open": Answer({"nonce": "n-2", "said": f"{session} {tag}"}, headers=headers),
            "/chat": Answer({"answer": f"Hello {asked.headers.get('cookie')}, {token}"}),
        }[asked.path]

    recorder = Recorder()
    with (
        StepServer(answer) as server,
        Client(
            Catalog(tmp_path), base_urls={"steppy": server.url}, secrets={"steppy": {"key": CANARY}}, recorder=recorder
        ) as client,
    ):
        assert client.chat("steppy", "Hi").text == f"Hello sid={session}; other=1, {token}"
    assert server.said() == ["POST /token", "POST /open", "POST /chat"]
    assert recorder.last is not None
    path = tmp_path / "steppy.yaml"
    example = of(path, recorder.last.write(path, now=NOW))
    text = path.read_text(encoding="utf-8")
    assert_no_secret(text)
    assert not any(canary in text for canary in (token, session, tag))
    assert example.steps[0].reply.headers["set-cookie"] == "sid=<session>; Path=/"
    assert example.steps[0].reply.headers["x-tag"] == "<session>"
    assert example.request["json"] == {"q": "Hi", "nonce": "n-2"}
    assert example.expect["text"] == "Hello sid=<session>; other=1, <access token>"


def test_a_refused_token_is_never_recorded(tmp_path: Path) -> None:
    (tmp_path / "steppy.yaml").write_text(STEPS, encoding="utf-8")
    recorder = Recorder()
    with (
        StepServer(lambda asked: Answer({"error": CANARY}, 401)) as server,
        Client(
            Catalog(tmp_path), base_urls={"steppy": server.url}, secrets={"steppy": {"key": CANARY}}, recorder=recorder
        ) as client,
        pytest.raises(EngineError),
    ):
        client.chat("steppy", "Hi")
    assert recorder.last is not None
    with pytest.raises(UsageError, match="nothing to record"):
        recorder.last.write(tmp_path / "steppy.yaml")
    assert CANARY not in repr(recorder.last) + repr(recorder.last.tape)


# --- the file ---

GOOD = sse(DELTA % "Hallo", USED, DONE)
ABOVE, BELOW = CHIRP.split("examples:\n")
FLOW = ABOVE + "examples: [{name: a, call: {messages: hi}, reply: {json: {text: Hi}}, expect: {text: Hi}}]  # all\n"
FLOW_LINES = FLOW.replace("[{name", "[\n  {name").replace("}}]  #", "}},  # one\n]  #")
BLOCK = (
    CHIRP
    + """\
  -
    name: the last
    call: {messages: hi, stream: false}
    reply:
      headers: {content-type: application/json}
      text: |
        {"text": "Hi"}
    expect:
      text: >-
        Hi

  # to be gone on with
"""
)


@pytest.mark.parametrize(
    "text",
    [
        CHIRP,
        CHIRP.rstrip("\n"),
        CHIRP.replace("\n", "\r\n"),
        "\ufeff" + CHIRP,
        CHIRP + "# the end\n\n\n",
        CHIRP + "\nx-note: behind the examples  # and more\n",
        ABOVE + "examples:\n" + BELOW.replace("\n  ", "\n").removeprefix("  "),
        FLOW,
        FLOW_LINES,
        BLOCK,
    ],
    ids=["plain", "no-last-line-end", "crlf", "bom", "comment", "key-behind", "flat", "flow", "flow-lines", "block"],
)
def test_nothing_else_of_the_file_is_touched(chirp: Path, text: str) -> None:
    path = chirp / "chirp.yaml"
    path.write_bytes(text.encode())
    path.chmod(0o640)
    provider = Provider(load(path))
    recorded(chirp, GOOD)
    first = path.read_bytes().decode()
    recorded(chirp, GOOD)
    second = path.read_bytes().decode()
    for before, after in ((text, first), (first, second)):
        start = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
        added = len(after) - len(before)
        assert after[start + added :] == before[start:], "something behind the example is not what it was"
        assert after[start : start + added].count("# recorded") == 1
    assert path.stat().st_mode & 0o777 == 0o640
    names = [example.name for example in load(path).examples]
    assert names[: len(provider.spec.examples)] == [example.name for example in provider.spec.examples]
    assert len(set(names)) == len(provider.spec.examples) + 2
    assert ("\r\n" in text) == ("\r\n" in second)
    assert not ("\r\n" in text and second.replace("\r\n", "").count("\n"))


def test_a_file_that_inherits_its_examples_gets_its_own(chirp: Path) -> None:
    text = "spec_version: 1\nname: mine\ntitle: Mine\nextends: chirp"
    (chirp / "mine.yaml").write_text(text, encoding="utf-8")
    _, after = (
        recorded(
            chirp,
            GOOD,
            "mine",
            file="mine.yaml",
        )
        if False
        else recorded(chirp, GOOD, file="mine.yaml")
    )
    assert after.startswith(text + "\nexamples:\n  # recorded ")


def test_a_file_that_is_not_there_is_made(chirp: Path) -> None:
    example, text = recorded(chirp, GOOD, file="new.yaml")
    assert text.startswith("spec_version: 1\nname: new\ntitle: Chirp\nextends: chirp\nexamples:\n  # recorded ")
    assert example.expect["text"] == "Hallo"


@pytest.mark.parametrize(
    ("file", "words"),
    [("nowhere/new.yaml", "cannot be made"), ("new.txt", "cannot be made"), ("sub/chirp.yaml", "of chirp itself")],
)
def test_a_file_that_cannot_be_made(chirp: Path, file: str, words: str) -> None:
    (chirp / "sub").mkdir()
    with pytest.raises(UsageError, match=words):
        recorded(chirp, GOOD, file=file)
    assert not (chirp / file).exists()


def test_a_recording_that_does_not_fit_into_the_file(chirp: Path) -> None:
    with pytest.raises(UsageError, match=r"larger than 262144 bytes"):
        recorded(chirp, sse(DELTA % ("long " * 60_000), USED, DONE))
    assert (chirp / "chirp.yaml").read_text(encoding="utf-8") == CHIRP


def test_a_recording_beyond_all_measure(chirp: Path) -> None:
    with pytest.raises(UsageError, match="too large"):
        recorded(chirp, sse(DELTA % ("long " * 300_000), USED, DONE))


def test_an_example_that_does_not_hold_is_not_written(chirp: Path) -> None:
    """The other file reads the answer in other words."""
    other = CHIRP.replace("name: chirp", "name: other", 1).replace("{end: stop", "{end: length")
    other = other.replace("finish: stop,", "finish: length,")
    (chirp / "other.yaml").write_text(other, encoding="utf-8")
    with pytest.raises(UsageError, match=r"does not hold in .*expect.finish"):
        recorded(chirp, GOOD, file="other.yaml")
    assert (chirp / "other.yaml").read_text(encoding="utf-8") == other


def test_what_no_other_call_repeats_is_left_out(chirp: Path) -> None:
    path = chirp / "chirp.yaml"
    path.write_text(CHIRP.replace("path: /chat\n", 'path: /chat\nheaders: {x-id: "{{ uuid4() }}"}\n'), encoding="utf-8")
    example, _ = recorded(chirp, GOOD)
    assert set(example.request["headers"]) == {"authorization"}
    assert "json" in example.request


# --- the command ---


@echoes
def test_the_command_records(wirefile: Run, chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_API_KEY", CANARY)
    path = chirp / "chirp.yaml"
    with FaultServer([sse(DELTA % f"Hi {CANARY}", USED, DONE)]) as server:
        words = ("chat", "chirp", "Hi", "--providers", str(chirp), "--base-url", server.url, "--record", str(path))
        ran = wirefile(*words)
    assert (ran.code, ran.out) == (0, f"Hi {CANARY}\n")  # what is on the screen is the answer as it is
    assert "recorded as 'recorded from another address than the file's url on " in ran.err
    assert_no_secret(path.read_text(encoding="utf-8") + ran.err)


def test_the_command_records_a_refusal(wirefile: Run, chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_API_KEY", CANARY)
    path = chirp / "chirp.yaml"
    body = json.dumps({"error": {"message": f"bad key {CANARY}"}}).encode()
    with FaultServer([whole(body, 401, "application/json")]) as server:
        words = ("chat", "chirp", "Hi", "--providers", str(chirp), "--base-url", server.url, "--record", str(path))
        ran = wirefile(*words)
    assert ran.code == 4
    assert load(path).examples[-1].expect == {"error": "auth"}
    assert_no_secret(path.read_text(encoding="utf-8") + ran.err + ran.out)


def test_the_command_records_a_mock_as_such(wirefile: Run, chirp: Path) -> None:
    path = chirp / "chirp.yaml"
    ran = wirefile("chat", "chirp", "Hello", "--providers", str(chirp), "--mock", "--record", str(path))
    assert ran.code == 0
    assert ", from a mock\n" in path.read_text(encoding="utf-8")
    assert load(path).examples[-1].name.startswith("recorded from a mock on ")


def test_a_file_that_cannot_take_it_is_said_before_the_call(wirefile: Run, chirp: Path) -> None:
    (chirp / "broken.yaml").write_text("spec_version: 1\n", encoding="utf-8")
    words = ("chat", "chirp", "Hello", "--providers", str(chirp), "--mock", "--record")
    ran = wirefile(*words, str(chirp / "broken.yaml"))
    assert (ran.code, ran.out) == (2, "")
    assert "missing-key" in ran.err


def test_a_failed_recording_keeps_the_answer(wirefile: Run, chirp: Path) -> None:
    path = chirp / "chirp.yaml"
    path.write_text(CHIRP + "#" * (256 * 1024 - len(CHIRP.encode()) - 200) + "\n", encoding="utf-8")
    ran = wirefile("chat", "chirp", "Hello", "--providers", str(chirp), "--mock", "--record", str(path))
    assert "You said: «Hello»" in ran.out
    assert ran.code == 1
    assert "not recorded: with this example of " in ran.err
