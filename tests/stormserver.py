"""A service on the test's own loop that stalls in every phase and counts what is open, and the files that call it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from engine import AsyncClient, Catalog

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"

FILE = """
spec_version: 1
name: {name}
url: {url}
path: /{name}
payload: {{messages: "{{{{ messages }}}}"}}
response: {{codec: text}}
{more}
examples:
  - {{name: plain, call: {{messages: hi}}, reply: {{text: hello}}, expect: {{text: hello}}}}
  - {{name: busy, call: {{messages: hi}}, reply: {{status: 503, body: busy}}, expect: {{error: unavailable}}}}
"""
ONCE = "retry: {max: 0}"
STEP = """
steps:
  - name: job
    path: /begin
    json: {prompt: "{{ messages[0].content }}"}
    read: {id: id}
    cleanup: {method: DELETE, path: "/begin/{{ steps.job.id }}"}
retry: {max: 0}
"""
TOKEN = """
secrets: {key: {env: [STORM_KEY]}}
auth:
  type: oauth2
  token:
    url: http://127.0.0.1/token
    form: {grant_type: client_credentials, secret: "{{ secrets.key }}"}
    value: access_token
    expires_in: expires_in
retry: {max: 0}
"""
MORE = {
    "storm": ONCE,
    "large": ONCE,
    "deaf": ONCE,
    "tls": ONCE,
    "refusing": "retry: {max: 3, base: 0.004, cap: 0.01}",
    "job": STEP,
    "guarded": TOKEN,
}
"""The files by the phase that each brings a call into: an answer that stalls anywhere; a body that is not taken; a
server that does not accept, or says nothing in the handshake; back-offs; an earlier step; a token that calls share."""


class StormServer:
    """An HTTP server whose answers stall in every phase, until it is `calm`."""

    TOKEN_SECONDS = 0.02

    def __init__(self) -> None:
        self.open = 0
        self.opened = 0
        self.calm = False
        self.url = ""
        self.asked: Counter[str] = Counter()
        self._random = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """What serves, one task a connection."""
        return set(self._tasks)

    async def __aenter__(self) -> StormServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        self.opened += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while True:
                    await self._answer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x16":  # the record type of a TLS handshake
            await reader.read()
            raise asyncio.IncompleteReadError(b"", 1)
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, path, *_ = head.decode().split(" ")
        self.asked[f"{method} {path}"] += 1
        if path == "/large":
            await self._pause(reader, hears=False)
        if b"content-length:" in head.lower():
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        if method != "DELETE":  # a clean-up that stalls is another test's matter
            await self._pause(reader)
        await ANSWERS.get(path.rpartition("/")[2], StormServer._stream)(self, reader, writer)
        await writer.drain()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for _ in range(3):
            await self._pause(reader)
            writer.write(b"5\r\nhello\r\n")
        await self._pause(reader)
        writer.write(b"0\r\n\r\n")

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.calm:
            await self._stream(reader, writer)
        else:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy")

    async def _json(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        value = {"id": "1", "access_token": "token-1", "expires_in": self.TOKEN_SECONDS}
        body = json.dumps(value).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        writer.write(body)

    async def _pause(self, reader: asyncio.StreamReader, *, hears: bool = True) -> None:
        """Wait a little, or for good: until the client goes. Who `hears` not takes no byte meanwhile."""
        luck = self._random.random()
        if self.calm or luck < 0.4:
            return
        if luck < 0.9 or not hears:
            await asyncio.sleep(luck * 0.004)
            return
        if not await reader.read(1):
            raise asyncio.IncompleteReadError(b"", 1)


ANSWERS: dict[str, Callable[[StormServer, Any, Any], Any]] = {
    "refusing": StormServer._refuse,
    "begin": StormServer._json,
    "token": StormServer._json,
    "1": StormServer._json,
}


@contextlib.contextmanager
def deaf_listener() -> Iterator[str]:
    """A port that neither accepts nor refuses: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def storm_catalog(folder: Path, **more: str) -> Catalog:
    """The files of MORE, with others in the place of theirs."""
    for name, words in {**MORE, **more}.items():
        url = "https://127.0.0.1" if name == "tls" else "http://127.0.0.1"
        (folder / f"{name}.yaml").write_text(FILE.format(name=name, url=url, more=words))
    return Catalog(folder)


@asynccontextmanager
async def storm_client(catalog: Catalog, server: StormServer, **options: Any) -> AsyncIterator[AsyncClient]:
    """A client whose every file is served by the server, but one by nobody."""
    urls = dict.fromkeys(MORE, server.url)
    urls["tls"] = server.url.replace("http:", "https:")
    with deaf_listener() as url:
        urls["deaf"] = url
        secrets = {"guarded": {"key": "key-of-the-storm"}}
        async with AsyncClient(catalog, base_urls=urls, secrets=secrets, **options) as client:
            yield client


async def settle(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes to hold within ten seconds."""
    for _ in range(2000):
        if condition():
            return True
        await asyncio.sleep(0.005)
    return condition()


def others() -> set[asyncio.Task[Any]]:
    """All tasks but this one."""
    return asyncio.all_tasks() - {asyncio.current_task()}


def descriptors() -> int:
    """How many files and sockets this process has open; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0
