"""The unified stream: one exact class per event. What any API streams becomes a sequence of these values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error", "unknown"]
FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text. Never empty.

    >>> TextDelta("Hi").text
    'Hi'
    """

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of the model's reasoning, where the API shows it. Never empty.

    >>> from engine import Catalog
    >>> whole = b'{"choices": [{"message": {"reasoning_content": "Hm.", "content": "Hi"}, "finish_reason": "stop"}]}'
    >>> list(Catalog().provider("deepseek").events(whole))[:2]
    [ReasoningDelta(text='Hm.'), TextDelta(text='Hi')]
    """

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """The next piece of a refusal; it is never part of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: the first of an `index` carries `id` and `name`, each the next piece of the JSON text.

    >>> begin, more = ToolCallDelta(0, "call_1", "look"), ToolCallDelta(0, arguments='{"n":')
    >>> pieces = [begin, more, ToolCallDelta(0, arguments="1}")]
    >>> "".join(piece.arguments for piece in pieces)
    '{"n":1}'
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


COUNTERS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
"""What is counted in a call, as files and `Usage` name it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the call, normalised: input includes cached, output includes reasoning; None where the API is silent.

    `raw` keeps the API's own counters.

    >>> from engine import Catalog
    >>> whole = b'{"message": {"content": "Hi"}, "done": true, "prompt_eval_count": 3, "eval_count": 1}'
    >>> usage = Catalog().provider("ollama").decode(whole).usage
    >>> usage.input_tokens, usage.output_tokens, usage.cached_input_tokens
    (3, 1, None)
    >>> usage.counters
    {'input_tokens': 3, 'output_tokens': 1}
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def counters(self) -> dict[str, int]:
        """The counters that the API has told, by their names."""
        counts = ((name, getattr(self, name)) for name in COUNTERS)
        return {name: count for name, count in counts if count is not None}


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event: why the answer ended, in our words, and in the API's own (`raw`, None when it gave none).

    >>> from engine import Catalog
    >>> whole = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "max_tokens"}]}'
    >>> list(Catalog().provider("openai").events(whole))[-1]
    Finish(reason='unknown', raw='max_tokens')
    """

    reason: FinishReason
    raw: str | None = None


Event = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | Usage | Finish

DELTAS: Final[Mapping[str, type[TextDelta | ReasoningDelta | RefusalDelta]]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
}
"""The kinds of text that an answer has, and the event of each."""
