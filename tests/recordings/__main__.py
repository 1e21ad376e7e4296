"""Record anew: `python -m tests.recordings`, with the extras `sdk` and `llama` and the weights installed.

Each request is the one that the official SDK sends; the answer's bytes are kept as they came, and beside them what the
SDK makes of these bytes.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from .. import llamaserver
from ..llamaserver import ASKED, CONTEXT, MODEL, WEATHER
from ..sdks import driver
from ..sdks.intents import Intent
from ..sdks.loopback import answering, captured
from . import HERE, INDEX, Recording

DIALECTS = {"chat": ("llama-cpp", "openai_chat"), "responses": ("openai-responses", "openai_responses"),
            "messages": ("anthropic", "anthropic_messages")}  # fmt: skip

SYSTEM = {"role": "system", "content": "Be brief."}
PARIS = (SYSTEM, {"role": "user", "content": "What is the capital of France?"})
MORNING = (SYSTEM, {"role": "user", "content": "Переведи на русский: good morning"})
WISHES = {
    "stream": Intent(PARIS, limit=12, temperature=0, stream=True),
    "whole": Intent(PARIS, limit=12, temperature=0),
    "cyrillic-stream": Intent(MORNING, limit=12, temperature=0, stream=True),
    "tool-stream": Intent(tuple(ASKED), (WEATHER,), limit=48, temperature=0, stream=True),
    "tool-whole": Intent(tuple(ASKED), (WEATHER,), limit=48, temperature=0),
    "too-long": Intent(({"role": "user", "content": "word " * CONTEXT},), limit=12, stream=True),
}


def record(url: str, dialect: str, wish: str) -> Recording:
    """Make one exchange, keep its bytes, and say what it was."""
    file, sdk = DIALECTS[dialect]
    sent = captured(lambda base: driver(sdk).send(base, WISHES[wish].on(MODEL)), "" if dialect == "messages" else "/v1")
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", sent.path, json.dumps(sent.body), {"content-type": "application/json"})
    answer = connection.getresponse()
    body, kind = answer.read(), answer.headers["content-type"]
    connection.close()
    name = f"{dialect}-{wish}"
    (HERE / f"{name}.{'sse' if 'event-stream' in kind else 'json'}").write_bytes(body)
    read = _read(sdk, body, kind, WISHES[wish].stream) if answer.status == 200 else None
    request = sent.body if wish != "too-long" else {"stream": True}  # five thousand characters of one word
    return Recording(name, file, sdk, sent.path, request, answer.status, kind, read)


def _read(sdk: str, body: bytes, kind: str, is_stream: bool) -> dict[str, Any] | None:
    """What the SDK makes of an answer; None where it raises."""
    with answering(body, kind) as served:
        try:
            return dict(driver(sdk).read(served, is_stream).said())
        except Exception as error:  # noqa: BLE001 - whatever the SDK stumbles over
            print(f"{sdk} does not read it: {error!r}")
            return None


def main() -> None:
    """Record everything."""
    with llamaserver.running() as url:
        made = [record(url, dialect, wish) for dialect in DIALECTS for wish in WISHES]
    text = json.dumps([asdict(each) for each in made], ensure_ascii=False, indent=1)
    INDEX.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
