"""What an SDK makes of an answer, in the words that our answers have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.messages import ChatResponse


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer. `calls` are (id, name, arguments as JSON text); `usage` maps our counters to numbers."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[tuple[str | None, str, str], ...] = ()
    finish: str | None = None
    usage: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def has_ids(self) -> bool:
        """Whether the protocol has ids of calls."""
        return all(identity is not None for identity, _, _ in self.calls)

    def said(self) -> dict[str, Any]:
        """The answer as plain data: arguments as values, counters that are not known left out."""
        return {
            "text": self.text,
            "reasoning": self.reasoning,
            "refusal": self.refusal,
            "calls": [(identity, name, _value(arguments or "{}")) for identity, name, arguments in self.calls],
            "finish": self.finish,
            "usage": {name: value for name, value in self.usage.items() if value is not None},
        }


def _value(arguments: str) -> Any:
    """Arguments as a value, null as none; those of a custom tool are any text."""
    try:
        return json.loads(arguments) or {}
    except ValueError:
        return arguments


def of(answer: ChatResponse, counters: Mapping[str, int | None], *, has_ids: bool = True) -> Reading:
    """Our answer as the SDK could tell it: with its own counters alone, and ids of calls only where they have some."""
    return Reading(
        text=answer.text,
        reasoning=answer.reasoning,
        refusal=answer.refusal,
        calls=tuple((call.id if has_ids else None, call.name, call.arguments) for call in answer.tool_calls),
        finish=answer.finish_raw,
        usage={name: getattr(answer.usage, name) for name, value in counters.items() if value is not None},
    )


def count(part: Any, name: str) -> int | None:
    """A counter of a part of the usage that may be missing."""
    return getattr(part, name, None)
