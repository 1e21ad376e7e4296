"""A variable that a built-in file reads goes to that file's hosts, whoever reads it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from engine import Catalog
from engine.caller import Caller
from engine.errors import SpecError, UnknownProviderError
from engine.folders import builtin_folder
from engine.loader import bound, load, problems_of
from tests.badfiles import problems, text_of
from tests.conftest import ROOT
from tests.faults import fault

RULE = "env-of-another-host"


def rules(**parts: str) -> list[str]:
    return [problem.rule for problem in problems(text_of(**parts))]


def secrets(variable: str) -> str:
    return f"secrets: {{k: {{env: [ACME_KEY, {variable}]}}}}\nauth: {{type: bearer, secret: k}}"


@fault("Secrets", "a file reads a built-in provider's variable for another host or port", "env-of-another-host")
@pytest.mark.parametrize(
    ("url", "variable", "refused"),
    [
        ("https://api.openai.com/v1", "OPENAI_API_KEY", False),
        ("https://API.OpenAI.com:443/v2", "OPENAI_API_KEY", False),
        ("https://api.openai.com:8443/v1", "OPENAI_API_KEY", True),
        ("https://api.acme.com", "OPENAI_API_KEY", True),
        ("https://api.openai.com.acme.com", "OPENAI_API_KEY", True),
        ("https://apixopenai.com", "OPENAI_API_KEY", True),
        ("https://api.acme.com", "openai_api_key", True),  # the same variable on Windows
        ("https://api.acme.com", "OPENAI_API_KEY_2", False),
        ("https://api.acme.com", "ACME_OPENAI_API_KEY", False),
        ("http://127.0.0.1:8000", "OPENAI_API_KEY", False),
        ("https://mine.openai.azure.com/openai", "AZURE_OPENAI_API_KEY", False),
        ("https://a.b.openai.azure.com/openai", "AZURE_OPENAI_API_KEY", True),
        ("https://mine.openai.azure.com", "OPENAI_API_KEY", True),
        ("https://api.acme.com", "DASHSCOPE_API_KEY", True),
    ],
)
def test_where_a_variable_may_go(url: str, variable: str, refused: bool) -> None:
    assert rules(url=f"url: {url}", auth=secrets(variable)) == [RULE] * refused


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://{{ s }}.openai.azure.com/x", False),
        ("https://res.{{ s }}.azure.com", True),
        ("https://{{ s }}.acme.com", True),
    ],
)
def test_a_slot_stands_only_where_the_built_in_host_has_one(url: str, refused: bool) -> None:
    parts = {"settings": "settings: {s: {default: x}}", "auth": secrets("AZURE_OPENAI_API_KEY")}
    assert rules(url=f'url: "{url}"', **parts) == [RULE] * refused


@pytest.mark.parametrize(("url", "refused"), [("https://api.x.ai", False), ("https://api.{{ s }}.ai", True)])
def test_a_slot_is_no_letter_of_a_built_in_host(url: str, refused: bool) -> None:
    parts = {"settings": "settings: {s: {default: evil}}", "auth": secrets("XAI_API_KEY")}
    assert rules(url=f'url: "{url}"', **parts) == [RULE] * refused


@pytest.mark.parametrize(
    ("setting", "refused"),
    [
        ("{}", False),
        ("{env: MY_URL}", False),
        ("{default: 'https://api.openai.com'}", False),
        ("{default: 'https://api.acme.com'}", True),
        ("{enum: ['https://api.openai.com', 'https://api.acme.com']}", True),
    ],
)
def test_a_url_that_the_caller_gives_is_the_callers(setting: str, refused: bool) -> None:
    found = rules(url='url: "{{ base }}"', settings=f"settings: {{base: {setting}}}", auth=secrets("OPENAI_API_KEY"))
    assert found == [RULE] * refused


def test_a_setting_reads_no_such_variable_either() -> None:
    settings = "settings: {s: {env: OPENAI_API_KEY, default: x}}"
    payload = 'payload: {a: "{{ s }}", b: "{{ heat }}"}'
    (problem,) = problems(text_of(settings=settings, payload=payload))
    assert (problem.rule, problem.path) == (RULE, "settings.s.env")
    assert "'OPENAI_API_KEY'" in problem.message
    assert "'api.acme.com'" in problem.message
    assert "allow_env" in problem.hint


def test_a_token_is_not_fetched_elsewhere() -> None:
    auth = {"token": {"url": "https://B.example/{{ x }}"}}
    data = {"url": "https://a.example", "auth": auth, "hosts": [{"name": "c.example", "auth": True}, "d.example"]}
    assert bound.hosts_of(data) == {"a.example", "b.example", "c.example"}
    assert bound.hosts_of(data, redirected=True) == {"b.example", "c.example"}


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(text_of(auth=secrets("OPENAI_API_KEY")))
    return path


@pytest.mark.parametrize("default", ["https://evil.example/token", "http://169.254.169.254/token"])
def test_a_setting_that_is_all_of_a_token_url_is_judged_by_its_default(default: str) -> None:
    token = 'token: {url: "{{ where }}", json: {key: "{{ secrets.k }}"}, value: t}'
    auth = f"secrets: {{k: {{env: [OPENAI_API_KEY]}}}}\nauth: {{type: oauth2, {token}}}"
    found = rules(
        url="url: https://api.openai.com", settings=f"settings: {{where: {{default: '{default}'}}}}", auth=auth
    )
    assert RULE in found
    assert ("private-host" in found) is ("169" in default)


def test_an_expression_is_no_url_of_a_token() -> None:
    token = """token: {url: "{{ 'https://evil.example' }}", json: {key: "{{ secrets.k }}"}, value: t}"""
    auth = f"secrets: {{k: {{env: [OPENAI_API_KEY]}}}}\nauth: {{type: oauth2, {token}}}"
    assert rules(url="url: https://api.openai.com", auth=auth) == ["bad-scheme"]


def test_the_caller_lifts_it(stranger: Path) -> None:
    assert [problem.rule for problem in problems_of(stranger)] == [RULE]
    with pytest.raises(SpecError, match=RULE):
        load(stranger)
    assert load(stranger, allow_env=["OPENAI_API_KEY"]).name == "acme"
    assert load(stranger, redirected=True).name == "acme"
    assert Catalog(stranger.parent, allow_env=["OPENAI_API_KEY"]).spec("acme").name == "acme"


@pytest.mark.parametrize("name", ["acme", "path"])
def test_a_base_url_of_the_caller_lifts_it(stranger: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    name = str(stranger) if name == "path" else name
    with pytest.raises(SpecError, match=RULE):
        Caller(Catalog(stranger.parent)).exchange(name, "hi", None, True, {})
    catalog = Catalog(stranger.parent)
    caller = Caller(catalog, base_urls={"acme": "https://mine.example"})
    assert caller.exchange(name, "hi", None, True, {}).start().url == "https://mine.example/chat"
    # What was let through for one address is not let through for all.
    with pytest.raises(SpecError, match=RULE):
        catalog.provider(name)
    with pytest.raises(UnknownProviderError):
        catalog.provider("other", redirected=True)


def test_a_file_that_extends_a_built_in_one_keeps_its_variables(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    head = "spec_version: 1\nname: mine\nextends: openai\n"
    path.write_text(head + "models: {default: gpt-mine}\n")
    assert problems_of(path) == []
    path.write_text(head + "url: https://api.acme.com/v1\n")
    assert {problem.rule for problem in problems_of(path)} == {RULE, "secret-host-change"}


def test_a_protected_variable_is_inherited_with_its_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    variable = "secrets: {k: {env: [AWS_SECRET_ACCESS_KEY]}}\nauth: {type: bearer, secret: k}"
    (shipped / "cloud.yaml").write_text(text_of(name="name: cloud", auth=variable))
    monkeypatch.setattr("engine.folders.builtin_folder", lambda: shipped)
    for module in ("engine.loader.around", "engine.loader.bound"):
        monkeypatch.setattr(f"{module}.builtin_folder", lambda: shipped)
    mine = tmp_path / "mine.yaml"
    head = "spec_version: 1\nname: mine\nextends: cloud\n"
    mine.write_text(head + "title: Mine\n")
    assert problems_of(mine) == []
    mine.write_text(head + "url: https://evil.example\n")
    assert {problem.rule for problem in problems_of(mine)} == {"env-not-allowed", "secret-host-change"}
    mine.write_text(head + variable + "\n")
    assert [problem.rule for problem in problems_of(mine)] == ["env-not-allowed"]


def test_a_copy_of_the_built_in_files_is_read_as_they_are(tmp_path: Path) -> None:
    """A checkout that an installed package examines; what differs from the package is a stranger's."""
    copy = tmp_path / "providers"
    shutil.copytree(ROOT / "providers", copy)
    assert [problem for path in Catalog(copy).files() for problem in problems_of(path)] == []
    bedrock, protocol = copy / "bedrock.yaml", copy / "protocols" / "bedrock-converse.yaml"
    ours = bedrock.read_text()
    bedrock.write_text(f"# changed\n{ours}")
    assert {problem.rule for problem in problems_of(bedrock)} == {"env-not-allowed"}
    renamed = copy / "mine.yaml"
    renamed.write_text(ours.replace("name: bedrock", "name: mine"))
    assert {problem.rule for problem in problems_of(renamed)} == {"env-not-allowed"}
    bedrock.write_text(ours)
    elsewhere = "\nsteps: [{id: a, url: 'https://evil.example', path: /, read: {a: {at: a}}}]\n"
    protocol.write_text(protocol.read_text() + elsewhere)
    assert "env-not-allowed" in {problem.rule for problem in problems_of(bedrock)}


def test_every_variable_of_every_built_in_file_is_bound() -> None:
    catalog = Catalog()
    for name in catalog.names():
        spec = catalog.spec(name)
        for variable in (variable for secret in spec.secrets.values() for variable in secret.env):
            assert bound.is_bound_elsewhere(variable, {"evil.example"}) == ["evil.example"], variable
            assert bound.is_bound_elsewhere(variable, bound.hosts_of(spec.tree)) == [], variable


def test_the_table_is_made_only_as_far_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = bound._data

    def counted(path: Path, folder: Path) -> dict[str, object]:
        read.append(path.stem)
        return real(path, folder)

    monkeypatch.setattr(bound, "_data", counted)
    bound._bound.cache_clear()
    bound._texts.cache_clear()
    began = time.perf_counter()
    assert bound.is_bound_elsewhere("NO_SUCH_VARIABLE", {"a.example"}) == []
    assert read == []
    assert bound.is_bound_elsewhere("GROQ_API_KEY", {"a.example"}) == ["a.example"]
    assert read == ["groq"]
    assert time.perf_counter() - began < 5
    assert bound.is_bound_elsewhere("GROQ_API_KEY", {"a.example"}) == ["a.example"]
    assert read == ["groq"]


def test_the_search_for_names_reaches_the_folder_of_protocols() -> None:
    assert any(path.parent != builtin_folder() for path in bound._texts(builtin_folder()))
