"""A part of an answer is never given as the answer: the examples of all provider files, cut at seeded places.

What a cut may come to is judged by the words of the whole answer, not by the rules that read it: an error with a part
of the words, or all of them. `WIREFILE_CUTS` is how many cuts an example gets.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
from collections.abc import Callable, Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncClient, Catalog, ChatResponse, Client
from engine.errors import EngineError
from engine.provider import Provider
from engine.spec import Example
from engine.testing import FIN, LAST, FaultServer, Send, Step, chunk, head
from tests.conftest import ROOT, shipped
from tests.faults import fault

CUTS = int(os.environ.get("WIREFILE_CUTS", "10"))
FILES = sorted(path.relative_to(ROOT / "providers") for path in (ROOT / "providers").rglob("*.yaml"))

STREAM = frozenset({"truncated"})
"""What a cut stream is; one value of JSON that is cut is no JSON."""
UNMARKED = {"acytoo.yaml", "snowflake.yaml"}
"""Files whose API marks no end: there the end of the body is the end, and HTTP must tell that it came."""


def words(answer: ChatResponse) -> tuple[Any, ...]:
    """All that an answer says."""
    return answer.text, answer.reasoning, answer.refusal, answer.tool_calls, answer.finish


def answered(provider: Provider) -> Iterator[tuple[Provider, Example]]:
    """The examples that are an answer, each with the rules that read it."""
    for example in provider.spec.examples:
        if "error" not in example.expect and example.reply.status == 200 and example.reply.body:
            yield provider.for_model(example.model), example


def is_stream(example: Example) -> bool:
    kind = {name.lower(): value for name, value in example.reply.headers.items()}.get("content-type", "")
    return not kind.startswith("application/json")


@fault(
    "Bytes and event streams",
    "a streamed answer of each provider file, cut at any byte",
    "`TruncatedError` with a part of the words, or all of them",
)
@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_part_of_an_example_is_an_answer(file: Path) -> None:
    dice = random.Random(str(file))
    for provider, example in answered(Provider(shipped(ROOT / "providers" / file))):
        body, status, headers = example.reply.body, 200, example.reply.headers
        whole = provider.decode(body, status, headers)
        for place in dice.sample(range(1, len(body)), min(CUTS, len(body) - 1)):
            outcome = decoded(provider, body[:place], headers)
            if file.name not in UNMARKED or isinstance(outcome, EngineError):
                judge(outcome, whole, STREAM if is_stream(example) else STREAM | {"protocol"}, example.name, place)


def decoded(provider: Provider, body: bytes, headers: Mapping[str, str]) -> ChatResponse | EngineError:
    try:
        return provider.decode(body, 200, headers)
    except EngineError as error:
        return error


def judge(outcome: ChatResponse | EngineError, whole: ChatResponse, kinds: Set[str], *where: object) -> None:
    """A cut answer is an error of such a kind with the beginning of the words, or it has all of them."""
    if isinstance(outcome, EngineError):
        assert outcome.kind in kinds, where
        assert outcome.partial is not None
        assert whole.text.startswith(outcome.partial.text)
        assert whole.reasoning.startswith(outcome.partial.reasoning)
    else:
        assert words(outcome) == words(whole), where


def test_the_files_without_a_mark_are_those_that_say_so() -> None:
    def has_no_mark(file: Path) -> bool:
        stream = shipped(ROOT / "providers" / file).response.stream
        return stream is not None and (stream.codec == "text" or stream.end.body)

    assert {file.name for file in FILES if has_no_mark(file)} == UNMARKED


# --- over a socket ---------------------------------------------------------------------------------------------------

FAMILIES = ("openai", "anthropic", "openai-responses", "gemini", "ollama", "cohere", "acytoo")


def by_close(body: bytes, place: int, kind: str) -> bytes:
    return head(kind=kind) + body[:place]


def by_length(body: bytes, place: int, kind: str) -> bytes:
    return head(kind=kind, content_length=str(len(body))) + body[:place]


def by_chunks(body: bytes, place: int, kind: str) -> bytes:
    pieces = [body[at : at + 100] for at in range(0, place, 100)]
    return head(kind=kind, transfer_encoding="chunked") + b"".join(map(chunk, pieces))[:place]


def by_whole_chunks(body: bytes, place: int, kind: str) -> bytes:
    return head(kind=kind, transfer_encoding="chunked") + chunk(body[:place])


def by_gzip(body: bytes, place: int, kind: str) -> bytes:
    packed = gzip.compress(body, mtime=0)
    packed = packed[: 1 + place % (len(packed) - 1)]
    said = head(kind=kind, content_encoding="gzip", transfer_encoding="chunked", connection="close")
    return said + chunk(packed) + LAST


FRAMED: Mapping[str, Callable[[bytes, int, str], bytes]] = {
    "that ends with the connection": by_close,
    "with a length": by_length,
    "in chunks, anywhere": by_chunks,
    "in chunks, between two of them": by_whole_chunks,
    "in gzip, where HTTP is whole": by_gzip,
}


@cache
def catalog() -> Catalog:
    return Catalog()


@cache
def streamed(name: str) -> tuple[Provider, Example]:
    """An example of a streamed answer, and the rules that read it."""
    return next(pair for pair in answered(catalog().provider(name)) if is_stream(pair[1]))


def outcomes(kind: str, server: FaultServer, calls: list[str]) -> list[ChatResponse | EngineError]:
    """What calls one after the other come to."""
    secrets = {name: dict.fromkeys(catalog().spec(name).secrets, "key-of-the-test") for name in FAMILIES}
    options: dict[str, Any] = {"base_urls": dict.fromkeys(FAMILIES, server.url), "secrets": secrets}
    if kind == "sync":
        with Client(catalog(), **options) as client:
            return [called(client, name) for name in calls]

    async def run() -> list[ChatResponse | EngineError]:
        async with AsyncClient(catalog(), **options) as client:
            return [await acalled(client, name) for name in calls]

    return asyncio.run(run())


def called(client: Client, name: str) -> ChatResponse | EngineError:
    with client.stream(name, "Hi", streamed(name)[1].model) as stream:
        try:
            for _ in stream:
                pass
        except EngineError as error:
            return error
        return stream.response


async def acalled(client: AsyncClient, name: str) -> ChatResponse | EngineError:
    async with client.stream(name, "Hi", streamed(name)[1].model) as stream:
        try:
            async for _ in stream:
                pass
        except EngineError as error:
            return error
        return stream.response


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "framed",
    [
        pytest.param(
            name,
            marks=fault("HTTP framing", f"a cut answer {name}", "an error with a part of the words, or all of them"),
        )
        for name in FRAMED
    ],
)
def test_no_part_of_an_answer_is_one_over_a_socket(kind: str, framed: str) -> None:
    dice = random.Random(framed)
    names = [name for name in FAMILIES if framed != "that ends with the connection" or f"{name}.yaml" not in UNMARKED]
    script: list[list[Step]] = []
    for name in names * 3:
        reply = streamed(name)[1].reply
        place = dice.randrange(1, len(reply.body))
        script.append([Send(FRAMED[framed](reply.body, place, reply.headers.get("content-type", "text/plain"))), FIN()])
    with FaultServer(*script, loop_last=False) as server:
        got = outcomes(kind, server, names * 3)
        assert len(server.requests) == len(script)
        assert server.wait_for(lambda journal: journal.open == 0)
    for name, outcome in zip(names * 3, got, strict=True):
        provider, example = streamed(name)
        judge(outcome, provider.decode(example.reply.body, 200, example.reply.headers), STREAM, name)
    assert any(isinstance(outcome, EngineError) for outcome in got)
