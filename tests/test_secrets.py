"""A secret shows nowhere by itself; text that holds one shows its mask."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from dataclasses import asdict, dataclass

import pytest

from engine.secrets import Hidden, Sealed, Secret, Sensitive, SensitiveBytes, shown, shown_bytes, veiled_url

from .faults import fault
from .tracebacks import raised_with, with_locals

CANARY = 'sk-Canary/7+"é"=?\\ &'


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY, name="ACME_API_KEY")


@dataclass(frozen=True)
class Holder:
    value: object


def test_only_reveal_gives_the_value(secret):
    assert secret.reveal() == CANARY
    assert secret.name == "ACME_API_KEY"
    assert not hasattr(secret, "__dict__")


@fault("Secrets", "a secret is printed, formatted, logged, listed or copied by accident", "its variable's name shows")
@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        lambda s: f"{s}",
        lambda s: f"{s!r:>30}",
        lambda s: f"{s:>30}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031
        lambda s: "{} {!r}".format(s, s),  # noqa: UP032
        lambda s: format(s, ""),
        lambda s: repr([s, {"k": s}, (s,), Holder(s)]),
        lambda s: str(vars(Holder(s))),
        lambda s: repr(asdict(Holder(s))),
        lambda s: with_locals(raised_with(s)),
        lambda s: json.dumps({"k": s}, default=str),
        lambda s: repr([inspect.getmembers(s), s.__getstate__(), s]),
    ],
)
def test_a_secret_shows_its_name_alone(secret, show):
    text = show(secret)
    assert "<ACME_API_KEY>" in text
    assert "Canary" not in text


@fault("Secrets", "a secret is pickled", "TypeError; what only carries one is pickled masked")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(secret, protocol):
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Holder(secret), protocol)


def test_a_secret_is_no_json_and_no_text(secret):
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        "".join([secret])  # type: ignore[list-item]


def test_a_copy_of_a_secret_is_the_secret(secret):
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


@pytest.fixture
def sensitive() -> Sensitive:
    return Sensitive(f"Bearer {CANARY}", "Bearer <ACME_API_KEY>")


def test_sensitive_text_is_the_text_to_send(sensitive):
    assert sensitive == f"Bearer {CANARY}"
    assert sensitive.encode() == f"Bearer {CANARY}".encode()
    assert shown(sensitive) == "Bearer <ACME_API_KEY>"
    assert shown("plain") == "plain"


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda s: f"{s}",
        lambda s: f"{s!r}",
        lambda s: f"{s:>90}",
        lambda s: "%s" % s,  # noqa: UP031
        lambda s: "{}".format(s),  # noqa: UP032
        lambda s: str(Sensitive(s, s.shown)),
        lambda s: repr([s, {"k": s}, Holder(s)]),
        lambda s: repr(asdict(Holder(s))),
        lambda s: with_locals(raised_with(s)),
        lambda s: repr(copy.deepcopy([s])),
        shown,
    ],
)
def test_sensitive_text_shows_its_mask(sensitive, show):
    text = show(sensitive)
    assert "<ACME_API_KEY>" in text
    assert "Canary" not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_sensitive_text_is_pickled_masked(sensitive, protocol):
    data = pickle.dumps(Holder(sensitive), protocol)
    assert b"Canary" not in data
    assert pickle.loads(data).value == "Bearer <ACME_API_KEY>"


def test_a_copy_of_sensitive_text_can_be_sent_and_stays_masked(sensitive):
    for copied in (copy.copy(sensitive), copy.deepcopy({"k": sensitive})["k"]):
        assert copied == sensitive
        assert shown(copied) == "Bearer <ACME_API_KEY>"


def test_sensitive_text_goes_into_other_text_as_it_is(sensitive):
    raw = f"Bearer {CANARY}"
    assert "".join([sensitive]) == sensitive + "" == str.__str__(sensitive) == raw
    assert sensitive.split(" ", 1)[1] == CANARY


@pytest.mark.parametrize(
    "show",
    [repr, str, lambda h: f"{h}", lambda h: repr([h, asdict(Holder(h)), copy.deepcopy(h), inspect.getmembers(h)])],
)
def test_nothing_of_a_hidden_map_shows(show):
    hidden = Hidden({"k": CANARY})
    assert "Canary" not in show(hidden)
    assert "1 hidden" in show(hidden)
    assert dict(hidden) == {"k": CANARY}
    assert copy.copy(hidden) is copy.deepcopy(hidden) is hidden
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(hidden)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://me:hush@proxy.example:3128", "http://***@proxy.example:3128"),
        ("socks5://me:hu/sh@x@proxy.example", "socks5://***@proxy.example"),
        ("https://a.example/v1?key=hush", "https://***@a.example/v1"),
        ("me:hush@proxy.example", "***"),
        ("http://proxy.example", "http://proxy.example"),
        (None, None),
    ],
)
def test_a_url_of_the_callers_shows_no_user_and_no_query(url, seen):
    assert str(veiled_url(url)) == str(seen)
    assert veiled_url(url) == url


@pytest.fixture
def body() -> SensitiveBytes:
    return SensitiveBytes(f'{{"key":"{CANARY}"}}'.encode(), b'{"key":"<ACME_API_KEY>"}', "ACME_API_KEY")


def test_a_sensitive_body_is_the_bytes_to_send(body):
    assert body == f'{{"key":"{CANARY}"}}'.encode()
    assert len(body) == len(f'{{"key":"{CANARY}"}}'.encode())
    assert shown_bytes(body) == b'{"key":"<ACME_API_KEY>"}'
    assert shown_bytes(b"plain") == b"plain"
    assert copy.copy(body) is body
    assert copy.deepcopy({"k": body})["k"] is body


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        lambda b: f"{b} {b!r:>90}",
        lambda b: "%s %r" % (b, b),  # noqa: UP031
        lambda b: repr([b, {"k": b}, Holder(b)]),
        lambda b: repr(asdict(Holder(b))),
        lambda b: repr(vars(b)),
        lambda b: with_locals(raised_with(b)),
        *(lambda b, p=p: pickle.dumps(Holder(b), p).decode("latin-1") for p in range(pickle.HIGHEST_PROTOCOL + 1)),
    ],
)
def test_a_sensitive_body_shows_its_mask(body, show):
    text = show(body)
    assert "ACME_API_KEY" in text
    assert "Canary" not in text


def test_a_placeholder_is_its_name_and_nothing_else():
    assert Secret("<A>", name="A").is_placeholder
    assert not Secret("<A>", name="B").is_placeholder
    assert not Secret("A", name="A").is_placeholder


def test_sealed_values_can_only_be_compared() -> None:
    sealed = Sealed((CANARY, 1))
    assert sealed == Sealed((CANARY, 1))
    assert sealed != Sealed((CANARY, True))
    assert sealed != Sealed((CANARY[:-1], 1))
    assert sealed != (CANARY, 1)
    assert CANARY not in f"{sealed!r} {sealed} {sealed.types}"
    for use in (hash, pickle.dumps):
        with pytest.raises(TypeError):
            use(sealed)
