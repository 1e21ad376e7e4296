"""`errors`: the first rule that holds decides, so one that is held by an earlier one is never asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Problem
from .answers import normal
from .subject import Check, Subject

_PREDICATES = ("status", "header", "body", "frame")
_STATUSES = frozenset(range(100, 600))
MOST = 200
"""How many rules are compared with each other."""


def _check_errors(subject: Subject) -> Iterator[Problem]:
    errors = subject.data.get("errors")
    seen: list[tuple[int, dict[str, Any]]] = []
    for index, rule in enumerate(errors[:MOST] if isinstance(errors, list) else ()):
        if not isinstance(rule, dict) or len(rule) < 2:
            continue  # the schema speaks of it
        asks = {key: _read(key, rule[key]) for key in _PREDICATES if key in rule}
        if _holds_always(asks):
            message = f"`errors.{index}` matches every answer"
            hint = "add a predicate: status, header, body or frame"
            yield subject.problem(("errors", index), "ambiguous-rule", message, hint)
            continue
        first = next((earlier for earlier, other in seen if _covers(other, asks)), None)
        seen.append((index, asks))
        if first is not None:
            line = subject.problem(("errors", first), "", "").line
            message = f"`errors.{index}` matches what the rule in line {line} has matched already"
            hint = "remove one, or put the narrower rule first"
            yield subject.problem(("errors", index), "ambiguous-rule", message, hint)


def _read(key: str, says: Any) -> Any:
    """A predicate, so that two of the same meaning are equal."""
    if key == "status":
        return frozenset().union(*map(_statuses, says if isinstance(says, list) else [says]))
    if isinstance(says, dict):
        return {"path": says} if isinstance(says.get("path"), list) else normal(says)
    return {"event": says} if key == "frame" else says


def _statuses(status: Any) -> frozenset[int]:
    if isinstance(status, str) and status[1:] == "xx" and status[:1].isdecimal():
        return frozenset(range(100 * int(status[0]), 100 * int(status[0]) + 100))
    return frozenset({status}) if isinstance(status, int) else frozenset()


def _holds_always(asks: dict[str, Any]) -> bool:
    said = {key: says for key, says in asks.items() if says not in (_STATUSES, {"$": {"exists": True}})}
    return not said


def _covers(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    """Whether the earlier rule holds wherever the later one does."""
    for key, says in earlier.items():
        if key not in later or not (later[key] <= says if key == "status" else later[key] == says):
            return False
    return True


REFUSAL_CHECKS: tuple[Check, ...] = (_check_errors,)
