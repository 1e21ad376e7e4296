"""The ollama SDK, one prompt."""

from __future__ import annotations

import base64

import ollama

from . import ollama_chat
from .intents import KEY, Intent, given, parts, text

HOME = ollama_chat.HOME


def send(url: str, intent: Intent) -> None:
    [turn] = intent.turns
    options = given(num_predict=intent.limit, stop=list(intent.stop), temperature=intent.temperature)
    images = [ollama.Image(value=base64.b64decode(value)) for kind, value in parts(turn) if kind == "image"]
    answer = ollama.Client(host=url, headers={"authorization": f"Bearer {KEY}"}).generate(
        model=intent.model,
        prompt=text(turn),
        system=intent.system or "",
        images=images or None,
        stream=intent.stream,
        options=options or None,
    )
    if intent.stream:
        next(iter(answer))
