"""Finding files by name: which folder counts, what a name may be, and that a file is read once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import engine.catalog
import engine.loader
from engine import Catalog
from engine.errors import SpecError, UnknownProviderError
from engine.folders import Shipped, builtin_folder, is_built_in, user_folder
from tests.faults import fault

FILE = """
spec_version: 1
name: {name}
title: {title}
url: http://127.0.0.1
payload: {{m: "{{{{ messages }}}}"}}
response: {{codec: text}}
examples:
  - {{name: busy, call: {{messages: hi}}, reply: {{status: 503, body: busy}}, expect: {{error: unavailable}}}}
  - {{name: fine, call: {{messages: hi}}, reply: {{text: hello}}, expect: {{text: hello}}}}
"""


def put(folder, name, title="", suffix=".yaml"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{suffix}"
    path.write_text(FILE.format(name=name, title=title or folder.name), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without provider files."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WIREFILE_PATH", raising=False)
    return tmp_path


def test_the_folders_in_their_order(home, monkeypatch):
    monkeypatch.setenv("WIREFILE_PATH", os.pathsep.join([str(home / "c"), "", str(home / "d")]))
    folders = Catalog(home / "a", str(home / "b")).folders
    user = home / "config" / "wirefile" / "providers"
    assert folders == (home / "a", home / "b", home / "c", home / "d", user, builtin_folder())


def test_the_first_folder_that_has_a_name_counts(home, monkeypatch):
    monkeypatch.setenv("WIREFILE_PATH", str(home / "listed"))
    for folder in (home / "given", home / "listed", user_folder()):
        put(folder, "api", folder.parent.name if folder.name == "providers" else folder.name)
    seen = []
    for folder in (home / "given", home / "listed", user_folder()):
        seen.append(Catalog(home / "given").spec("api").title)
        (folder / "api.yaml").unlink()
    assert seen == ["given", "listed", "wirefile"]
    assert "api" not in Catalog(home / "given")


def test_a_users_file_goes_before_the_one_of_that_name_that_came_with_the_package(home):
    put(user_folder(), "acytoo", "mine")
    catalog = Catalog()
    assert catalog.spec("acytoo").title == "mine"
    assert not is_built_in(catalog.path_of("acytoo"))
    (user_folder() / "acytoo.yaml").unlink()
    assert is_built_in(Catalog().path_of("acytoo"))


def test_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert user_folder() == tmp_path / "xdg" / "wirefile" / "providers"
    for unset in ("", None):
        monkeypatch.setenv("XDG_CONFIG_HOME", unset) if unset is not None else monkeypatch.delenv("XDG_CONFIG_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert user_folder() == tmp_path / ".config" / "wirefile" / "providers"


def test_both_suffixes(home):
    put(home / "a", "one", suffix=".yml")
    put(home / "a", "two", "short", suffix=".yml")
    put(home / "a", "two", "long")
    catalog = Catalog(home / "a")
    assert catalog.spec("one").name == "one"
    assert catalog.spec("two").title == "long"
    files = [path.name for path in catalog.files() if path.parent == home / "a"]
    assert files == ["one.yml", "two.yaml"]


def test_the_names_are_those_that_can_be_called(home):
    put(home / "a", "zeta")
    put(home / "a", "alpha")
    (home / "a" / "folder.yaml").mkdir()
    (home / "a" / "notes.txt").write_text("")
    (home / "a" / ".yaml").write_text("")
    catalog = Catalog(home / "a", home / "nowhere", home / "a" / "zeta.yaml")
    names = catalog.names()
    assert names == sorted(names)
    assert {"alpha", "zeta", "acytoo"} <= set(names)
    assert not {"folder", "notes", ""} & set(names)
    assert list(catalog) == names
    assert all(name in catalog for name in names)
    assert "folder" not in catalog


@pytest.mark.parametrize(
    "name", ["../a/api", "a/api", "..", ".", "", "/etc/passwd", "a\\api", "api\0", "x" * 5000, "\ud800"]
)
def test_a_name_is_no_way_into_the_file_system(home, name):
    put(home / "a", "api")
    catalog = Catalog(home, home / "a")
    assert name not in catalog
    with pytest.raises(UnknownProviderError):
        catalog.provider(name)


def test_a_path_is_a_name_too(home):
    path = put(home / "elsewhere", "api")
    catalog = Catalog()
    assert catalog.provider(str(path)).name == "api"
    assert str(path) in catalog
    assert str(home / "no.yaml") not in catalog
    with pytest.raises(SpecError, match="cannot-read"):
        catalog.provider(str(home / "no.yaml"))


def test_a_mistyped_name_gets_a_suggestion(home):
    put(home / "a", "openrouter")
    with pytest.raises(UnknownProviderError, match="no provider 'opnrouter'; did you mean 'openrouter'"):
        Catalog(home / "a").provider("opnrouter")
    with pytest.raises(UnknownProviderError, match="see `wirefile list`"):
        Catalog(home / "a").spec("qqqqqqqq")


def test_nothing_is_read_before_it_is_asked_for(home):
    put(home / "a", "api")
    (home / "a" / "broken.yaml").write_text("]")
    catalog = Catalog(home / "a")
    assert catalog.names()
    assert catalog.spec("api").name == "api"
    with pytest.raises(SpecError):
        catalog.provider("broken")
    put(home / "a", "broken")
    assert catalog.provider("broken").name == "broken", "a file that was mended is read again"


def test_a_file_is_read_once_however_many_threads_ask(home, monkeypatch):
    put(home / "a", "api")
    catalog = Catalog(home / "a")
    loads: list[object] = []
    load = engine.loader.load
    start = threading.Barrier(8)

    def counted(path, **options):
        loads.append(path)
        return load(path, **options)

    def ask(_):
        start.wait(5)
        return catalog.provider("api")

    monkeypatch.setattr(engine.loader, "load", counted)
    with ThreadPoolExecutor(8) as threads:
        providers = list(threads.map(ask, range(8)))
    assert len(loads) == 1
    assert len({id(provider) for provider in providers}) == 1
    assert catalog.spec("api") is providers[0].spec


def test_a_folder_that_cannot_be_read_is_passed_over(home, monkeypatch):
    put(home / "b", "api")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "no")
        return scandir(path)

    monkeypatch.setattr(engine.catalog.os, "scandir", refuse)
    assert "api" in Catalog(home / "locked", home / "b").names()


def test_a_protected_variable_is_read_where_the_caller_allows_it(home):
    file = put(home, "a")
    secret = "secrets: {k: {env: [AWS_TOKEN]}}\nauth: {type: bearer, secret: k}\n"
    file.write_text(file.read_text(encoding="utf-8") + secret, encoding="utf-8")
    with pytest.raises(SpecError, match="allow_env"):
        Catalog(home).provider("a")
    assert Catalog(home, allow_env=["AWS_TOKEN"]).spec("a").secrets["k"].env == ("AWS_TOKEN",)
    assert Catalog(home, allow_env="AWS_TOKEN").spec("a").secrets["k"].env == ("AWS_TOKEN",)
    with pytest.raises(SpecError, match="AWS_TOKEN"):
        Catalog(home, allow_env=["AWS_TOKEN_2"]).provider("a")


@fault(
    "Provider files and templates",
    "A link in a folder of provider files leads to itself, or nowhere",
    "the folder's other files are found; `validate` reports the link as `cannot-read`",
)
def test_links_that_lead_nowhere_hide_no_other_file(tmp_path):
    put(tmp_path, "good")
    (tmp_path / "round.yaml").symlink_to(tmp_path / "round.yaml")
    (tmp_path / "nowhere.yaml").symlink_to(tmp_path / "missing")
    (tmp_path / "folder.yaml").mkdir()
    catalog = Catalog(tmp_path)
    assert "good" in catalog.names()
    assert {"round", "nowhere", "folder"}.isdisjoint(catalog.names())
    assert catalog.spec("good").name == "good"
    for name in ("round", "nowhere", "folder", "absent"):
        with pytest.raises(UnknownProviderError):
            catalog.spec(name)


def test_a_link_to_a_built_in_file_is_one_and_its_neighbours_are_none(tmp_path):
    put(tmp_path, "mine")
    (tmp_path / "acytoo.yaml").symlink_to(builtin_folder() / "acytoo.yaml")
    (tmp_path / "shipped").symlink_to(builtin_folder())
    is_shipped = Shipped()
    asked = ("mine.yaml", "mine.yaml", "acytoo.yaml", "none.yaml", "shipped/openai.yaml", "shipped/openai.yaml")
    answers = [is_shipped(str(tmp_path / name)) for name in asked]
    assert answers == [False, False, True, False, True, True]
    assert answers == [is_built_in(tmp_path / name) for name in asked]


def test_a_file_is_told_by_the_path_that_its_folder_was_given_by(home, monkeypatch):
    put(home, "mine")
    monkeypatch.chdir(home)
    for folder, told in (
        (".", "mine.yaml"),
        (home, str(home / "mine.yaml")),
        ("../" + home.name, f"../{home.name}/mine.yaml"),
    ):
        assert Catalog(folder).spec("mine").file == told == str(Catalog(folder).path_of("mine"))
        assert Catalog(folder, cache=False).spec("mine").file == told
