"""The server of a soak, in a process of its own: answers, and one request in twenty meets a fault.

`python -m benchmarks.soakserver` prints its URL; for every line that it reads it prints how many connections are open
and how many requests came; it ends with its input.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from typing import Any

from engine.testing import (
    FIN,
    RST,
    Drip,
    FaultServer,
    Pause,
    Request,
    Send,
    Slice,
    Stall,
    Step,
    chunk,
    head,
    sse,
    whole,
)

WORDS = tuple(f"word {number} ✓ " for number in range(12))
TEXT = "".join(WORDS)
FAULT_SHARE = 0.05
REQUESTS = 40
"""As many requests a connection is good for; then the server ends it."""


def delta(text: str) -> str:
    """A piece of an answer in the format of chat completions."""
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)


STOP = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
EVENTS = head(kind="text/event-stream", transfer_encoding="chunked")
EVENTS_UNTIL_THE_END = head(kind="text/event-stream")
PIECES = [f"data: {delta(word)}\n\n".encode() for word in WORDS]
ENDING = [f"data: {STOP}\n\n".encode(), b"data: [DONE]\n\n"]
ANSWER = EVENTS + b"".join(map(chunk, PIECES + ENDING)) + b"0\r\n\r\n"
HALF = EVENTS + b"".join(map(chunk, PIECES[:6]))
PACKED = gzip.compress(b"".join(PIECES + ENDING))

GOOD: tuple[list[Step], ...] = (
    [Send(ANSWER)],
    [Send(HALF), Pause(0.05), Send(ANSWER[len(HALF) :])],
    [Pause(0.05), Slice(ANSWER, most=500, pause=0.01)],
    [whole(b"".join(PIECES + ENDING), kind="text/event-stream")],
    [whole(PACKED, kind="text/event-stream", content_encoding="gzip")],
)
FAULTS: dict[str, list[Step]] = {
    "a reset before the head": [RST()],
    "an end before the head": [FIN()],
    "half a head": [Send(EVENTS[:30]), FIN()],
    "no HTTP": [Send(b"\x00\x01 hello, I am no HTTP\r\n\r\n"), FIN()],
    "a reset in the body": [Send(HALF), Pause(0.02), RST()],
    "a body that is cut": [Send(HALF + b"8\r\none"), FIN()],
    "a stream that is cut at an event": [Send(EVENTS_UNTIL_THE_END + b"".join(PIECES[:6])), FIN()],
    "a stream without its end": [Send(HALF + b"0\r\n\r\n"), FIN()],
    "silence before the head": [Stall()],
    "silence in the body": [Send(HALF), Stall()],
    "comments for ever": [Send(HALF), Drip(chunk(b": ping\n\n"))],
    "broken JSON": [sse(delta(WORDS[0]), '{"choices": [', "[DONE]"), FIN()],
    "an event beyond the limit": [Send(EVENTS + chunk(b"data: " + b"x" * 100_000)), FIN()],
    "gzip that is cut": [whole(PACKED[:-40], kind="text/event-stream", content_encoding="gzip"), FIN()],
    "an error in the stream": [sse(delta(WORDS[0]), '{"error": {"message": "over capacity"}}'), FIN()],
    "a page": [whole(b"<!doctype html><title>Sign in</title>", kind="text/html"), FIN()],
    "nothing": [whole(b"", kind="text/event-stream"), FIN()],
    "a redirect": [whole(b"", 307, location="http://127.0.0.1:1/elsewhere"), FIN()],
    "a bad key": [whole(b'{"error": {"message": "who are you"}}', 401, kind="application/json"), FIN()],
    "busy": [whole(b"busy", 503, retry_after="0"), FIN()],
    "too many": [whole(b"slow down", 429, retry_after="60"), FIN()],
}


class SoakServer(FaultServer):
    """Draws what each connection does; of what came it keeps a number."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__([], seed=seed)
        self._luck = random.Random(seed)
        self.came = 0

    def steps_of(self, index: int) -> list[Step]:
        """Good answers up to the first fault."""
        steps: list[Step] = []
        for _ in range(REQUESTS):
            steps.append(Request())
            if self._luck.random() < FAULT_SHARE:
                return steps + self._luck.choice(list(FAULTS.values()))
            steps += self._luck.choice(GOOD)
        return [*steps, FIN()]

    def _note(self, name: str, more: Any) -> None:
        if name == "requests":
            self.came += 1
        elif name != "stray":
            super()._note(name, more)


def main() -> None:
    """Serve until the input ends."""
    with SoakServer() as server:
        print(server.url, flush=True)
        for _ in sys.stdin:
            print(server.journal.open, server.came, flush=True)


if __name__ == "__main__":
    main()
