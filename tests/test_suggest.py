"""What a mistyped word was meant to be."""

from __future__ import annotations

import pytest

from engine.suggest import closest, did_you_mean

KEYS = ["url", "path", "messages", "model", "max_tokens", "temperature"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ulr", "url"),
        ("URL", "url"),
        ("mesages", "messages"),
        ("Model", "model"),
        ("max_token", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("temprature", "temperature"),
        ("pth", "path"),
        ("zzz", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_closest(word, meant):
    assert closest(word, KEYS) == meant
    assert did_you_mean(word, KEYS) == (f"did you mean '{meant}'?" if meant else "")


def test_the_word_comes_back_as_it_is_spelt():
    assert closest("acme", ["ACME"]) == "ACME"
    assert closest("acme", []) is None
    assert closest("acm", iter(["acme"])) == "acme"
