"""Examples of several requests: tested, shown, and spoken by the mock."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Catalog, Client
from engine.examples import run_example
from engine.loader import load_text
from engine.mock import MockServer
from engine.provider import Provider

from .conftest import Run

JOBS = """
spec_version: 1
name: jobs
url: https://api.jobs.example/v1
secrets: {key: {env: [JOBS_KEY]}}
auth: {type: bearer, secret: key}
params: {heat: {type: number, default: 0.5}}
steps:
  - name: job
    path: /predictions
    json: {input: {prompt: "{{ messages[0].content }}", heat: "{{ heat }}"}, stream: true}
    read: {id: id, stream: urls.stream}
    cleanup: {method: POST, path: "/predictions/{{ steps.job.id }}/cancel"}
hosts: [stream.jobs.example]
method: GET
follow: "{{ steps.job.stream }}"
headers: {accept: text/event-stream}
response:
  codec: sse
  unwrap: [text]
  rules: [{when: {event: output}, text: $}]
  end: {event: done}
examples:
  - name: an answer
    call: {messages: [{role: user, content: Hello}]}
    steps:
      - request:
          method: POST
          url: https://api.jobs.example/v1/predictions
          headers: {authorization: Bearer <JOBS_KEY>}
          json: {input: {prompt: Hello, heat: 0.5}, stream: true}
        reply: {status: 201, json: {id: p1, urls: {stream: "https://stream.jobs.example/v1/p1?x=y"}}}
    request: {method: GET, url: "https://stream.jobs.example/v1/p1", query: {x: y}}
    reply:
      headers: {content-type: text/event-stream}
      chunks: ["event: output\\ndata: Hi\\n\\n", "event: output\\ndata:  there\\n\\nevent: done\\ndata: {}\\n\\n"]
    expect: {text: Hi there}
  - name: no credit
    call: {messages: [{role: user, content: Hello}]}
    steps: [{reply: {status: 402, json: {detail: pay}}}]
    reply: {text: ""}
    expect: {error: quota}
"""

TOKENS = """
spec_version: 1
name: tokens
url: https://api.tokens.example/v1
path: /chat
secrets: {key: {env: [TOKENS_KEY]}}
auth:
  type: oauth2
  token: {url: "https://login.tokens.example/t", form: {key: "{{ secrets.key }}"}, value: token, expires_in: life}
payload: {text: "{{ messages[0].content }}"}
response: {codec: json, rules: [{text: text}]}
examples:
  - name: with its token
    call: {messages: [{role: user, content: Hello}]}
    steps:
      - request: {url: "https://login.tokens.example/t", form: {key: <TOKENS_KEY>}}
        reply: {json: {token: t1, life: 3600}}
    request: {url: "https://api.tokens.example/v1/chat", json: {text: Hello}}
    reply: {json: {text: Hi}}
    expect: {text: Hi}
  - name: without
    call: {messages: [{role: user, content: Hello}]}
    request: {headers: {authorization: Bearer <access token>}, json: {text: Hello}}
    reply: {json: {text: Hi}}
    expect: {text: Hi}
  - name: busy
    call: {messages: [{role: user, content: Hello}]}
    reply: {status: 503, json: {}}
    expect: {error: unavailable}
"""


def failures(text: str) -> list[str]:
    provider = Provider(load_text(text))
    return [str(failure) for example in provider.spec.examples for failure in run_example(provider, example)]


BARE = TOKENS.replace(
    """      - request: {url: "https://login.tokens.example/t", form: {key: <TOKENS_KEY>}}
        reply: {""",
    "      - reply: {",
)
"""The same, with a step of which only the reply is shown."""


@pytest.mark.parametrize("text", [JOBS, TOKENS, BARE])
def test_the_requests_of_an_example_are_made_of_its_replies(text: str) -> None:
    assert failures(text) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("{input: {prompt: Hello, heat: 0.5}", "{input: {prompt: Hello, heat: 0.7}", "steps.0.request.json.input.heat"),
        ("Bearer <JOBS_KEY>", "Bearer x", "steps.0.request.headers.authorization"),
        ("query: {x: y}", "query: {x: z}", "request.query.x"),
        ("hosts: [stream.jobs.example]", "hosts: [other.jobs.example]", "steps.0: expected"),
        ("{id: p1, urls", "{id: p1, uris", "steps.0: expected"),
        ("{status: 402", "{status: 400", "steps.0: expected"),
        ("    steps: [{reply: {status: 402, json: {detail: pay}}}]\n", "", "expect.error"),
        (
            "steps: [{reply: {status: 402, json: {detail: pay}}}]",
            "steps: [{reply: {json: {id: a, urls: {stream: 'https://stream.jobs.example'}}}}, {reply: {text: a}}]",
            "steps.1: expected",
        ),
    ],
)
def test_what_does_not_hold_in_an_example_is_said_with_its_place(old: str, new: str, path: str) -> None:
    assert old in JOBS
    found = failures(JOBS.replace(old, new))
    assert any(failure.startswith(path) for failure in found), found


def test_the_main_request_is_compared_where_only_the_reply_of_the_token_request_is_shown() -> None:
    found = failures(BARE.replace('chat", json: {text: Hello}}', 'chat", json: {text: Bye}}'))
    assert any(failure.startswith("request.json.text") for failure in found), found


@pytest.mark.parametrize("name", ["gigachat", "watsonx", "watsonx-text"])
def test_a_mock_that_gives_tokens_answers_whatever_is_said(name: str) -> None:
    provider = Catalog().provider(name)
    secrets = dict.fromkeys(provider.spec.secrets, "k-1234")
    with MockServer(provider) as mock, Client(base_urls={name: mock.url}, secrets={name: secrets}) as client:
        assert client.chat(name, "Hi there", "m-1").text.endswith("You said: «Hi there»")
        with client.stream(name, "Hi there", "m-1") as stream:
            assert "".join(getattr(event, "text", "") for event in stream).endswith("You said: «Hi there»")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.yaml").write_text(JOBS)
    (tmp_path / "tokens.yaml").write_text(TOKENS)
    return tmp_path


@pytest.mark.parametrize(("name", "answer"), [("jobs", "Hi there"), ("tokens", "Hi")])
def test_the_mock_speaks_the_whole_dialogue(folder: Path, name: str, answer: str) -> None:
    catalog = Catalog(folder)
    log: list[str] = []
    with (
        MockServer(catalog.provider(name), log=log.append) as mock,
        Client(catalog, base_urls={name: mock.url}, secrets={name: {"key": "k-1234"}}) as client,
    ):
        assert client.chat(name, "Hello").text == answer
        assert client.chat(name, "Anything").text.endswith("You said: «Anything»")
        assert client.chat(name, "Hello").text == answer
        if name == "jobs":
            with client.stream(name, "Hello") as stream:
                next(iter(stream))
    assert log[0].startswith("POST /predictions -> 201" if name == "jobs" else "POST /t -> 200")
    assert name != "jobs" or log[-1].startswith("POST /predictions/p1/cancel -> 200")


def test_the_mock_knows_a_step_by_its_path_whatever_stands_in_the_slots(wirefile: Run, tmp_path: Path) -> None:
    text = JOBS.replace("path: /predictions\n", 'path: "/models/{{ model | path_segments }}/jobs"\n')
    text = text.replace("call: {messages", "call: {model: a/b, messages").replace(
        "v1/predictions\n", "v1/models/a/b/jobs\n"
    )
    (tmp_path / "jobs.yaml").write_text(text)
    for model in ("a/b", "c/d"):
        ran = wirefile("--providers", str(tmp_path), "chat", f"jobs:{model}", "Who?", "--mock")
        assert ran.out.endswith("You said: «Who?»\n"), ran.err


@pytest.mark.parametrize(("name", "answer"), [("jobs", "Hi there"), ("tokens", "Hi")])
def test_a_chat_with_the_mock(wirefile: Run, folder: Path, name: str, answer: str) -> None:
    ran = wirefile("--providers", str(folder), "chat", name, "Hello", "--mock")
    assert (ran.code, ran.out) == (0, f"{answer}\n"), ran.err


def test_every_request_is_shown_in_its_order(wirefile: Run, folder: Path) -> None:
    ran = wirefile("--providers", str(folder), "render", "jobs", "Hello")
    first, second = ran.out.split("\n\nGET ", 1)
    assert first.startswith("POST /v1/predictions HTTP/1.1\nhost: api.jobs.example\n")
    assert '"prompt":"Hello"' in first
    assert "<steps.job.stream>" in second
    assert "authorization" not in second
    ran = wirefile("--providers", str(folder), "render", "tokens", "Hello", "--format", "curl")
    assert "TOKENS_KEY" in ran.out
    assert ran.out.count("curl ") == 2


def test_the_examples_of_a_folder_are_run(wirefile: Run, folder: Path) -> None:
    ran = wirefile("test", str(folder))
    assert ran.code == 0, ran.out + ran.err


def test_the_library_shows_the_main_request(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("JOBS_KEY", "k-1234")
    wire = Catalog(folder).provider("jobs").render("Hello")
    assert (wire.method, wire.url) == ("GET", "<steps.job.stream>")
