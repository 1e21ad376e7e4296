"""What is true after every test: each check says no when it should, alone and as a part of a run."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from engine import ChatResponse, EngineError, Finish, TextDelta
from engine.errors import TransportError

from . import leftovers
from .conftest import ROOT
from .guards import Guards
from .history import VERDICTS, Call, Outcome, spelt, verdicts
from .invariants import pytest_collection_modifyitems
from .leftovers import Held, unfinished

pytest_plugins = ["pytester"]

# --- calls ---

HI = [TextDelta("H"), TextDelta("i"), Finish("stop")]
WHOLE = Outcome(ChatResponse("Hi"))
KEY = 'sk-made/up+of"a=test'


def lost(text: str = "", **options: Any) -> Outcome:
    """A call that the network ended when so much had come."""
    error = TransportError("lost", kind="lost", partial=ChatResponse(text))
    error.attempts = 1
    for name, value in options.items():
        setattr(error, name, value)
    return Outcome.of(error, is_told=True)


def called(outcome: Outcome, *given: Any, secrets: tuple[str, ...] = ()) -> Call:
    return Call("Client", "acme", list(given), outcome, secrets)


@pytest.mark.parametrize(
    "call",
    [
        called(WHOLE, *HI),
        called(lost("H"), HI[0]),
        called(lost("sk-***", partial=ChatResponse("my *** is")), TextDelta(f"my {KEY}")),
        called(Outcome(ChatResponse("Hi"), GeneratorExit), HI[0]),
        Call("Client", "acme", [HI[0]]),
        called(lost("", attempts=0, partial=None)),
        Call("Provider.events", "acme", list(HI), Outcome()),
        called(lost("H"), HI[0], secrets=(KEY,)),
    ],
)
def test_a_call_that_keeps_its_promises_is_let_pass(call: Call) -> None:
    assert list(verdicts([call])) == []


@pytest.mark.parametrize(
    ("name", "call", "words"),
    [
        ("foreign", called(Outcome.of(ValueError("x"))), "builtins.ValueError crossed"),
        ("foreign", called(Outcome(error=httpx.ReadError, is_callers=True)), "httpx.ReadError crossed"),
        ("partial", called(lost("", partial=None)), "TransportError was raised after sending, without `partial`"),
        ("twice", called(WHOLE, HI[0], *HI), "the events' text is 'HHi', the answer's is 'Hi'"),
        ("twice", called(WHOLE, HI[0], HI[2]), "the events' text is 'H', the answer's is 'Hi'"),
        ("twice", called(lost("Hi"), HI[0]), "the events' text is 'H', the answer's is 'Hi'"),
        ("twice", called(Outcome(ChatResponse("Hi"), GeneratorExit), HI[1]), "the events' text is 'i', the answer's"),
        ("finish", called(WHOLE, *HI, HI[2]), "Finish came at [2, 3] of 4 events"),
        ("finish", called(WHOLE, *HI[::-1][:1], *HI[:2]), "Finish came at [0] of 3 events"),
        ("finish", called(WHOLE, *HI[:2]), "the answer is whole, and Finish never came"),
        (
            "secret",
            called(lost("", message=f"no {KEY}"), secrets=(KEY,)),
            "the error shows a secret of the call, as it",
        ),
        ("echo", called(WHOLE, *HI, secrets=("Hi",)), "the answer shows a secret of the call, as it is"),
    ],
)
def test_a_call_that_breaks_a_promise_is_found(name: str, call: Call, words: str) -> None:
    assert [found.partition(words)[0] for found in verdicts([call])] == ["Client of acme: "]
    assert list(verdicts([call], frozenset({name}))) == []


def test_the_table_tries_every_verdict() -> None:
    (marks,) = [mark for mark in test_a_call_that_breaks_a_promise_is_found.pytestmark if mark.name == "parametrize"]
    assert {case[0] for case in marks.args[1]} == VERDICTS.keys()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"a {KEY} b", "as it is"),
        (repr([repr(KEY)]), "as it is"),
        ("c2stbWFkZS91cCtvZiJhPXRlc3Q", "in base64"),
        ("sk-made%2Fup%2Bof%22a%3Dtest", "URL-encoded"),
        ('"sk-made/up+of\\"a=test"', "JSON-escaped"),
        ("sk-made-up", ""),
    ],
)
def test_a_secret_is_found_in_every_spelling(text: str, how: str) -> None:
    assert spelt(text, (KEY,)) == how


def test_a_test_s_own_exception_is_the_caller_s() -> None:
    def raised(cause: Callable[[], Any]) -> Outcome:
        try:
            cause()
        except Exception as error:  # noqa: BLE001  of any kind
            return Outcome.of(error)
        raise AssertionError

    assert raised(lambda: {}["x"]).is_callers
    assert not raised(lambda: json.loads("x")).is_callers


# --- what is left behind ---


def a_socket() -> Iterator[None]:
    with socket.socket():
        yield


def a_thread() -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="of a test")
    thread.start()
    yield
    end.set()
    thread.join()


def a_child() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield
        child.communicate(b"\n")


needs_proc = pytest.mark.skipif(not os.path.exists(leftovers.FDS), reason="the system has no /proc")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        pytest.param(a_socket, "an open descriptor: socket:[", marks=needs_proc),
        (a_thread, "a running thread: of a test"),
        pytest.param(a_child, "a child process: ", marks=needs_proc),
    ],
)
def test_what_is_left_behind_is_found(
    left: Callable[[], Iterator[None]], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "GRACE", 0.01)
    before = Held.now()
    here = left()
    next(here)
    found = before.left()
    list(here)
    assert any(line.startswith(words) for line in found)
    assert before.left() == []


def test_what_is_about_to_end_may_end() -> None:
    before, end = Held.now(), threading.Event()
    threading.Thread(target=end.wait).start()
    threading.Timer(0.02, end.set).start()
    assert before.left() == []


def of_the_engine(text: str) -> dict[str, Any]:
    """The names of a module that stands in the package."""
    names: dict[str, Any] = {"asyncio": asyncio}
    exec(compile(text, f"{leftovers.ENGINE}/made_up.py", "exec"), names)
    return names


async def begin_closing() -> set[asyncio.Task[None]]:
    names = of_the_engine("async def close():\n    await asyncio.sleep(60)\n")
    tasks = {asyncio.ensure_future(names["close"]())}
    await asyncio.sleep(0)
    return tasks


def test_a_task_of_the_engine_is_found_and_no_other() -> None:
    async def run() -> list[str]:
        tasks = [*await begin_closing(), asyncio.ensure_future(asyncio.sleep(60))]
        found = unfinished(asyncio.get_running_loop())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert unfinished(asyncio.get_running_loop()) == []
        return found

    assert asyncio.run(run()) == ["an unfinished task: close"]


def test_an_iterator_of_the_engine_that_nobody_closes_is_found() -> None:
    names = of_the_engine("async def events():\n    yield 1\n")

    async def run() -> list[str]:
        events = names["events"]()
        await anext(events)
        found = unfinished(asyncio.get_running_loop())
        await events.aclose()
        assert unfinished(asyncio.get_running_loop()) == []
        return found

    assert asyncio.run(run()) == ["an unfinished iterator: events"]


# --- what nobody tries ---


@pytest.mark.parametrize(
    ("event", "args", "words"),
    [
        ("socket.connect", (None, ("192.0.2.1", 80)), "a connection to 192.0.2.1"),
        ("socket.connect", (None, ("127.0.0.1", 80)), None),
        ("socket.connect", (None, ("::1", 80, 0, 0)), None),
        ("socket.connect", (None, "/tmp/socket"), None),
        ("socket.getaddrinfo", ("api.acme.example", 443, 0, 0, 0), "a look-up of api.acme.example"),
        ("socket.connect", (None, ("255.255.255.255", 80)), None),
        ("socket.getaddrinfo", ("192.0.2.1", 443, 0, 0, 0), None),
        ("socket.getaddrinfo", ("2001:db8::1", 443, 0, 0, 0), None),
        ("socket.getaddrinfo", (b"localhost", 443, 0, 0, 0), None),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), None),
        ("open", ("/etc/passwd", "r", os.O_RDONLY), None),
        ("open", ("/etc/made-up", "w", os.O_WRONLY | os.O_CREAT), "writing /etc/made-up"),
        ("open", (b"/etc/made-up", "w", os.O_WRONLY | os.O_CREAT), "writing /etc/made-up"),
        ("open", (1, "w", os.O_WRONLY), None),
        ("open", ("/of/this/run/a", "w", os.O_WRONLY | os.O_CREAT), None),
        ("os.rename", ("/of/this/run/a", "/etc/a", -1, -1), "writing /etc/a"),
        ("os.symlink", ("/etc/a", "/of/this/run/a", -1), None),
        ("os.mkdir", ("/etc/made-up", 0o777, -1), "writing /etc/made-up"),
        ("os.remove", ("/etc/made-up", -1), "writing /etc/made-up"),
        ("os.remove", ("made-up", 7), None),
        ("import", ("os",), None),
    ],
)
def test_what_no_test_does_is_refused(event: str, args: tuple[Any, ...], words: str | None) -> None:
    guards = Guards(Path("/of/this/run"))
    guards._hear(event, args)
    assert guards.take() == []  # nothing is, before it is on
    with guards.on():
        if words is None:
            guards._hear(event, args)
        else:
            with pytest.raises(PermissionError, match=words):
                guards._hear(event, args)
    assert guards.take() == ([] if words is None else [words])


def test_what_is_compiled_may_be_written_where_python_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", "/of/python")
    guards = Guards(Path("/of/this/run"))
    with guards.on():
        guards._hear("open", ("/of/python/engine/wire.pyc.1", "wb", os.O_WRONLY | os.O_CREAT))
    assert guards.take() == []


# --- as a part of a run ---

CONFTEST = """
from tests import invariants, leftovers
leftovers.GRACE = 0.05
def pytest_configure(config):
    config.pluginmanager.register(invariants)
"""

PROJECT = """
import asyncio, json, logging, socket, threading
from pathlib import Path
import pytest
from engine import Catalog, Client, EngineError
from engine.exchange import Exchange
from engine.mock import MockServer
from engine.reply import Reply
from tests.test_invariants import begin_closing

HELD = []
NOWHERE = "http://127.0.0.1:1"

def chat():
    with MockServer(Catalog().provider("openai")) as mock:
        with Client(base_urls={"openai": mock.url}, secrets={"openai": {"api_key": "sk-made-up-of-tests"}}) as client:
            with client.stream("openai", "Hi", "m") as stream:
                for _ in stream:
                    pass

@pytest.fixture(scope="module")
def wide():
    with socket.socket() as held:
        yield held

@pytest.fixture
def narrow():
    with socket.socket() as held:
        yield held

def test_fine(wide, narrow, tmp_path):
    (tmp_path / "x").write_text("x")
    chat()

def test_fine_too(wide):
    pass

def test_a_socket():
    HELD.append(socket.socket())

def test_a_task():
    asyncio.run(begin_closing())

def test_twice(monkeypatch):
    feed = Exchange.feed
    monkeypatch.setattr(Exchange, "feed", lambda self, data: [e for e in feed(self, data) for _ in "ab"])
    chat()

def test_foreign(monkeypatch):
    monkeypatch.setattr(Reply, "feed", lambda self, data: json.loads("x"))
    with pytest.raises(ValueError):
        Catalog().provider("openai").decode(b"x")

def test_partial(monkeypatch):
    monkeypatch.setattr(Reply, "failed", lambda self, error: error)
    with Client(base_urls={"openai": NOWHERE}, secrets={"openai": {"api_key": "k"}}) as client:
        with pytest.raises(EngineError):
            client.chat("openai", "Hi", "m")

def test_secret(monkeypatch):
    def told(self, error):
        error.message, error.attempts = "no sk-made-up-of-tests", 1
        return error
    monkeypatch.setattr(Exchange, "_told", told)
    with Client(base_urls={"openai": NOWHERE}, secrets={"openai": {"api_key": "sk-made-up-of-tests"}}) as client:
        with pytest.raises(EngineError):
            client.chat("openai", "Hi", "m")

def test_prints():
    chat()
    print("the key is sk-made-up-of-tests")

def test_logs():
    chat()
    logging.getLogger("x").warning("the key is %s", "sk-made-up-of-tests")

def test_connects():
    with socket.socket() as one, pytest.raises(PermissionError):
        one.connect(("192.0.2.1", 80))

def test_writes():
    with pytest.raises(PermissionError):
        Path("here").write_text("x")

@pytest.mark.excused("guard", "it is to show that this can be said")
def test_excused():
    Path("here").write_text("x")
"""

WORDS = {
    "test_a_socket": "the test has left an open descriptor: socket:[",
    "test_a_task": "the test has left an unfinished task: close",
    "test_twice": "Client of openai: the events' text is 'T",
    "test_foreign": "Provider.decode of openai: json.decoder.JSONDecodeError crossed",
    "test_partial": "Client of openai: TransportError was raised after sending, without `partial`",
    "test_secret": "Client of openai: the error shows a secret of the call, as it is",
    "test_prints": "a secret of a call is in Captured stdout call, as it is",
    "test_logs": "a secret of a call is in Captured log call, as it is",
    "test_connects": "the test tried a connection to 192.0.2.1",
    "test_writes": "the test tried writing ",
}


@needs_proc
def test_each_check_can_fail_a_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_own=PROJECT)
    ran = pytester.runpytest_subprocess("-rE", "--tb=short", "-W", "error", timeout=60)
    ran.assert_outcomes(passed=len(WORDS) + 3, errors=len(WORDS))
    told = {part.partition(" ")[0]: part for part in str(ran.stdout).split("ERROR at teardown of ")[1:]}
    assert {name: words in told[name] for name, words in WORDS.items()} == dict.fromkeys(WORDS, True)


@pytest.mark.parametrize("words", [("nothing", "why"), ("left",), ("left", "")])
def test_an_excuse_names_a_check_and_a_reason(words: tuple[str, ...]) -> None:
    item: Any = SimpleNamespace(nodeid="x", iter_markers=lambda name: [pytest.mark.excused(*words).mark])
    with pytest.raises(pytest.UsageError, match="excused"):
        pytest_collection_modifyitems([item])


def test_our_errors_are_no_foreign_ones() -> None:
    assert list(verdicts([called(Outcome.of(EngineError("x")))])) == []
