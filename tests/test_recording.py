from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError, UsageError
from engine.examples import run_example
from engine.loader import load
from engine.mock import MockServer
from engine.provider import Provider
from engine.recording import Recorder, Written
from engine.spec import Example

from .conftest import CHIRP
from .faultserver import DONE, RST, FaultServer, Send, chunked, head, sse, whole

CANARY = "sk-canary/7+9=Zq&x"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

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
    options: dict[str, Any] = {"secrets": {name: {"api_key": CANARY}}} if "secrets" not in params else {}
    with (
        FaultServer([answer]) as server,
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
        assert not run_example(provider, example)
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
    first, second = whole(b"busy", 503, retry_after="0"), sse(DELTA % "Hi", USED, DONE)
    options: dict[str, Any] = {"secrets": {"chirp": {"api_key": CANARY}}, "recorder": recorder}
    with (
        FaultServer([first], [second]) as server,
        Client(Catalog(chirp), base_urls={"chirp": server.url}, **options) as c,c.stream("chirp", "Hi") as stream
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
            async with client.stream("chirp", "Hi") as stream:
                async for _ in stream:
                    pass

    with FaultServer([sse(DELTA % "Hi", USED, DONE)]) as server:
        asyncio.run(run(server.url))
    assert recorder.last is not None
    example = of(chirp / "chirp.yaml", recorder.last.write(chirp / "chirp.yaml", now=NOW))
    assert example.name == "recorded from a mock on 2026-01-02 at 03:04:05"
    assert example.expect["text"] == "Hi"


@pytest.mark.parametrize(
    "name", ["openai", "anthropic", "gemini", "bedrock", "ollama", "acytoo", "replicate", "gigachat"]
)
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
    assert written.left_out == (), written


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
    example, _ = recorded(tmp_path, answer, "plain", file="plain.yaml", secrets=None)
    assert example.reply.body == body
    assert all(chunk.decode() for chunk in example.reply.chunks)


def test_bytes_that_are_no_text_are_base64(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(TEXT, encoding="utf-8")
    example, text = recorded(tmp_path, whole(b"caf\xe9"), "plain", file="plain.yaml", secrets=None)
    assert example.reply.body == b"caf\xe9"
    assert f"base64: {base64.b64encode(b'caf' + bytes([0xE9])).decode()}" in text
