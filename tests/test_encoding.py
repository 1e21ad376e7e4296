"""Payload -> exact bytes, and one typed error for what cannot be bytes."""

from __future__ import annotations

import email
import email.policy
import json
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import encoding
from engine.encoding import ENCODINGS, encode, read_multipart, to_json
from engine.errors import ParameterError
from engine.expressions import OMIT, as_text
from engine.secrets import Sensitive

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_json_is_compact_utf8_in_the_order_of_the_keys() -> None:
    payload = {"b": "Привет", "a": [1, 0.5, None, True], "e": {}, "u": '\u2028"\\\n😀'}
    body = '{"b":"Привет","a":[1,0.5,null,true],"e":{},"u":"\u2028\\"\\\\\\n😀"}'.encode()
    assert encode("json", payload, as_text) == (body, "application/json")


@given(JSON)
def test_json_says_what_the_payload_says(payload: Any) -> None:
    assert json.loads(to_json(payload)) == payload


@given(JSON)
def test_whoever_writes_it_the_bytes_are_the_same(payload: Any) -> None:
    plainly = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "FEW", 0)
        assert to_json(payload) == plainly
        patch.setattr(encoding, "has_fast_json", lambda: False)
        assert to_json(payload) == plainly


def test_every_character_and_every_size_of_number_is_written_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    characters = "".join(chr(code) for code in range(0x3000) if not 0xD800 <= code < 0xE000) + "😀\U0010ffff"
    numbers = [sign * digits * 10.0**power for power in range(-30, 31) for digits in (1, 1.5, 0.1) for sign in (1, -1)]
    payload = {"text": characters, "numbers": [*numbers, 0.0, -0.0, 5e-324, 2**63, -(2**64), 10**40]}
    monkeypatch.setattr(encoding, "FEW", 0)
    found = to_json(payload)
    monkeypatch.setattr(encoding, "has_fast_json", lambda: False)
    assert found == to_json(payload)
    for number in numbers:
        monkeypatch.undo()
        monkeypatch.setattr(encoding, "FEW", 0)
        assert to_json([number]) == f"[{number!r}]".encode()


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("-inf"), {1, 2}, b"x", bytearray(b"x"), (1,), date(2026, 1, 2), OMIT, "\ud800"],
    ids=repr,
)
def test_what_the_quick_writer_would_say_somehow_is_refused_all_the_same(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome() -> Any:
        try:
            return to_json({"a": [value]})
        except ParameterError as error:
            return error.message

    monkeypatch.setattr(encoding, "FEW", 0)
    quickly = outcome()
    monkeypatch.setattr(encoding, "has_fast_json", lambda: False)
    assert quickly == outcome()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), pytest.param(10**5000, id="huge"), {1, 2}, b"x", OMIT])
def test_what_json_cannot_say(value: Any) -> None:
    with pytest.raises(ParameterError):
        to_json({"a": [value]})


def test_something_omitted_inside_a_list_is_named_as_such() -> None:
    with pytest.raises(ParameterError, match="was not given"):
        to_json({"a": [OMIT]})


def test_a_loop_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_BODY", 2**20)  # the same in less time
    loop: list[Any] = []
    loop.append(loop)
    for payload, where in ((loop, "the payload"), ({"a": 1, "b": loop}, "payload.b")):
        with pytest.raises(ParameterError, match=f"with {where}, the request has more than"):
            to_json(payload)


def test_form() -> None:
    body, kind = encode("form", {"a b": "1 +&=/?é\r\n", "n": 0.5, "t": True, "e": ""}, as_text)
    assert body == b"a%20b=1%20%2B%26%3D%2F%3F%C3%A9%0D%0A&n=0.5&t=true&e="
    assert kind == "application/x-www-form-urlencoded"


@given(st.dictionaries(TEXT, TEXT, max_size=4))
def test_a_form_is_read_back(fields: dict[str, str]) -> None:
    body, _ = encode("form", fields, as_text)
    assert dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), separator="&")) == fields


def test_multipart() -> None:
    body, kind = encode("multipart", {"image[]": "é\r\n", 'a"b\r\nc ü': 1}, as_text)
    boundary = kind.removeprefix("multipart/form-data; boundary=")
    assert body.decode() == (
        f'--{boundary}\r\ncontent-disposition: form-data; name="image[]"\r\n\r\né\r\n\r\n'
        f'--{boundary}\r\ncontent-disposition: form-data; name="a%22b%0D%0Ac ü"\r\n\r\n1\r\n'
        f"--{boundary}--\r\n"
    )
    assert encode("multipart", {"image[]": "é\r\n", 'a"b\r\nc ü': 1}, as_text) == (body, kind)
    assert encode("multipart", {"image[]": "e"}, as_text)[1] != kind


def test_multipart_is_read_back() -> None:
    body, kind = encode("multipart", {"a": "1", "b": "two\nlines"}, as_text)
    message = email.message_from_bytes(b"content-type: %s\r\n\r\n" % kind.encode() + body, policy=email.policy.HTTP)
    parts = {part.get_param("name", header="content-disposition"): part.get_payload() for part in message.iter_parts()}
    assert parts == {"a": "1", "b": "two\nlines"}


def test_text() -> None:
    assert encode("text", "Привет", as_text) == ("Привет".encode(), "text/plain; charset=utf-8")
    assert encode("text", "", as_text)[0] == b""


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("payload", [{"a": "\ud800"}, {"\ud800": "a"}])
def test_half_a_character_is_a_parameter_error(encoding: str, payload: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match="half a character"):
        encode(encoding, "\ud800" if encoding == "text" else payload, as_text)


@pytest.mark.parametrize("encoding", ["form", "multipart"])
@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_a_field_that_has_no_text_is_named(encoding: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=r"payload\.deep gives "):
        encode(encoding, {"deep": value}, as_text)
    with pytest.raises(ParameterError, match="no map"):
        encode(encoding, ["a"], as_text)


def test_a_multipart_body_that_is_none_has_no_fields() -> None:
    assert read_multipart("multipart/form-data", "x") == {}
    assert read_multipart("multipart/form-data; boundary=b", "--b\r\nx\r\n--b--\r\n") == {}


def test_the_boundary_of_a_form_says_nothing_of_a_secret_in_it() -> None:
    kinds = {
        encode("multipart", {"a": "b", "key": Sensitive(key, "<KEY>")}, as_text)[1] for key in ("one", "two", "<KEY>")
    }
    assert len(kinds) == 1
    assert encode("multipart", {"a": "c", "key": Sensitive("one", "<KEY>")}, as_text)[1] not in kinds
