"""Calls of several requests over a real socket, by threads and by tasks: what is sent, in which order, and to whom."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncClient, Client
from engine.errors import EngineError, ParameterError, ProviderError, TransportError, TruncatedError
from engine.events import TextDelta
from engine.steps import StepCache

from .faults import fault
from .stepserver import ASKS, Answer, Ask, Asked, StepServer, folder_of

both = pytest.mark.parametrize("ask", ASKS)

HEAD = """
spec_version: 1
name: acme
url: http://127.0.0.1
secrets: {key: {env: [ACME_KEY], optional: true}}
auth: {type: bearer, secret: key}
"""
TAIL = """
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {text: "data: Hi\\n\\nevent: done\\ndata: {}\\n\\n",
     headers: {content-type: text/event-stream}}, expect: {text: Hi}}
"""
STREAM = """
response:
  codec: sse
  unwrap: [text]
  rules: [{when: {event: output}, text: $}]
  end: {event: done}
retry: {max: 1, base: 0.001}
"""
SUBMIT = (
    HEAD
    + """
steps:
  - name: prediction
    path: /predictions
    json: {input: {prompt: "{{ messages[0].content }}"}}
    read: {id: id, stream: {json: urls.stream}}
    cleanup: {method: POST, path: "/predictions/{{ steps.prediction.id }}/cancel"}
follow: "{{ steps.prediction.stream }}"
method: GET
headers: {accept: text/event-stream}
"""
    + STREAM
    + TAIL.replace("data: Hi", "event: output\\ndata: Hi")
)
SSE = (("content-type", "text/event-stream"),)
BODY = b"event: output\ndata: Hel\n\nevent: output\ndata: lo\n\nevent: done\ndata: {}\n\n"


def options(server: StepServer, **more: Any) -> dict[str, Any]:
    return {"base_urls": {"acme": server.url}, "secrets": {"acme": {"key": "key-123456"}}, **more}


class Predictions:
    """The service of SUBMIT. `stream_url` is what it says of where the stream is."""

    def __init__(self, stream_url: str = "{own}/streams/p1?token=t%20t", **streamed: Any) -> None:
        self.stream_url = stream_url
        self.streamed = {"body": BODY, "headers": SSE, **streamed}
        self.server = StepServer(self.answer)

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/predictions":
            url = self.stream_url.replace("{own}", self.server.url)
            return Answer({"id": "p1", "error": None, "urls": {"stream": url}}, status=201)
        return Answer(**self.streamed) if asked.path == "/streams/p1" else Answer({}, status=200)


@both
def test_a_job_is_submitted_and_its_stream_followed(tmp_path: Path, ask: Ask) -> None:
    with Predictions().server as server:
        answer = ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
    assert answer.text == "Hello"
    assert server.said() == ["POST /predictions", "GET /streams/p1"]
    submit, stream = server.asked
    assert submit.json == {"input": {"prompt": "hi"}}
    assert submit.headers["authorization"] == stream.headers["authorization"] == "Bearer key-123456"
    assert stream.query == {"token": "t t"}
    assert stream.headers["accept"] == "text/event-stream"
    assert stream.body == b""


@both
def test_a_step_that_was_read_is_not_sent_again_when_the_main_request_is(tmp_path: Path, ask: Ask) -> None:
    service = Predictions()
    tries = iter([Answer(b"busy", status=503), Answer(BODY, headers=SSE)])
    answered = service.answer
    service.server.answer = lambda asked: next(tries) if asked.path == "/streams/p1" else answered(asked)
    with service.server as server:
        assert ask(folder_of(tmp_path, SUBMIT), "acme", **options(server)).text == "Hello"
    assert server.said() == ["POST /predictions", "GET /streams/p1", "GET /streams/p1"]


@both
def test_a_refusal_of_a_step_is_read_by_the_rules_for_errors(tmp_path: Path, ask: Ask) -> None:
    text = SUBMIT + "errors: [{status: 402, kind: quota, message: why}]\n"
    with (
        StepServer(lambda asked: Answer({"why": "no credit for key-123456"}, status=402)) as server,
        pytest.raises(ProviderError) as caught,
    ):
        ask(folder_of(tmp_path, text), "acme", **options(server))
    error = caught.value
    assert (error.kind, error.status, error.attempts, error.provider) == ("quota", 402, 1, "acme")
    assert error.message.startswith("the step 'prediction': the provider refused")
    assert "no credit for ***" in error.message
    assert "key-123456" not in error.message + error.body
    assert server.said() == ["POST /predictions"]


@both
def test_a_busy_step_is_tried_again_before_any_event(tmp_path: Path, ask: Ask) -> None:
    service = Predictions()
    tries = iter([Answer(b"busy", status=503)])
    answered = service.answer
    service.server.answer = lambda asked: next(tries, None) or answered(asked)
    with service.server as server:
        assert ask(folder_of(tmp_path, SUBMIT), "acme", **options(server)).text == "Hello"
    assert server.said() == ["POST /predictions", "POST /predictions", "GET /streams/p1"]


@both
def test_a_value_that_is_not_there_is_an_error_and_the_step_is_not_repeated(tmp_path: Path, ask: Ask) -> None:
    with (
        StepServer(lambda asked: Answer({"id": "p1"})) as server,
        pytest.raises(ProviderError, match=r"no value for 'stream' \(json 'urls.stream'\)") as caught,
    ):
        ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
    assert caught.value.kind == "protocol"
    assert server.said() == ["POST /predictions"]


@both
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/streams/p1",
        "http://127.0.0.1:1/streams/p1",
        "http://127.0.0.1.evil.example/streams/p1",
        "{own}@evil.example/streams/p1",
        "{own}\\@evil.example/streams/p1",
        "//evil.example/streams/p1",
        "/streams/p1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "{own}/streams/p1#fragment",
        "{own}/streams/p1 /x",
        "{own}/streams/\r\nx: y",
        "https://169.254.169.254/latest",
        "http://[::1]:99/",
        "https://streams.acme.example.evil.example/p1",
        "https://acme.example/p1",
        "http://streams.acme.example/p1",
        "https://streams.acme.example:8443/p1",
        "https://ⓢtreams.acme.example/p1",
    ],
)
def test_a_url_that_leads_elsewhere_is_not_followed(tmp_path: Path, ask: Ask, url: str) -> None:
    service = Predictions(url)
    text = SUBMIT.replace("method: GET", 'hosts: ["*.acme.example"]\nmethod: GET')
    with service.server as server, pytest.raises(ProviderError, match="it is not followed") as caught:
        ask(folder_of(tmp_path, text), "acme", **options(server))
    assert caught.value.kind == "protocol"
    assert server.said()[:1] == ["POST /predictions"]
    assert "GET /streams/p1" not in server.said()


@both
def test_a_redirect_of_a_step_is_not_followed(tmp_path: Path, ask: Ask) -> None:
    with (
        StepServer(lambda asked: Answer(status=307, headers=(("location", "https://evil.example/x"),))) as server,
        pytest.raises(ProviderError, match="redirects") as caught,
    ):
        ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
    assert caught.value.kind == "protocol"
    assert server.said() == ["POST /predictions"]


@both
def test_a_stand_in_on_loopback_answers_for_the_declared_hosts(tmp_path: Path, ask: Ask) -> None:
    text = SUBMIT.replace("method: GET", "hosts: [streams.acme.example]\nmethod: GET")
    with Predictions("https://streams.acme.example/streams/p1").server as server:
        assert ask(folder_of(tmp_path, text), "acme", **options(server)).text == "Hello"
    assert server.said() == ["POST /predictions", "GET /streams/p1"]


# --- polling ---

POLLED = (
    HEAD
    + """
steps:
  - name: job
    path: /jobs
    json: {text: "{{ messages[0].content }}"}
    read: {id: id}
method: GET
path: /jobs/{{ steps.job.id }}
poll: {until: {path: done, equals: true}, fail: {path: state, equals: broken}, every: 0.01, for: 5}
response: {codec: json, rules: [{text: result.text}]}
retry: {max: 1, base: 0.001}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {json: {done: true, result: {text: Hi}}}, expect: {text: Hi}}
"""
)


def job(*polls: Any) -> StepServer:
    replies = iter(polls)

    def answer(asked: Asked) -> Answer:
        reply = {"id": "j/1"} if asked.path == "/jobs" else next(replies)
        return reply if isinstance(reply, Answer) else Answer(reply)

    return StepServer(answer)


@both
def test_the_last_reply_of_a_poll_is_the_answer(tmp_path: Path, ask: Ask) -> None:
    with job({"done": False}, {"done": "true"}, {"done": True, "result": {"text": "Hello"}}) as server:
        assert ask(folder_of(tmp_path, POLLED), "acme", **options(server)).text == "Hello"
    assert server.said() == ["POST /jobs", *["GET /jobs/j%2F1"] * 3]


@both
def test_the_only_request_of_a_call_may_be_polled(tmp_path: Path, ask: Ask) -> None:
    start, end = POLLED.index("steps:"), POLLED.index("method: GET")
    text = (POLLED[:start] + POLLED[end:]).replace("/jobs/{{ steps.job.id }}", "/jobs/1")
    for polls in ([{"done": False}, Answer(b"", status=502)], []):
        with job(*polls, {"done": True, "result": {"text": "Hello"}}) as server:
            assert ask(folder_of(tmp_path, text), "acme", **options(server)).text == "Hello"
        assert server.said() == ["GET /jobs/1"] * (len(polls) + 1)


@both
def test_a_poll_survives_a_refusal_that_is_worth_another_try(tmp_path: Path, ask: Ask) -> None:
    with job(Answer(b"", status=502), {"done": False}, {"done": True, "result": {"text": "Hi"}}) as server:
        assert ask(folder_of(tmp_path, POLLED), "acme", **options(server)).text == "Hi"


@both
def test_a_poll_ends_when_the_provider_gives_up(tmp_path: Path, ask: Ask) -> None:
    with (
        job({"done": False}, {"state": "broken", "message": "out of memory"}) as server,
        pytest.raises(ProviderError, match="acme: the provider gave up: out of memory") as caught,
    ):
        ask(folder_of(tmp_path, POLLED), "acme", **options(server))
    assert caught.value.kind == "unavailable"
    assert len(server.asked) == 3


@both
def test_a_poll_has_a_deadline_of_its_own(tmp_path: Path, ask: Ask) -> None:
    text = POLLED.replace("every: 0.01, for: 5", "every: 0.05, for: 0.2")
    began = time.monotonic()
    with (
        job(*[{"done": False}] * 99) as server,
        pytest.raises(ProviderError, match=r"acme: not done within 0.2 s \(poll.for\)") as caught,
    ):
        ask(folder_of(tmp_path, text), "acme", **options(server))
    assert caught.value.kind == "timeout"
    assert 2 <= len(server.asked) <= 6
    assert time.monotonic() - began < 3


@both
def test_a_step_may_be_polled_before_the_main_request(tmp_path: Path, ask: Ask) -> None:
    text = (
        POLLED.replace("method: GET\n", "")
        .replace("path: /jobs/{{ steps.job.id }}\n", "method: GET\npath: /answers/{{ steps.ready.answer }}\n")
        .replace("poll: {until", "")
    )
    text = text.replace(
        ": {path: done, equals: true}, fail: {path: state, equals: broken}, every: 0.01, for: 5}\n", ""
    ).replace(
        "    read: {id: id}\n",
        "    read: {id: id}\n"
        "  - name: ready\n"
        "    path: /jobs/{{ steps.job.id }}\n"
        "    poll: {until: {path: answer, exists: true}, every: 0.01}\n"
        "    read: {answer: answer}\n",
    )
    with job({"answer": None}, {"answer": 7}, {"result": {"text": "Hello"}}) as server:
        assert ask(folder_of(tmp_path, text), "acme", **options(server)).text == "Hello"
    assert server.said() == ["POST /jobs", "GET /jobs/j%2F1", "GET /jobs/j%2F1", "GET /answers/7"]


# --- sessions: cookies, headers, patterns; what is kept ---

SESSION = (
    HEAD
    + """
steps:
  - name: page
    path: /app/page
    read: {nonce: {regex: 'nonce="([^"]+)"'}, sid: {cookie: sid}, token: {header: x-token}}
path: /app/chat
headers: {x-nonce: "{{ steps.page.nonce }}", x-token: "{{ steps.page.token }}"}
payload: {sid: "{{ steps.page.sid }}", text: "{{ messages[0].content }}"}
response: {codec: text}
retry: {max: 0}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: fine, call: {messages: hi}, reply: {text: Hi}, expect: {text: Hi}}
"""
)
PAGE = b"<html>" + b"<p>x</p>\n" * 3000 + b'<script nonce="n-7">'
COOKIES = (
    ("set-cookie", "sid=secret-sid; Path=/; HttpOnly"),
    ("set-cookie", "narrow=1; Path=/app/page"),
    ("set-cookie", "safe=2; Path=/; Secure"),
    ("set-cookie", "wide=3; Domain=evil.example; Path=/"),
    ("set-cookie", "gone=4; Path=/; Max-Age=0"),
    ("x-token", "tok-123456789"),
)


@both
def test_values_come_from_pages_headers_and_cookies(tmp_path: Path, ask: Ask) -> None:
    page = Answer(PAGE, headers=(("content-type", "text/html"), *COOKIES))
    with StepServer(lambda asked: page if asked.method == "GET" else Answer(b"Hello")) as server:
        assert ask(folder_of(tmp_path, SESSION), "acme", **options(server)).text == "Hello"
    chat = server.asked[1]
    assert (chat.headers["x-nonce"], chat.headers["x-token"]) == ("n-7", "tok-123456789")
    assert chat.json == {"sid": "secret-sid", "text": "hi"}
    assert chat.headers["cookie"] == "sid=secret-sid; safe=2; wide=3"
    assert "cookie" not in server.asked[0].headers


def test_cookies_live_in_one_call_only(tmp_path: Path) -> None:
    catalog = folder_of(tmp_path, SESSION)
    page = Answer(PAGE, headers=COOKIES)
    with (
        StepServer(lambda asked: page if asked.method == "GET" else Answer(b"Hello")) as server,
        Client(catalog, **options(server)) as client,
    ):
        client.chat("acme", "hi")
        client.chat("acme", "hi")
    assert [("cookie" in asked.headers) for asked in server.asked] == [False, True, False, True]


@both
def test_what_opens_a_session_is_hidden_in_errors(tmp_path: Path, ask: Ask) -> None:
    page = Answer(PAGE, headers=COOKIES)
    refusal = Answer({"message": "bad tok-123456789 of secret-sid"}, status=400)
    with (
        StepServer(lambda asked: page if asked.method == "GET" else refusal) as server,
        pytest.raises(ProviderError) as caught,
    ):
        ask(folder_of(tmp_path, SESSION), "acme", **options(server))
    assert "bad *** of ***" in caught.value.message
    assert "secret-sid" not in repr(caught.value.__dict__)


@both
@fault("Secrets", "a step's reply brings a session but lacks a value", "what it brought is masked in the refusal")
def test_what_a_reply_has_brought_is_hidden_when_it_lacks_something_else(tmp_path: Path, ask: Ask) -> None:
    page = Answer(PAGE.replace(b"nonce=", b"once="), headers=COOKIES)
    with StepServer(lambda asked: page) as server, pytest.raises(ProviderError, match="no value for 'nonce'") as caught:
        ask(folder_of(tmp_path, SESSION), "acme", **options(server))
    assert "secret-sid" not in repr(caught.value.__dict__)
    assert "tok-123456789" not in repr(caught.value.__dict__)


JSON_SESSION = (
    SESSION.replace("""{regex: 'nonce="([^"]+)"'}""", "{json: job}")
    .replace("sid: {cookie: sid}", "sid: {json: auth.session_token}")
    .replace("token: {header: x-token}", "token: {json: state}, plain: {json: plain}")
)


@both
def test_a_value_of_a_json_reply_is_hidden_by_its_name_or_where_it_is_sent(tmp_path: Path, ask: Ask) -> None:
    body = {"auth": {"session_token": "t-opens-all"}, "job": "job-123456", "state": "st-123456", "plain": "a-word-more"}
    refusal = Answer({"message": "job-123456, st-123456 and t-opens-all: a-word-more"}, status=400)
    with (
        StepServer(lambda asked: Answer(body) if asked.method == "GET" else refusal) as server,
        pytest.raises(ProviderError, match=r"\*\*\*, \*\*\* and \*\*\*: a-word-more"),
    ):
        ask(folder_of(tmp_path, JSON_SESSION), "acme", **options(server))


KEPT = SESSION.replace("    read: {nonce", "    expires_in: 600\n    read: {nonce")


def test_a_kept_step_is_asked_for_once(tmp_path: Path) -> None:
    page = Answer(PAGE, headers=COOKIES)
    with (
        StepServer(lambda asked: page if asked.method == "GET" else Answer(b"Hello")) as server,
        Client(folder_of(tmp_path, KEPT), **options(server), cache=(cache := StepCache())) as client,
    ):
        for _ in range(3):
            client.chat("acme", "hi")
        whose = options(server, secrets={"acme": {"key": "another-key"}})
        with Client(client.catalog, **whose, cache=cache) as other:
            other.chat("acme", "hi")
    assert [asked.method for asked in server.asked] == ["GET", "POST", "POST", "POST", "GET", "POST"]
    assert all("cookie" not in asked.headers for asked in server.asked)


@both
def test_a_kept_step_is_asked_for_anew_after_a_401(tmp_path: Path, ask: Ask) -> None:
    tokens = iter(["old-token", "new-token"])

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer(PAGE, headers=(("set-cookie", "sid=s"), ("x-token", next(tokens))))
        return Answer(b"Hello") if asked.headers["x-token"] == "new-token" else Answer(b"no", status=401)

    with StepServer(answer) as server:
        assert ask(folder_of(tmp_path, KEPT), "acme", **options(server)).text == "Hello"
    assert [asked.method for asked in server.asked] == ["GET", "POST", "GET", "POST"]


# --- what is taken back ---


def hold_service() -> tuple[Predictions, threading.Event]:
    release = threading.Event()
    return Predictions(hold=release), release


CANCELLED = ["POST /predictions", "GET /streams/p1", "POST /predictions/p1/cancel"]


def settled(condition: Any) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def test_leaving_a_stream_early_takes_the_job_back(tmp_path: Path) -> None:
    service, release = hold_service()
    with service.server as server, Client(folder_of(tmp_path, SUBMIT), **options(server)) as client:
        with client.stream("acme", "hi") as stream:
            for event in stream:
                assert event == TextDelta("Hel")
                break
        release.set()
        assert server.said() == CANCELLED
        assert server.asked[2].headers["authorization"] == "Bearer key-123456"
        assert client._slots._value == 100


def test_an_answer_that_is_whole_takes_nothing_back(tmp_path: Path) -> None:
    with Predictions().server as server, Client(folder_of(tmp_path, SUBMIT), **options(server)) as client:
        with client.stream("acme", "hi") as stream:
            list(stream)
        assert stream.response.text == "Hello"
    assert server.said() == CANCELLED[:2]


@both
def test_an_answer_that_breaks_off_takes_the_job_back_and_keeps_its_error(tmp_path: Path, ask: Ask) -> None:
    service = Predictions(body=b"event: output\ndata: Hel\n\n")
    answered = service.answer
    service.server.answer = lambda a: Answer(b"no", status=500) if a.path.endswith("cancel") else answered(a)
    with service.server as server, pytest.raises(TruncatedError) as caught:
        ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"
    assert server.said() == CANCELLED


@both
def test_a_clean_up_that_hangs_does_not_hold_the_caller_long(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.client.CLEANUP_SECONDS", 0.2)
    monkeypatch.setattr("engine.async_client.CLEANUP_SECONDS", 0.2)
    release = threading.Event()
    service = Predictions(body=b"")
    answered = service.answer

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("cancel"):
            release.wait(10)
        return answered(asked)

    service.server.answer = answer
    began = time.monotonic()
    with service.server as server, pytest.raises(EngineError):
        ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
    assert time.monotonic() - began < 3
    release.set()


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("phase", ["step", "head", "middle"])
def test_a_cancel_takes_the_job_back_once_and_leaves_nothing_behind(tmp_path: Path, phase: str, times: int) -> None:
    release, arrived = threading.Event(), threading.Event()
    service = Predictions(hold=release if phase == "middle" else None)
    answered = service.answer

    def answer(asked: Asked) -> Answer:
        is_here = (phase == "step") == (asked.path == "/predictions")
        if is_here and not asked.path.endswith("cancel"):
            arrived.set()
            if phase != "middle":
                release.wait(10)
        return answered(asked)

    service.server.answer = answer

    async def run(server: StepServer) -> None:
        async with AsyncClient(folder_of(tmp_path, SUBMIT), **options(server, max_connections=1)) as client:
            start = asyncio.all_tasks()
            task = asyncio.ensure_future(client.chat("acme", "hi"))
            assert await asyncio.to_thread(arrived.wait, 10)
            await asyncio.sleep(0.05)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert client._slots._value == 1
            wanted = CANCELLED[:1] if phase == "step" else CANCELLED
            assert await asyncio.to_thread(settled, lambda: server.said() == wanted), server.said()
            for _ in range(200):
                if asyncio.all_tasks() == start:
                    break
                await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == start
            lines = client._lines
            assert lines is not None
            assert {line for _, _, line in lines._idle} == lines._open
        release.set()
        assert server.said() == wanted
        assert await asyncio.to_thread(settled, lambda: server.open == 0)

    with service.server as server:
        asyncio.run(run(server))


def test_a_cancel_between_two_polls_takes_the_job_back(tmp_path: Path) -> None:
    text = POLLED.replace("    read: {id: id}\n", "    read: {id: id}\n    cleanup: {method: DELETE, path: /jobs/1}\n")
    text = text.replace("every: 0.01", "every: 4")
    polled = threading.Event()

    def answer(asked: Asked) -> Answer:
        if asked.method == "GET":
            polled.set()
        return Answer({"id": "1", "done": False})

    async def run(server: StepServer) -> None:
        async with AsyncClient(folder_of(tmp_path, text), **options(server)) as client:
            task = asyncio.ensure_future(client.chat("acme", "hi"))
            assert await asyncio.to_thread(polled.wait, 10)
            await asyncio.sleep(0.05)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 1

    with StepServer(answer) as server:
        asyncio.run(run(server))
        assert server.said() == ["POST /jobs", "GET /jobs/1", "DELETE /jobs/1"]


# --- the rest ---


@both
def test_the_total_deadline_covers_the_steps(tmp_path: Path, ask: Ask) -> None:
    text = POLLED.replace("for: 5", "for: 1").replace("retry:", "timeout: {total: 1}\nretry:")
    with job(*[{"done": False}] * 999) as server, pytest.raises((TransportError, ProviderError)) as caught:
        ask(folder_of(tmp_path, text), "acme", **options(server, timeout=0.3))
    assert isinstance(caught.value, TransportError)
    assert caught.value.phase == "total"


def test_what_is_wrong_with_the_main_request_is_said_before_a_step_is_sent(tmp_path: Path) -> None:
    text = SUBMIT.replace("accept: text/event-stream", "accept: '{{ messages[0].content }}'")
    with (
        Predictions().server as server,
        Client(folder_of(tmp_path, text), **options(server)) as client,
        pytest.raises(ParameterError, match="the header 'accept' would hold"),
    ):
        client.chat("acme", "Привет")
    assert server.said() == []


@both
def test_a_reply_that_is_too_large_ends_the_call(tmp_path: Path, ask: Ask) -> None:
    with (
        StepServer(lambda asked: Answer(b"x" * (1024 * 1024 + 1))) as server,
        pytest.raises(EngineError, match="larger than 1048576 bytes"),
    ):
        ask(folder_of(tmp_path, SUBMIT), "acme", **options(server))
