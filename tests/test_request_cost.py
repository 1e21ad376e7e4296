"""What a request costs, counted: calls of functions are exact where times are not."""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import AsyncClient, Catalog, Client

from .conftest import ROOT

INVENTED = """
spec_version: 1
name: invented
models: {default: m1}
params:
  temperature: {type: number, min: 0, max: 2, optional: true}
  length: {type: integer, default: 512}
settings: {room: {type: string, env: INVENTED_ROOM, default: one}}
url: https://api.invented.example
path: /rooms/{{ room }}/{{ model }}/say
headers: {x-way: "{{ model }}:{{ stream }}"}
messages:
  system: field
  roles: {user: human, assistant: machine}
  merge_consecutive: true
  shapes: {any: {who: "{{ role }}", says: ["{{ text }}"]}}
payload:
  talk: "{{ messages }}"
  rules: "{{ system | default('none') }}"
  how: {warm: "{{ temperature }}", length: "{{ length }}", live: "{{ stream }}"}
response:
  codec: json
  rules: [{text: answer.said, finish: answer.why, usage: cost}]
  finish: {done: stop}
  usage: {input_tokens: read, output_tokens: written}
examples:
  - name: one
    call: {messages: [{role: user, content: Hi}]}
    reply: {json: {answer: {said: Hi, why: done}}}
    expect: {text: Hi}
"""
"""A dialect that no service speaks, so that nothing is quick for those that are spoken only."""

ANSWERS: dict[str, tuple[str | None, Any]] = {
    "openai": (
        "gpt-4o",
        {
            "id": "c1",
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    ),
    "anthropic": (
        "claude-m",
        {
            "id": "m1",
            "model": "m",
            "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    ),
    "gemini": (
        "gemini-m",
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        },
    ),
    "acytoo": (None, "Hi"),
    "invented": (None, {"answer": {"said": "Hi", "why": "done"}, "cost": {"read": 1, "written": 1}}),
}
"""A model and a tiny whole answer of each."""

MOST_OF_A_CALL = 1_200
"""Calls of one call, from its words to its answer, without the network below httpx's client."""
OF_LENT_TASKS = 900
"""What may come to that where tasks lend us their own client: each wait is then a task with a cancel scope."""
MOST_OF_TWENTY = {"openai": 430, "anthropic": 640, "gemini": 710, "acytoo": 370, "invented": 600}
"""Calls of rendering twenty messages: what was counted when this was written, and a little."""
MOST_OF_ONE_MORE = 20
"""Calls of one message more."""


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data


class Answering(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A network that answers at once, and costs next to nothing."""

    def __init__(self, answer: Any) -> None:
        self._data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        kind = "text/plain" if isinstance(answer, str) else "application/json"
        self._headers = [("content-type", kind), ("content-length", str(len(self._data)))]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=self._headers, stream=Body(self._data))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "sk-not-a-key")
    (tmp_path / "invented.yaml").write_text(INVENTED, encoding="utf-8")
    return Catalog(tmp_path, ROOT / "providers")


def counted(work: Callable[[], Any]) -> int:
    """The calls of functions, Python's and C's, that a warm piece of work makes."""
    for _ in range(10):
        work()
    return min(calls_in(work) for _ in range(3))


def calls_in(work: Callable[[], Any]) -> int:
    profile = cProfile.Profile()
    profile.runcall(work)
    return count_of(profile)


def count_of(profile: cProfile.Profile) -> int:
    """All calls but those of functions that are here to watch."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # typeshed leaves it out
    return sum(calls for (file, _, _), (_, calls, *_) in stats.items() if Path(file).parent != Path(__file__).parent)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_call_takes_few_calls(name: str, catalog: Catalog) -> None:
    model, answer = ANSWERS[name]
    with httpx.Client(transport=Answering(answer)) as lent:
        client = Client(catalog, http_client=lent)
        messages = [{"role": "user", "content": "Hi"}]
        assert client.chat(name, messages, model, temperature=0.5).text == "Hi"
        assert counted(lambda: client.chat(name, messages, model, temperature=0.5)) <= MOST_OF_A_CALL


@pytest.mark.parametrize("name", ANSWERS)
def test_a_call_of_a_task_takes_few_calls(name: str, catalog: Catalog) -> None:
    model, answer = ANSWERS[name]

    async def main() -> int:
        async with httpx.AsyncClient(transport=Answering(answer)) as lent:
            client = AsyncClient(catalog, http_client=lent)
            counts = []
            for _ in range(10):
                profile = cProfile.Profile()
                profile.enable()
                assert (await client.chat(name, "Hi", model, temperature=0.5)).text == "Hi"
                profile.disable()
                counts.append(count_of(profile))
            return min(counts)  # now and then the loop has something else to do, too

    assert asyncio.run(main()) <= MOST_OF_A_CALL + OF_LENT_TASKS


@pytest.mark.parametrize("name", ANSWERS)
def test_a_chat_of_twenty_messages_takes_few_calls(name: str, catalog: Catalog) -> None:
    provider, model = catalog.provider(name), ANSWERS[name][0]

    def calls(turns: int) -> int:
        talk = [{"role": role, "content": f"{role} {n}"} for n in range(turns) for role in ("user", "assistant")]
        messages = [{"role": "system", "content": "Be kind."}, *talk, {"role": "user", "content": "Bye"}]
        return counted(lambda: provider.render(messages, model, temperature=0.5))

    twenty, sixty = calls(9), calls(29)
    assert twenty <= MOST_OF_TWENTY[name]
    assert (sixty - twenty) / 40 <= MOST_OF_ONE_MORE
