"""Token counters of an API -> Usage: totals are normalised, so that input includes cached and output reasoning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .characters import printable_data
from .events import Usage
from .paths import first_of
from .spec import UsageMap


def merged(known: dict[str, Any], counters: Mapping[str, Any]) -> None:
    """Put newer counters over those that are known. Null takes nothing back, and neither does a zero.

    Some APIs tell a counter in one frame and say 0 in all that follow; none counts backwards to nothing.
    """
    for key, count in counters.items():
        if key not in known or not (count is None or count == 0):
            known[key] = count


class Counters:
    """Where a file has its counters, compiled: what an API counted -> Usage."""

    def __init__(self, usage_map: UsageMap) -> None:
        self._singles = [(name, first_of(paths)) for name, paths in usage_map.counters.items()]
        self._sums = [(name, [first_of(paths) for paths in addends]) for name, addends in usage_map.sums.items()]
        self._adds_reasoning = usage_map.output_excludes_reasoning

    def usage(self, raw: Mapping[str, Any]) -> Usage:
        """The counters in our words."""
        data = dict(raw)
        counts = {name: _count(value_of(data)) for name, value_of in self._singles}
        for name, addends in self._sums:
            found = [count for value_of in addends if (count := _count(value_of(data))) is not None]
            counts[name] = sum(found) if found else None
        whole = counts.get("output_tokens")
        if self._adds_reasoning and whole is not None:
            counts["output_tokens"] = whole + (counts.get("reasoning_tokens") or 0)
        return Usage(**counts, raw=printable_data(data))


def _count(value: Any) -> int | None:
    """A counter; numbers in text are numbers, anything else says nothing, and so does one below zero."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = int(value)
    except (ValueError, OverflowError):
        return None
    return count if count >= 0 else None
