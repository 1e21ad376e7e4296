from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recording.scrub import Scrubber
from engine.secrets import Secret

KEY = 'sk-"Q/a+b=c&d e\\f'
SCRUB = Scrubber([Secret(KEY, name="ACME_KEY"), Secret("pass-word-77", name="ACME_PASSWORD")])

SPELT = [
    KEY,
    quote(KEY),
    re.sub("%..", lambda match: match[0].lower(), quote(KEY, safe="")),
    quote_plus(KEY),
    json.dumps(KEY)[1:-1],
    json.dumps(json.dumps(KEY)[1:-1])[1:-1],
    json.dumps(json.dumps(json.dumps(KEY)[1:-1])[1:-1])[1:-1],
    json.dumps(KEY)[1:-1].replace("/", "\\/").replace("&", "\\u0026"),
    "".join(f"\\u{ord(char):04X}" for char in KEY),
    base64.b64encode(KEY.encode()).decode(),
    base64.urlsafe_b64encode(KEY.encode()).decode(),
    quote(base64.b64encode(KEY.encode()).decode(), safe=""),
]


@pytest.mark.parametrize("spelling", SPELT)
def test_each_spelling_is_taken_out(spelling: str) -> None:
    assert SCRUB.text(f"before {spelling} behind").replace("=", "").replace("%3D", "") == "before <ACME_KEY> behind"
    assert SCRUB.finds({"a": [spelling]})
    assert SCRUB.finds({spelling: 1})
    assert SCRUB.finds(spelling.encode())


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
def test_base64_amid_other_base64(before: str) -> None:
    clean = SCRUB.text(base64.b64encode(f"{before}{KEY}:and more".encode()).decode())
    assert "<ACME_KEY>" in clean
    left = clean.replace("<ACME_KEY>", "")
    assert base64.b64encode(KEY.encode()).decode()[4:12] not in left


def test_two_of_them_joined() -> None:
    assert SCRUB.text(base64.b64encode(f"{KEY}:pass-word-77".encode()).decode().rstrip("=")).startswith("<ACME_")


def test_what_is_no_secret_stays() -> None:
    text = "sk-Q/a and pass-word, 100% of \\u0041"
    assert SCRUB.text(text) == text
    assert not SCRUB.finds(text)
    assert Scrubber([Secret("<ACME_KEY>", name="ACME_KEY")]).text("<ACME_KEY>") == "<ACME_KEY>"


@given(
    st.lists(st.sampled_from(["a", "ж", KEY, "pass-word-77", "\n", KEY[:5], quote(KEY)]), max_size=12),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_the_pieces_are_the_clean_body_at_every_cut(words: list[str], cuts: list[int]) -> None:
    body = "".join(words).encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    clean = SCRUB.pieces(pieces)
    assert len(clean) == len(pieces)
    assert b"".join(clean) == SCRUB.text(body.decode()).encode()
