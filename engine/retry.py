"""Whether to try again, and when: (attempt, error) -> seconds to wait, or None. Pure: randomness is passed in.

The rules are those of the official SDKs: two retries, half a second doubling to eight, full jitter, and what the
server asks for in `retry-after-ms` or `retry-after`. A loss in mid-flight may have been a success on the other side,
so it is only tried again where the file says `retry.idempotent: true`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from .errors import EngineError, ProviderError, TransportError
from .spec import RetryPolicy

RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
NEVER_RETRIED_KINDS = frozenset({"quota", "auth", "permission", "content_filter", "context_length"})
NEVER_SENT = frozenset({"connect", "proxy"})


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
        return error.status in RETRIED_STATUSES and error.kind not in NEVER_RETRIED_KINDS
    if isinstance(error, TransportError):
        if error.kind in NEVER_SENT or (error.kind == "timeout" and error.phase == "connect"):
            return True
        return policy.idempotent and error.kind == "lost"
    return False


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
