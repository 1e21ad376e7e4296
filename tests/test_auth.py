"""How secrets are sent: in the right place, and shown nowhere."""

from __future__ import annotations

import base64

import pytest

from engine.auth import AUTH, Credentials, credentials
from engine.secrets import Secret, shown
from engine.spec import Auth

SECRETS = {
    "k": Secret("s3cr3t/+ &", name="K_VAR"),
    "u": Secret("user", name="U_VAR"),
    "p": Secret("pa:ss", name="P_VAR"),
}

SENT = [
    (Auth("none"), [], [], []),
    (Auth("bearer", {"secret": "k"}), [("authorization", "Bearer s3cr3t/+ &")], [], ["Bearer <K_VAR>"]),
    (Auth("header", {"secret": "k", "name": "x-api-key"}), [("x-api-key", "s3cr3t/+ &")], [], ["<K_VAR>"]),
    (
        Auth("header", {"secret": "k", "name": "authorization", "prefix": "Key "}),
        [("authorization", "Key s3cr3t/+ &")],
        [],
        ["Key <K_VAR>"],
    ),
    (Auth("query", {"secret": "k", "name": "a key"}), [], [("a%20key", "s3cr3t%2F%2B%20%26")], ["<K_VAR>"]),
    (
        Auth("basic", {"user": "u", "password": "p"}),
        [("authorization", "Basic " + base64.b64encode(b"user:pa:ss").decode())],
        [],
        ["Basic <U_VAR>:<P_VAR>"],
    ),
]


@pytest.mark.parametrize(("auth", "headers", "query", "masked"), SENT)
def test_what_is_sent_and_what_is_shown(
    auth: Auth, headers: list[tuple[str, str]], query: list[tuple[str, str]], masked: list[str]
) -> None:
    sent = credentials(auth, SECRETS)
    assert (list(sent.headers), list(sent.query)) == (headers, query)
    assert [shown(value) for _, value in (*sent.headers, *sent.query)] == masked
    assert "s3cr3t" not in repr(sent)
    assert "pa:ss" not in repr(sent)


def test_every_kind_is_tried_above() -> None:
    assert {auth.type for auth, *_ in SENT} == set(AUTH)


def test_no_way_to_authenticate_adds_nothing() -> None:
    assert credentials(None, {}) == Credentials()
