"""Whether to try again, and when: (attempt, error) -> seconds to wait, or None. Pure: randomness is passed in.

The rules are those of the official SDKs: two retries, half a second doubling to eight, full jitter, and what the
server asks for in `retry-after-ms` or `retry-after`. A loss in mid-flight may have been a success on the other side,
so it is only tried again where the file says `retry.idempotent: true` or the request has an idempotency key. What each
call may do by itself, all of them together may not: a budget keeps retries from falling upon a service that is down.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from threading import Lock

from .errors import EngineError, ProviderError, TransportError
from .spec import RetryPolicy
from .wire import Headers

RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529, *range(520, 525)})
"""Those that pass. 520 to 524 are what a cache in front of a service says when the service does not answer it."""
NEVER_RETRIED_KINDS = frozenset({"quota", "auth", "permission", "content_filter", "context_length"})
NEVER_SENT = frozenset({"connect", "proxy"})

_SPENT = re.compile(
    r"insufficient[ _](?:quota|balance|credit|funds)|\bbilling\b|\bcurrent quota\b|quota (?:is |has been )?exhausted"
    r"|out of (?:credits?|quota)\b|credit balance",
    re.IGNORECASE,
)
_PASSES = re.compile(r"\bper (?:second|minute|hour)\b|\bretry (?:in|after)\b|\btry again\b", re.IGNORECASE)
"""Words of a 429 that no waiting mends, and those of one that says itself that waiting does."""

IDEMPOTENCY_KEYS = frozenset({"idempotency-key", "x-idempotency-key"})
"""Headers by which a service knows a request again (draft-ietf-httpapi-idempotency-key-header)."""


def wait_before_retry(
    policy: RetryPolicy, attempt: int, error: EngineError, random: Callable[[], float]
) -> float | None:
    """Seconds to wait after `attempt` (from 1) failed with `error`; None when it is to be raised.

    `random` gives numbers in [0, 1). A wait that the server asks for and that is longer than `policy.max_wait` is
    not waited: the error carries it as `retry_after`.
    """
    if attempt > policy.max or not _is_worth_another(policy, error):
        return None
    if isinstance(error, ProviderError) and error.retry_after is not None:
        return error.retry_after if error.retry_after <= policy.max_wait else None
    return random() * min(policy.cap, policy.base * float(2 ** (attempt - 1)))


def _is_worth_another(policy: RetryPolicy, error: EngineError) -> bool:
    if isinstance(error, ProviderError):
        may_pass = error.status in RETRIED_STATUSES and error.kind not in NEVER_RETRIED_KINDS
        return may_pass and not _is_spent(error)
    if isinstance(error, TransportError):
        if error.status is not None and error.status < 500:
            return False  # a proxy that wants another password will want it again
        if error.kind in NEVER_SENT or (error.kind == "timeout" and error.phase == "connect"):
            return True
        return policy.idempotent and error.kind == "lost"
    return False


def _is_spent(error: ProviderError) -> bool:
    """Whether a refusal for too many requests means the account, which has nothing left, and names no time to wait."""
    said = f"{error.code} {error.body}" if error.status == 429 and error.retry_after is None else ""
    return bool(_SPENT.search(said)) and not _PASSES.search(said)


def is_keyed(headers: Headers) -> bool:
    """Whether a request with these headers may be sent twice: the service does it once, and answers twice."""
    return not IDEMPOTENCY_KEYS.isdisjoint(headers.lowered())


class RetryBudget:
    """What the calls to one provider may try again together: a tenth of their requests of the last minute.

    So a server that is down is asked 1.1 times as often as it would be anyway, not three times (Google's SRE book,
    "Handling overload"). `now` is monotonic seconds; time is kept in whole ones. Safe to share between threads.

    >>> budget = RetryBudget()
    >>> budget.began(0.0)
    >>> [budget.allows(1.0) for _ in range(4)], budget.allows(99.0)
    ([True, True, True, False], True)
    """

    SECONDS = 60
    SHARE = 0.1
    LEAST = 3
    """So many retries a minute are allowed whatever the traffic: with a call or two, a tenth would be none."""

    def __init__(self) -> None:
        self._counts: deque[list[int]] = deque()  # a second, its requests, its retries
        self._lock = Lock()

    def began(self, now: float) -> None:
        """Count a request; its retries are none."""
        with self._lock:
            self._at(now)[1] += 1

    def allows(self, now: float, least: int = LEAST) -> bool:
        """Whether there may be one more retry, which is counted then. `least` is what one call may do by its file."""
        with self._lock:
            second = self._at(now)
            requests, retries = (sum(counts[place] for counts in self._counts) for place in (1, 2))
            if retries + 1 > max(self.LEAST, least, self.SHARE * requests):
                return False
            second[2] += 1
            return True

    def _at(self, now: float) -> list[int]:
        second = int(now)
        while self._counts and self._counts[0][0] <= second - self.SECONDS:
            self._counts.popleft()
        if not self._counts or self._counts[-1][0] < second:
            self._counts.append([second, 0, 0])
        return self._counts[-1]


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds that the response asks to wait, from `retry-after-ms` or `retry-after`; None when it does not say.

    RFC 9110 10.2.3: seconds or a date. Anything else (negative, nan, a year 100000) is ignored, never an error.

    >>> retry_after({"Retry-After": "3"})
    3.0
    """
    headers = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            if unit != 1.0:
                continue
            from email.utils import parsedate_to_datetime  # costs as much as all of this engine's errors and events

            try:
                then = parsedate_to_datetime(value)
            except (ValueError, OverflowError):
                return None
            seconds = max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now()).total_seconds())
        if isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def date_refusal(error: EngineError) -> None:
    """Fill in `retry_after` of a refusal from its headers, where its body did not say it."""
    if isinstance(error, ProviderError) and error.retry_after is None:
        error.retry_after = retry_after(error.headers)
