"""What every contender asks, so that all send about the same."""

from __future__ import annotations

import json

MODEL = "gpt-4.1-mini"
MESSAGES = [{"role": "user", "content": "What is the capital of Norway?"}]
KEY = "sk-benchmark"
PATH = "/v1/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}


def body(*, stream: bool) -> bytes:
    """The request as bytes, for who sends it by hand."""
    return json.dumps({"model": MODEL, "messages": MESSAGES, "stream": stream}, separators=(",", ":")).encode()
