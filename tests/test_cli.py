from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from engine import Catalog
from engine.cli.output import printable
from engine.mock import MockServer

from .conftest import CHIRP, ROOT, Run, environment

ACYTOO = str(ROOT / "providers" / "acytoo.yaml")
NOT_WORKING = "not working"


# --- list, show, schema ---


def test_list(wirefile: Run, chirp: Path) -> None:
    ran = wirefile("--providers", str(chirp), "list")
    assert ran.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()}
    assert rows["acytoo"] == ["Acytoo", "gpt-3.5-turbo", "not", "working"]
    assert rows["chirp"] == ["Chirp", "chirp-1"]
    assert list(rows) == sorted(rows)


def test_list_leaves_protocols_out(wirefile: Run, tmp_path: Path) -> None:
    protocol = (ROOT / "providers" / "protocols" / "openai-chat.yaml").read_text(encoding="utf-8")
    (tmp_path / "openai-chat.yaml").write_text(protocol, encoding="utf-8")
    names = {row["name"] for row in json.loads(wirefile("list", "--json", "--providers", str(tmp_path)).out)}
    assert "openai" in names
    assert "openai-chat" not in names


def test_list_as_json_marks_what_is_invalid(wirefile: Run, chirp: Path) -> None:
    (chirp / "broken.yaml").write_text("spec_version: 1\n", encoding="utf-8")
    rows = {row["name"]: row for row in json.loads(wirefile("list", "--json", "--providers", str(chirp)).out)}
    assert rows["chirp"]["valid"] is True
    assert rows["broken"]["valid"] is False
    assert rows["acytoo"]["working"] is False


def test_show(wirefile: Run) -> None:
    assert wirefile("show", "acytoo").out == Path(ACYTOO).read_text(encoding="utf-8")
    assert json.loads(wirefile("show", "acytoo", "--json").out)["url"] == "https://chat.acytoo.com"


def test_show_resolved_is_the_same_file_with_origins(wirefile: Run) -> None:
    from engine.loader import load_text

    ran = wirefile("show", "acytoo", "--resolved")
    assert "acytoo.yaml:11" in next(line for line in ran.out.splitlines() if line.lstrip().startswith("default: 0.5"))
    assert load_text(ran.out, "acytoo.yaml").tree == Catalog().spec("acytoo").tree


def test_schema(wirefile: Run) -> None:
    shipped = json.loads((ROOT / "schemas" / "provider.schema.json").read_text(encoding="utf-8"))
    assert json.loads(wirefile("schema").out) == shipped


# --- validate ---


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(CHIRP.replace("name: chirp\n", "name: acme\n").replace("{{ messages }}", "{{ mesages }}"), "utf-8")
    return path


def test_validate_text(wirefile: Run, bad: Path) -> None:
    ran = wirefile("validate", str(bad))
    line = next(n for n, text in enumerate(bad.read_text("utf-8").splitlines(), 1) if "mesages" in text)
    assert ran.code == 1
    assert ran.out == (
        f"{bad}:{line}:17: undefined-variable: payload.messages uses 'mesages', which is not defined; "
        "did you mean 'messages'?\n"
        f'{line:5} |   messages: "{{{{ mesages }}}}"\n'
        "      |                 ^\n"
    )
    assert wirefile("validate", "--no-source", str(bad)).out == ran.out.splitlines(keepends=True)[0]


def test_validate_json(wirefile: Run, bad: Path) -> None:
    ran = wirefile("validate", str(bad), ACYTOO, "--format", "json")
    report = json.loads(ran.out)
    assert ran.code == 1
    assert report["files"] == 2
    assert [set(problem) for problem in report["problems"]] == [
        {"file", "line", "column", "rule", "severity", "message", "hint", "path"}
    ]
    assert report["problems"][0]["path"] == "payload.messages"


@pytest.mark.parametrize("form", ["github", "sarif", "junit"])
def test_validate_for_ci(wirefile: Run, bad: Path, form: str) -> None:
    ran = wirefile("validate", str(bad), "--format", form)
    assert ran.code == 1
    if form == "github":
        assert ran.out.startswith(f"::error file={bad},line=")
    elif form == "sarif":
        result = json.loads(ran.out)["runs"][0]["results"][0]
        assert result["ruleId"] == "undefined-variable"
        assert result["locations"][0]["physicalLocation"]["region"]["startColumn"] == 17
    else:
        assert ElementTree.fromstring(ran.out).get("failures") == "1"


def test_validate_without_paths_takes_the_catalog_s_files(wirefile: Run, chirp: Path) -> None:
    report = json.loads(wirefile("validate", "--providers", str(chirp), "--format", "json").out)
    assert report == {"files": 1 + len(list((ROOT / "providers").glob("*.yaml"))), "problems": []}


def test_validate_takes_folders_globs_and_stdin(wirefile: Run, process: Run, chirp: Path) -> None:
    assert json.loads(wirefile("validate", str(chirp), "--format", "json").out)["files"] == 1
    assert json.loads(wirefile("validate", f"{chirp}/*.yaml", "--format", "json").out)["files"] == 1
    ran = process("validate", "-", stdin=b"a: 'x")
    assert ran.code == 1
    assert ran.out.startswith("<stdin>:1:4: yaml-syntax:")


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "glob", "unreadable bytes"])
def test_what_cannot_be_read_is_a_problem(wirefile: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("*.yml" if kind == "glob" else "x.yaml")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "unreadable bytes":
        path.write_bytes(b"\xff\xfe\x00")
    ran = wirefile("validate", "--no-source", str(path))
    assert ran.code == 1
    assert f"{path}:1:1: " in ran.out
    assert len(ran.out.splitlines()) == 1


# --- render, decode, test ---


def test_render_http(wirefile: Run) -> None:
    ran = wirefile("render", "acytoo", "hi", "-p", "temperature=0.7")
    head, _, body = ran.out.partition("\n\n")
    assert head.splitlines()[:2] == ["POST /api/completions HTTP/1.1", "host: chat.acytoo.com"]
    assert body == (
        '{"key":"","model":"gpt-3.5-turbo","messages":[{"role":"user","content":"hi"}],"temperature":0.7,"password":""}\n'
    )


def test_render_masks_secrets(wirefile: Run, chirp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRP_API_KEY", "sk-canary-7f3a")
    for form in ("http", "curl", "json"):
        ran = wirefile("--providers", str(chirp), "render", "chirp:best", "hi", "--no-stream", "--format", form)
        assert ran.code == 0
        assert "canary" not in ran.out + ran.err
        assert "CHIRP_API_KEY" in ran.out
        assert "chirp-2" in ran.out
    assert json.loads(ran.out)["json"]["stream"] is False


def test_render_as_curl_is_a_command_that_sends_the_same(wirefile: Run, chirp: Path) -> None:
    ran = wirefile("--providers", str(chirp), "render", "chirp", "it's <HOME> $HOME `x`", "--format", "curl")
    script = f'curl() {{ printf "%s\\0" "$@"; }}\n{ran.out}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, env={"CHIRP_API_KEY": "key"}, check=True)
    words = done.stdout.decode().split("\0")
    assert "authorization: Bearer key" in words
    assert json.loads(words[words.index("--data-raw") + 1])["messages"][0]["content"] == "it's <HOME> $HOME `x`"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-p", "temperature=1"], 1),
        (["-p", "temperature:=0.25"], 0.25),
    ],
)
def test_parameters_are_typed_by_their_declaration(wirefile: Run, words: list[str], expected: Any) -> None:
    ran = wirefile("render", "acytoo", "hi", *words, "--format", "json")
    assert json.loads(ran.out)["json"]["temperature"] == expected


def test_decode(wirefile: Run, process: Run, chirp: Path, tmp_path: Path) -> None:
    assert process("decode", "acytoo", stdin="Привет! Как дела?".encode()).out == "Привет! Как дела?\n"
    recorded = tmp_path / "reply"
    recorded.write_bytes(Catalog(chirp).spec("chirp").examples[0].reply.body)
    common = ("--providers", str(chirp), "decode", "chirp", str(recorded))
    events = [json.loads(line) for line in wirefile(*common, "--format", "events").out.splitlines()]
    assert [event["type"] for event in events] == ["text_delta", "text_delta", "usage", "finish"]
    answer = json.loads(wirefile(*common, "--format", "json").out)
    assert (answer["text"], answer["finish"], answer["usage"]["output_tokens"]) == ("Hello ✓", "stop", 2)


def test_decode_tells_errors_as_a_live_call_would(process: Run, chirp: Path) -> None:
    cut = process("decode", "chirp", "--providers", str(chirp), stdin=b'data: {"delta": {"text": "Hel"}}\n\n')
    assert (cut.code, cut.out) == (5, "Hel\n")
    assert "broke off" in cut.err
    words = ("decode", "chirp", "--providers", str(chirp), "--format", "json")
    part = json.loads(process(*words, stdin=b'data: {"delta": {"text": "Hel"}}\n\n').out)
    assert (part["text"], part["error"]["kind"]) == ("Hel", "truncated")
    refused = process("decode", "acytoo", "--status", "503", "--header", "retry-after: 3", stdin=b"busy")
    assert (refused.code, refused.out) == (4, "")
    assert "unavailable" in refused.err
    assert process("decode", "acytoo", "--header", "nonsense").code == 2
    assert process("decode", "acytoo", "/no/such/file").code == 2


def test_test(wirefile: Run, chirp: Path) -> None:
    ran = wirefile("test", str(chirp), ACYTOO)
    assert ran.code == 0
    assert ran.out.count("ok ") == 6
    (chirp / "chirp.yaml").write_text(CHIRP.replace("text: Hello ✓", "text: Bye"), "utf-8")
    ran = wirefile("test", str(chirp))
    assert ran.code == 1
    assert f'{chirp / "chirp.yaml"}:51:14  expect.text\n        - "Bye"\n        + "Hello ✓"\n' in ran.out
    report = json.loads(wirefile("test", str(chirp), "--json").out)
    assert (report["passed"], report["failed"]) == (3, 1)


def test_test_reports_an_invalid_file(wirefile: Run, bad: Path) -> None:
    ran = wirefile("test", str(bad))
    assert ran.code == 1
    assert "undefined-variable" in ran.out


# --- chat ---


def test_chat_with_a_mock(wirefile: Run) -> None:
    ran = wirefile("chat", "acytoo", "--mock", "Привет! Как дела?")
    assert (ran.code, ran.out) == (
        0,
        "This is a mock of Acytoo; no model has answered. You said: «Привет! Как дела?»\n",
    )


def test_chat_answers_from_an_example(wirefile: Run) -> None:
    assert wirefile("chat", "acytoo", "--mock", 'Привет! {{ x }} "q"').out == "Привет! Как дела?\n"


def test_chat_as_json(wirefile: Run, chirp: Path) -> None:
    ran = wirefile("--providers", str(chirp), "chat", "chirp:best", "--mock", "Hi there", "--json", "-s", "be brief")
    answer = json.loads(ran.out)
    assert answer["text"].endswith("«Hi there»")
    assert answer["message"]["role"] == "assistant"


def test_chat_needs_no_secret_for_a_mock_and_names_it_otherwise(wirefile: Run, chirp: Path) -> None:
    common = ("--providers", str(chirp), "chat", "chirp")
    assert wirefile(*common, "--mock", "Hello").code == 0
    ran = wirefile(*common, "Hello")
    assert ran.code == 2
    assert "CHIRP_API_KEY" in ran.err


def test_adjustments_are_told(wirefile: Run, chirp: Path) -> None:
    ran = wirefile("--providers", str(chirp), "chat", "chirp", "--mock", "Hello", "-p", "temperature=7")
    assert "note: temperature: 7 is out of range, 1 is sent" in ran.err


def test_chat_reads_stdin(process: Run) -> None:
    for words in (["-"], []):
        assert process("chat", "acytoo", "--mock", *words, stdin="Привет\n".encode()).out.endswith("«Привет»\n")


@pytest.mark.parametrize(
    "text", ["123", "None", "[1, 2]", "{{ 7*7 }}", "'quoted'", 'a "b"\n c', "x\u2028y", "{% raw %}", "-1"]
)
def test_a_prompt_keeps_its_form(wirefile: Run, text: str) -> None:
    assert wirefile("chat", "acytoo", "--mock", "--", text).out.endswith(f"«{text}»\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["chat", "acyto", "hi"], 2, "did you mean 'acytoo'?"),
        (["chat", "zzzzzz", "hi"], 2, "wirefile list"),
        (["chta", "acytoo", "hi"], 2, "did you mean 'chat'?"),
        (["chat", "acytoo", "--mok", "hi"], 2, "--mock"),
        (["chat", "acytoo", "hi"], 2, "--force"),
        (["chat", "acytoo:gpt-5", "--mock", "hi"], 2, "gpt-3.5-turbo"),
        (["chat", "acytoo", "--mock", "-p", "temperature=hot", "hi"], 2, "number"),
        (["chat", "acytoo", "--mock", "-p", "temperature=9", "hi"], 2, "0 to 2"),
        (["chat", "acytoo", "--mock", "-p", "tempratur=1", "hi"], 2, "did you mean 'temperature'?"),
        (["chat", "acytoo", "--mock", "-p", "temperature", "hi"], 2, "k=v"),
        (["chat", "acytoo", "--mock", "-p", "temperature:=x", "hi"], 2, "JSON"),
        (["chat", "acytoo", "--mock", "   "], 2, "empty"),
        (["chat", "acytoo", "--base-url", "ftp://x", "hi"], 2, "http://host"),
        (["chat", "acytoo", "--base-url", "http://127.0.0.1:1", "hi"], 3, "cannot be reached"),
        (["chat", "acytoo", "--mock", "--proxy", "nonsense", "hi"], 2, "proxy"),
        (["chat", "./no-such.yaml", "hi"], 2, "cannot be read"),
        (["--providers", "/no/such/folder", "list"], 2, "no folder"),
        (["mock", "acytoo", "--fault", "explode"], 2, "busy"),
        (["render", "acytoo"], 2, "PROMPT"),
    ],
)
def test_mistakes_are_one_line_with_the_next_step(wirefile: Run, words: list[str], code: int, says: str) -> None:
    ran = wirefile(*words)
    assert ran.code == code
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert len(lines) == 1 + ("--proxy" in words), ran.err
    assert says in lines[-1]


def test_the_bare_command_shows_its_help(wirefile: Run) -> None:
    ran = wirefile()
    assert ran.code == 2
    assert ran.err.startswith("Usage: wirefile")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_standard_stream_is_no_fault(closed: str) -> None:
    command = f'"{sys.executable}" -m engine chat acytoo --mock {"" if closed == "<&-" else "x"} {closed}'
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == (2 if closed == "<&-" else 0)
    assert "fault" not in done.stderr


def test_a_full_disk_is_one_line() -> None:
    command = f'"{sys.executable}" -m engine list >/dev/full'
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "wirefile: No space left on device\n")


def test_an_invalid_file_names_all_of_its_problems(wirefile: Run, bad: Path) -> None:
    ran = wirefile("chat", str(bad), "--mock", "hi")
    assert ran.code == 2
    assert "undefined-variable" in ran.err


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [("busy", 4, "unavailable"), ("cut", 5, "broke off"), ("reset", 3, "lost"), ("stall", 3, "timeout.total")],
)
def test_a_broken_answer_is_printed_as_far_as_it_came(wirefile: Run, fault: Any, code: int, says: str) -> None:
    with MockServer(Catalog().provider("acytoo"), fault=fault) as mock:
        ran = wirefile("chat", "acytoo", "--base-url", mock.url, "--timeout", "1.5", "Привет")
    assert ran.code == code
    assert says in ran.err
    assert ran.out.startswith("" if fault == "busy" else "This is a mock")
    assert "Привет" not in ran.out


def test_a_broken_answer_as_json_says_so(wirefile: Run) -> None:
    with MockServer(Catalog().provider("acytoo"), fault="cut") as mock:
        ran = wirefile("chat", "acytoo", "--base-url", mock.url, "--json", "Привет")
    report = json.loads(ran.out)
    assert ran.code == 5
    assert report["error"]["kind"] == "truncated"
    assert report["text"].startswith("This is a mock")


# --- processes: streams, pipes, signals, terminals ---


def start(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "engine", *words], env=environment(), **options)


def test_the_answer_appears_as_it_arrives() -> None:
    with MockServer(Catalog().provider("acytoo"), fault="stall") as mock:
        chat = start("chat", "acytoo", "--base-url", mock.url, "Hi", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert chat.stdout is not None
        assert os.read(chat.stdout.fileno(), 4)
        assert chat.poll() is None
        chat.send_signal(signal.SIGINT)
        _, err = chat.communicate(timeout=20)
    assert chat.returncode == 130
    assert err.decode() == "wirefile: interrupted\n"


def test_ctrl_c_ends_the_mock() -> None:
    mock = start("mock", "acytoo", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert mock.stdout is not None
    assert mock.stdout.readline().startswith(b"http://127.0.0.1:")
    mock.send_signal(signal.SIGINT)
    _, err = mock.communicate(timeout=20)
    assert mock.returncode == 130
    assert b"Traceback" not in err


def test_a_closed_pipe_is_no_traceback() -> None:
    chat = start("show", "acytoo", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert chat.stdout is not None
    assert chat.stderr is not None
    chat.stdout.close()
    err = chat.stderr.read().decode()
    chat.stderr.close()
    assert chat.wait(20) == 130
    assert err == "wirefile: the output was closed before everything was written\n"


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.screen, tty = pty.openpty()
        self.process = start(*words, stdin=tty, stdout=tty, stderr=tty, start_new_session=True)
        os.close(tty)
        self.seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.screen)

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def wait_for(self, text: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.screen], [], [], max(0, end - time.monotonic()))
            assert ready, self.seen.decode(errors="replace")
            try:
                self.seen += os.read(self.screen, 65536)
            except OSError:
                break
        assert text.encode() in self.seen, self.seen.decode(errors="replace")
        self.seen = self.seen.split(text.encode(), 1)[1]


def test_a_conversation_keeps_its_history() -> None:
    bodies: list[dict[str, Any]] = []
    provider = Catalog().provider("acytoo")
    with MockServer(provider) as mock:
        answer = mock.answer
        mock.answer = lambda m, t, h, b: (bodies.append(json.loads(b)), answer(m, t, h, b))[1]  # type: ignore[method-assign]
        with Terminal("chat", "acytoo", "--base-url", mock.url, "-s", "be brief") as terminal:
            terminal.wait_for("> ")
            terminal.type("first\n")
            terminal.wait_for("«first»")
            terminal.wait_for("> ")
            terminal.type("second\n")
            terminal.wait_for("«second»")
            terminal.wait_for("> ")
            terminal.type("\x04")
            assert terminal.process.wait(20) == 0
    assert [message["role"] for message in bodies[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert bodies[1]["messages"][2]["content"].endswith("«first»")


def test_ctrl_c_at_the_prompt_ends_with_130() -> None:
    with Terminal("chat", "acytoo", "--base-url", "http://127.0.0.1:1") as terminal:
        terminal.wait_for("> ")
        for _ in range(10):
            # One that comes between the prompt and readline's wait is only seen at the next key; one that comes while
            # Python takes itself down kills it.
            terminal.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                terminal.process.wait(3)
                break
        assert terminal.process.returncode == 130


def test_no_control_character_reaches_a_terminal_raw(tmp_path: Path) -> None:
    recorded = tmp_path / "evil"
    recorded.write_bytes("a\x1b]0;owned\x07b\x9b31mc\u202ed".encode())
    with Terminal("decode", "acytoo", str(recorded)) as terminal:
        terminal.wait_for("c\ufffdd")
    done = subprocess.run(
        [sys.executable, "-m", "engine", "decode", "acytoo", str(recorded)],
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert done.stdout == recorded.read_bytes() + b"\n"


def test_printable() -> None:
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable("\x1b\x00\r\x7f\x85") == "␛␀␍\ufffd\ufffd"


def test_nothing_of_this_leaves_a_thread() -> None:
    assert threading.active_count() == 1


def test_a_file_that_is_named_by_its_path_is_called_where_the_caller_says(wirefile: Run, chirp: Path) -> None:
    file = str(chirp / "chirp.yaml")
    assert wirefile("chat", file, "--mock", "--no-stream", "hi").out.endswith("«hi»\n")
    with MockServer(Catalog(chirp).provider("chirp")) as mock:
        missing = wirefile("chat", file, "--base-url", mock.url, "hi")
        assert (missing.code, "CHIRP_API_KEY" in missing.err) == (2, True)


def _close_when_read(pipe: int) -> None:
    """Close a pipe when somebody has taken what is in it, however long a busy machine takes to begin."""
    waiting = bytearray(4)
    for _ in range(3000):
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        if not any(waiting):
            break
        time.sleep(0.01)
    os.close(pipe)


def test_decode_reads_a_fifo_that_is_filled_and_waits_for_no_other(process: Run, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    empty = process("decode", "acytoo", str(fifo))
    assert empty.code == 2
    assert "is a FIFO, and nothing was written to it" in empty.err
    keeps_it_open = os.open(fifo, os.O_RDWR)
    os.write(keeps_it_open, "Привет".encode())
    threading.Thread(target=_close_when_read, args=[keeps_it_open]).start()
    assert process("decode", "acytoo", str(fifo)).out == "Привет\n"


def test_render_with_extras(wirefile: Run, chirp: Path) -> None:
    words = ["--providers", str(chirp), "render", "chirp", "hi", "--extra-header", "x-beta: a"]
    words += ["--extra-header", "cookie: id=12345", "--extra-body", '{"temperature": 9, "top_k": 1}']
    ran = wirefile(*words)
    assert ran.code == 0
    assert "x-beta: a\ncookie: ***\n" in ran.out
    assert '"top_k":1' in ran.out
    assert "note: extra_body.top_k: 1 is sent as it is" in ran.err
    assert "12345" not in ran.out + ran.err
    assert wirefile(*words[:5], "--extra-body", "{").code == 2
    assert "--extra-header takes k:v" in wirefile(*words[:5], "--extra-header", "x").err


@pytest.mark.parametrize("verb", ["render", "chat"])
def test_strict(wirefile: Run, chirp: Path, verb: str) -> None:
    words = ["--providers", str(chirp), verb, "chirp", "hi", "-p", "temperature=3", *["--mock"] * (verb == "chat")]
    ran = wirefile(*words)
    assert (ran.code, "note: temperature: 3 is out of range, 1 is sent" in ran.err) == (0, True)
    strict = wirefile(*words, "--strict")
    assert (strict.code, strict.out) == (2, "")
    assert "chirp, strictly: temperature: 3 is out of range" in strict.err
    assert "a mock of" not in strict.err


@pytest.mark.parametrize(
    ("word", "value"), [("stop=x", "x"), ('stop=["x"]', ["x"]), ("stop:=[1]", [1]), ("stop=true", "true")]
)
def test_a_word_for_a_parameter_of_several_types(word: str, value: object) -> None:
    from engine.cli.options import parameters
    from engine.loader import load_text

    from .badfiles import text_of

    spec = load_text(text_of(params="params: {stop: {type: [string, array], maps_to: stop}}", payload="payload: {}"))
    assert parameters(spec, [word]) == {"stop": value}


def test_decode_reads_as_the_model_answers(wirefile: Run, tmp_path: Path) -> None:
    patch = "allow: [chirp-1, chirp-2], patches: [{match: '*-2', response: {whole: {rules: [{text: said}]}}}]"
    (tmp_path / "chirp.yaml").write_text(CHIRP.replace("allow: [chirp-1, chirp-2]", patch))
    (tmp_path / "answer.json").write_text('{"text": "one", "said": "two"}')
    words = ["--providers", str(tmp_path), "decode"]
    answer = [str(tmp_path / "answer.json"), "--header", "content-type: application/json"]
    assert wirefile(*words, "chirp", *answer).out == "one\n"
    assert wirefile(*words, "chirp:chirp-2", *answer).out == "two\n"
    assert wirefile(*words, "chirp:best", *answer).out == "two\n"
    assert wirefile(*words, "chirp:other", *answer).code == 2
    resolved = wirefile("--providers", str(tmp_path), "show", "chirp", "--resolved").out
    assert re.search(r"match: *\"\*-2\" +# .*chirp.yaml:4", resolved)
