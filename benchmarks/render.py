"""What it costs to render a chat of twenty messages, beside a dict that is built by hand and dumped.

`python -m benchmarks.render ROUNDS TIMES [HIDDEN...]` prints for each round the seconds of both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .contenders.ask import KEY, MODEL
from .machine import cpu_seconds, hide

ROLES = ("system", *("user", "assistant") * 9, "user")
MESSAGES = [{"role": role, "content": f"Message {number}: {'so it goes, ' * 12}"} for number, role in enumerate(ROLES)]


def by_hand(messages: Sequence[Mapping[str, Any]], temperature: float) -> bytes:
    """The same request, as one would write it for this API alone."""
    payload = {
        "model": MODEL,
        "messages": [{"role": message["role"], "content": message["content"]} for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": temperature,
    }
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def rounds(count: int, times: int) -> list[tuple[float, float]]:
    """Seconds of one request, rendered and by hand, in each round."""
    from engine import Catalog

    provider = Catalog().provider("openai")
    words: dict[str, Any] = {"temperature": 0.5}
    wire = provider.render(MESSAGES, MODEL, **words)
    if json.loads(wire.content) != json.loads(by_hand(MESSAGES, 0.5)):
        raise RuntimeError("what is rendered is not what is built by hand")
    return [
        (
            _seconds(lambda: provider.render(MESSAGES, MODEL, **words).content, times),
            _seconds(lambda: by_hand(MESSAGES, 0.5), times),
        )
        for _ in range(count)
    ]


def _seconds(make: Callable[[], bytes], times: int) -> float:
    start = cpu_seconds()
    for _ in range(times):
        make()
    return (cpu_seconds() - start) / times


if __name__ == "__main__":
    import os

    os.environ["OPENAI_API_KEY"] = KEY
    hide(sys.argv[3:])
    print(json.dumps(rounds(int(sys.argv[1]), int(sys.argv[2]))))
