"""Errors inside an answer, also in the middle of a stream: one typed error with the part that came, for every API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from engine import Catalog
from engine.errors import DecodeError, EngineError, ProviderError
from engine.events import ReasoningDelta, TextDelta
from engine.provider import Provider
from engine.spec import Example
from engine.testing import FaultServer, Send, Stall, chunk, chunked, head, whole

from .callers import Caller
from .conftest import ROOT, shipped
from .doors import KINDS
from .faults import fault
from .test_faults_refusals import FILES as FILES
from .test_faults_refusals import REFUSALS, clean
from .test_framing_aws_eventstream import message, text

pytestmark = pytest.mark.usefixtures("few_authorities")


IN_JSON = {
    "an error inside a 200": ({"error": {"message": "no such model", "code": "none"}}, "protocol"),
    "an error inside a 200 that is text": ({"error": "no such model"}, "protocol"),
    "an error inside a 200 with a status for a code": (
        {"error": {"message": "no such model", "code": 429}},
        "rate_limit",
    ),
    "an error inside a 200 that calls itself one": ({"object": "error", "message": "no such model"}, "protocol"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(REFUSALS, name, f"`ProviderError` of kind `{kind}`, not an empty answer"))
        for name, (_, kind) in IN_JSON.items()
    ],
)
@pytest.mark.parametrize("provider", ["sse", "both"])
def test_an_error_inside_a_200(call, name, provider):
    data, kind = IN_JSON[name]
    with FaultServer([whole(json.dumps(data).encode(), kind="application/json")]) as server:
        error = clean(call(server, provider).error, 200)
        assert len(server.requests) == 1
    assert error.kind == kind
    assert "no such model" in error.message


HTML = b"<!doctype html><html><head><title>Sign in</title></head>"


@fault(REFUSALS, "an HTML page with status 200", "`ProviderError` of kind `protocol` with its title")
@pytest.mark.parametrize("provider", ["text", "sse", "both"])
def test_a_page_inside_a_200(call, provider):
    with FaultServer([whole(HTML, kind="text/html; charset=utf-8")]) as server:
        error = clean(call(server, provider).error, 200)
    assert "an HTML page with HTTP 200): Sign in" in error.message


@cache
def provider_of(name: str) -> Provider:
    return Provider(shipped(ROOT / "providers" / f"{name}.yaml"))


@cache
def streamed(name: str) -> tuple[Example, bytes]:
    """An example with a streamed answer, and its bytes up to the first words, or thoughts where there are no more."""
    provider = provider_of(name)
    for wanted in (TextDelta, ReasoningDelta):
        for example in provider.spec.examples:
            if example.reply.status != 200 or "error" in example.expect or not example.stream:
                continue
            taken = bytearray()
            events = provider.events(_counted(example.reply.body, taken), 200, dict(example.reply.headers))
            if any(isinstance(event, wanted) for event in events) and len(taken) < len(example.reply.body):
                return example, bytes(taken)
    raise LookupError(name)


def _counted(body: bytes, taken: bytearray) -> Iterator[bytes]:
    for byte in body:
        taken.append(byte)
        yield bytes([byte])


SAYS = "over capacity"
SSE_ERRORS = {
    "an error event": b'event: error\ndata: {"type": "error", "error": {"message": "over capacity"}}\n\n',
    "an error without a type": b'data: {"error": {"message": "over capacity", "type": "x"}}\n\n',
    "an error that is text": b'data: {"error": "over capacity"}\n\n',
    "an error in its own event": b'event: error\ndata: {"message": "over capacity"}\n\n',
}
EXCEPTION = message(
    [
        (":exception-type", text("throttlingException")),
        (":content-type", text("application/json")),
        (":message-type", text("exception")),
    ],
    b'{"message": "over capacity"}',
)
ERRORS: dict[str, dict[str, bytes]] = {
    "sse": SSE_ERRORS,
    "ndjson": {
        "an error line": b'{"error": "over capacity"}\n',
        "an object": b'{"error": {"message": "over capacity"}}\n',
    },
    "aws_eventstream": {"an exception": EXCEPTION},
}


UNFRAMED = {"acytoo"}
"""Plain text: an error in it cannot be told from the answer."""
FRAMED = sorted({path.stem for path in (ROOT / "providers").glob("*.yaml")} - UNFRAMED)


@fault(REFUSALS, "an error in the middle of the answer of any shipped API", "`ProviderError` with the part that came")
@pytest.mark.parametrize("name", FRAMED)
def test_an_error_in_the_middle(name):
    provider, (example, start) = provider_of(name), streamed(name)
    reading = provider.spec.response.stream
    assert reading is not None
    for frame in ERRORS[reading.codec].values():
        if reading.unwrap == ("text",) and not frame.startswith(b"event: error"):
            continue  # words, whatever they say
        said: list[str] = []
        error = None
        try:
            for event in provider.events([start, frame, start], 200, dict(example.reply.headers)):
                said += [event.text] if isinstance(event, TextDelta | ReasoningDelta) else []
        except EngineError as caught:
            error = caught
        assert SAYS in clean(error).message
        assert error.partial is not None
        assert error.partial.reasoning + error.partial.text == "".join(said) != ""


LIVE = ("openai", "openai-responses", "anthropic", "gemini", "bedrock", "cohere", "cohere-v1", "ollama")
"""A file of each protocol."""


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_the_middle_ends_the_connection(kind, name, monkeypatch):
    provider, (example, start) = provider_of(name), streamed(name)
    reading = provider.spec.response.stream
    assert reading is not None
    secrets = {name: dict.fromkeys(provider.spec.secrets, "some-secret-key")}
    headers = {key.replace("-", "_"): value for key, value in example.reply.headers.items() if key != "content-type"}
    media = example.reply.headers.get("content-type", "text/event-stream")
    for frame in ERRORS[reading.codec].values():
        script = [Send(head(200, media, transfer_encoding="chunked", **headers) + chunk(start) + chunk(frame)), Stall()]
        with FaultServer(script) as server:
            outcome = Caller(kind, Catalog(ROOT / "providers"))(
                server,
                f"{name}:{example.model or 'm'}",
                base_urls={name: server.url},
                secrets=secrets,
                settings={name: dict(example.settings)} if example.settings else {},
                probe=lambda server=server: server.wait_for(lambda journal: journal.open == 0, 1),
            )
            assert outcome.probed, "the connection is closed at once"
            assert len(server.requests) == 1
        error = clean(outcome.error)
        assert SAYS in error.message
        assert error.partial is not None
        assert error.partial.text == outcome.text != ""
        assert (error.provider, error.attempts) == (name, 1)


@fault(REFUSALS, "an error before the first word", "`ProviderError`, and no part")
def test_an_error_in_the_first_event(call):
    frame = b'data: {"error": {"message": "over capacity"}}\n\n'
    with FaultServer([chunked(frame, kind="text/event-stream")]) as server:
        error = clean(call(server, "sse").error, 200)
    assert SAYS in error.message
    assert error.partial is not None
    assert error.partial.text == ""


@fault(REFUSALS, "an error event of no JSON", "`DecodeError` or `ProviderError` with the part that came")
@pytest.mark.parametrize("data", [b"over capacity", b"", b'"over capacity"', b"[]", b"{"])
def test_an_error_event_of_any_kind(call, data):
    one = b'data: {"choices": [{"delta": {"content": "one"}}]}\n\n'
    with FaultServer([chunked(one, b"event: error\ndata: " + data + b"\n\n", kind="text/event-stream")]) as server:
        outcome = call(server, "sse")
    assert isinstance(outcome.error, DecodeError | ProviderError), repr(outcome.error)
    assert outcome.error.message.isprintable()
    assert outcome.error.partial.text == outcome.text == "one"
