"""What a deployment comes to is worked out once, and again when anything that it is made of says something else."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.chat_request import ChatRequest
from engine.deployment import Deployment
from engine.errors import MissingSecretError, ParameterError
from engine.expressions import Helpers
from engine.loader import load_text
from engine.provider import Provider
from engine.route import Legs
from engine.spec import ProviderSpec
from engine.standing import Standings
from tests.badfiles import text_of

KEY = "sk-canary-41f9"


def spec_of(**parts: str) -> ProviderSpec:
    return load_text(
        text_of(
            **{
                "settings": "settings: {region: {env: ACME_REGION, default: eu}, port: {type: integer, default: 1}}",
                "secrets": "secrets: {api_key: {env: [ACME_KEY, ACME_OLD_KEY]}}",
                "auth": "auth: {type: bearer, secret: api_key}",
                "url": "url: 'https://{{ region }}.acme.com'",
            }
            | parts
        )
    )


def standings(spec: ProviderSpec) -> Standings:
    return Standings(spec, Legs(spec).base, Helpers())


def deployment(environ: Mapping[str, str] | None = None, **decided: Any) -> Deployment:
    return Deployment(environ={"ACME_KEY": KEY} if environ is None else environ, **decided)


def test_the_same_deployment_is_worked_out_once() -> None:
    file = standings(spec_of())
    first = file.of(deployment())
    assert file.of(deployment()) is first
    assert file.of(deployment(settings={})) is first
    assert (first.settings, first.territory.own) == ({"region": "eu", "port": 1}, "https://eu.acme.com")


@pytest.mark.parametrize(
    "other",
    [
        deployment({"ACME_KEY": "sk-another-key"}),
        deployment({"ACME_OLD_KEY": KEY}),
        deployment({"ACME_KEY": KEY, "ACME_REGION": "us"}),
        deployment(settings={"region": "us"}),
        deployment(settings={"port": 2}),
        deployment(secrets={"api_key": KEY}),
        deployment(base_url="http://localhost:9"),
        deployment(placeholders=True),
    ],
    ids=range(8),
)
def test_what_says_something_else_is_worked_out_anew(other: Deployment) -> None:
    file = standings(spec_of())
    first = file.of(deployment())
    second = file.of(other)
    assert second is not first
    assert file.of(other) is second


def test_a_key_that_changes_is_sent_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(spec_of())
    for key in (KEY, "sk-another-key", KEY):
        monkeypatch.setenv("ACME_KEY", key)
        sent = provider.render("Hi").headers["authorization"]
        assert str.__str__(sent) == f"Bearer {key}"
    monkeypatch.delenv("ACME_KEY")
    with pytest.raises(MissingSecretError):
        provider.render("Hi")
    monkeypatch.setenv("ACME_OLD_KEY", KEY)
    assert str.__str__(provider.render("Hi").headers["authorization"]) == f"Bearer {KEY}"


def test_of_a_secret_that_is_given_no_variable_is_read() -> None:
    file = standings(spec_of())
    first = file.of(deployment({}, secrets={"api_key": KEY}))
    assert file.of(deployment({"ACME_KEY": "sk-another-key"}, secrets={"api_key": KEY})) is first
    assert file.of(deployment({"ACME_KEY": KEY}, secrets={"api_key": ""})) is not first


def test_what_a_setting_says_is_taken_for_no_secret() -> None:
    """The same texts, one behind the other, may be a secret's and a setting's."""
    file = standings(
        spec_of(
            secrets="secrets: {api_key: {env: [ACME_KEY]}, other: {env: [ACME_OTHER], optional: true}}",
            settings="settings: {region: {env: ACME_REGION, default: eu}}",
        )
    )
    environ = {"ACME_REGION": "eu", "ACME_KEY": "us", "ACME_OTHER": "de"}
    kept = file.of(deployment(environ, secrets={"api_key": "region", "other": ""}))
    assert kept.settings == {"region": "eu"}
    with pytest.raises(ParameterError, match="the setting 'region'"):
        file.of(deployment({"ACME_REGION": "de"}, settings={"region": ""}, secrets={"api_key": "eu", "other": "us"}))


def test_what_stands_in_another_place_is_something_else() -> None:
    file = standings(spec_of(settings="settings: {a: {env: ACME_A, optional: true}}", url="url: https://acme.com"))
    given = file.of(deployment({"ACME_A": "x"}, secrets={"api_key": KEY}))
    environ = {"ACME_A": "x", "ACME_KEY": KEY}
    assert file.of(deployment(environ)) is not given
    assert file.of(deployment(environ, settings={"a": "x"})).settings == {"a": "x"}


def test_a_setting_that_equals_a_good_one_is_still_refused_for_its_type() -> None:
    file = standings(spec_of())
    assert file.of(deployment(settings={"port": 1})).settings["port"] == 1
    for twin in (True, 1.0):
        with pytest.raises(ParameterError, match="of type integer"):
            file.of(deployment(settings={"port": twin}))


def test_a_secret_in_a_file_is_read_for_each_call(tmp_path: Path) -> None:
    keyfile = tmp_path / "key.json"
    provider = Provider(spec_of(secrets="secrets: {api_key: {env: [ACME_FILE], json: key}}"))
    for key in (KEY, "sk-another-key"):
        keyfile.write_text(json.dumps({"key": key}), encoding="utf-8")
        call = provider.call(request(), deployment({"ACME_FILE": str(keyfile)}))
        assert str.__str__(call.wire.headers["authorization"]) == f"Bearer {key}"


def test_what_is_kept_shows_no_secret() -> None:
    file = standings(spec_of())
    standing = file.of(deployment())
    assert standing.access().credentials.headers == (("authorization", f"Bearer {KEY}"),)
    shown = repr([vars(file), vars(standing), standing.access()])
    assert "ACME_KEY" in shown
    assert KEY not in shown


def test_no_frame_of_a_failure_holds_a_secret() -> None:
    provider = Provider(spec_of())
    provider.call(request(), deployment())
    with pytest.raises(ParameterError) as caught:
        provider.call(request(nonsense=1), deployment())
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(frames.format())


class Odd:
    """A value that cannot even be asked whether it is one."""

    def __bool__(self) -> bool:
        raise ValueError("its truth is ambiguous")

    __eq__ = __hash__ = __bool__  # type: ignore[assignment]


def test_a_secret_of_an_odd_class_is_refused_where_it_is_used() -> None:
    file = standings(spec_of(secrets="secrets: {api_key: {env: [ACME_KEY]}, other: {env: [ACME_OTHER]}}"))
    for _ in range(2):
        standing = file.of(deployment(secrets={"other": Odd()}))
        assert [secret.name for secret in standing.secrets] == ["ACME_KEY"]
        with pytest.raises(ParameterError, match="the secret 'api_key' is text, not a value of type Odd"):
            assert file.of(deployment(secrets={"api_key": Odd(), "other": KEY})).secrets


class Unreadable(dict[str, str]):
    def get(self, *_: Any) -> Any:
        raise KeyboardInterrupt


def test_no_frame_of_an_interrupted_reading_holds_a_secret() -> None:
    file = standings(spec_of())
    with pytest.raises(KeyboardInterrupt) as caught:
        file.of(deployment(Unreadable(), secrets={"api_key": KEY}))
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(frames.format())


def request(**params: Any) -> ChatRequest:
    return ChatRequest.of("Hi", **params)
