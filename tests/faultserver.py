"""Words of chat completions for scripts of engine.testing."""

from __future__ import annotations

import json


def delta(text: str) -> str:
    """An OpenAI-shaped delta."""
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)


STOP = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
USAGE = '{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}'
DONE = "[DONE]"
