"""Leaving an answer before its end, in every way, in a process of its own where every warning is an error."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.doors import KINDS, catalog_of, text_file
from tests.faults import fault

LEAVING = "Cancelling and leaving early"

HEAD = """
import asyncio, contextlib, gc, sys
from engine import AsyncClient, Catalog, Client
from engine.testing import *
SCRIPT = [Send(head(transfer_encoding="chunked") + chunk(b"one") + chunk(b"two")), Stall()]
CATALOG = Catalog(sys.argv[1])

def begins(way):
    print("==", way, file=sys.stderr, flush=True)

def look(server, way):
    assert server.wait_for(lambda journal: journal.open == 0, 1), "the connection stays open"
    assert server.journal.opened == (0 if "never" in way else 1)
"""
SYNC = """
def run(leave, way):
    begins(way)
    with FaultServer(SCRIPT) as server, FaultServer([whole(b"next")]) as other:
        with Client(CATALOG, base_urls={"text": server.url, "other": other.url}, max_connections=1) as client:
            leave(client)
            gc.collect()
            look(server, way)
            assert client.chat("other", "hi").text == "next", "the slot was given back"
    gc.collect()
"""
ASYNC = """
async def call(leave, way, server, other):
    asyncio.get_running_loop().slow_callback_duration = 60  # this machine may be slow
    urls = {"text": server.url, "other": other.url}
    async with AsyncClient(CATALOG, base_urls=urls, max_connections=1) as client:
        await leave(client)
        gc.collect()
        await asyncio.to_thread(look, server, way)
        assert (await client.chat("other", "hi")).text == "next", "the slot was given back"
        assert len(asyncio.all_tasks()) == 1

def run(leave, way):
    begins(way)
    with FaultServer(SCRIPT) as server, FaultServer([whole(b"next")]) as other:
        asyncio.run(call(leave, way, server, other))
    gc.collect()
"""

WAYS = {
    "break": """
with client.stream("text", "hi") as stream:
    for _ in stream:
        break
""",
    "return": """
with client.stream("text", "hi") as stream:
    for _ in stream:
        return
""",
    "an exception": """
with contextlib.suppress(ZeroDivisionError):
    with client.stream("text", "hi") as stream:
        for _ in stream:
            1 / 0
""",
    "closing the iterator": """
with client.stream("text", "hi") as stream:
    events = iter(stream)
    next(events)
    events.close()
""",
    "dropping the iterator unclosed": """
stream = client.stream("text", "hi")
events = iter(stream.__enter__())
next(events)
del stream, events
""",
    "dropping it in a circle of references": """
stream = client.stream("text", "hi")
events = iter(stream.__enter__())
next(events)
circle = [stream, events]
circle.append(circle)
del stream, events, circle
gc.collect()
""",
    "never entering it": """
client.stream("text", "hi")
""",
    "never reading it": """
with client.stream("text", "hi"):
    pass
client.stream("text", "hi").__enter__()
""",
}


def asynchronous(body: str) -> str:
    """The same in async code."""
    for old, new in (
        ("with client.stream", "async with client.stream"),
        ("    for _ in stream", "    async for _ in stream"),
        ("        for _ in stream", "        async for _ in stream"),
        ("iter(stream)", "aiter(stream)"),
        ("iter(stream.__enter__())", "aiter(await stream.__aenter__())"),
        ('client.stream("text", "hi").__enter__()', 'await client.stream("text", "hi").__aenter__()'),
        ("next(events)", "await anext(events)"),
        ("events.close()", "await events.aclose()"),
        ("asasync", "as"),
        ("async async", "async"),
    ):
        body = body.replace(old, new)
    return body


@pytest.fixture(scope="module", params=KINDS)
def complaints(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the process said while each of the ways was taken, and at its end."""
    is_async, folder = request.param == "async", tmp_path_factory.mktemp("leaving")
    catalog_of(folder, text_file("text"), text_file("other"))
    lines = [HEAD, ASYNC if is_async else SYNC]
    for way, body in WAYS.items():
        body = textwrap.indent((asynchronous(body) if is_async else body).strip(), "    ")
        lines.append(f"{'async ' * is_async}def leave(client):\n{body}\nrun(leave, {way!r})\n")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", "\n".join([*lines, "begins('its end')"]), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return dict(part.partition("\n")[::2] for part in done.stderr.split("== ")[1:])


SAYS = "the connection is closed within a second, the slot is free, and Python warns of nothing"


@pytest.mark.parametrize(
    "way", [*(pytest.param(way, marks=fault(LEAVING, f"a stream is left by {way}", SAYS)) for way in WAYS), "its end"]
)
def test_leaving(complaints: dict[str, str], way: str) -> None:
    assert complaints.get(way, "the process ended before") == ""
