"""Refusals of every status and shape: one typed error, one clean line, bounded reading, no secret."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import time
from urllib.parse import quote

import pytest

from engine.errors import ProviderError, TransportError
from engine.exchange import REFUSAL_SECONDS
from engine.failures import MAX_BODY_SHOWN
from engine.readers import is_html
from engine.reply import MAX_REFUSAL_BYTES
from engine.testing import FIN, RST, Again, Drip, FaultServer, Pause, Request, Send, Stall, chunk, chunked, head, whole

from .faults import fault
from .quickfiles import BOTH, KEY, SECRET, SSE, TEXT

pytestmark = pytest.mark.usefixtures("few_authorities")

REFUSALS = "Refusals and errors in an answer"
ONCE = "retry: {max: 0}"
STEPS = "steps: [{name: start, path: /start, json: {}, read: {id: {json: id}}}]"
FILES = {
    "text": f"{TEXT}\n{ONCE}",
    "again": f"{TEXT}\nretry: {{max: 1, base: 0.001, cap: 0.002}}",
    "sse": f"{SSE}\n{ONCE}",
    "both": f"{BOTH}\n{ONCE}",
    "stepped": f"{TEXT}\n{ONCE}\n{STEPS}",
    "secret": f"{SSE}\n{ONCE}\n{SECRET}\nauth: {{type: bearer, secret: api_key}}",
}


def clean(error: BaseException | None, status: int | None = None) -> ProviderError:
    """A refusal that can be printed, stored and logged."""
    assert type(error) is ProviderError, repr(error)
    assert error.status == status or status is None
    assert error.message.isprintable()
    assert len(error.message) < 700
    assert len(error.body) <= MAX_BODY_SHOWN
    assert error.code is None or (error.code.isprintable() and len(error.code) <= 100)
    for shown in (error.message, repr(error), error.body, repr(vars(error))):
        shown.encode("utf-8")
    assert vars(pickle.loads(pickle.dumps(error)))["message"] == error.message
    return error


# --- what each status means ------------------------------------------------------------------------------------------

MEANT = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    405: "bad_request",
    408: "timeout",
    413: "context_length",
    418: "bad_request",
    422: "bad_request",
    429: "rate_limit",
    500: "unavailable",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
    529: "overloaded",
    599: "unavailable",
}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(
            status, marks=fault(REFUSALS, f"status {status}", f"`ProviderError` of kind `{kind}`, its words read")
        )
        for status, kind in MEANT.items()
    ],
)
def test_a_status(call, status):
    body = json.dumps({"error": {"message": "these words", "code": "a_code"}}).encode()
    with FaultServer([whole(body, status, kind="application/json")]) as server:
        error = clean(call(server, "text").error, status)
    assert (error.kind, error.code) == (MEANT[status], "a_code")
    assert f"({MEANT[status]}, HTTP {status}): these words" in error.message


# --- what a refusal may look like ------------------------------------------------------------------------------------

LONG = "x" * 100_000
BODIES: dict[str, tuple[bytes, str]] = {
    "an empty body": (b"", "HTTP 400);"),
    "nothing but blanks": (b" \r\n\t ", "HTTP 400);"),
    "an error that is text": (b'{"error": "no such model"}', "no such model"),
    "an error whose message is an object": (
        b'{"error": {"message": {"why": ["no", "idea"]}}}',
        '"why": ["no", "idea"]',
    ),
    "an error whose message is null": (b'{"error": {"message": null}, "detail": "no idea"}', "no idea"),
    "an error whose code is an object": (b'{"error": {"message": "no", "code": {"a": 1}}}', ": no;"),
    "words where no API puts them": (b'{"reason": "too blue"}', '{"reason": "too blue"}'),
    "a list of errors": (b'[{"error": {"message": "first"}}, {"error": {"message": "second"}}]', ": first;"),
    "a list of texts": (b'["one", "two"]', '["one", "two"]'),
    "a text in JSON": (b'"no such model"', ": no such model;"),
    "a number": (b"42", ": 42;"),
    "null": (b"null", "null"),
    "an empty object": (b"{}", "HTTP 400);"),
    "an empty list": (b"[]", "HTTP 400);"),
    "JSON that is cut": (b'{"error": {"message": "no su', "no su"),
    "JSON nested 60,000 deep": (b"[" * 60_000, "[[["),
    "an error nested 900 deep": (b'{"error": ' * 900 + b"1" + b"}" * 900, "HTTP 400)"),
    "a code nested 900 deep": (b'{"message": "no", "code": ' + b"[" * 900 + b"]" * 900 + b"}", "no"),
    "a number of 5,000 digits": (b'{"code": ' + b"9" * 5000 + b"}", "999"),
    "NaN": (b'{"message": NaN, "detail": "no"}', ": no;"),
    "half a surrogate pair": (b'{"message": "no \\ud83d model"}', "no"),
    "half a surrogate pair in the code": (b'{"message": "no", "code": "a\\ud83d"}', ": no;"),
    "invalid UTF-8": (b"\xff\xfe no \xc3", "no"),
    "UTF-16": ('{"message": "no"}'.encode("utf-16"), "m"),
    "a byte order mark": (b'\xef\xbb\xbf{"message": "no"}', "no"),
    "control characters": (b"no\x1b[2J\x1b]0;owned\x07\x00\x08 model", "no [2J ]0;owned model"),
    "control characters in JSON": (b'{"message": "no\\u001b[31m\\r\\nmodel\\u2028\\u202e"}', "no [31m model"),
    "control characters in the code": (b'{"message": "no", "code": "a\\u001b[31m\\nb"}', ": no;"),
    "an HTML page": (b"<!doctype html><html><head><title>502 Bad\n Gateway</title><body>...", "502 Bad Gateway"),
    "an HTML page without a title": (b"<html><body><h1>Sorry</h1></body></html>", "HTTP 400);"),
    "an HTML page with a title without end": (b"<html><title" * 5000, "HTTP 400);"),
    "an XML document": (b"<?xml version='1.0'?><Error><Code>No</Code><Message>Not here</Message></Error>", "Not here"),
    "a hundred thousand characters": (json.dumps({"message": LONG}).encode(), "x" * 400),
    "a code of fifty thousand characters": (json.dumps({"message": "no", "code": LONG[:50_000]}).encode(), ": no;"),
    "plain words": (b"the model is busy", "the model is busy"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(REFUSALS, f"a refusal with {name}", "`ProviderError` with one clean line"))
        for name in BODIES
    ],
)
def test_a_body(call, name):
    body, says = BODIES[name]
    with FaultServer([whole(body, 400, kind="application/json")]) as server:
        error = clean(call(server, "text").error, 400)
    assert error.kind == "bad_request"
    assert says in error.message


TYPES = ("text/html", "text/plain", "application/problem+json", "text/event-stream", "nonsense", "", None)


@fault(REFUSALS, "a refusal whose content type is another, or none", "read by what it looks like")
@pytest.mark.parametrize(("kind", "provider"), [*((kind, "sse") for kind in TYPES), (None, "text"), (None, "both")])
def test_a_type_that_lies(call, kind, provider):
    with FaultServer([whole(b'{"error": {"message": "no such model"}}', 404, kind=kind)]) as server:
        error = clean(call(server, provider).error, 404)
    assert "no such model" in error.message


CODED = {
    "gzip": (gzip.compress(b'{"message": "no such model"}'), "gzip", "no such model"),
    "gzip that is cut": (gzip.compress(b'{"message": "no such model"}')[:-6], "gzip", "no such model"),
    "gzip that is none": (b'{"message": "no such model"}', "gzip", "HTTP 403"),
    "a coding that is not known": (b"\x1f\x8b", "br", "HTTP 403"),
    "a bomb": (gzip.compress(b"no" * 8_000_000), "gzip", "nonono"),
}


@fault(REFUSALS, "a refusal in gzip, cut gzip, no gzip, an unknown coding, or a bomb", "the refusal all the same")
@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("provider", ["text", "stepped"])
def test_a_coding(call, name, provider):
    body, coding, says = CODED[name]
    with FaultServer([whole(body, 403, content_encoding=coding)]) as server:
        error = clean(call(server, provider).error, 403)
    assert error.kind == "permission"
    assert says in error.message


@pytest.mark.parametrize("size", [10, 20_000])
def test_a_page_of_comments_is_looked_at_in_no_time(size):
    """Comments could be matched in as many ways as there are sums of their number."""
    before = time.monotonic()
    assert is_html(b"<!-- x -->" * size + b"<body>")
    assert not is_html(b"<!-- x -->" * size + b"<p>")
    assert not is_html(b"<!-- x " * size)
    assert time.monotonic() - before < 1


# --- how much of it is read ------------------------------------------------------------------------------------------


def test_the_bounds_are_those_that_are_promised():
    assert MAX_REFUSAL_BYTES <= 64 * 1024
    assert REFUSAL_SECONDS <= 5


ENDLESS = {
    "that stalls": [Send(chunk(b"who are you")), Stall()],
    "that drips": [Send(chunk(b"who are you")), Drip(chunk(b"?"), pause=0.02)],
    "that never ends": [Send(chunk(b"who are you") + chunk(b"?" * 50_000) * 20), Stall()],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(REFUSALS, f"a refusal {name}", "at most 64 KB or 5 s of it are read"))
        for name in ENDLESS
    ],
)
@pytest.mark.parametrize("provider", ["text", "stepped"])
def test_a_refusal_without_end(call, monkeypatch, name, provider):
    monkeypatch.setattr("engine.exchange.REFUSAL_SECONDS", 0.15)
    with FaultServer([Send(head(401, transfer_encoding="chunked")), *ENDLESS[name]]) as server:
        outcome = call(server, provider, probe=lambda: server.wait_for(lambda journal: journal.open == 0, 1))
        assert outcome.probed, "the connection is closed at once"
    error = clean(outcome.error, 401)
    assert error.kind == "auth"
    assert ("who are you" in error.message) or provider == "stepped"
    assert error.elapsed < 2


@fault(REFUSALS, "a refusal of a gigabyte", "64 KB of it are read, and the connection is closed")
@pytest.mark.parametrize("provider", ["text", "stepped"])
def test_a_refusal_of_a_gigabyte(call, provider):
    start = head(500, content_length=str(1 << 30))
    with FaultServer([Send(start + b"no " * 500_000), Stall()]) as server:
        outcome = call(server, provider, probe=lambda: server.wait_for(lambda journal: journal.open == 0, 1))
        assert outcome.probed
    error = clean(outcome.error, 500)
    assert "no no no" in error.message
    assert error.elapsed < 2


CUT = {
    "that is cut": [Send(head(401, content_length="99") + b"who are you"), FIN()],
    "that is reset": [Send(head(401, content_length="99") + b"who are you"), Pause(0.03), RST()],
    "whose chunk is cut": [Send(head(401, transfer_encoding="chunked") + b"ff\r\nwho are you"), FIN()],
    "of which only the head comes": [Send(head(401, content_length="99")), FIN()],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(REFUSALS, f"a refusal {name}", "the refusal, with the words that came"))
        for name in CUT
    ],
)
def test_a_refusal_that_breaks_off(call, name):
    with FaultServer(CUT[name]) as server:
        error = clean(call(server, "text").error, 401)
    assert error.kind == "auth"


# --- a refusal that says the key again -------------------------------------------------------------------------------

ECHOES = {
    "as it is": KEY,
    "encoded as in a URL": quote(KEY, safe=""),
    "escaped as in JSON": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 amid more": base64.b64encode(f"user:{KEY}!".encode()).decode(),
}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        pytest.param(
            name, place, marks=fault(REFUSALS, f"a refusal that holds the key, {name}", "masked in every field")
        )
        for place in ("text", "json", "header", "pieces", "a cut")
        for name in (ECHOES if place == "text" else ["as it is"])
    ],
)
def test_a_refusal_that_says_the_key(call, name, place):
    spelt = ECHOES[name]
    words = json.dumps({"error": {"message": f"bad key {spelt}", "code": spelt}}).encode()
    scripts = {
        "text": whole(f"bad key {spelt}".encode(), 401),
        "json": whole(words, 401, kind="application/json"),
        "header": whole(b"no", 401, www_authenticate=f"Bearer {spelt}", x_request_id=spelt),
        "pieces": chunked(*(words[at : at + 3] for at in range(0, len(words), 3)), status=401),
        "a cut": whole(b"x" * (MAX_BODY_SHOWN - 8) + spelt.encode(), 401),
    }
    with FaultServer([scripts[place]]) as server:
        error = clean(call(server, "secret", secrets={"secret": {"api_key": KEY}}).error, 401)
    shown = "\n".join([str(error), repr(error), repr(vars(error)), error.body, str(error.headers), str(error.code)])
    shown += str(error.request_id) + pickle.dumps(error).decode("latin-1")
    parts = {spelt, spelt[:8]} if place != "a cut" else {spelt[:8]}
    assert not [part for part in parts if part in shown]


# --- what an error knows ---------------------------------------------------------------------------------------------

NAMES = ["x-request-id", "request-id", "X-Request-ID", "x-acme-requestid", "acme-request-id", "x-trace-id"]


@fault(REFUSALS, "any failure after the request was sent", "`request_id`, `attempts`, `elapsed`, `provider`, `partial`")
@pytest.mark.parametrize("name", NAMES)
def test_what_an_error_knows(call, name):
    with FaultServer([Pause(0.02), whole(b"no", 400, **{name.replace("-", "_"): "req-7"})]) as server:
        error = clean(call(server, "text").error, 400)
    assert (error.request_id, error.attempts, error.provider) == ("req-7", 1, "text")
    assert 0.02 <= error.elapsed < 2
    assert vars(pickle.loads(pickle.dumps(error)))["request_id"] == "req-7"


def test_a_loss_in_the_answer_knows_what_the_head_said(call):
    start = head(transfer_encoding="chunked", x_request_id="req-7", x_trace_id="other")
    with FaultServer([Send(start + chunk(b"one")), Pause(0.02), RST()]) as server:
        error = call(server, "text").error
    assert (type(error), error.request_id, error.partial.text) == (TransportError, "req-7", "one")


def test_a_failure_before_the_head_knows_no_id(call):
    with FaultServer([RST()]) as server:
        error = call(server, "text").error
    assert (error.request_id, error.attempts) == (None, 1)
    with FaultServer([whole(b"busy", 503, x_request_id="req-7")], [RST()]) as server:
        error = call(server, "again").error
    assert (error.kind, error.request_id, error.attempts) == ("lost", None, 2)
    with FaultServer([whole(b"no", 400, x_request_id=" ")]) as server:
        assert call(server, "text").error.request_id is None
    with FaultServer([whole(b"no", 400, x_request_id="y" * 900)]) as server:
        assert len(call(server, "text").error.request_id) == 200


# --- on a terminal ---------------------------------------------------------------------------------------------------


@fault(REFUSALS, "any of these at the command line", "one line on stderr, exit code 4, no control characters")
@pytest.mark.parametrize("name", ["control characters", "control characters in JSON", "an HTML page", "invalid UTF-8"])
@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
def test_a_refusal_on_a_terminal(wirefile, name, words):
    with FaultServer([whole(BODIES[name][0], 400, kind="text/html"), Request(), Again()]) as server:
        ran = wirefile("chat", "acytoo", "--base-url", server.url, "Hi", *words)
    assert ran.code == 4
    line = ran.err.rstrip("\n")
    assert line.isprintable()
    assert line.startswith("wirefile: the provider refused (bad_request, HTTP 400)")
    assert "\x1b" not in ran.out


def test_a_machine_is_told_what_the_support_asks_for(wirefile):
    with FaultServer([whole(b"no", 400, x_request_id="req-7")]) as server:
        ran = wirefile("chat", "acytoo", "--base-url", server.url, "Hi", "--json")
    error = json.loads(ran.out)["error"]
    assert (error["request_id"], error["attempts"]) == ("req-7", 1)
    assert error["elapsed"] >= 0
