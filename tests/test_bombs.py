"""Answers that would fill the memory, met by a process of its own that is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment
from tests.faults import fault

SCRIPT = r"""
import asyncio, gzip, json, resource, sys, time, zlib
from pathlib import Path

from engine import AsyncClient, Catalog, Client
from engine.errors import EngineError
from engine.testing import FIN, FaultServer, Send, chunk, head, whole

packer = zlib.compressobj(1, wbits=-15)
zeros = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
packed = gzip.compress(b"")[:10] + zeros  # nobody comes to the checksum behind it
BOMBS = {
    "gzip": whole(packed, content_encoding="gzip"),
    "deflate": whole(b"\x78\x9c" + zeros, content_encoding="deflate"),
    "gzip, gzip": whole(gzip.compress(packed), content_encoding="gzip, gzip"),
    "a refusal": whole(packed, 401, content_encoding="gzip"),
    "a line": Send(head(kind="text/event-stream", transfer_encoding="chunked") + chunk(b"data: ")),
}
LINE = chunk(b"x" * 1_000_000)

def called(kind, catalog, url, provider):
    async def run():
        async with AsyncClient(catalog, base_urls={provider: url}) as client:
            return await client.chat(provider, "hi")
    try:
        if kind == "async":
            asyncio.run(run())
        else:
            with Client(catalog, base_urls={provider: url}) as client:
                client.chat(provider, "hi")
    except EngineError as error:
        return f"{type(error).__name__} {error.kind}"

def highest():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

catalog = Catalog(sys.argv[1])
said = {}
for name in ("hello", *BOMBS):
    for kind in ("sync", "async"):
        provider = "stream" if name == "a line" else "plain"
        steps = [BOMBS.get(name, whole(b"hello"))]
        steps += [Send(LINE)] * 40 if name == "a line" else []
        with FaultServer([*steps, FIN()]) as server:
            before, began = highest(), time.process_time()
            outcome = called(kind, catalog, server.url, provider)
            said[f"{name} {kind}"] = outcome, highest() - before, time.process_time() - began
print(json.dumps(said))
"""

PLAIN = """
spec_version: 1
name: plain
url: http://127.0.0.1
payload: {m: "{{ messages }}"}
response: {codec: text}
examples:
  - {name: busy, call: {messages: hi}, reply: {status: 503, body: busy}, expect: {error: unavailable}}
  - {name: text, call: {messages: hi}, reply: {text: hi}, expect: {text: hi}}
"""
STREAM = PLAIN.replace("plain", "stream").replace(
    "{codec: text}", "{codec: sse, unwrap: [text], rules: [{text: $}], end: body}"
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float]]:
    """What each call came to, how many MB the process grew by at most, and its seconds of processor time."""
    pytest.importorskip("resource")
    folder: Path = tmp_path_factory.mktemp("providers")
    for name, text in (("plain", PLAIN), ("stream", STREAM)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, env=environment(), timeout=120, check=True
    )
    said: dict[str, tuple[str, float, float]] = json.loads(done.stdout)
    return said


BOMBS = {
    "gzip": ("200 MB of zeros in gzip", "LimitError protocol"),
    "deflate": ("200 MB of zeros in deflate", "LimitError protocol"),
    "gzip, gzip": ("200 MB of zeros in gzip in gzip", "LimitError protocol"),
    "a refusal": ("200 MB of zeros in a refusal", "ProviderError auth"),
}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=fault("Compression", what, f"`{error.split()[0]}`; the process grows by less than 32 MB")
        )
        for name, (what, error) in BOMBS.items()
    ],
)
def test_a_bomb_does_not_fill_the_memory(measured, name: str, kind: str):
    outcome, megabytes, seconds = measured[f"{name} {kind}"]
    assert outcome == BOMBS[name][1]
    assert megabytes < 32
    assert seconds < 2


@fault(
    "Bytes and event streams", "a line without end, over a socket", "`LimitError`; the process grows by less than 32 MB"
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_line_without_end_does_not_fill_the_memory(measured, kind: str):
    outcome, megabytes, _ = measured[f"a line {kind}"]
    assert outcome == "LimitError protocol"
    assert megabytes < 2 * 8 + 16


def test_what_is_no_bomb_is_read(measured):
    assert measured["hello sync"][0] is measured["hello async"][0] is None
