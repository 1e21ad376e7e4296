"""Requests and heads of responses as values: exact to send, masked to show."""

from __future__ import annotations

import copy
import pickle
import traceback
from dataclasses import FrozenInstanceError, replace

import pytest

from engine.secrets import Sensitive
from engine.wire import Headers, ResponseHead, WireRequest

KEY = "sk-canary-42"


@pytest.fixture
def wire() -> WireRequest:
    return WireRequest(
        "POST",
        Sensitive(f"https://api.example.com/v1?key={KEY}", "https://api.example.com/v1?key=<KEY>"),
        Headers([("Accept", "*/*"), ("Authorization", Sensitive(f"Bearer {KEY}", "Bearer <KEY>"))]),
        b"{}",
    )


def test_headers_ignore_case_and_keep_order_and_spelling():
    headers = Headers([("X-B", "1"), ("a", "2"), ("Content-Type", "text/plain")])
    assert headers["x-b"] == headers["X-B"] == "1"
    assert headers.get("CONTENT-type") == "text/plain"
    assert "A" in headers
    assert "c" not in headers
    assert headers.get("c") is None
    assert list(headers) == ["X-B", "a", "Content-Type"]
    assert list(headers.items()) == [("X-B", "1"), ("a", "2"), ("Content-Type", "text/plain")]
    assert len(headers) == 3
    with pytest.raises(KeyError):
        headers["c"]


def test_repeated_headers_are_one_field_and_stay_apart_on_the_wire():
    headers = Headers([("Via", "a"), ("x", "1"), ("via", "b"), ("VIA", "c")])
    assert headers["via"] == "a, b, c"
    assert list(headers) == ["Via", "x"]
    assert len(headers) == 2
    assert headers.pairs == (("Via", "a"), ("x", "1"), ("via", "b"), ("VIA", "c"))


def test_headers_are_immutable():
    headers = Headers([("a", "1")])
    with pytest.raises(TypeError):
        headers["a"] = "2"  # type: ignore[index]
    with pytest.raises(TypeError):
        del headers["a"]  # type: ignore[attr-defined]
    assert not hasattr(headers, "update")
    assert not hasattr(headers, "__dict__")


def test_headers_take_an_iterator_once():
    assert Headers((name, "1") for name in "ab") == Headers([("a", "1"), ("b", "1")])


def test_a_request_is_exact(wire):
    assert wire.url == f"https://api.example.com/v1?key={KEY}"
    assert wire.headers["authorization"] == f"Bearer {KEY}"
    assert dict(wire.headers.pairs)["Authorization"] == f"Bearer {KEY}"
    assert wire == replace(wire)
    with pytest.raises(FrozenInstanceError):
        wire.url = "x"


def _traceback_with_locals(value: object) -> str:
    try:
        raise ValueError("x")
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


SHOW = [repr, str, lambda w: f"{w}", lambda w: repr({"wire": [w]}), _traceback_with_locals]


@pytest.mark.parametrize("show", SHOW)
def test_a_request_shows_no_secret(wire, show):
    for value in (wire, wire.headers, wire.shown()):
        text = show(value)
        assert "<KEY>" in text
        assert KEY not in text


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_request_holds_no_secret(wire, protocol):
    data = pickle.dumps(wire, protocol)
    assert KEY.encode() not in data
    again = pickle.loads(data)
    assert again == wire.shown()
    assert again.headers["authorization"] == "Bearer <KEY>"


@pytest.mark.parametrize("pairs", [[0, 1], [1, 0], [1, 1]])
def test_a_repeated_header_with_a_secret_in_it_is_masked_too(pairs):
    values = ["plain", Sensitive(KEY, "<KEY>")]
    headers = Headers([("X-Key", values[index]) for index in pairs])
    assert KEY in headers["x-key"]
    for text in (repr(headers), repr(headers.shown()), str(dict(headers)), _traceback_with_locals(headers)):
        assert KEY not in text
        assert "<KEY>" in text
    assert KEY.encode() not in pickle.dumps(headers)


def test_shown_is_plain_text(wire):
    masked = wire.shown()
    assert masked.url == "https://api.example.com/v1?key=<KEY>"
    assert str.__str__(masked.headers["authorization"]) == "Bearer <KEY>"
    assert masked.content == wire.content


def test_a_copied_request_can_be_sent(wire):
    for copied in (copy.copy(wire), copy.deepcopy(wire)):
        assert copied == wire
        assert copied.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(copied)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com/v1?x=1#y", "https://api.example.com"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://example.com?at=/x@y", "http://example.com"),
        ("HTTP://user@example.com?at=/x@y", "http://example.com"),
        (" http://example.com:80@other.example/", "http://other.example"),
        ("http://example.com:80@other.example/", "http://other.example"),
        ("http://example.com\\@other.example/", "http://other.example"),
        (f"https://user:{KEY}@example.com/x", "https://example.com"),
        (Sensitive(f"https://example.com/?key={KEY}", "https://example.com/?key=<KEY>"), "https://example.com"),
    ],
)
def test_origin_is_where_a_request_goes_and_nothing_else(url, origin):
    assert WireRequest("GET", url, Headers()).origin == origin


@pytest.mark.parametrize(
    ("pairs", "request_id"),
    [
        ([("X-Request-ID", "a")], "a"),
        ([("request-id", " a ")], "a"),
        ([("x-acme-RequestId", "a")], "a"),
        ([("x-trace-id", "b"), ("x-request-id", "a")], "a"),
        ([("x-acme-request-id", "b"), ("x-request-id", "a")], "a"),
        ([("x-correlation-id", "a")], "a"),
        ([("x-request-id", "a\x1b\u2028b")], "ab"),
        ([("x-request-id", "a" * 900)], "a" * 200),
        ([("x-request-id", "")], None),
        ([("x-request-identity", "a"), ("xrequest-id", "a"), ("x-trace-idle", "a")], None),
        ([], None),
    ],
)
def test_request_id(pairs, request_id):
    assert ResponseHead(200, Headers(pairs)).request_id == request_id


@pytest.mark.parametrize(
    ("pairs", "media_type"),
    [
        ([], ""),
        ([("Content-Type", "Text/Event-Stream; charset=UTF-8")], "text/event-stream"),
        ([("content-type", " application/json ")], "application/json"),
        ([("content-type", "application/json"), ("content-type", "application/json; x=1")], "application/json"),
        ([("content-type", "")], ""),
        ([("content-type", ";")], ""),
    ],
)
def test_media_type(pairs, media_type):
    assert ResponseHead(200, Headers(pairs)).media_type == media_type


def test_a_head_has_headers_of_its_own():
    assert ResponseHead(200).headers == {}


def test_replaced_headers_stand_at_the_end_in_the_place_of_their_namesakes() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.replaced([("B", "4"), ("c", "5")]).pairs == (("A", "1"), ("a", "3"), ("B", "4"), ("c", "5"))
    assert headers.replaced([]).pairs == headers.pairs


def test_a_head_is_copied_as_itself_and_not_pickled() -> None:
    head = ResponseHead(401, Headers([("x-echo", "s3cr3t")]))
    assert copy.copy(head) is head
    assert copy.deepcopy([head])[0] is head
    assert "s3cr3t" not in repr(head)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(head)
