"""When a call is tried again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from math import isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import (
    DecodeError,
    EngineError,
    LimitError,
    ProviderError,
    SpecError,
    TransportError,
    TruncatedError,
    UsageError,
)
from engine.retry import retry_after, wait_before_retry
from engine.spec import RetryPolicy
from engine.wire import Headers

POLICY = RetryPolicy(max=2, base=0.5, cap=8, max_wait=60, idempotent=False)
PATIENT = RetryPolicy(max=10, base=0.5, cap=8, max_wait=60, idempotent=True)
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ALMOST_ONE = 1 - 2**-53


def refused(status: int = 503, kind: str = "unavailable", after: float | None = None) -> ProviderError:
    return ProviderError("x", kind=kind, status=status, retry_after=after)


def wait(error: EngineError, attempt: int = 1, policy: RetryPolicy = POLICY, random: float = 0.5) -> float | None:
    return wait_before_retry(policy, attempt, error, lambda: random)


# --- how long ---


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 8), (10, 8)], ids=lambda v: str(v)
)
def test_the_bound_doubles_up_to_the_cap(attempt, longest):
    assert wait(refused(), attempt, PATIENT, 1.0) == longest


@given(st.integers(1, 10), st.floats(0, ALMOST_ONE))
@settings(max_examples=100, deadline=None)
def test_the_jitter_is_full(attempt, random):
    bound = min(8, 0.5 * 2 ** (attempt - 1))
    assert wait(refused(), attempt, PATIENT, random) == random * bound


@pytest.mark.parametrize(
    ("policy_max", "attempt", "is_tried"), [(0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True), (2, 3, False)]
)
def test_max_counts_the_retries_after_the_first_attempt(policy_max, attempt, is_tried):
    policy = RetryPolicy(policy_max, 0.5, 8, 60, True)
    for error in (refused(), refused(after=1), TransportError("x", kind="connect")):
        assert (wait(error, attempt, policy) is not None) is is_tried


@pytest.mark.parametrize(("after", "waited"), [(0.0, 0.0), (3.0, 3.0), (60.0, 60.0), (60.1, None), (1e9, None)])
def test_what_the_server_asks_is_waited_exactly_or_not_at_all(after, waited):
    error = refused(429, "rate_limit", after)
    assert wait(error, random=0.9) == waited
    assert error.retry_after == after


# --- which ---


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529])
def test_statuses_that_pass(status):
    assert wait(refused(status)) == 0.25


@pytest.mark.parametrize(
    "status", [None, 200, 301, 400, 401, 402, 403, 404, 410, 413, 422, 501, 505, 519, 525, 528, 530]
)
def test_statuses_that_stay(status):
    assert wait(refused(status), policy=PATIENT) is None
    assert wait(refused(status, "unavailable", 1.0), policy=PATIENT) is None


@pytest.mark.parametrize("kind", ["quota", "auth", "permission", "content_filter", "context_length"])
def test_kinds_that_stay_whatever_their_status(kind):
    for status in (429, 500, 503):
        assert wait(refused(status, kind), policy=PATIENT) is None
        assert wait(refused(status, kind, 1.0), policy=PATIENT) is None


@pytest.mark.parametrize(
    ("error", "cautious", "idempotent"),
    [
        (TransportError("x", kind="connect"), True, True),
        (TransportError("x", kind="proxy"), True, True),
        (TransportError("x", kind="proxy", status=502), True, True),
        (TransportError("x", kind="proxy", status=407), False, False),
        (TransportError("x", kind="proxy", status=302), False, False),
        (TransportError("x", kind="timeout", phase="connect"), True, True),
        (TransportError("x", kind="lost"), False, True),
        (TransportError("x", kind="tls"), False, False),
        (TransportError("x", kind="timeout", phase="first_byte"), False, False),
        (TransportError("x", kind="timeout", phase="idle"), False, False),
        (TransportError("x", kind="timeout", phase="total"), False, False),
        (TransportError("x", kind="timeout", phase="pool"), False, False),
        (UsageError("x"), False, False),
        (SpecError([]), False, False),
        (TruncatedError("x"), False, False),
        (DecodeError("x"), False, False),
        (LimitError("x"), False, False),
        (EngineError("x"), False, False),
    ],
)
def test_losses_and_mistakes(error, cautious, idempotent):
    assert (wait(error) is not None) is cautious
    assert (wait(error, policy=PATIENT) is not None) is idempotent


# --- what a response asks for ---


def asked(value: str, name: str = "retry-after") -> float | None:
    return retry_after(Headers([(name, value)]), lambda: NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("1e9", 1e9),
        ("-1", None),
        ("-0.1", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e999", None),
        ("9" * 6000, None),
        ("", None),
        ("soon", None),
        ("3s", None),
        ("3, 4", None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 14:00:30 +0200", 30.0),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("Sat, 01 Jan 100000 00:00:00 GMT", None),
        ("Sat, 99 Jan 2026 00:00:00 GMT", None),
        ("Sun, 22 Nov 2026 12:00:30 +9999", None),
        ("Sun, 22 Nov 2026 12:00:30 +99999999999999999999", None),
    ],
)
def test_retry_after_in_all_its_forms(value, seconds):
    assert asked(value) == seconds


def test_a_date_at_the_edge_of_time_does_not_overflow():
    local = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert asked("Fri, 31 Dec 9999 23:59:59 -2359") == (local - NOW).total_seconds() + (23 * 60 + 59) * 60
    assert asked("Mon, 01 Jan 0001 00:00:00 +2359") == 0.0


@pytest.mark.parametrize(
    ("ms", "plain", "seconds"),
    [
        ("250", None, 0.25),
        ("250", "3", 0.25),
        ("0", "3", 0.0),
        ("-5", "3", 3.0),
        ("nan", "3", 3.0),
        ("inf", None, None),
        ("soon", "3", 3.0),
        ("soon", None, None),
        ("", "3", 3.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", "3", 3.0),
    ],
)
def test_milliseconds_go_first_when_they_say_something(ms, plain, seconds):
    headers = {"retry-after-ms": ms} if plain is None else {"retry-after": plain, "retry-after-ms": ms}
    assert retry_after(headers, lambda: NOW) == seconds


def test_the_case_of_a_header_does_not_matter():
    assert retry_after({"Retry-After": "3"}) == 3.0
    assert retry_after({"RETRY-AFTER-MS": "300"}) == 0.3


def test_no_header_asks_for_nothing():
    assert retry_after({}) is None
    assert retry_after({"x-ratelimit-reset": "3"}) is None


DATES = st.datetimes(timezones=st.just(UTC)).map(lambda date: format_datetime(date, usegmt=True))
GARBAGE = st.text(alphabet="0123456789 -+.,:eEinfaNSunovGMT\x00\u0663é", max_size=40)


@settings(max_examples=300, deadline=None)
@given(st.one_of(DATES, GARBAGE, st.text(max_size=40), st.tuples(DATES, GARBAGE).map("".join)), st.booleans())
@example("Sun, 22 Nov 2026 12:00:30 GMT" * 2, False)
@example("\u0663", False)
@example("1_0", False)
def test_nothing_in_a_header_raises(value, in_ms):
    seconds = asked(value, "retry-after-ms" if in_ms else "retry-after")
    assert seconds is None or (isfinite(seconds) and seconds >= 0)


@settings(max_examples=100, deadline=None)
@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))
def test_a_date_is_so_many_seconds_from_now(date):
    date = date.replace(microsecond=0)
    assert asked(format_datetime(date, usegmt=True)) == max(0.0, (date - NOW).total_seconds())
