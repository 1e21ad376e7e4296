"""The canary: secrets of every kind, given in every way, are looked for in every place that shows something.

Each call is made against a service that says the secrets again. A place is a function that gives text; what it may
hold are names and masks. A secret in it, in any of four encodings, is a leak.
"""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
import shlex
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from inspect import getmembers
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from engine import Catalog, Client
from engine.chat_request import ChatRequest
from engine.cli import mock_command
from engine.deployment import Deployment
from engine.display import REQUEST_FORMATS
from engine.drift import drift
from engine.errors import EngineError
from engine.mock import MockServer
from engine.provider import Provider
from engine.recording import Recorder
from engine.rendering import RenderedCall
from engine.secrets import Secret, Sensitive, SensitiveBytes
from engine.testing import FaultServer, whole
from engine.transport.quiet import quiet

from .canary import (
    ALL,
    ANSWERS,
    AUTHS,
    COOKIE,
    ENCODINGS,
    ID,
    KEY,
    VALUE,
    acme,
    echo,
    key_file,
    leaks,
    sent_by,
    service,
)
from .conftest import Ran, Run
from .faults import fault
from .logs import heard_by
from .pages import free_port
from .stepserver import ASKS, Answer, Asked, StepServer

GIVEN = ("environment", "secrets=", "key file")
"""How a caller gives a secret; tokens, cookies and the values of steps come from the service."""


class Log(logging.Handler):
    """Everything that is logged at DEBUG, in every form."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()
        self.records.append(record)


@dataclass
class Scene:
    """One file and its secrets: calls of it, what they left behind, and the command."""

    auth: str
    given: str
    folder: Path
    run: Run
    server: StepServer
    log: Log
    patch: pytest.MonkeyPatch
    warned: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "acme.yaml").write_text(acme(self.auth, from_file=self.given == "key file"))
        if self.given == "environment":
            self.environ = {"ACME_KEY": KEY, "ACME_ID": ID}
        elif self.given == "key file":
            self.environ = {"ACME_FILE": key_file(self.folder)}
        else:
            self.environ = {}
        for name, value in self.environ.items():
            self.patch.setenv(name, value)
        self.catalog = Catalog(self.folder)
        self.secrets = {"k": KEY, "id": ID} if self.given == "secrets=" else {}
        self.recorder = Recorder()
        self.client = Client(self.catalog, recorder=self.recorder, **self.options)
        self.errors: dict[str, EngineError] = {}
        self.answer("fine")
        self.whole = self.client.chat("acme", "hi")
        self.asked: Asked = self.server.asked[-1]
        for name in ANSWERS.keys() - {"fine"}:
            for ask in (*ASKS, self._streamed):
                self.answer(name)
                with pytest.raises(EngineError) as caught:
                    ask(self.catalog, "acme", **self.options)
                self.errors[f"{name}, {ask.__name__}"] = caught.value
        for name, value in (("a line break", f"{KEY}\n"), ("beyond ASCII", f"{KEY}é")):
            with pytest.raises(EngineError) as caught:
                Deployment(secrets={"k": value, "id": value}).resolve_auth(self.provider.spec)
            self.errors[name] = caught.value
        elsewhere = {"base_urls": {"acme": "http://10.0.0.1"}, "secrets": {"acme": {"k": KEY, "id": ID}}}
        with Client(self.catalog, **elsewhere) as client, pytest.raises(EngineError) as caught:
            client.chat("acme", "hi")
        self.errors["over http"] = caught.value

    def _streamed(self, catalog: Catalog, provider: str, **options: Any) -> None:
        """By the library's connections, which log more than our own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("engine.transport.own.is_there", lambda: False)
            with Client(catalog, **options) as client, client.stream(provider, "hi") as stream:
                for _ in stream:
                    pass

    @property
    def options(self) -> dict[str, Any]:
        return {"base_urls": {"acme": self.server.url}, "secrets": {"acme": self.secrets}}

    def answer(self, name: str) -> None:
        """The service answers so from now on."""
        self.server.answer = service(self.auth, name)

    @property
    def provider(self) -> Provider:
        return self.catalog.provider("acme")

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.server.url, secrets=self.secrets, environ=self.environ)

    @cached_property
    def call(self) -> RenderedCall:
        return self.provider.call(ChatRequest.of("hi"), self.deployment)

    @cached_property
    def tape(self) -> Any:
        assert self.recorder.last is not None
        return self.recorder.last.tape

    @cached_property
    def wires(self) -> list[Any]:
        """Every request of a call, as it was sent."""
        return [take.wire for take in self.tape.takes]

    @cached_property
    def exchange(self) -> Any:
        return self.client.exchange("acme", "hi", None, True, {})

    def cli(self, *words: str, answer: str = "") -> str:
        """What the command shows, on both streams."""
        if answer:
            self.answer(answer)
        ran: Ran = self.run(*words, "--providers", str(self.folder))
        assert ran.out or ran.err
        return ran.out + ran.err

    def live(self, verb: str, *words: str, answers: tuple[str, ...]) -> str:
        """The same for a verb that calls the service, with every answer."""
        prompt = ("hi",) if verb == "chat" else ()
        where = ("--base-url", self.server.url)
        return "\n".join(self.cli(verb, "acme", *prompt, *where, *words, answer=answer) for answer in answers)


# --- the places ------------------------------------------------------------------------------------------------------

UNSAID = tuple(answer for answer in ANSWERS if answer not in ("cut off", "lost"))
"""All answers but those whose text, which is the caller's, says the secrets again."""


def pickled(value: Any) -> str:
    """What a pickle holds; nothing where pickling is refused."""
    held = ""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with suppress(TypeError, AttributeError, pickle.PicklingError):
            held += pickle.dumps(value, protocol).decode("latin-1")
    return held


def forms(*values: Any) -> str:
    """Values as text, in each way that happens by accident: printed, formatted, in a list, copied, pickled."""
    return "\n".join(
        text
        for value in values
        for text in (repr(value), f"{[value]}", repr(_copied(value)), pickled(value), f"{value!r:>9}", ascii(value))
    )


def _copied(value: Any) -> Any:
    try:
        return [copy.copy(value), copy.deepcopy(value)]
    except (TypeError, AttributeError):
        return None


def texts(*values: Any) -> str:
    """The same for values that are no str: also as `str` and `format` have them."""
    return "\n".join([forms(*values), *(f"{value} {value!s} {'%s' % (value,)}" for value in values)])  # noqa: UP031


def with_locals(errors: Iterator[BaseException]) -> str:
    """Tracebacks with what is in the frames; those of tests hold the secrets of course."""
    lines = []
    for error in errors:
        told: Any = traceback.TracebackException.from_exception(error, capture_locals=True)
        while told is not None:
            frames = [frame for frame in told.stack if "/tests/" not in frame.filename]
            lines += [*traceback.StackSummary.from_list(frames).format(), *told.format_exception_only()]
            told = told.__cause__ or told.__context__
    return "\n".join(lines)


def logged(scene: Scene, show: Callable[[logging.LogRecord], Any], name: str = "") -> str:
    records = [record for record in scene.log.records if record.name.startswith(name)]
    assert records, name
    return "\n".join(str(show(record)) for record in records)


def recorded_file(scene: Scene, *words: str) -> str:
    """What `chat --record` says and what it writes."""
    file = scene.folder / "acme.yaml"
    before = file.read_text()
    said = [scene.live("chat", "--record", str(file), *words, answers=(answer,)) for answer in ("fine", "refused")]
    text = file.read_text()
    assert len(text) > len(before), said
    file.write_text(before)
    return "\n".join([text, *said])


def journal(scene: Scene) -> str:
    """What the mock notes of requests with real secrets, and what it answers."""
    lines: list[str] = []
    with MockServer(scene.provider, log=lines.append) as mock:
        options = {**scene.options, "base_urls": {"acme": mock.url}}
        with Client(scene.catalog, **options) as client, suppress(EngineError):
            lines.append(repr(client.chat("acme", "hi")))
    assert lines
    return "\n".join(lines)


def mock_verb(scene: Scene) -> str:
    """`wirefile mock`, which is asked what the service was asked, and then stops."""
    port = free_port()

    def visit() -> None:
        asked = scene.asked
        headers = {name: value for name, value in asked.headers.items() if name not in ("host", "content-length")}
        url = f"http://127.0.0.1:{port}{asked.path}"
        httpx.request(asked.method, url, params=asked.query, headers=headers, content=asked.body)

    event = SimpleNamespace(Event=lambda: SimpleNamespace(wait=visit))
    scene.patch.setattr(mock_command, "threading", event)
    logging.disable()  # what visits is the test's own client
    try:
        return scene.cli("mock", "acme", "--port", str(port))
    finally:
        logging.disable(logging.NOTSET)
        scene.patch.setattr(mock_command, "threading", threading)


def new_verb(scene: Scene, reply: bool = False) -> str:
    """`wirefile new` from the request that the service was sent."""
    asked = scene.asked
    url = httpx.URL(f"https://api.acme.example{asked.path}", params=asked.query)
    headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in asked.headers.items()]
    words = ["curl", shlex.quote(str(url)), *headers, "--data-raw", shlex.quote(asked.body.decode())]
    more: list[str] = []
    if reply:
        (scene.folder / "reply.txt").write_text(json.dumps({"text": "Hello"}))
        more = ["--reply", str(scene.folder / "reply.txt")]
    return scene.cli("new", "copied", "--from-curl", " ".join(words), "-o", "-", *more)


def of_file(scene: Scene, verb: str, *words: str, body: str) -> str:
    """A verb that reads an answer out of a file."""
    (scene.folder / "body").write_text(body)
    return scene.cli(verb, "acme", str(scene.folder / "body"), *words)


def refusal(scene: Scene) -> str:
    """A recorded refusal that says the secrets again that the command can know: those that are set here."""
    return json.dumps({"error": {"message": echo(set(sent_by(scene.auth)) & {KEY, ID}), "code": KEY}})


WHOLE = json.dumps({"text": "Hello", "key": "none"})


def strange(scene: Scene) -> str:
    """A recorded answer with fields that the file does not know, and secrets in their names and values."""
    known = sorted(set(sent_by(scene.auth)) & {KEY, ID})
    return json.dumps({"text": "Hello", "debug": {echo([one]): echo([one]) for one in known}, **dict.fromkeys(known)})


def decoded(scene: Scene) -> str:
    """The error that `decode` raises for a recorded refusal."""
    with pytest.raises(EngineError) as caught:
        scene.provider.decode(refusal(scene).encode(), 401, {"x-echo": KEY})
    return texts(caught.value) + repr(caught.value.__dict__) + with_locals(iter([caught.value]))


def drifted(scene: Scene) -> str:
    bodies = (strange(scene), 200), (refusal(scene), 401), (refusal(scene), 500)
    return "\n".join(texts(*drift(scene.provider, body.encode(), status)) for body, status in bodies)


def fault_server(scene: Scene) -> str:
    """What the fault kit notes of a request."""
    with FaultServer([whole(b"no", 401)]) as server:
        options = {**scene.options, "base_urls": {"acme": server.url}}
        with Client(scene.catalog, **options) as client, pytest.raises(EngineError):
            client.chat("acme", "hi")
        return texts(server.journal, server.requests)


def mistakes(scene: Scene) -> str:
    """Tracebacks, with what is in their frames, of calls that the caller has got wrong."""
    secrets = {"acme": {"k": KEY, "id": ID}}
    proxy = f"http://{quote(ID, safe='')}:{quote(KEY, safe='')}@127.0.0.1:1"
    headers = {"authorization": f"Bearer {KEY}", "x-auth": ID, "cookie": f"sid={COOKIE}", "x-session-id": VALUE}
    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"secrets": secrets, "max_connections": 0}, {}),
        ({"secrets": {"acne": secrets["acme"]}}, {}),
        ({"secrets": {"acme": KEY}}, {}),
        ({"secrets": {"acme": {"k": [KEY]}}}, {}),
        ({"secrets": secrets, "proxy": proxy.replace("http:", "ftp:")}, {}),
        ({"secrets": secrets, "proxy": proxy}, {}),
        ({"base_urls": {"acme": proxy}}, {}),
        ({"base_urls": {"acme": f"https://me:{KEY}@127.0.0.1"}}, {}),
        ({"base_urls": {"acme": f"https://127.0.0.1:1?key={KEY}"}}, {}),
        ({}, {"extra_headers": headers, "temperature": 1}),
        ({}, {"extra_headers": {**headers, "x-a": "é"}}),
        ({"base_urls": {"acme": "http://127.0.0.1:1"}}, {"extra_headers": headers}),
    ]
    errors = []
    for options, params in wrong:
        with pytest.raises(EngineError) as caught:
            Client(scene.catalog, **{**scene.options, **options}).chat("acme", "hi", **params)
        errors.append(caught.value)
    return with_locals(iter(errors)) + texts(*errors)


COMMANDS: dict[str, Callable[[Scene], str]] = {
    "render http": lambda s: s.cli("render", "acme", "hi"),
    "render curl": lambda s: s.cli("render", "acme", "hi", "--format", "curl"),
    "render json": lambda s: s.cli("render", "acme", "hi", "--format", "json"),
    "chat": lambda s: s.live("chat", answers=UNSAID),
    "chat --no-stream": lambda s: s.live("chat", "--no-stream", answers=("fine", "refused", "redirected")),
    "chat --json": lambda s: s.live("chat", "--json", answers=("fine", "refused", "no JSON")),
    "chat --json of a part": lambda s: s.live("chat", "--json", answers=("cut off",)),
    "chat --mock": lambda s: s.cli("chat", "acme", "hi", "--mock"),
    "chat --record": recorded_file,
    "chat --record --no-stream": lambda s: recorded_file(s, "--no-stream"),
    "decode": lambda s: of_file(s, "decode", body=WHOLE),
    "decode of a refusal": lambda s: of_file(s, "decode", "--status", "401", body=refusal(s)),
    "decode --format json": lambda s: of_file(s, "decode", "--format", "json", "--status", "401", body=refusal(s)),
    "mock": mock_verb,
    "test": lambda s: s.cli("test", str(s.folder / "acme.yaml")),
    "test --json": lambda s: s.cli("test", "--json", str(s.folder / "acme.yaml")),
    "validate": lambda s: s.cli("validate", str(s.folder / "acme.yaml")),
    "show": lambda s: s.cli("show", "acme"),
    "drift": lambda s: s.live("drift", answers=("fine", "refused", "no JSON")),
    "drift --json": lambda s: s.live("drift", "--json", answers=("refused", "refused in words")),
    "drift of a file": lambda s: of_file(s, "drift", "--status", "401", body=refusal(s)),
    "drift of a file with new fields": lambda s: of_file(s, "drift", body=strange(s)),
    "new": new_verb,
    "new --reply": lambda s: new_verb(s, reply=True),
}
"""Places of the command: what each verb shows on both streams, and what it writes."""

RECORDED: dict[str, Callable[[Scene], str]] = {"decode()": decoded, "drift()": drifted}
"""Places that know the secrets of the environment alone."""

PLACES: dict[str, Callable[[Scene], str]] = {
    **COMMANDS,
    "log: messages": lambda s: logged(s, lambda record: record.getMessage()),
    "log: args": lambda s: logged(s, lambda record: (record.msg, record.args)),
    "log: exc_info": lambda s: logged(s, lambda record: (record.exc_info, record.exc_text, record.stack_info)),
    "log: formatted": lambda s: logged(s, logging.Formatter("%(name)s %(message)s").format),
    "log: fields": lambda s: logged(s, lambda record: record.__dict__),
    "log: httpx": lambda s: logged(s, lambda record: record.__dict__, "httpx"),
    "log: httpcore": lambda s: logged(s, lambda record: record.__dict__, "httpcore"),
    "Client": lambda s: texts(s.client, s.client.catalog),
    "Client: attributes": lambda s: repr(vars(s.client)),
    "calls that are wrong": mistakes,
    "Provider": lambda s: texts(s.provider, s.provider.spec),
    "WireRequest": lambda s: texts(*s.wires),
    "WireRequest: shown": lambda s: texts(*(wire.shown() for wire in s.wires)),
    "WireRequest: http, curl, json": lambda s: "".join(
        show(wire) for wire in s.wires for show in REQUEST_FORMATS.values()
    ),
    "WireRequest: headers, url, body": lambda s: forms(
        *(value for wire in s.wires for value in (wire.headers, wire.url, wire.content, wire.headers.pairs))
    ),
    "WireRequest: printed": lambda s: "\n".join(
        f"{value} {value!s} {'%s' % (value,)}"  # noqa: UP031
        for wire in s.wires
        for value in (wire.url, wire.content, wire.headers, *wire.headers.values())
    ),
    "RenderedCall": lambda s: texts(s.call),
    "ResponseHead": lambda s: texts(*(take.head for take in s.tape.takes)),
    "ChatResponse": lambda s: texts(s.whole, s.whole.message, s.whole.replay),
    "Deployment": lambda s: texts(s.deployment, asdict(s.deployment), getmembers(s.deployment)),
    "Exchange": lambda s: texts(s.exchange),
    "Recorder": lambda s: texts(s.recorder, s.recorder.last),
    "Tape": lambda s: texts(s.tape, s.tape.takes),
    "cache of tokens and steps": lambda s: texts(s.client._cache),
    "Secret": lambda s: texts(*(Secret(value, name="ACME") for value in ALL.values())),
    "Secret: its parts": lambda s: texts(*(getmembers(Secret(value, name="ACME")) for value in ALL.values())),
    "Sensitive": lambda s: texts(*(Sensitive(value, "***") for value in ALL.values())),
    "SensitiveBytes": lambda s: texts(*(SensitiveBytes(value.encode(), b"***", "ACME") for value in ALL.values())),
    "error: str": lambda s: "\n".join(map(str, s.errors.values())),
    "error: repr, pickle, copy": lambda s: texts(*s.errors.values()),
    "error: args": lambda s: repr([error.args for error in s.errors.values()]),
    "error: __dict__": lambda s: repr([error.__dict__ for error in s.errors.values()]),
    "error: partial": lambda s: texts(*(error.partial for error in s.errors.values())),
    "error: headers": lambda s: repr([getattr(error, "headers", None) for error in s.errors.values()]),
    "error: body": lambda s: repr([getattr(error, "body", None) for error in s.errors.values()]),
    "error: code": lambda s: repr([getattr(error, "code", None) for error in s.errors.values()]),
    "traceback": lambda s: "\n".join("".join(traceback.format_exception(error)) for error in s.errors.values()),
    "traceback with locals": lambda s: with_locals(iter(s.errors.values())),
    "warnings": lambda s: repr([(str(item.message), item.source, item.line) for item in s.warned]),
    "journal of the mock": journal,
    "journal of the fault server": fault_server,
    **RECORDED,
}
"""Where a secret could show, each as a function that gives the text of it."""


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    with heard_by(log):
        yield log


@fault(
    "Secrets",
    "a service says a key, a token or a cookie again: plain, in base64, URL-encoded or JSON-escaped",
    "masked in every error, log, traceback, repr, pickle, recording and in all that the command prints",
)
@pytest.mark.excused("echo", "the service says the secrets as words of an answer, and those are the caller's")
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_canary_is_found_nowhere(
    auth: str, given: str, tmp_path: Path, wirefile: Run, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings(record=True) as warned, StepServer(service(auth, "fine")) as server:
        warnings.simplefilter("always")
        scene = Scene(auth, given, tmp_path, wirefile, server, log, monkeypatch, warned)
        assert was_sent(scene), "the secret went to the service"
        others = {*COMMANDS, *RECORDED} if given == "secrets=" else set()  # they have no such way
        places = PLACES.keys() - others
        found = {name: leaks(PLACES[name](scene)) for name in PLACES if name in places}
        scene.client.close()
    leaking = [name for name, leaked in found.items() if leaked]
    assert not leaking


@fault("Secrets", "a redirect leads to another host", "refused; neither the credentials nor the prompt go there")
@pytest.mark.parametrize("auth", AUTHS)
def test_a_redirect_takes_no_secret_along(auth: str, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(acme(auth, from_file=False))
    with StepServer(service(auth, "fine")) as evil, StepServer(service(auth, "fine")) as server:
        options = {"base_urls": {"acme": server.url}, "secrets": {"acme": {"k": KEY, "id": ID}}}
        usual = server.answer
        for number, status in enumerate((301, 302, 303, 307, 308)):
            moved = Answer(b"", status, (("location", f"{evil.url}/chat"),))
            server.answer = lambda asked, moved=moved: moved if asked.path == "/chat" else usual(asked)
            with pytest.raises(EngineError, match="not followed"):
                ASKS[number % 2](Catalog(tmp_path), "acme", **options)
        assert len([asked for asked in server.asked if asked.path == "/chat"]) == 5
        assert evil.asked == []


def test_a_log_of_a_socks_proxy_says_no_password(log: Log) -> None:
    """The package that speaks SOCKS is not here: the record is as httpcore's socks_proxy.py makes it."""
    for is_ours in (False, True):
        with quiet() if is_ours else nullcontext():
            logging.getLogger("httpcore.socks").debug(f"setup_socks5_connection.started auth=(b'me', b'{KEY}')")
        said = log.records[-1].getMessage()
        assert said.startswith("setup_socks5_connection.started")
        assert (KEY in said) is not is_ours


def was_sent(scene: Scene) -> bool:
    """Whether what the file sends reached the service: a secret as it is, or what was made of it."""
    sent = " ".join(f"{asked.query} {asked.headers} {asked.body!r}" for asked in scene.server.asked)
    return bool(leaks(sent)) or bool(re.search(r"Bearer ey|Signature=[0-9a-f]{64}", sent))


# --- the canary itself -----------------------------------------------------------------------------------------------


def test_there_are_at_least_forty_places() -> None:
    assert len(PLACES) >= 40
    assert len(set(map(id, PLACES.values()))) == len(PLACES)
    assert len(ENCODINGS) == 4


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", ALL)
def test_a_place_that_leaks_is_found(secret: str, encoding: str) -> None:
    for spelling in ENCODINGS[encoding](ALL[secret]):
        assert f"{secret}, {encoding}" in leaks(f"before {spelling} after")
    assert not leaks("<ACME_KEY> and *** are no secrets")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_log_and_a_traceback_that_leak_are_found(encoding: str, log: Log) -> None:
    spelling = ENCODINGS[encoding](KEY)[0]
    logging.getLogger("httpcore.canary").debug("sent %s", spelling)
    frame: dict[str, Any] = {}
    try:
        exec(
            compile("def fail(key):\n    raise ValueError\nfail(spelling)", "engine.py", "exec"), {"spelling": spelling}
        )
    except ValueError as error:
        frame["error"] = error
    for name in ("log: messages", "log: args", "log: fields", "log: httpcore", "traceback with locals"):
        scene: Any = SimpleNamespace(log=log, errors=frame)
        assert f"key, {encoding}" in leaks(PLACES[name](scene)), name


def test_a_value_that_leaks_is_found_in_each_of_its_forms() -> None:
    assert leaks(texts({"key": KEY}))
    assert leaks(pickled(KEY))
    assert leaks(forms(SimpleNamespace(key=KEY)))
