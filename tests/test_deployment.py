"""What the caller decides: settings, secrets and the environment that they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.deployment import Deployment
from engine.errors import MissingSecretError, ParameterError, SpecError
from engine.loader import load_text
from engine.spec import ProviderSpec
from tests.badfiles import text_of


def with_settings(declared: str, **parts: str) -> ProviderSpec:
    return load_text(text_of(settings=f"settings: {declared}", **parts))


def with_auth(secrets: str, auth: str) -> ProviderSpec:
    return load_text(text_of(secrets=f"secrets: {secrets}", auth=f"auth: {auth}"))


def test_a_setting_comes_from_the_caller_then_the_environment_then_the_file() -> None:
    spec = with_settings("{region: {env: ACME_REGION, default: eu}}")
    environ = {"ACME_REGION": "us"}
    assert Deployment(settings={"region": "jp"}, environ=environ).resolve_settings(spec) == {"region": "jp"}
    assert Deployment(environ=environ).resolve_settings(spec) == {"region": "us"}
    assert Deployment(environ={"ACME_REGION": ""}).resolve_settings(spec) == {"region": "eu"}
    assert Deployment(settings={"region": None}).resolve_settings(spec) == {"region": "eu"}


def test_a_setting_is_of_its_type() -> None:
    spec = with_settings("{port: {type: integer, env: PORT_VAR}, name: {default: a, enum: [a, b]}}")
    assert Deployment(environ={"PORT_VAR": "8080"}).resolve_settings(spec) == {"port": 8080, "name": "a"}
    for bad in ("80a", "8.0", "9" * 19, 8.0, True, [80]):
        with pytest.raises(ParameterError, match="'port' of acme is of type integer"):
            Deployment(settings={"port": bad}).resolve_settings(spec)
    for name, words in (("c", "one of: a, b"), (5, "type string"), ("", "type string")):
        with pytest.raises(ParameterError, match=words):
            Deployment(settings={"port": 1, "name": name}).resolve_settings(spec)


def test_an_unknown_or_missing_setting_is_named() -> None:
    spec = with_settings("{region: {env: ACME_REGION}, zone: {}}")
    with pytest.raises(ParameterError, match=r"no setting 'regoin'; did you mean 'region'\?"):
        Deployment(settings={"regoin": "eu"}).resolve_settings(spec)
    with pytest.raises(ParameterError, match=r"needs the setting 'region'.* or set ACME_REGION"):
        Deployment().resolve_settings(spec)
    with pytest.raises(ParameterError, match="needs the setting 'zone'"):
        Deployment(settings={"region": "a"}).resolve_settings(spec)


def test_a_base_url_stands_for_the_settings_of_the_url() -> None:
    url = 'url: "https://{{ region }}.acme.com"'
    spec = with_settings("{region: {}}", url=url, title="title: the region matters")
    assert Deployment(base_url="http://localhost").resolve_settings(spec) == {}
    literal = with_settings("{region: {}}", url=url, payload='payload: {region: "the region of {{ model }}"}')
    assert Deployment(base_url="http://localhost").resolve_settings(literal) == {}
    used = [{"path": 'path: "/{{ region }}"'}, {"payload": "payload: {a: {$when: region == 'eu', b: 1}}"}]
    for parts in used:
        with pytest.raises(ParameterError, match="needs the setting 'region'"):
            Deployment(base_url="http://localhost").resolve_settings(with_settings("{region: {}}", url=url, **parts))


ONE = ("{k: {env: [FIRST, SECOND]}}", "{type: bearer, secret: k}")


@pytest.mark.parametrize(
    ("deployment", "value", "name"),
    [
        ({"environ": {"FIRST": "a", "SECOND": "b"}}, "a", "FIRST"),
        ({"environ": {"FIRST": "", "SECOND": "b"}}, "b", "SECOND"),
        ({"environ": {"FIRST": "a"}, "secrets": {"k": "c"}}, "c", "FIRST"),
        ({"environ": {"FIRST": "a"}, "placeholders": True}, "<FIRST>", "FIRST"),
        ({"placeholders": True}, "<FIRST>", "FIRST"),
    ],
)
def test_where_a_secret_comes_from(deployment: dict[str, Any], value: str, name: str) -> None:
    auth, secrets = Deployment(**deployment).resolve_auth(with_auth(*ONE))
    assert auth is not None
    assert (secrets["k"].reveal(), secrets["k"].name) == (value, name)


def test_a_missing_secret_names_its_variables() -> None:
    with pytest.raises(MissingSecretError, match="needs the secret 'k'; set the variable FIRST or SECOND"):
        Deployment(environ={"FIRST": ""}).resolve_auth(with_auth(*ONE))


@pytest.mark.parametrize("value", ["key\n", "key\r\n", " key", "key ", "kéy", "k\0y", "\t", "\ud800", "ключ"])
def test_a_bad_secret_is_named_and_not_shown(value: str) -> None:
    with pytest.raises(MissingSecretError, match="FIRST") as caught:
        Deployment(environ={"FIRST": value}).resolve_auth(with_auth(*ONE))
    assert value.strip() == "" or value.strip() not in str(caught.value)


def test_a_bad_secret_of_a_file_is_in_no_frame_of_its_error(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"key": "secret-of-acme\\n"}')
    spec = with_auth("{k: {env: [FILE], json: key}}", "{type: bearer, secret: k}")
    with pytest.raises(MissingSecretError, match="the value of FILE") as caught:
        Deployment(environ={"FILE": str(tmp_path / "key.json")}).resolve_auth(spec)
    assert "secret-of-acme" not in "".join(repr(entry.frame.f_locals) for entry in caught.traceback[1:])


LIST = ("{a: {env: [A]}, b: {env: [B]}, c: {env: [C]}}",)
WAYS = "[{type: basic, user: a, password: b}, {type: bearer, secret: c}]"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [({"A": "1", "B": "2", "C": "3"}, "basic"), ({"A": "1", "C": "3"}, "bearer"), ({"C": "3"}, "bearer")],
)
def test_of_several_ways_the_first_whose_secrets_are_there(environ: dict[str, str], kind: str) -> None:
    auth, secrets = Deployment(environ=environ).resolve_auth(with_auth(*LIST, WAYS))
    assert auth is not None
    assert auth.type == kind
    assert set(secrets) == set(auth.secrets)


def test_of_several_ways_none_is_possible() -> None:
    with pytest.raises(MissingSecretError, match="the secret 'b'; set the variable B or C"):
        Deployment(environ={"A": "1"}).resolve_auth(with_auth(*LIST, WAYS))
    auth, secrets = Deployment().resolve_auth(with_auth(*LIST, WAYS.replace("]", ", {type: none}]")))
    assert auth is not None
    assert (auth.type, secrets) == ("none", {})


def test_an_optional_secret_may_be_missing() -> None:
    spec = with_auth("{k: {env: [K], optional: true}}", "{type: bearer, secret: k}")
    assert Deployment().resolve_auth(spec) == (None, {})
    assert Deployment(environ={"K": "x"}).resolve_auth(spec)[0] is not None
    half = with_auth("{k: {env: [K], optional: true}, u: {env: [U]}}", "{type: basic, user: u, password: k}")
    with pytest.raises(MissingSecretError, match="'u'"):
        Deployment().resolve_auth(half)


def test_a_file_without_auth_needs_nothing() -> None:
    assert Deployment().resolve_auth(load_text(text_of())) == (None, {})


def test_secrets_and_the_environment_are_not_in_the_repr() -> None:
    assert "hidden" not in repr(Deployment(secrets={"k": "hidden"}, environ={"K": "hidden"}))


def test_an_optional_setting_is_omitted_where_nobody_gives_it() -> None:
    spec = load_text(
        "spec_version: 1\nname: x\nabstract: true\nsettings: {project: {env: X_PROJECT, optional: true}}\n"
        'url: https://x.example\npayload: {project: "{{ project }}"}\n'
    )
    assert Deployment().resolve_settings(spec) == {}
    assert Deployment(placeholders=True).resolve_settings(spec) == {}
    assert Deployment(environ={"X_PROJECT": "p"}).resolve_settings(spec) == {"project": "p"}


def test_a_setting_that_the_url_needs_is_not_optional() -> None:
    with pytest.raises(SpecError, match="is not optional"):
        with_settings("{host: {optional: true}}", url='url: "https://{{ host }}.example.com"')
