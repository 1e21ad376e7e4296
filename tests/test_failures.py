"""A refusal -> ProviderError: the file's rules first, then the status, then what the body looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import KINDS
from engine.failures import KIND_BY_STATUS, MAX_BODY_SHOWN, NEXT_STEP, Failures, kind_of
from engine.loader import load_text
from engine.wire import Headers, ResponseHead

FILE = """
spec_version: 1
name: api
url: http://127.0.0.1
payload: {{m: "{{{{ messages }}}}"}}
response: {{codec: sse, rules: [{{text: t}}], end: '[DONE]'}}
errors: {errors}
examples:
  - {{name: busy, call: {{messages: hi}}, reply: {{status: 503, body: busy}}, expect: {{error: unavailable}}}}
  - {{name: fine, call: {{messages: hi}}, expect: {{text: hi}},
     reply: {{text: "data: {{\\"t\\": \\"hi\\"}}\\n\\ndata: [DONE]\\n\\n"}}}}
"""


def failures(*rules: dict) -> Failures:
    return Failures(load_text(FILE.format(errors=json.dumps(list(rules)))).errors)


NONE = Failures(())


def refuse(rules: Failures, status: int, body: object = b"", **headers: str):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return rules.refusal(ResponseHead(status, Headers(headers.items())), data)


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_has_a_kind_that_callers_know(status):
    assert kind_of(status) in KINDS
    error = refuse(NONE, status)
    assert (error.kind, error.status) == (kind_of(status), status)
    assert f"HTTP {status}" in error.message


def test_the_kinds_are_the_ones_of_the_table():
    assert set(KIND_BY_STATUS.values()) | set(NEXT_STEP) <= set(KINDS)
    assert {kind_of(status) for status in (500, 502, 503, 504, 599)} == {"unavailable"}
    assert kind_of(302) == "protocol"
    assert kind_of(418) == "bad_request"


def test_a_message_ends_with_the_next_step():
    assert refuse(NONE, 401, {"error": "no"}).message == "the provider refused (auth, HTTP 401): no; check the key"
    assert refuse(NONE, 408).message == "the provider refused (timeout, HTTP 408); try again"
    assert refuse(NONE, 302).message.endswith("; check the file's url and path")


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        ({"error": {"message": "a", "code": "b", "type": "c"}}, "a", "b"),
        ({"error": {"message": "a", "type": "c"}}, "a", "c"),
        ({"error": {"message": "a", "code": None, "type": "c"}}, "a", "c"),
        ({"error": "a", "code": 7}, "a", "7"),
        ({"message": "a", "error": {"code": True}}, "a", None),
        ({"message": None, "error": "a"}, "a", None),
        ({"message": {"deep": 1}, "detail": "a"}, "a", None),
        ({"message": "", "detail": "a"}, "a", None),
        ({"error_msg": "a", "error_code": 110}, "a", "110"),
        ({"detail": [{"msg": "a"}]}, "a", None),
        ({"detail": {"message": "a"}}, "a", None),
        ({"errors": [{"message": "a", "code": "b"}]}, "a", "b"),
        ({"title": "a"}, "a", None),
        ({}, "", None),
        ([], "", None),
        ("a text", "a text", None),
        ("", "", None),
        (0, "0", None),
        (["a", "b"], '["a", "b"]', None),
        ([{"message": "a"}, {"message": "b"}], "a", None),
        ([{}, {"message": "b"}], "b", None),
        ({"reason": "a"}, '{"reason": "a"}', None),
        ({"error": {"message": ["a"]}}, '{"error": {"message": ["a"]}}', None),
        ({"message": "a", "code": "b\n\x1b" + "c" * 200}, "a", "b " + "c" * 98),
        ({"message": "a", "code": " "}, "a", None),
        (b"<Error><Code>X</Code><Message>Not here</Message></Error>", "Not here", None),
        (b"plain", "plain", None),
        (b"two\r\n\x1b[1mlines\x00", "two [1mlines", None),
        (b"<html><head><title>\n A page </title>", "A page", None),
        (b"<html><body>no title", "", None),
        (b"\xff\xfe", "\ufffd\ufffd", None),
        (b"\xef\xbb\xbf", "", None),
    ],
)
def test_what_the_body_says(body, said, code):
    error = refuse(NONE, 418, body)
    assert error.message == "the provider refused (bad_request, HTTP 418)" + (f": {said}" if said else "") + (
        "; check the parameters with `wirefile render`"
    )
    assert error.code == code


def test_what_is_shown_is_bounded():
    error = refuse(NONE, 418, {"message": "x" * 9000})
    assert len(error.message) < 650
    assert "..." in error.message
    assert len(error.body) == MAX_BODY_SHOWN


def test_secrets_go_before_the_cut():
    def hide(text: str) -> str:
        return text.replace("SECRET", "***")

    head = ResponseHead(401)
    for length in range(480, 510):
        body = json.dumps({"message": "x" * length + "SECRET"}).encode()
        assert "SEC" not in NONE.refusal(head, body, hide).message
    for length in range(1990, 2010):
        assert "SEC" not in NONE.refusal(head, b"x" * length + b"SECRET", hide).body
    error = NONE.in_body(head, "error", {"message": "SECRET"}, hide, in_stream=True)
    assert "SECRET" not in error.message + error.body


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "message", "code", "detail", "errors", "type", "title"]), inner)
).map(lambda tree: json.dumps(tree).encode()), st.integers(300, 599))  # fmt: skip
def test_any_body_is_one_readable_line(body, status):
    error = NONE.refusal(ResponseHead(status), body)
    assert error.kind == kind_of(status)
    assert error.message.isprintable()
    assert len(error.message) < 650
    assert error.code is None or isinstance(error.code, str)


# --- the file's rules ------------------------------------------------------------------------------------------------


def test_the_first_rule_that_holds_counts():
    rules = failures(
        {"status": 429, "body": {"path": "error.type", "equals": "quota"}, "kind": "quota"},
        {"status": 429, "header": {"x-why": {"contains": "LOAD"}}, "kind": "overloaded"},
        {"status": "4xx", "body": {"path": "code", "in": [1, 2]}, "kind": "auth"},
        {"status": [400, "5xx"], "kind": "not_found"},
    )
    assert refuse(rules, 429, {"error": {"type": "quota"}}).kind == "quota"
    assert refuse(rules, 429, {}, **{"X-Why": "high load"}).kind == "overloaded"
    assert refuse(rules, 429, {}).kind == "rate_limit"
    assert refuse(rules, 403, {"code": 2}).kind == "auth"
    assert refuse(rules, 403, {"code": 3}).kind == "permission"
    assert refuse(rules, 400, b"no json").kind == "not_found"
    assert refuse(rules, 599).kind == "not_found"


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (7, 7.0),
        ("7", 7.0),
        ("7.5s", 7.5),
        (" 3 s ", 3.0),
        (0, 0.0),
        (-1, None),
        ("soon", None),
        (True, None),
        (10**10, None),
        (None, None),
    ],
)
def test_a_rule_reads_its_message_code_and_wait(wait, seconds):
    rules = failures({"status": 429, "kind": "quota", "message": ["a", "b"], "code": "c", "retry_after": "w"})
    error = refuse(rules, 429, {"b": "the words", "c": 5, "w": wait, "message": "not these"})
    assert (error.kind, error.code, error.retry_after) == ("quota", "5", seconds)
    assert ": the words;" in error.message
    assert ": these;" in refuse(rules, 429, {"message": "these"}).message


def test_a_rule_on_a_frame_holds_in_a_stream_only():
    rules = failures({"frame": {"path": "type", "equals": "oops"}, "kind": "overloaded", "message": "why"})
    data = {"type": "oops", "why": "busy"}
    assert rules.in_body(ResponseHead(200), None, data, in_stream=False) is None
    error = rules.in_body(ResponseHead(200), None, data, in_stream=True)
    assert error.message == "the provider refused (overloaded, an error in the answer): busy; try again later"
    assert json.loads(error.body) == data
    assert refuse(rules, 418, data).kind == "bad_request"


def test_a_rule_on_a_status_alone_says_nothing_about_an_answer():
    rules = failures({"status": "2xx", "kind": "auth"}, {"header": {"x-a": "b"}, "kind": "quota"})
    head = ResponseHead(200, Headers([("x-a", "b")]))
    assert rules.in_body(head, None, {"t": "hi"}, in_stream=True) is None


@pytest.mark.parametrize(
    ("event", "data", "is_error"),
    [
        (None, {"error": {"message": "no"}}, True),
        (None, {"error": "no"}, True),
        ("error", {"message": "no"}, True),
        ("error", "text", True),
        (None, {"error": None}, False),
        (None, {"error": ""}, False),
        (None, {"error": {}}, False),
        (None, {"error": False}, False),
        (None, {"error": 0}, False),
        (None, {"object": "error", "message": "no", "code": None}, True),
        (None, {"object": "chat.completion.chunk", "message": "no"}, False),
        (None, {"text": "error"}, False),
        (None, ["error"], False),
        (None, None, False),
        ("message", {"t": "hi"}, False),
    ],
)
def test_what_looks_like_an_error_in_an_answer(event, data, is_error):
    error = NONE.in_body(ResponseHead(200), event, data, in_stream=True)
    assert (error is not None) is is_error
    if error is not None:
        assert error.kind == "protocol"
        assert "an error in the answer" in error.message


@pytest.mark.parametrize(
    "body", [{"error": {"code": "slow"}}, {"code": "slow"}, {"error": {"code": ""}, "code": "slow"}]
)
def test_a_predicate_may_look_at_several_places(body):
    rules = failures({"body": {"path": ["error.code", "code"], "equals": "slow"}, "kind": "rate_limit"})
    assert refuse(rules, 400, body).kind == "rate_limit"
    assert refuse(rules, 400, {"error": {"code": "fast"}, "code": "slow"}).kind == "bad_request"


def test_a_refusal_may_be_a_list_of_one():
    rules = failures({"body": {"path": "error.status", "equals": "BUSY"}, "kind": "overloaded"})
    error = refuse(rules, 500, [{"error": {"status": "BUSY", "message": "later"}}])
    assert error.kind == "overloaded"
    assert "later" in error.message
    assert refuse(rules, 500, [{"error": {"status": "BUSY"}}, {}]).kind == "unavailable"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow"}, "rate_limit"),
        ({"code": "503"}, "unavailable"),
        ({"code": 1210}, "protocol"),
        ({"code": "rate_limit"}, "protocol"),
        ({"message": "no code"}, "protocol"),
    ],
)
def test_the_code_of_an_error_inside_an_answer_says_what_it_is_where_it_is_a_status(error: Any, kind: str) -> None:
    refusal = Failures(()).in_body(ResponseHead(200), None, {"error": error}, in_stream=True)
    assert refusal is not None
    assert refusal.kind == kind
