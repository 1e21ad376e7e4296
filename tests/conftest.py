"""What tests share: the command run in this process or as a process of its own, and provider files to drop."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import settings

from engine import Catalog
from engine.loader import load
from engine.mock import server as mock_server
from engine.spec import ProviderSpec
from engine.transport import own

from . import invariants
from .callers import Caller
from .doors import KINDS
from .logs import Lines, heard_by
from .quickfiles import catalog_of

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run: a failure here is found again, and none depends on the clock of a busy machine.
settings.register_profile("wirefile", deadline=None, derandomize=True)
settings.register_profile("deep", settings.get_profile("wirefile"), max_examples=3000, derandomize=False)
settings.load_profile("wirefile")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Whose connections the clients of the tests have."""
    parser.addoption("--stock", action="store_true", help="clients use httpx's connections, as without the extra fast")


def pytest_configure(config: pytest.Config) -> None:
    """Look after every test whether what is true after each of them is true after it."""
    config.pluginmanager.register(invariants)
    if config.getoption("stock"):
        own.is_there = lambda: False
    # Whoever starts the tests in the background may have Ctrl-C ignored, and a process that is started inherits that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the provider files or variables of whoever runs it, or leaves files outside the run's folder."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("config", "cache", "state"):
            patch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path_factory.mktemp(kind)))
        patch.delenv("WIREFILE_NO_CACHE", raising=False)
        patch.delenv("WIREFILE_PATH", raising=False)
        patch.delenv("WIREFILE_DEBUG", raising=False)
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield


@pytest.fixture(scope="session")
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import certifi

    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    path = tmp_path_factory.mktemp("authorities") / "one.pem"
    path.write_text(first + end, encoding="utf-8")
    return path


@pytest.fixture
def few_authorities(_one_authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New clients read one certificate in the place of the hundred and more that are trusted, which takes a while."""
    monkeypatch.setattr("certifi.where", lambda: str(_one_authority))


@pytest.fixture(autouse=True, scope="session")
def _certificates_are_read_once() -> Iterator[None]:
    """They are the same for each of some thousand clients, and reading them is most of what a client costs."""
    every = ssl.create_default_context
    known = cache(every)

    def create(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        return (known if kwargs.get("cafile") == certifi.where() else every)(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", create)
        yield


@pytest.fixture(autouse=True, scope="session")
def _mocks_speak_fast() -> Iterator[None]:
    """Their pauses are for people who watch: in the same pieces, but ten times as fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mock_server, "PAUSE", mock_server.PAUSE / 10)
        yield


@cache
def shipped(path: Path) -> ProviderSpec:
    """A file in `providers/`, loaded once in a process: a spec does not change, and there are many tests of each."""
    return load(path, shipped=True)


@pytest.fixture(scope="module")
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The files of a test's module: its `FILES`, by their names."""
    return catalog_of(tmp_path_factory.mktemp("providers"), request.module.FILES)


@pytest.fixture(params=KINDS)
def call(request: pytest.FixtureRequest, catalog: Catalog) -> Caller:
    """A client of each kind over these files."""
    return Caller(request.param, catalog)


@pytest.fixture
def logged() -> Iterator[Lines]:
    """What is logged while a test runs."""
    lines = Lines()
    with heard_by(lines):
        yield lines


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def wirefile(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: quick."""
    from engine.cli.app import run

    def call(*words: str) -> Ran:
        capfd.readouterr()
        code = run(list(words))
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return call


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process of its own: this checkout's package, warnings are errors."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **variables}


@pytest.fixture
def process() -> Run:
    """Run the command as a process of its own, with bytes on standard input."""

    def call(*words: str, stdin: bytes = b"", **variables: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "engine", *words],
            input=stdin,
            capture_output=True,
            timeout=60,
            env=environment(**variables),
            check=False,
        )
        assert b"Traceback" not in done.stderr
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


CHIRP = """\
spec_version: 1
name: chirp
title: Chirp
models: {default: chirp-1, allow: [chirp-1, chirp-2], aliases: {best: chirp-2}}
secrets: {api_key: {env: [CHIRP_API_KEY]}}
auth: {type: bearer, secret: api_key}
params:
  temperature: {type: number, optional: true, min: 0, max: 1, out_of_range: clamp}
  max_tokens: {type: integer, optional: true, min: 1}
url: https://api.chirp.example/v1
path: /chat
payload:
  model: "{{ model }}"
  messages: "{{ messages }}"
  temperature: "{{ temperature }}"
  max_tokens: "{{ max_tokens }}"
  stream: "{{ stream }}"
response:
  stream:
    codec: sse
    rules:
      - {text: delta.text, finish: stop_reason, usage: usage, meta: {id: id, model: model}}
    end: "[DONE]"
  whole:
    codec: json
    rules:
      - {text: text, finish: stop_reason, usage: usage, meta: {id: id, model: model}}
  finish: {end: stop, max: length}
  usage: {input_tokens: in, output_tokens: out}
errors:
  - {status: 429, body: {path: error.code, equals: no_credit}, kind: quota, message: error.message}
  - {frame: oops, kind: overloaded, message: why}
retry: {max: 1, base: 0.01}
examples:
  - name: a stream
    call: {messages: [{role: user, content: Hi}], temperature: 3}
    request:
      method: POST
      url: https://api.chirp.example/v1/chat
      headers: {authorization: Bearer <CHIRP_API_KEY>}
      json: {model: chirp-1, messages: [{role: user, content: Hi}], temperature: 1, stream: true}
    reply:
      headers: {content-type: text/event-stream}
      chunks:
        - "data: {\\"id\\": \\"c1\\", \\"model\\": \\"chirp-1\\", \\"delta\\": {\\"text\\": \\"\\"}}\\n\\n"
        - "data: {\\"delta\\": {\\"text\\": \\"Hel\\"}}\\n\\n"
        - "data: {\\"delta\\": {\\"text\\": \\"lo ✓\\"}}\\n\\n"
        - "data: {\\"delta\\": {}, \\"stop_reason\\": \\"end\\"}\\n\\n"
        - "data: {\\"usage\\": {\\"in\\": 1, \\"out\\": 2}}\\n\\ndata: [DONE]\\n\\n"
    expect:
      {text: Hello ✓, finish: stop, usage: {input_tokens: 1, output_tokens: 2}, adjustments: {temperature: clamped}}
  - name: a whole answer
    call: {messages: [{role: user, content: Hi}], stream: false}
    reply: {json: {id: c2, model: chirp-1, text: Hello, stop_reason: max, usage: {in: "3", out: 4}}}
    expect: {text: Hello, finish: length, usage: {input_tokens: 3, output_tokens: 4}}
  - name: out of credit
    call: {messages: [{role: user, content: Hi}]}
    reply: {status: 429, json: {error: {code: no_credit, message: no credit left}}}
    expect: {error: quota}
  - name: overloaded in the middle
    call: {messages: [{role: user, content: Hi}]}
    reply:
      headers: {content-type: text/event-stream}
      chunks: ["data: {\\"delta\\": {\\"text\\": \\"Hel\\"}}\\n\\nevent: oops\\ndata: {\\"why\\": \\"busy\\"}\\n\\n"]
    expect: {text: Hel, error: overloaded}
"""
"""A made-up API with all that a file can have today: stream and whole, secret, models, params, errors."""


@pytest.fixture
def chirp(tmp_path: Path) -> Path:
    """A folder with `chirp.yaml` in it."""
    folder = tmp_path / "providers"
    folder.mkdir()
    (folder / "chirp.yaml").write_text(CHIRP, encoding="utf-8")
    return folder
