"""A secret is found in a text in whatever spelling, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import random
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redaction import cleaned, redact
from engine.secrets import MASK, Secret

from .faults import fault

CANARY = 'sk-Canary/7+"é"=?\\ &%41'


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY, name="ACME_API_KEY")


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda v: quote(v, safe=""),
        lambda v: quote(v, safe="").replace("%20", "+"),
        lambda v: json.dumps(v)[1:-1],
        lambda v: base64.b64encode(v.encode()).decode(),
        lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
        lambda v: base64.b64encode(f"user-name:{v}".encode()).decode(),
        lambda v: v.encode().hex(),
        lambda v: v.encode().hex().upper(),
        html.escape,
        lambda v: "".join(f"&#{ord(char)};&#x{ord(char):X};"[: len(f"&#{ord(char)};")] for char in v),
        lambda v: "".join(f"\\u{ord(char):04x}" for char in v),
        lambda v: repr(v.encode())[2:-1],
        lambda v: json.dumps(json.dumps({"k": quote(v)})).partition(': \\"')[2][:-4],
        lambda v: quote(json.dumps(v)[1:-1], safe=""),
        lambda v: quote(quote(v, safe=""), safe=""),
        lambda v: html.escape(json.dumps(v)[1:-1]),
        lambda v: quote(base64.b64encode(v.encode()).decode(), safe=""),
    ],
)
def test_redact_knows_the_spellings_of_a_secret(secret, spell):
    user = Secret("user-name", name="USER")
    text = f"the key '{spell(CANARY)}' is wrong, {spell(CANARY)}!"
    redacted = redact(text, (user, secret))
    assert redacted.replace("=", "") == f"the key '{MASK}' is wrong, {MASK}!"


@pytest.mark.parametrize("value", ["sk-\b\f\n\r\t/1", "sk-\U0001f600-12", "sk-\udce9-1234"])
@pytest.mark.parametrize(
    "spell", [str, lambda v: json.dumps(v)[1:-1], lambda v: json.dumps(v, ensure_ascii=False)[1:-1]]
)
def test_a_secret_may_be_of_any_characters(value, spell):
    """Half a character is what Python makes of a byte in the environment that is no UTF-8."""
    assert redact(f"the key {spell(value)} is wrong", (Secret(value, name="A"),)) == f"the key {MASK} is wrong"


def test_where_secrets_overlap_the_name_is_that_of_the_longest():
    secrets = (Secret("abcdef", name="A"), Secret("defghijkl", name="B"), Secret("klmnop", name="C"))
    assert cleaned(b"see abcdefghijklmnop, klmnop", secrets) == b"see <B>, <C>"
    assert cleaned([b"see abcd", b"efghi"], secrets) == b"see <A>ghi"


def test_user_and_password_are_found_where_they_are_joined_in_base64():
    named = [Secret(f"secret-{number}", name=f"S{number}") for number in range(8)]
    joined = base64.b64encode(b"secret-7:secret-1").decode().rstrip("=")
    assert redact(f"Basic {joined}", named) == f"Basic {MASK}"


def test_redact_masks_a_secret_that_begins_like_another():
    short, long = Secret("sk-12345", name="A"), Secret("sk-12345678", name="B")
    for order in ((short, long), (long, short)):
        assert redact("sk-12345678 sk-12345", order) == f"{MASK} {MASK}"


def test_redact_leaves_other_text_and_very_short_secrets_alone():
    assert redact("an apple", (Secret("app", name="A"),)) == "an apple"
    assert redact("an apple", ()) == "an apple"
    assert redact("", (Secret("long-enough", name="A"),)) == ""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet="abAB12-_ +/=", min_size=4, max_size=8), min_size=1, max_size=3),
    st.lists(st.text(alphabet="xyz. ", max_size=5), min_size=4, max_size=4),
)
def test_after_redact_no_secret_is_left(values, between):
    text = between[0] + "".join(value + rest for value, rest in zip(values, between[1:], strict=False))
    redacted = redact(text, tuple(Secret(value, name="N") for value in values))
    assert not [value for value in values if value in redacted]


def test_each_line_of_a_key_of_several_is_one():
    lines = [base64.b64encode(random.Random(number).randbytes(48)).decode() for number in range(4)]
    key = Secret("\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----\n"]), name="PEM")
    for line in lines:
        assert redact(f"offset 3: {line} is no base64", (key,)) == f"offset 3: {MASK} is no base64"
    assert redact("-----BEGIN PRIVATE KEY-----", (key,)) == "-----BEGIN PRIVATE KEY-----"


def test_what_surrounds_a_secret_stays_as_it_was():
    text = "Ж%C3%A9\\u0041\ud83d &amp; sk-1234\U0001f600 %zz \\ &#x110000; %"
    assert redact(text, (Secret("sk-1234", name="A"),)) == text.replace("sk-1234", MASK)
    assert redact(text, (Secret("sk-9999", name="A"),)) is text


SLOW = {
    "a session of fifty large cookies": ([f"{number:04}" * 1000 for number in range(50)], "0001" * 16_000),
    "escapes of every kind, in each other": (["sk-12345678"], "%2525%255c\\\\u0025&amp;amp;#37;" * 2_000),
    "one secret again and again": (["aaaa"], "a" * 60_000),
    "a key of sixteen thousand characters": (["k%2F" * 4_000], "k%2F" * 15_999),
}
"""Secrets and texts that a hostile service chooses."""


@fault("Secrets", "a hostile service sets fifty large cookies and echoes them", "masked in a moment")
@pytest.mark.parametrize("case", SLOW)
def test_no_text_and_no_secret_takes_long(case: str) -> None:
    values, text = SLOW[case]
    began = time.process_time()
    redact(text, [Secret(value, name="session") for value in values])
    assert time.process_time() - began < 3.0
