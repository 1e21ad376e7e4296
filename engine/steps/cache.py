"""What token requests and cached steps brought, kept for later calls until it expires. In memory, never on disk."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from ..errors import EngineError

MAX_ENTRIES = 1000
MARGIN_SECONDS = 60.0
MARGIN_SHARE = 0.1
"""Something is used until the last minute of its life, or the last tenth where that is shorter: a request that is on
its way when a token expires is refused."""


@dataclass(frozen=True, slots=True, repr=False)
class _Entry:
    values: Mapping[str, Any]
    until: float


class StepCache:
    """Values by key, with their expiry. Safe to share between threads, and between clients.

    Times are seconds of one monotonic clock. Its repr shows no value.

    >>> cache = StepCache()
    >>> cache.put("k", {"token": "t"}, 100.0, now=0.0)
    >>> cache.get("k", now=89.0), cache.get("k", now=90.0)
    ({'token': 't'}, None)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._failures: OrderedDict[Hashable, tuple[int, EngineError]] = OrderedDict()

    def __repr__(self) -> str:
        return f"StepCache({len(self._entries)} entries)"

    def get(self, key: Hashable, now: float) -> Mapping[str, Any] | None:
        """The values under a key; None when there are none, or none for long enough."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.until <= now:
                del self._entries[key]
                return None
            return entry.values if entry is not None else None

    def put(self, key: Hashable, values: Mapping[str, Any], seconds: float | None, now: float) -> None:
        """Keep values that are good for so many seconds; None: until they are dropped."""
        until = inf if seconds is None else now + seconds - min(MARGIN_SECONDS, seconds * MARGIN_SHARE)
        if until <= now:
            return
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = _Entry(values, until)
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)

    def drop(self, key: Hashable, values: Mapping[str, Any]) -> None:
        """Forget these values, unless others have taken their place."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.values == values:
                del self._entries[key]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._failures.clear()

    # --- what those who wait for a turn are told when it went wrong ---

    def failed(self, key: Hashable, error: EngineError) -> None:
        """Tell all who wait for this key now."""
        with self._lock:
            count = self._failures.pop(key, (0, error))[0]
            self._failures[key] = (count + 1, error)
            while len(self._failures) > MAX_ENTRIES:
                self._failures.popitem(last=False)

    def failures(self, key: Hashable) -> int:
        """How often the key has failed: who begins to wait notes it."""
        with self._lock:
            return self._failures[key][0] if key in self._failures else 0

    def failure_since(self, key: Hashable, count: int) -> EngineError | None:
        """A copy of the last failure, if there was one since `count` was noted."""
        with self._lock:
            known, error = self._failures.get(key, (0, None))
            return copy.copy(error) if known > count else None
