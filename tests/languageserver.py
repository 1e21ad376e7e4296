"""A real yaml-language-server for tests, as editors run it: installed by npm, spoken to over standard input and output.

    npm install yaml-language-server@1.25.0

It is what stands behind `# yaml-language-server: $schema=` in VS Code, Neovim and others. The server is a process of
its own that ends with the block that uses it, and is killed where it does not answer in time.
"""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

TEMPORARY = Path(tempfile.gettempdir())
"""Of the system, and not of a run: what was installed is found again."""

VERSION = "1.25.0"
"""The last one that node 20 runs."""

SCRIPT = Path("node_modules/yaml-language-server/bin/yaml-language-server")
INSTALL_SECONDS = 120
ANSWER_SECONDS = 30
LIFE_SECONDS = 300
"""However a test ends, no server is left after this."""

Position = tuple[int, int]
"""A line and a column, both from 0, as the protocol counts them."""


def lacking() -> str:
    """Why there is no server here, or nothing."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        return f"{missing[0]} is not installed"
    return ""


def installed() -> Path | str:
    """The server's script, installed once into a folder of temporary files; or why npm could not."""
    folder = TEMPORARY / f"yaml-language-server-{VERSION}"
    if (folder / SCRIPT).is_file():
        return folder / SCRIPT
    made = Path(tempfile.mkdtemp(prefix="yaml-language-server-", dir=TEMPORARY))
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(made)]
    try:
        done = subprocess.run(
            [*words, f"yaml-language-server@{VERSION}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            return f"npm cannot install it: {done.stderr.strip().splitlines()[-1:]}"
        with contextlib.suppress(OSError):  # another process was first: its folder is as good
            made.rename(folder)
    except subprocess.TimeoutExpired:
        return f"npm did not install it within {INSTALL_SECONDS} s"
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder / SCRIPT


class Server:
    """One server, and the messages of https://microsoft.github.io/language-server-protocol/ that an editor sends it."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._last = 0
        self._arrived: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown", "plaintext"]}},
                "hover": {"contentFormat": ["markdown", "plaintext"]},
            },
            "workspace": {"configuration": False},
        }
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self.notify("initialized", {})
        # What is asked of the network: nothing. The schemas of the store are for files that name none.
        yaml = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
        self.notify("workspace/didChangeConfiguration", {"settings": {"yaml": yaml}})

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Open a file, once, with a text that need not be what it holds, and read what is wrong with it."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self._wait(lambda message: _diagnostics_of(message, path.as_uri()))

    def close(self, path: Path) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})

    def completion(self, path: Path, at: Position) -> list[dict[str, Any]]:
        """What the editor would offer there."""
        found = self.request("textDocument/completion", _where(path, at))
        items: list[dict[str, Any]] = found if isinstance(found, list) else (found or {}).get("items", [])
        return items

    def hover(self, path: Path, at: Position) -> str:
        """What the editor would show of the word there, in Markdown; nothing where there is nothing to show."""
        found = self.request("textDocument/hover", _where(path, at))
        contents = (found or {}).get("contents", "")
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def request(self, method: str, params: Any) -> Any:
        self._last += 1
        number = self._last
        self._send({"id": number, "method": method, "params": params})
        answer = self._wait(
            lambda message: message if message.get("id") == number and "method" not in message else None
        )
        assert "error" not in answer, answer
        return answer.get("result")

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._stdin.flush()

    def _wait(self, wanted: Any) -> Any:
        while True:
            message = self._arrived.get(timeout=ANSWER_SECONDS)
            if message is None:
                raise EOFError("the language server has ended")
            if "id" in message and "method" in message:  # it asks the editor something: nothing is the answer
                self._send({"id": message["id"], "result": None})
            elif (found := wanted(message)) is not None:
                return found

    def _listen(self) -> None:
        while (message := _message(self._stdout)) is not None:
            self._arrived.put(message)
        self._arrived.put(None)


def _message(stream: IO[bytes]) -> dict[str, Any] | None:
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if length else None


def _diagnostics_of(message: dict[str, Any], uri: str) -> list[dict[str, Any]] | None:
    if message.get("method") != "textDocument/publishDiagnostics" or message["params"]["uri"] != uri:
        return None
    found: list[dict[str, Any]] = message["params"]["diagnostics"]
    return found


def _where(path: Path, at: Position) -> dict[str, Any]:
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": at[0], "character": at[1]}}


@contextlib.contextmanager
def running(script: Path) -> Iterator[Server]:
    """A server for as long as the block lasts, and not longer than `LIFE_SECONDS`."""
    process = subprocess.Popen(
        ["node", str(script), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    timer = threading.Timer(LIFE_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server(process.stdin, process.stdout)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
