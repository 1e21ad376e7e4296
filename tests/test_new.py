# ruff: noqa: E501  (commands are as they were copied)
"""`wirefile new`: what it writes, what it refuses, what it says."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from .conftest import Run
from .curls import CANARY

CURL = f"""curl https://api.acme.example/v1/chat/completions -H 'Authorization: Bearer {CANARY}' --json '{{"model":"m","messages":[{{"role":"user","content":"Hi"}}]}}'"""
REPLY = json.dumps(
    {
        "id": "c",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    }
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_written_and_works(wirefile: Run, here: Path) -> None:
    (here / "reply.json").write_text(REPLY, encoding="utf-8")
    ran = wirefile("new", "acme", "--from-curl", CURL, "--reply", "reply.json")
    assert (ran.code, ran.out) == (0, "")
    assert "wrote acme.yaml, extends openai-chat" in ran.err
    assert "ACME_API_KEY" in ran.err
    assert "wirefile validate acme.yaml" in ran.err
    assert CANARY not in ran.err + (here / "acme.yaml").read_text(encoding="utf-8")
    assert sorted(path.name for path in here.iterdir()) == ["acme.yaml", "reply.json"]
    assert wirefile("validate", "acme.yaml").code == 0
    assert wirefile("test", "acme.yaml").code == 0
    assert wirefile("chat", "acme", "--providers", ".", "--mock", "Hi").out
    rendered = wirefile("render", "acme", "--providers", ".", "--format", "curl", "Hi")
    assert "${ACME_API_KEY}" in rendered.out


def test_what_render_shows_is_read_back(wirefile: Run, here: Path) -> None:
    assert wirefile("new", "acme", "--from-curl", CURL).code == 0
    shown = wirefile("render", "acme", "--providers", ".", "--format", "curl", "What's «new»?").out
    assert wirefile("new", "again", "--from-curl", shown).code == 0
    text = (here / "again.yaml").read_text(encoding="utf-8")
    assert "What's «new»?" in text
    assert "env: [ACME_API_KEY]" in text


def test_standard_output_and_input(process: Run) -> None:
    ran = process("new", "acme", "--from-curl", "-", "-o", "-", stdin=CURL.encode())
    assert ran.code == 0
    assert ran.out.startswith("# yaml-language-server")
    assert CANARY not in ran.out + ran.err


def test_nothing_is_written_over(wirefile: Run, here: Path) -> None:
    (here / "acme.yaml").write_text("mine", encoding="utf-8")
    ran = wirefile("new", "acme", "--from-curl", CURL)
    assert ran.code == 2
    assert "--force" in ran.err
    assert (here / "acme.yaml").read_text(encoding="utf-8") == "mine"
    assert wirefile("new", "acme", "--from-curl", CURL, "--force").code == 0
    assert (here / "acme.yaml").read_text(encoding="utf-8") != "mine"
    assert wirefile("new", "acme", "--from-curl", CURL, "-o", "other/acme.yaml").code == 2


def test_a_har(wirefile: Run, here: Path) -> None:
    entry = {
        "request": {
            "method": "POST",
            "url": "https://c.acme.example/api/chat",
            "headers": [{"name": "x-api-key", "value": CANARY}],
            "postData": {"mimeType": "application/json", "text": '{"prompt": "Hi"}'},
        },
        "response": {"status": 200, "content": {"mimeType": "text/plain", "text": "Hello"}},
    }
    other = json.loads(json.dumps(entry).replace("/api/chat", "/api/other"))
    (here / "x.har").write_text(json.dumps({"log": {"entries": [other, entry]}}), encoding="utf-8")
    ran = wirefile("new", "acme", "--from-har", "x.har")
    assert ran.code == 0
    assert "this is entry 2" in ran.err
    assert "--entry 1: POST https://c.acme.example/api/other" in ran.err
    assert "path: /api/chat" in (here / "acme.yaml").read_text(encoding="utf-8")
    assert CANARY not in ran.err
    assert wirefile("new", "acme", "--from-har", "x.har", "--entry", "1", "--force").code == 0
    assert "path: /api/other" in (here / "acme.yaml").read_text(encoding="utf-8")


def test_what_cannot_be_said_is_written_and_told(wirefile: Run, here: Path) -> None:
    ran = wirefile(
        "new",
        "acme",
        "--from-curl",
        """curl https://c.acme.example/a --json '{"prompt":"Hi","$when":"no condition"}'""",
    )
    assert ran.code == 1
    assert "acme.yaml:" in ran.err
    assert "not right yet" in ran.err
    assert (here / "acme.yaml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Acme", "--from-curl", CURL), "small letters"),
        (("../acme", "--from-curl", CURL), "small letters"),
        (("acme",), "--from-curl"),
        (("acme", "--from-curl", CURL, "--from-har", "x"), "--from-curl"),
        (("acme", "--from-curl", "hello"), "does not begin with curl"),
        (("acme", "--from-curl", "curl https://a.example -d @f"), "reads a file"),
        (("acme", "--from-curl", CURL, "--reply", "none.txt"), "none.txt"),
        (("acme", "--from-curl", CURL, "--reply", "."), "regular file"),
        (("acme", "--from-curl", CURL, "--entry", "1"), "--from-har"),
        (("acme", "--from-har", "none.har"), "none.har"),
    ],
)
def test_refusals(wirefile: Run, here: Path, words: tuple[str, ...], message: str) -> None:
    ran = wirefile("new", *words)
    assert ran.code == 2
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
    assert list(here.iterdir()) == []
    assert CANARY not in ran.err


def test_a_name_that_belongs_to_a_built_in_file_gets_a_variable_of_its_own(wirefile: Run, here: Path) -> None:
    assert wirefile("new", "groq", "--from-curl", CURL).code == 0
    assert "env: [MY_GROQ_API_KEY]" in (here / "groq.yaml").read_text(encoding="utf-8")
    command = CURL.replace(CANARY, "$GROQ_API_KEY").replace(
        "'Authorization: Bearer $GROQ_API_KEY'", shlex.quote("Authorization: Bearer $GROQ_API_KEY")
    )
    assert wirefile("new", "acme", "--from-curl", command).code == 0
    assert "env: [ACME_API_KEY]" in (here / "acme.yaml").read_text(encoding="utf-8")
