"""When a call is tried again, after how long, and when not, over real sockets; and what all calls may do together."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError, ProviderError, TransportError
from engine.testing import FIN, RST, Again, FaultServer, Pause, Request, Send, chunk, head, sse, whole

from .faults import fault
from .faultserver import DONE, STOP, delta
from .quickfiles import SSE, TEXT, catalog_of

pytestmark = pytest.mark.usefixtures("few_authorities")

RETRIES = "Retries"
FAST = "base: 0.001, cap: 0.002"
KEYED = "headers: {Idempotency-Key: '{{ uuid4() }}'}"
STEP = "steps: [{name: start, path: /start, json: {}, read: {id: {json: id}}}]"
IN_STEP = STEP.replace("json: {}", "json: {}, headers: {idempotency-key: '{{ uuid4() }}'}")
FILES = {
    "plain": f"{TEXT}\nretry: {{{FAST}}}",
    "sse": f"{SSE}\nretry: {{{FAST}}}",
    "slow": TEXT,
    "again": f"{TEXT}\nretry: {{{FAST}, idempotent: true}}",
    "keyed": f"{TEXT}\nretry: {{{FAST}}}\n{KEYED}",
    "stepped": f"{TEXT}\nretry: {{{FAST}}}\n{STEP}\n{KEYED}",
    "keyed-step": f"{TEXT}\nretry: {{{FAST}}}\n{IN_STEP}",
    "busy": f"{TEXT}\nretry: {{{FAST}}}\nerrors: [{{status: 409, kind: quota}}]",
    "many": f"{TEXT}\nretry: {{{FAST}, max: 6}}",
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("providers")
    catalog = catalog_of(folder, FILES)
    text = catalog.path_of("plain").read_text(encoding="utf-8").replace("name: plain\nurl", "name: get\nurl")
    (folder / "get.yaml").write_text(text.replace("payload:", "method: GET\nx-payload:"), encoding="utf-8")
    return catalog


def busy(status: int = 503, body: bytes = b"busy", **headers: str) -> list[Any]:
    return [whole(body, status, connection="close", **headers), FIN()]


# --- which ---


@fault(RETRIES, "408, 409, 425, 429, 500, 502 to 504, 520 to 524 or 529", "tried again, twice by default")
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529])
def test_a_refusal_that_passes(call, status):
    with FaultServer(busy(status), [whole(b"hi")]) as server:
        outcome = call(server, "plain")
        assert [request.raw for request in server.requests] == [server.requests[0].raw] * 2
    assert outcome.text == outcome.response.text == "hi"
    with FaultServer(busy(status)) as server:
        error = call(server, "plain").error
        assert len(server.requests) == 3
    assert (type(error), error.status, error.attempts) == (ProviderError, status, 3)


@fault(RETRIES, "400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451, 501 or 505", "not tried again")
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451, 501, 505])
def test_a_refusal_that_stays(call, status):
    with FaultServer(busy(status, retry_after="0")) as server:
        error = call(server, "plain").error
        assert len(server.requests) == 1
    assert (type(error), error.status, error.attempts) == (ProviderError, status, 1)


@fault(RETRIES, "a refusal that the file's `errors` give a kind that no waiting mends", "not tried again")
def test_the_file_says_what_stays(call):
    with FaultServer(busy(409)) as server:
        assert (call(server, "busy").error.kind, len(server.requests)) == ("quota", 1)


SPENT = [
    b'{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}',
    b'{"error": {"message": "You exceeded your current quota, please check your plan and billing details."}}',
    b'{"error": {"type": "insufficient_balance"}}',
    b'{"message": "Your credit balance is too low"}',
    b"out of credits",
    b'{"detail": "Monthly quota has been exhausted"}',
]
PASSING = [
    b'{"error": {"message": "Rate limit reached for requests per minute"}}',
    b"Quota exceeded for requests per minute",
    b'{"error": {"message": "You exceeded your current quota. Please retry in 7 s."}}',
    b"slow down",
    b"",
]


@fault(RETRIES, "a 429 whose words say that a quota or a balance is spent", "not tried again")
@pytest.mark.parametrize("body", SPENT)
def test_a_quota_that_is_spent(call, body):
    with FaultServer(busy(429, body)) as server:
        error = call(server, "plain").error
        assert len(server.requests) == 1
    assert (error.status, error.attempts) == (429, 1)


@pytest.mark.parametrize("body", PASSING)
def test_too_many_requests_for_now(call, body):
    with FaultServer(busy(429, body), [whole(b"hi")]) as server:
        assert call(server, "plain").text == "hi"


def test_a_server_that_names_a_wait_is_believed(call):
    with FaultServer(busy(429, SPENT[0], retry_after="0"), [whole(b"hi")]) as server:
        assert call(server, "plain").text == "hi"


@fault(RETRIES, "a 503, then an answer", "the answer, once, with `attempts` 2")
def test_an_answer_after_a_refusal_is_given_once(call):
    with FaultServer(busy(), [sse(delta("one"), delta("two"), STOP, DONE)]) as server:
        outcome = call(server, "sse")
    assert [event.text for event in outcome.events[:-1]] == ["one", "two"]
    assert (outcome.response.text, outcome.response.attempts) == ("onetwo", 2)
    with FaultServer(busy(), [sse(delta("one"))]) as server:
        outcome = call(server, "sse")
    assert (outcome.error.kind, outcome.error.attempts, outcome.error.partial.text) == ("truncated", 2, "one")


# --- losses that may have been successes ---

LOSSES: dict[str, list[Any]] = {
    "an end before the head": [FIN()],
    "a reset before the head": [RST()],
    "a head that is cut": [Send(b"HTTP/1.1 200 OK\r\nx-"), FIN()],
    "a reset after the head": [Send(head(transfer_encoding="chunked")), Pause(0.05), RST()],
}
ONCE = "`TransportError` of kind `lost`, not tried again"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=fault(RETRIES, f"{name}, after a POST was sent", ONCE)) for name in LOSSES]
)
def test_a_loss_that_may_have_been_a_success(call, name):
    with FaultServer(LOSSES[name], [whole(b"hi")]) as server:
        error = call(server, "plain").error
        assert len(server.requests) == 1
    assert (type(error), error.kind, error.attempts) == (TransportError, "lost", 1)


@fault(RETRIES, "such a loss where the file says `retry.idempotent`, or of a GET", "tried again")
@pytest.mark.parametrize(
    ("name", "provider"), [*((name, "again") for name in LOSSES), ("a reset before the head", "get")]
)
def test_a_loss_that_may_be_repeated(call, name, provider):
    with FaultServer(LOSSES[name], [whole(b"hi")]) as server:
        assert call(server, provider).text == "hi"
        assert len(server.requests) == 2


@fault(RETRIES, "such a loss of a request with an idempotency key", "tried again, with the same key")
@pytest.mark.parametrize("provider", ["keyed", "stepped"])
def test_a_request_with_a_key_is_repeated_with_it(call, provider):
    start = [[whole(b'{"id": "a"}', kind="application/json"), Request()]] if provider == "stepped" else [[]]
    with FaultServer([*start[0], RST()], [RST()], [whole(b"hi")]) as server:
        assert call(server, provider).text == "hi"
        tries = [request for request in server.requests if request.line.startswith("POST /chat")]
        keys = [dict(request.headers)["idempotency-key"] for request in tries]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(keys[0]) == 36


def test_a_step_with_a_key_is_repeated_with_it(call):
    script = [[RST()], [whole(b'{"id": "a"}', kind="application/json"), Request(), whole(b"hi")]]
    with FaultServer(*script) as server:
        assert call(server, "keyed-step").text == "hi"
        keys = [dict(request.headers).get("idempotency-key") for request in server.requests]
    assert keys[0] == keys[1]
    assert keys[2] is None


def test_each_call_has_a_key_of_its_own(call):
    with FaultServer([whole(b"hi"), Again()]) as server:
        call.chat(server, "keyed", "keyed")
        keys = {dict(request.headers)["idempotency-key"] for request in server.requests}
    assert len(keys) == 2


def test_the_callers_own_key_counts(catalog):
    with FaultServer([RST()], [whole(b"hi")]) as server, Client(catalog, base_urls={"plain": server.url}) as client:
        headers = {"Idempotency-Key": "mine"}
        assert client.chat("plain", "hi", extra_headers=headers).text == "hi"
        assert [dict(request.headers)["idempotency-key"] for request in server.requests] == ["mine", "mine"]


@fault(RETRIES, "a loss after the first word was given", "not tried again, whatever the file says; no word comes twice")
def test_nothing_is_tried_again_after_the_first_event(call):
    lost = [Send(head(transfer_encoding="chunked") + chunk(b"one")), Pause(0.05), RST()]
    with FaultServer(lost, [whole(b"two")]) as server:
        outcome = call(server, "again")
        assert len(server.requests) == 1
    assert (outcome.text, outcome.error.kind, outcome.error.partial.text) == ("one", "lost", "one")


# --- how long ---


class Naps:
    """Sleeping without time: what was slept is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await real(0)

        monkeypatch.setattr("engine.client.time.sleep", self.slept.append)
        monkeypatch.setattr("engine.async_client.asyncio.sleep", sleep)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Naps:
    return Naps(monkeypatch)


def date_in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


WAITED = {
    "3": (3, 3),
    " 3 ": (3, 3),
    "0.5": (0.5, 0.5),
    "0": (0, 0),
    "1e1": (10, 10),
    "a date ahead": (25, 30),
    "a date behind": (0, 0),
    "an old date": (0, 0),
}
IGNORED = ("-1", "-0.5", "nan", "inf", "-inf", "1e999", "soon", "3s", "3, 4", "9" * 5000, "0x3", "\xb3", "a far date")


def spelt(value: str) -> str:
    dates = {
        "a date ahead": date_in(30),
        "a date behind": date_in(-30),
        "an old date": "Sunday, 06-Nov-94 08:49:37 GMT",
        "a far date": "Sat, 01 Jan 100000 00:00:00 GMT",
    }
    return dates.get(value, value)


@fault(RETRIES, "`retry-after` with seconds, a fraction, 0, or a date ahead or behind", "so long is waited")
@pytest.mark.parametrize("value", WAITED)
def test_a_wait_that_is_asked_for(call, naps, value):
    shortest, longest = WAITED[value]
    with FaultServer(busy(429, retry_after=spelt(value)), [whole(b"hi")]) as server:
        assert call(server, "slow", timeout=600).text == "hi"
    assert shortest <= sum(naps.slept) <= longest


@fault(
    RETRIES, "`retry-after` that is negative, nan, infinite, no number or of the year 100000", "ignored, never raises"
)
@pytest.mark.parametrize("value", IGNORED, ids=[value[:12] for value in IGNORED])
def test_a_wait_that_is_none(call, naps, value):
    script = Send(
        b"HTTP/1.1 429 No\r\nretry-after: "
        + spelt(value).encode("latin-1")
        + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
    with FaultServer([script, FIN()], [whole(b"hi")]) as server:
        assert call(server, "slow").text == "hi"
    assert 0 <= sum(naps.slept) < 0.5


@fault(RETRIES, "`retry-after-ms` beside `retry-after`", "the milliseconds count where they say something")
@pytest.mark.parametrize(
    ("ms", "seconds", "waited"), [("250", "3", 0.25), ("0", "3", 0), ("-1", "3", 3), ("nan", "3", 3), ("x", "3", 3)]
)
def test_milliseconds(call, naps, ms, seconds, waited):
    with FaultServer(busy(429, retry_after=seconds, retry_after_ms=ms), [whole(b"hi")]) as server:
        assert call(server, "slow").text == "hi"
    assert sum(naps.slept) == waited


@fault(RETRIES, "`x-ratelimit-reset-*` in any spelling", "ignored, never raises")
@pytest.mark.parametrize("value", ["1s", "6m0s", "1700000000", "-1", "nan", "2026-11-22T00:00:00Z", ""])
def test_other_headers_about_waiting(call, naps, value):
    named = {"x_ratelimit_reset_requests": value, "x_ratelimit_reset_tokens": value, "x_ratelimit_reset": value}
    with FaultServer(busy(429, **named), [whole(b"hi")]) as server:
        assert call(server, "slow").text == "hi"
    assert sum(naps.slept) < 0.5


@fault(RETRIES, "`retry-after` beyond `retry.max_wait` or the total deadline", "gives up at once, with `retry_after`")
@pytest.mark.parametrize(
    ("options", "value", "wait"),
    [
        ({}, "61", 61),
        ({}, "1e9", 1e9),
        ({}, "99999999999", 99999999999),
        ({"timeout": 2}, "3", 3),
        ({}, "ahead", 86400),
    ],
)
def test_a_wait_that_is_too_long(call, naps, options, value, wait):
    value = date_in(86400) if value == "ahead" else value
    with FaultServer(busy(429, retry_after=value)) as server:
        error = call(server, "slow", **options).error
        assert len(server.requests) == 1
    assert naps.slept == []
    assert error.retry_after == pytest.approx(wait, abs=5)


@fault(RETRIES, "waits that we choose ourselves", "full jitter under 0.5 s, 1 s, 2 s ... up to 8 s")
def test_the_waits_are_jittered(call, naps, monkeypatch):
    monkeypatch.setattr("engine.caller.random.random", lambda: 0.75)
    with FaultServer(busy()) as server:
        assert call(server, "slow").error.attempts == 3
    assert naps.slept == [0.375, 0.75]


@fault(RETRIES, "a total deadline that comes before the next try", "the error at once, without the wait")
def test_the_total_deadline_covers_the_waits(call, naps, monkeypatch):
    monkeypatch.setattr("engine.caller.random.random", lambda: 0.99)
    with FaultServer(busy()) as server:
        error = call(server, "slow", timeout=0.45).error
        assert len(server.requests) == 1
    assert (error.status, error.attempts) == (503, 1)
    assert naps.slept == []


@fault(RETRIES, "tries that together last longer than the total deadline", "ends with the deadline")
def test_the_total_deadline_covers_the_tries(call):
    script = [Pause(0.12), *busy(503, retry_after="0")]
    with FaultServer(script) as server:
        outcome = call(server, "many", timeout=0.3)
        assert 2 <= len(server.requests) <= 3
    assert isinstance(outcome.error, EngineError)
    assert 0.2 < outcome.error.elapsed < 1


@fault(RETRIES, "a task that is cancelled while it waits for the next try", "ends within 50 ms; nothing is sent again")
def test_a_cancel_in_the_wait(catalog):
    with FaultServer(busy(429, retry_after="30")) as server:

        async def run() -> float:
            async with AsyncClient(catalog, base_urls={"slow": server.url}) as client:
                task = asyncio.create_task(client.chat("slow", "hi"))
                assert await asyncio.to_thread(server.wait_for, lambda journal: journal.closed == 1)
                await asyncio.sleep(0.05)
                before = time.monotonic()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                return time.monotonic() - before

        assert asyncio.run(run()) < 0.05
        assert len(server.requests) == 1
