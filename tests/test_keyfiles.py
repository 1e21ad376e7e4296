"""Secrets in JSON files that a variable names: read within bounds, refused with a next step, quoted by no message."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

import pytest

from engine.deployment import Deployment
from engine.errors import MissingSecretError
from engine.keyfiles import MAX_BYTES, value_in_file
from engine.loader import load_text
from engine.spec import ProviderSpec
from tests.badfiles import problems, text_of

PEM = "-----BEGIN PRIVATE KEY-----\nQ2FuYXJ5\nQ2FuYXJ5\n-----END PRIVATE KEY-----\n"
ACCOUNT = {"type": "service_account", "private_key": PEM, "key": {"id": "k-1"}, "port": 1, "empty": ""}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(ACCOUNT))
    return path


def spec_of(path: str, auth: str = "{type: jwt, algorithm: HS256, key: k}", more: str = "") -> ProviderSpec:
    declared = f"secrets: {{k: {{env: [ACME_FILE], json: {path}}}{more}}}"
    return load_text(text_of(secrets=declared, auth=f"auth: {auth}"))


def test_a_value_at_a_path_of_the_file(account: Path) -> None:
    assert value_in_file(str(account), "private_key") == (PEM, "")
    assert value_in_file(str(account), "key.id") == ("k-1", "")
    _, secrets = Deployment(environ={"ACME_FILE": str(account)}).resolve_auth(spec_of("private_key"))
    assert (secrets["k"].reveal(), secrets["k"].name) == (PEM, "ACME_FILE")


def test_the_caller_gives_the_value_itself() -> None:
    _, secrets = Deployment(secrets={"k": "v"}).resolve_auth(spec_of("private_key"))
    assert secrets["k"].reveal() == "v"


def broken(folder: Path) -> list[tuple[str, str, str]]:
    """What a variable may name: a name for the case, the file, and what is said of it."""
    (folder / "list.json").write_text('["Canary"]')
    (folder / "text.json").write_text('{"private_key": Canary}')
    (folder / "bytes.json").write_bytes(b'{"private_key": "\xff Canary"}')
    (folder / "deep.json").write_text("[" * 60_000)
    (folder / "big.json").write_text(json.dumps({"private_key": "Canary" * MAX_BYTES}))
    (folder / "other.json").write_text('{"refresh_token": "Canary"}')
    (folder / "number.json").write_text('{"private_key": 12345678}')
    (folder / "empty.json").write_text('{"private_key": ""}')
    os.mkfifo(folder / "pipe.json")
    return [
        ("missing", str(folder / "none.json"), "cannot be read"),
        ("a folder", str(folder), "no file|cannot be read"),
        ("a pipe", str(folder / "pipe.json"), "no file"),
        ("a device", "/dev/zero", "no file"),
        ("a NUL", "a\0b", "cannot be read"),
        ("a list", str(folder / "list.json"), "no text at 'private_key'"),
        ("no JSON", str(folder / "text.json"), "no JSON"),
        ("no UTF-8", str(folder / "bytes.json"), "no JSON"),
        ("too deep", str(folder / "deep.json"), "no JSON"),
        ("too big", str(folder / "big.json"), "more than 64 KiB"),
        ("another kind", str(folder / "other.json"), "no text at 'private_key'"),
        ("a number", str(folder / "number.json"), "no text at 'private_key'"),
        ("empty", str(folder / "empty.json"), "no text at 'private_key'"),
    ]


def test_what_cannot_be_used_is_named_and_not_quoted(tmp_path: Path) -> None:
    for case, file, words in broken(tmp_path):
        with pytest.raises(MissingSecretError, match=f"needs the secret 'k'; ACME_FILE names .*({words})") as caught:
            Deployment(environ={"ACME_FILE": file}).resolve_auth(spec_of("private_key"))
        whole = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "Canary" not in whole.replace("Canary' not in", ""), case
        assert "12345678" not in whole, case
        assert "\n" not in str(caught.value), case


def test_a_file_of_another_kind_leaves_the_way_to_the_next(tmp_path: Path, account: Path) -> None:
    user = tmp_path / "user.json"
    user.write_text('{"refresh_token": "r-1"}')
    auth = "[{type: jwt, algorithm: HS256, key: k}, {type: bearer, secret: r}]"
    spec = spec_of("private_key", auth, ", r: {env: [ACME_FILE], json: refresh_token}")

    def chosen(file: Path) -> Any:
        auth, secrets = Deployment(environ={"ACME_FILE": str(file)}).resolve_auth(spec)
        assert auth is not None
        return auth.type, list(secrets)

    assert chosen(account) == ("jwt", ["k"])
    assert chosen(user) == ("bearer", ["r"])
    user.write_text("{}")
    with pytest.raises(MissingSecretError, match=r"at 'private_key'.* or .*at 'refresh_token'"):
        chosen(user)


def test_a_key_of_several_lines_goes_into_no_header(account: Path) -> None:
    from engine.chat_request import ChatRequest
    from engine.rendering import Renderer

    for auth in ("{type: bearer, secret: k}", "{type: header, name: a, secret: k}"):
        with pytest.raises(MissingSecretError, match="several lines") as caught:
            Renderer(spec_of("private_key", auth)).render(
                ChatRequest.of("hi"), Deployment(environ={"ACME_FILE": str(account)})
            )
        assert "Q2FuYXJ5" not in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "-----BEGIN X-----\n\u00e9\n-----END X-----", "-----BEGIN X-----\nabc"])
def test_only_a_whole_key_in_pem_form_has_several_lines(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"private_key": value}))
    with pytest.raises(MissingSecretError, match="has a line break"):
        Deployment(environ={"ACME_FILE": str(path)}).resolve_auth(spec_of("private_key"))


def test_the_path_in_the_file_is_checked_at_load() -> None:
    found = problems(text_of(secrets="secrets: {k: {env: [A], json: a..b}}"))
    assert [problem.rule for problem in found] == ["bad-path"]


@pytest.mark.parametrize("variable", ["GOOGLE_APPLICATION_CREDENTIALS", "KUBECONFIG"])
def test_variables_that_name_files_of_credentials_are_protected(variable: str) -> None:
    found = problems(text_of(secrets=f"secrets: {{k: {{env: [{variable}], json: private_key}}}}"))
    assert [problem.rule for problem in found] == ["env-not-allowed"]
