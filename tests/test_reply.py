"""One response, fed whole, byte by byte and at any cut: the same events, the same answer, the same error."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DecodeError, EngineError, LimitError, ProviderError, TruncatedError
from engine.events import Event, Finish, ReasoningDelta, TextDelta, Usage
from engine.failures import Failures
from engine.loader import load_text
from engine.messages import Adjustment, ChatResponse
from engine.provider import Provider
from engine.readers import Readers, Start
from engine.reply import MAX_REFUSAL_BYTES, Reply
from engine.secrets import Secret
from engine.wire import Headers, ResponseHead
from tests.faults import fault

FILE = r"""
spec_version: 1
name: api
url: http://127.0.0.1
payload: {{m: "{{{{ messages }}}}"}}
limits: {{body_bytes: 100000, event_bytes: 20000}}
{response}
errors: [{{frame: {{path: fail, exists: true}}, kind: overloaded, message: fail}}]
examples:
  - {{name: busy, call: {{messages: hi}}, reply: {{status: 503, body: busy}}, expect: {{error: unavailable}}}}
  - {answer}
"""
SSE_ANSWER = r"""{name: fine, call: {messages: hi}, expect: {text: hi},
    reply: {headers: {content-type: text/event-stream},
    text: "data: {\"t\": \"hi\", \"f\": \"end\"}\n\ndata: [DONE]\n\n"}}"""
JSON_ANSWER = r"""{name: fine, call: {messages: hi}, expect: {text: hi}, reply: {json: {t: hi}}}"""
TEXT_ANSWER = r"""{name: fine, call: {messages: hi}, expect: {text: hi}, reply: {text: hi}}"""
RULES = "rules: [{text: t, reasoning: r, finish: f, usage: u}]"
STREAM = f"stream: {{codec: sse, {RULES}, end: '[DONE]'}}"
WHOLE = f"whole: {{codec: json, {RULES}}}"
MAPS = "finish: {end: stop}, usage: {input_tokens: i}"


def readers(response: str, answer: str) -> Readers:
    spec = load_text(FILE.format(response=f"response: {response}", answer=answer))
    return Readers(spec.response, Failures(spec.errors), spec.limits, spec.name)


TEXT = readers("{codec: text}", TEXT_ANSWER)
SSE = readers(f"{{{STREAM}, {MAPS}}}", SSE_ANSWER)
JSON = readers(f"{{{WHOLE}, {MAPS}}}", JSON_ANSWER)
BOTH = readers(f"{{{STREAM}, {WHOLE}, {MAPS}}}", SSE_ANSWER)
TEXT_OR_JSON = readers(f"{{stream: {{codec: text}}, {WHOLE}, {MAPS}}}", TEXT_ANSWER)
FINISH_ENDS = readers(f"{{stream: {{codec: sse, {RULES}, end: finish}}, {MAPS}}}", SSE_ANSWER)

Read = tuple[list[Event], ChatResponse, EngineError | None]


def read(how: Readers, pieces: list[bytes], kind: str = "", status: int = 200, **headers: str) -> Read:
    """The events, the answer and the error of a response, as a client takes them."""
    reply = Reply(how)
    events: list[Event] = []
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    try:
        reply.head(ResponseHead(status, Headers([*pairs, ("content-type", kind)] if kind else pairs)))
        for piece in pieces:
            events += reply.feed(piece)
            if reply.fault is not None:
                raise reply.fault
        events += reply.finish()
        if reply.fault is not None:
            raise reply.fault
    except EngineError as error:
        return events, reply.response, error
    return events, reply.response, None


def joined(events: list[Event]) -> list[Event]:
    """The events, neighbouring pieces of text as one: plain text has no borders but those of the network."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, TextDelta) and out and isinstance(out[-1], TextDelta):
            out[-1] = TextDelta(out[-1].text + event.text)
        else:
            out.append(event)
    return out


def verdict(outcome: Read) -> Any:
    events, response, error = outcome
    return joined(events), response, error and (type(error), error.message, error.kind, error.partial)


def event(**data: Any) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


STREAMED = (
    event(t="При") + ": ping\n\n" + event(r="hm") + event(t="вет", f="end") + "data: [DONE]\n\n" + event(u={"i": 3})
).encode()
WHOLE_BODY = json.dumps({"t": "Привет", "r": "hm", "f": "end", "u": {"i": 3}}, ensure_ascii=False, indent=1).encode()

BODIES: dict[str, tuple[Readers, bytes, str, int, dict[str, str]]] = {
    "sse": (SSE, STREAMED, "text/event-stream", 200, {}),
    "sse in CRLF": (SSE, STREAMED.replace(b"\n", b"\r\n"), "text/event-stream", 200, {}),
    "sse behind a mark and blanks": (BOTH, b"\xef\xbb\xbf\n" + STREAMED, "", 200, {}),
    "sse in gzip": (SSE, gzip.compress(STREAMED, mtime=0), "text/event-stream", 200, {"content_encoding": "gzip"}),
    "sse without its end": (SSE, event(t="При").encode(), "text/event-stream", 200, {}),
    "sse that breaks": (SSE, (event(t="При") + "data: {\n\n" + event(t="вет")).encode(), "", 200, {}),
    "sse that fails": (SSE, (event(t="При") + event(fail="busy")).encode(), "text/event-stream", 200, {}),
    "json": (JSON, WHOLE_BODY, "application/json", 200, {}),
    "json where both are known": (BOTH, b" \n" + WHOLE_BODY, "text/event-stream", 200, {}),
    "json that is cut": (JSON, WHOLE_BODY[:-3], "application/json", 200, {}),
    "json where a stream was due": (SSE, WHOLE_BODY, "application/json", 200, {}),
    "json in deflate": (JSON, zlib.compress(WHOLE_BODY), "", 200, {"content_encoding": "deflate"}),
    "text": (TEXT, "Привет, 🎉!".encode(), "text/plain", 200, {}),
    "text that is cut in a letter": (TEXT, "Привет".encode()[:-1], "text/plain", 200, {}),
    "text of no declared kind": (TEXT, b"<html> is how a page begins", "", 200, {}),
    "a page": (TEXT, b"\n<!-- a --><!DOCTYPE  html><title>No</title>", "text/html", 200, {}),
    "text said to be html": (TEXT, b"<b>" + b"x" * 100, "text/html", 200, {}),
    "nothing": (TEXT, b"", "", 200, {}),
    "blanks": (SSE, b"\r\n\r\n", "text/event-stream", 200, {}),
    "a refusal": (TEXT, json.dumps({"error": {"message": "нет", "code": "x"}}).encode(), "", 404, {}),
    "a refusal in gzip that is cut": (TEXT, gzip.compress(b"no", mtime=0)[:-4], "", 404, {"content_encoding": "gzip"}),
    "too much text": (TEXT, b"x" * 100_100, "", 200, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_byte_by_byte_is_as_whole(name):
    how, body, kind, status, headers = BODIES[name]
    expected = verdict(read(how, [body] if body else [], kind, status, **headers))
    if len(body) > 1000:
        pieces = [body[start : start + 997] for start in range(0, len(body), 997)]
    else:
        pieces = [bytes([byte]) for byte in body]
    assert verdict(read(how, pieces, kind, status, **headers)) == expected or name == "too much text"
    if name == "too much text":
        assert isinstance(read(how, pieces, kind)[2], LimitError)


@given(
    st.sampled_from([name for name in BODIES if name != "too much text"]), st.lists(st.integers(0, 5000), max_size=10)
)
def test_any_cut_is_as_whole(name, cuts):
    how, body, kind, status, headers = BODIES[name]
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in itertools.pairwise(places)]
    expected = verdict(read(how, [body], kind, status, **headers))
    assert verdict(read(how, pieces, kind, status, **headers)) == expected


ANSWER_EVENTS = [TextDelta("При"), ReasoningDelta("hm"), TextDelta("вет"), Usage(3), Finish("stop", "end")]


@pytest.mark.parametrize("name", ["sse", "sse in CRLF", "sse behind a mark and blanks", "sse in gzip"])
def test_a_streamed_answer(name):
    how, body, kind, status, headers = BODIES[name]
    events, response, error = read(how, [body], kind, status, **headers)
    assert error is None
    assert events == ANSWER_EVENTS
    said = (("text", "При"), ("reasoning", "hm"), ("text", "вет"))
    replay = {"from": "api", "blocks": [{"type": kind, "text": text} for kind, text in said]}
    assert response == ChatResponse("Привет", "hm", finish="stop", finish_raw="end", usage=Usage(3), replay=replay)


@pytest.mark.parametrize("name", ["json", "json where both are known", "json in deflate"])
def test_a_whole_answer(name):
    how, body, kind, status, headers = BODIES[name]
    events, response, error = read(how, [body], kind, status, **headers)
    assert error is None
    assert events == [ReasoningDelta("hm"), TextDelta("Привет"), Usage(3), Finish("stop", "end")]
    assert response.text == "Привет"


ERRORS = {
    "sse without its end": (TruncatedError, "truncated", "'[DONE]' never came", "При"),
    "sse that breaks": (DecodeError, "protocol", "event 2", "При"),
    "sse that fails": (ProviderError, "overloaded", "busy", "При"),
    "json that is cut": (DecodeError, "protocol", "is no JSON", ""),
    "json where a stream was due": (ProviderError, "protocol", "JSON that the file has no rules for", ""),
    "a page": (ProviderError, "protocol", "an HTML page with HTTP 200", ""),
    "nothing": (ProviderError, "empty", "empty answer", ""),
    "blanks": (TruncatedError, "truncated", "never came", ""),
    "a refusal": (ProviderError, "not_found", "нет", ""),
    "a refusal in gzip that is cut": (ProviderError, "not_found", ": no;", ""),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_says_what_is_wrong_and_keeps_what_came(name):
    how, body, kind, status, headers = BODIES[name]
    expected, error_kind, says, partial = ERRORS[name]
    _, _, error = read(how, [body] if body else [], kind, status, **headers)
    assert type(error) is expected
    assert error.kind == error_kind
    assert says in error.message
    assert error.partial.text == partial


# --- the choice of a reader ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "kind", "start", "expected"),
    [
        (BOTH, "text/event-stream", b"data: x", "stream"),
        (BOTH, "application/json", b"data: x", "stream"),
        (BOTH, "", b": ping", "stream"),
        (BOTH, "", b"event: x", "stream"),
        (BOTH, "text/event-stream", b' {"error"', "whole"),
        (BOTH, "application/octet-stream", b"\xef\xbb\xbf[1]", "whole"),
        (BOTH, "application/json", b'"text"', "whole"),
        (SSE, "application/json", b"data: x", "stream"),
        (SSE, "", b"whatever", "stream"),
        (SSE, "text/event-stream", b"{", None),
        (JSON, "text/event-stream", b"{", "whole"),
        (JSON, "text/plain", b"oops", "whole"),
        (TEXT, "application/json", b'{"a"', "stream"),
        (TEXT_OR_JSON, "application/json", b'{"a"', "whole"),
        (TEXT_OR_JSON, "text/plain", b'{"a"', "stream"),
    ],
)
def test_what_arrives_decides_how_it_is_read(how, kind, start, expected):
    assert how.choose(kind, start) is (getattr(how, expected) if expected else None)


# --- the end ---------------------------------------------------------------------------------------------------------


def test_an_end_in_the_last_unclosed_event_counts():
    assert read(SSE, [(event(t="hi") + "data: [DONE]").encode()])[2] is None
    assert isinstance(read(SSE, [(event(t="hi") + "data: [DON").encode()])[2], TruncatedError)


def test_text_after_the_end_changes_no_verdict():
    events, _, error = read(SSE, [STREAMED + b"data: {broken\n\n"])
    assert error is None
    assert events == ANSWER_EVENTS


@fault("Bytes and event streams", "text and an error behind the mark of the end", "no part of the answer; usage is")
def test_behind_the_end_there_is_only_usage():
    for more in (event(t="evil", r="evil", f="evil"), event(fail="busy"), event(t="evil", u={"i": 3})):
        events, response, error = read(SSE, [STREAMED, more.encode()])
        assert error is None
        assert events == ANSWER_EVENTS
        assert response.text == "Привет"


def test_a_finish_reason_ends_where_the_file_says_so():
    assert read(FINISH_ENDS, [event(t="hi", f="end").encode()])[2] is None
    assert isinstance(read(FINISH_ENDS, [event(t="hi").encode()])[2], TruncatedError)
    assert isinstance(read(SSE, [event(t="hi", f="end").encode()])[2], TruncatedError)


def test_a_compressed_answer_whose_end_came_is_whole_without_its_trailer():
    packed = gzip.compress(STREAMED)
    assert read(SSE, [packed[:-8]], content_encoding="gzip")[2] is None
    assert isinstance(read(JSON, [gzip.compress(WHOLE_BODY)[:-8]], content_encoding="gzip")[2], TruncatedError)


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_fault_stays():
    reply = Reply(SSE)
    reply.head(ResponseHead(200))
    assert reply.feed((event(t="a") + "data: {\n\n").encode()) == [TextDelta("a")]
    assert reply.has_given_events
    for step in (lambda: reply.feed(b"x"), reply.finish):
        with pytest.raises(DecodeError):
            step()


@pytest.mark.parametrize(
    ("end", "headers"),
    [
        (b"data: " + b"x" * 20_001, Headers([])),
        (b"", Headers([("content-encoding", "gzip")])),
    ],
)
def test_a_fault_behind_an_event_is_told_with_it(end: bytes, headers: Headers) -> None:
    reply = Reply(SSE)
    reply.head(ResponseHead(200, headers))
    body = event(t="a").encode() + end
    assert reply.feed(body if end else gzip.compress(body) + b"no member") == [TextDelta("a")]
    assert reply.fault is not None, "the server may say no more, and wait"


def test_a_refusal_is_read_up_to_a_bound():
    reply = Reply(TEXT)
    reply.head(ResponseHead(500))
    assert reply.is_refused
    assert reply.feed(b"x" * (MAX_REFUSAL_BYTES - 1)) == []
    with pytest.raises(ProviderError) as caught:
        reply.feed(b"x" * 10_000_000)
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("body", "limit"), [(b"x" * 100_001, "body_bytes"), (b"data: " + b"x" * 20_001, "event_bytes")]
)
def test_limits(body, limit):
    _, _, error = read(TEXT if limit == "body_bytes" else SSE, [body])
    assert type(error) is LimitError
    assert limit in error.message


def test_a_reply_has_the_adjustments_of_its_call():
    adjustment = Adjustment("temperature", "defaulted", None, 1)
    reply = Reply(TEXT, (adjustment,))
    reply.head(ResponseHead(200))
    reply.feed(b"hi")
    reply.finish()
    assert reply.response.adjustments == (adjustment,)


SECRET = Secret("sk-Very/Secret+Key", name="API_KEY")


@pytest.mark.parametrize("length", range(60, 125, 3))
def test_a_key_in_a_broken_event_is_masked_before_the_cut(length):
    reply = Reply(SSE, (), (SECRET,))
    reply.head(ResponseHead(200))
    with pytest.raises(DecodeError) as caught:
        reply.feed(b"data: {" + b"x" * length + SECRET.reveal().encode() + b"\n\n")
    assert "sk-" not in caught.value.message


@pytest.mark.parametrize("length", range(160, 200, 3))
def test_a_key_in_a_redirect_is_masked_before_the_cut(length):
    reply = Reply(SSE, (), (SECRET,))
    location = f"https://u:p@example.com/{'x' * length}{SECRET.reveal()}?k={SECRET.reveal()}"
    with pytest.raises(ProviderError) as caught:
        reply.head(ResponseHead(302, Headers([("location", location)])))
    assert "to https://example.com/xxx" in caught.value.message
    assert "sk-" not in caught.value.message + repr(caught.value.headers)
    assert "u:p" not in caught.value.message


def test_an_error_from_outside_is_dressed():
    reply = Reply(SSE, (), (SECRET,))
    reply.head(ResponseHead(200))
    reply.feed(event(t="a").encode())
    error = ProviderError(
        "no: sk-Very/Secret+Key",
        kind="auth",
        code=SECRET.reveal(),
        headers={"a": SECRET.reveal()},
        body=SECRET.reveal(),
    )
    assert reply.failed(error) is error
    assert error.partial.text == "a"
    assert "sk-" not in str(error) + repr(error) + repr(vars(error))


@pytest.mark.parametrize(("status", "expected"), [(200, DecodeError), (401, ProviderError)])
def test_an_unknown_coding(status, expected):
    _, _, error = read(TEXT, [], status=status, content_encoding="br")
    assert type(error) is expected


def test_an_empty_reply_names_its_status():
    _, _, error = read(TEXT, [], status=204, x_request_id="7")
    assert (error.kind, error.status, error.headers) == ("empty", 204, {"x-request-id": "7"})


def end_provider(codec: str, end: str) -> Provider:
    text = f"""
spec_version: 1
name: ending
url: https://ending.example
response: {{codec: {codec}, rules: [{{text: t, usage: u}}], end: {end}, usage: {{input_tokens: in}}}}
errors: [{{frame: oops, kind: overloaded}}]
examples: [{{name: e, call: {{messages: x}}, reply: {{status: 500, text: x}}, expect: {{error: unavailable}}}}]
"""
    return Provider(load_text(text, "ending.yaml"))


def test_text_beside_the_end_in_an_unclosed_event_is_not_lost() -> None:
    provider = end_provider("sse", "{done: true}")
    body = b'data: {"t": "a"}\n\ndata: {"t": "b", "done": true}'
    assert provider.decode(body, headers={"content-type": "text/event-stream"}).text == "ab"


def test_a_line_that_is_cut_is_a_cut_answer() -> None:
    with pytest.raises(TruncatedError) as caught:
        end_provider("ndjson", "{done: true}").decode(b'{"t": "a"}\n{"t": "b", "do')
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"


@fault(
    "Bytes and event streams",
    "values of JSON one behind the other, without line ends",
    "an error, never a part of them",
)
@pytest.mark.parametrize("body", [b'{"t": "a"}{"t": "b", "done": true}', b'{"t": "a"} {"t": "b", "done": true}\n'])
@pytest.mark.parametrize("end", ["body", "{done: true}"])
def test_values_without_line_ends_are_no_lines(end: str, body: bytes) -> None:
    provider = end_provider("ndjson", end)
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        with pytest.raises((DecodeError, TruncatedError)):
            provider.decode(pieces)


@pytest.mark.parametrize("end", ["body", "{done: true}"])
def test_an_array_that_is_cut_is_a_cut_answer(end: str) -> None:
    with pytest.raises(TruncatedError):
        end_provider("json_array", end).decode(b'[{"t": "a"},{"t": "b"')


def test_an_event_without_data_can_be_an_error() -> None:
    with pytest.raises(ProviderError) as caught:
        end_provider("sse", "{done: true}").decode(b'data: {"t": "a"}\n\nevent: oops\ndata:\n\n')
    assert caught.value.kind == "overloaded"


def test_what_is_broken_behind_the_end_takes_nothing_from_the_answer() -> None:
    from engine.framing import Frame
    from engine.framing.aws_eventstream import encode_message

    whole = encode_message(Frame("m", '{"t": "a", "done": true}'))
    usage = encode_message(Frame("m", '{"u": {"in": 3}}'))
    provider = end_provider("aws_eventstream", "{done: true}")
    assert provider.decode(whole + usage).usage.input_tokens == 3
    for cut in range(1, len(usage)):
        assert provider.decode(whole + usage[:cut]).text == "a"
    assert provider.decode(whole + usage[:-1] + b"x").text == "a"


# --- other framings of the same frames ---

FRAMED = [
    ("sse", "json_array", b'[{"t": "a"}\n,\r\n{"t": "b", "f": "end"}]'),
    ("sse", "json_array", b'data: {"t": "a"}\n\ndata: {"t": "b", "f": "end"}\n\n'),
    ("ndjson", "sse", b'data: {"t": "a"}\n\ndata: {"t": "b", "f": "end"}\n\n'),
    ("ndjson", "json_array", b' [{"t": "a"},{"t": "b", "f": "end"}]'),
    ("ndjson", "sse", b'{"t": "a"}\n{"t": "b", "f": "end"}\n'),
]


def framed(codec: str, other: str) -> Provider:
    response = f"{{stream: {{codec: {codec}, other_codecs: [{other}], {RULES}, end: finish}}, {WHOLE}, {MAPS}}}"
    return Provider(load_text(FILE.format(response=f"response: {response}", answer=JSON_ANSWER)))


@pytest.mark.parametrize(("codec", "other", "body"), FRAMED)
def test_a_stream_may_come_in_another_framing(codec: str, other: str, body: bytes) -> None:
    provider = framed(codec, other)
    for size in (1, 7, len(body)):
        answer = provider.decode([body[at : at + size] for at in range(0, len(body), size)])
        assert (answer.text, answer.finish) == ("ab", "stop")


def test_another_framing_is_a_stream_as_well() -> None:
    with pytest.raises(ProviderError) as caught:
        framed("sse", "json_array").decode(b'[{"t": "a"},{"fail": "later"}]')
    assert caught.value.kind == "overloaded"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "a"
    whole = framed("sse", "json_array").decode(b'{"t": "all", "f": "end"}')
    assert whole.text == "all"


# --- lines of JSON, or one value ---

LINES = b'{"t": "a"}\n\r\n{"t": "b", "f": "end"}\n'
LINED = f"{{stream: {{codec: ndjson, {RULES}, end: finish}}, {WHOLE}, {MAPS}}}"


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/x-ndjson; charset=utf-8"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_are_lines_whatever_the_content_type_says(kind: str, size: int) -> None:
    how = readers(LINED, JSON_ANSWER)
    for body in (LINES, LINES.replace(b"\n", b"\r\n"), LINES.rstrip(), b"\xef\xbb\xbf\n" + LINES):
        events, _, error = read(how, [body[at : at + size] for at in range(0, len(body), size)], kind)
        assert (joined(events), error) == ([TextDelta("ab"), Finish("stop", "end")], None)
    for cut in range(1, LINES.index(b'"f"')):
        assert isinstance(read(how, [LINES[:cut]], kind)[2], TruncatedError)


@pytest.mark.parametrize("kind", ["", "application/json"])
@pytest.mark.parametrize("indent", [None, 1])
def test_one_value_is_no_line(kind: str, indent: int | None) -> None:
    rules = "rules: [{text: all, finish: f}]"
    how = readers(
        f"{{stream: {{codec: ndjson, {RULES}, end: {{done: true}}}}, whole: {{codec: json, {rules}}}}}", JSON_ANSWER
    )
    body = json.dumps({"all": "ab", "f": "stop"}, indent=indent).encode()
    for size in (1, 1000):
        answer = read(how, [body[at : at + size] for at in range(0, len(body), size)], kind)
        assert (answer[0], answer[2]) == ([TextDelta("ab"), Finish("stop", "stop")], None)


def test_a_long_line_is_what_the_content_type_says() -> None:
    how = readers(LINED, JSON_ANSWER)
    body = json.dumps({"t": "x" * 70_000}).encode()
    assert how.choose("application/json", body[:69_000]) is how.whole
    assert how.choose("", body[:69_000]) is how.stream
    assert not how.is_unclear("", Start(body[:69_000]))


# --- events without their blank line, and blanks as text ---


def test_where_the_body_is_the_end_an_event_that_broke_off_is_a_cut() -> None:
    provider = end_provider("sse", "body")
    body = b'data: {"t": "a"}\n\ndata: {"t": "b"}'
    assert provider.decode(body + b"\n\n").text == "ab"
    assert provider.decode(body).text == "ab"
    for cut in range(body.index(b"data", 5) + len("data: "), len(body)):
        with pytest.raises(TruncatedError):
            provider.decode(body[:cut])


def plain_provider(rules: str, end: str) -> Provider:
    text = f"""
spec_version: 1
name: plain
url: https://plain.example
response: {{codec: sse, unwrap: [text], rules: [{rules}], end: {end}}}
examples: [{{name: e, call: {{messages: x}}, reply: {{status: 500, text: x}}, expect: {{error: unavailable}}}}]
"""
    return Provider(load_text(text, "plain.yaml"))


@fault("Bytes and event streams", "an event of plain text that lacks its blank line", "`TruncatedError`: it may be cut")
def test_an_event_of_text_without_its_blank_line_may_be_cut() -> None:
    provider = plain_provider("{text: $}", "body")
    assert provider.decode(b"data: Hel\n\ndata: lo\n\n").text == "Hello"
    for cut in (b"data", b"data: l", b"data: lo", b"data: lo\n"):
        with pytest.raises(TruncatedError) as caught:
            provider.decode(b"data: Hel\n\n" + cut)
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Hel"


def test_text_that_only_looks_like_the_end_is_text() -> None:
    provider = plain_provider("{text: $}", "'[DONE]'")
    assert provider.decode(b"data: a\n\ndata:  [DONE]\n\ndata: b\n\ndata: [DONE]\n\n").text == "a [DONE]b"


def test_blanks_are_text_where_events_are_no_json() -> None:
    provider = plain_provider("{when: {event: output}, text: $}", "{event: done}")
    body = b"event: output\ndata:  \n\nevent: output\ndata:\ndata:\n\nevent: output\ndata:\n\nevent: done\ndata:\n\n"
    assert provider.decode(body).text == " \n"
