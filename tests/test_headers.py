from __future__ import annotations

import pytest

from engine.errors import ParameterError
from engine.headers import caller_headers, overlaid, secrets_in
from engine.secrets import shown


def test_headers_of_a_caller() -> None:
    assert caller_headers({"X-Title": " Mine ", "anthropic-beta": "a,b"}) == (
        ("X-Title", "Mine"),
        ("anthropic-beta", "a,b"),
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Host": "x"}, "'Host' is the engine's to set"),
        ({"content-length": "1"}, "engine's to set"),
        ({"x a": "1"}, "no name of a header"),
        ({"": "1"}, "no name of a header"),
        ({"x:": "1"}, "no name of a header"),
        ({"x": "a\r\ny: b"}, "line break"),
        ({"x": "é"}, "beyond ASCII"),
        ({"x": "1", "X": "2"}, "given twice"),
    ],
)
def test_what_is_no_header_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        caller_headers(given)


@pytest.mark.parametrize("name", ["authorization", "Cookie", "x-api-key", "X-Auth-Token", "client-secret"])
def test_a_credential_is_masked_when_it_is_shown(name: str) -> None:
    ((_, value),) = pairs = caller_headers({name: "Bearer abc123"})
    assert (str.__str__(value), shown(value), repr(value)) == ("Bearer abc123", "***", "'***'")
    assert [secret.reveal() for secret in secrets_in(pairs)] == ["Bearer abc123", "abc123"]


def test_a_plain_header_is_no_secret() -> None:
    assert secrets_in(caller_headers({"x-title": "Mine"})) == ()


def test_the_caller_s_header_goes_in_place_of_the_file_s() -> None:
    pairs = (("Accept", "*/*"), ("x-a", "1"), ("accept", "text/plain"))
    assert overlaid(pairs, (("ACCEPT", "json"),)) == (
        (("x-a", "1"), ("ACCEPT", "json")),
        (("Accept", "*/*"), ("accept", "text/plain")),
    )
