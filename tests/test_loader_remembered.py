"""Files that were found sound before: the same values and the same problems as ever, whatever was remembered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Catalog
from engine.cache import Cache, user_cache
from engine.errors import SpecError
from engine.folders import Found, Shipped
from engine.loader import examined, judging, known_sound, load
from tests import bad_answers, bad_schema, bad_templates, bad_trust, bad_yaml
from tests.badfiles import changed, place_of, text_of
from tests.conftest import environment
from tests.faults import fault


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return fresh(tmp_path)


def fresh(tmp_path: Path) -> Cache:
    """The cache as a process that starts now has it."""
    return Cache(str(tmp_path / "entries"), str(tmp_path / "state" / "key"))


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were judged, and not only remembered."""
    files: list[str] = []
    judge = judging.judge

    def noted(source: Any, around: Any) -> Any:
        files.append(source.file)
        return judge(source, around)

    monkeypatch.setattr(judging, "judge", noted)
    return files


def put(folder: Path, name: str = "acme", **parts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text_of(name=f"name: {name}", **parts), encoding="utf-8")
    return path


def test_a_file_is_judged_once(tmp_path: Path, judged: list[str]) -> None:
    path = put(tmp_path)
    first = load(path, cache=fresh(tmp_path))
    again = load(path, cache=fresh(tmp_path))
    assert judged == [str(path)]
    assert first == again == load(path)
    assert first.tree == again.tree


def test_every_shipped_file_is_the_same_by_itself_and_remembered(cache: Cache, judged: list[str]) -> None:
    """Those with parents and with patches too: values, trees and the lines of examples."""
    catalog = Catalog()
    folders = catalog.folders
    for path in catalog.files():
        known = load(path, shipped=True, folders=folders, cache=cache)
        found = [Found(str(path), False, path.read_bytes())]
        assert list(known_sound(found, is_shipped=Shipped(), folders=folders, cache=cache)) == [str(path)]
        judged.clear()
        remembered = load(path, shipped=True, folders=folders, cache=cache)
        assert remembered == known
        assert list(remembered.tree) == list(known.tree)
        assert [(one.file, one.line) for one in remembered.examples] == [(one.file, one.line) for one in known.examples]
        assert judged == []


CASES = [
    pytest.param(old, new, id=f"{layer.__name__.rpartition('.')[2]}-{number}")
    for layer in (bad_yaml, bad_schema, bad_templates, bad_trust, bad_answers)
    for number, (_, old, new, _) in enumerate([*layer.ALONE, *layer.AMONG_OTHERS])
]


@fault(
    "Provider files and templates",
    "A file with a mistake is checked twice",
    "nothing is remembered of it: both times every problem is told, at its place",
)
@pytest.mark.parametrize(("old", "new"), CASES[::7])
def test_nothing_is_remembered_of_a_bad_file(tmp_path: Path, cache: Cache, old: str, new: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_bytes(place_of(changed(old, new))[0].encode("utf-8", "surrogatepass"))
    alone = examined(path)[1]
    assert alone
    for _ in range(2):
        assert examined(path, cache=cache)[1] == alone
    if any(problem.severity == "error" for problem in alone):
        with pytest.raises(SpecError) as caught:
            load(path, cache=cache)
        assert sorted(map(str, caught.value.problems)) == sorted(map(str, alone))


def test_of_a_file_with_a_warning_nothing_is_remembered(tmp_path: Path, cache: Cache, judged: list[str]) -> None:
    path = put(tmp_path, params="params: {idle: {type: string, optional: true}, heat: {type: number, default: 1}}")
    for _ in range(2):
        load(path, cache=cache)
        assert [problem.rule for problem in examined(path, cache=cache)[1]] == ["unused-param"]
    assert len(judged) == 4


@fault(
    "Provider files and templates",
    "A file is changed, and its size and its time of change are set back",
    "it is checked again: what counts is each of its bytes",
)
def test_a_byte_that_changes_counts_whatever_the_clock_says(tmp_path: Path, cache: Cache) -> None:
    path = put(tmp_path)
    load(path, cache=cache)
    info = path.stat()
    path.write_text(path.read_text().replace("heat }}", "haet }}"))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert path.stat().st_size == info.st_size
    with pytest.raises(SpecError, match="did you mean 'heat'"):
        load(path, cache=cache)
    path.write_text(path.read_text().replace("haet }}", "heat }}").replace("api.acme.com", "api.evil.com"))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert load(path, cache=cache).url == "https://api.evil.com/v1"


CHILD = {
    "version": "spec_version: 1\nextends: parent",
    **dict.fromkeys(("url", "path", "response", "payload", "params"), ""),
}


def family(folder: Path) -> tuple[Path, Path]:
    return put(folder, "child", **CHILD), put(folder, "parent")


def test_a_parent_counts_like_the_file_itself(tmp_path: Path, cache: Cache, judged: list[str]) -> None:
    child, parent = family(tmp_path)
    first = load(child, cache=cache)
    assert load(child, cache=cache) == first
    assert judged == [str(child)]
    info = parent.stat()
    parent.write_text(parent.read_text().replace("/chat", "/tchat"[:5]))
    os.utime(parent, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert load(child, cache=cache).path == "/tcha"
    parent.unlink()
    with pytest.raises(SpecError, match="extends-missing"):
        load(child, cache=cache)


def test_a_nearer_parent_counts_from_when_it_is_there(tmp_path: Path, cache: Cache) -> None:
    child, _ = family(tmp_path / "theirs")
    child = child.rename(tmp_path / "child.yaml")
    folders = (tmp_path / "theirs",)
    assert load(child, folders=folders, cache=cache).path == "/chat"
    put(tmp_path / "protocols", "parent", path="path: /mine")
    assert load(child, folders=folders, cache=cache).path == "/mine"
    (tmp_path / "protocols" / "parent.yaml").unlink()
    assert load(child, folders=folders, cache=cache).path == "/chat"


def test_a_parent_that_is_a_link_is_looked_at_each_time(tmp_path: Path, cache: Cache, judged: list[str]) -> None:
    """Where it leads is no part of what it says, and a link out of the folder is refused."""
    child, parent = family(tmp_path / "mine")
    inside = parent.rename(tmp_path / "mine" / "real.yaml")
    parent.symlink_to(inside)
    for _ in range(2):
        load(child, cache=cache)
    assert len(judged) == 2
    parent.unlink()
    parent.symlink_to(inside.rename(tmp_path / "real.yaml"))
    with pytest.raises(SpecError, match="path-escape"):
        load(child, cache=cache)


@pytest.mark.parametrize(
    "says",
    [
        '"extends": parent',
        "'extends':   'parent'",
        "extends : parent",
        "? extends\n: parent",
        '"\\x65xtends": parent',
        "x-note: |-\n  a\n\n  extends: other\nextends: parent",
        "# extends: other\nextends: parent",
        "x-a: {extends: other}\nextends: parent",
        'x-a: "\nextends: other"\nextends: parent',
        'extends: "p\\x61rent"',
        "extends: &a parent",
    ],
)
def test_however_a_parent_is_named_its_changes_count(tmp_path: Path, cache: Cache, says: str) -> None:
    """Which it is is guessed from the text; where the guess is wrong, nothing may be remembered by it."""
    put(tmp_path, "other", path="path: /other")
    _, parent = family(tmp_path)
    child = put(tmp_path, "child", **{**CHILD, "version": f"spec_version: 1\n{says}"})

    def found() -> Any:
        try:
            return load(child, cache=cache).path
        except SpecError as error:
            return str(error)

    def alone() -> Any:
        try:
            return load(child).path
        except SpecError as error:
            return str(error)

    for path in ("/chat", "/tcha", "/chat"):
        parent.write_text(text_of(name="name: parent", path=f"path: {path}"))
        assert found() == alone() == found()


def test_what_a_verdict_depends_on_beside_the_files_is_in_its_name(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = put(
        tmp_path,
        secrets="secrets: {k: {env: [AWS_SECRET_ACCESS_KEY]}}",
        auth="auth: {type: bearer, secret: k}",
    )
    with pytest.raises(SpecError, match="env-not-allowed"):
        load(stranger, cache=cache)
    load(stranger, allow_env=["AWS_SECRET_ACCESS_KEY"], cache=cache)
    load(stranger, shipped=True, cache=cache)
    with pytest.raises(SpecError, match="env-not-allowed"):
        load(stranger, cache=cache)
    with pytest.raises(SpecError, match="env-not-allowed"):
        load(stranger, allow_env=["AWS_SECRET"], cache=cache)
    thief = put(tmp_path, secrets="secrets: {k: {env: [OPENAI_API_KEY]}}", auth="auth: {type: bearer, secret: k}")
    load(thief, redirected=True, cache=cache)
    with pytest.raises(SpecError, match="env-of-another-host"):
        load(thief, cache=cache)


def test_a_copy_under_another_name_is_another_file(tmp_path: Path, cache: Cache) -> None:
    path = put(tmp_path)
    load(path, cache=cache)
    with pytest.raises(SpecError, match="is not the file's stem"):
        load(path.rename(tmp_path / "other.yaml"), cache=cache)


def test_another_engine_judges_for_itself(
    tmp_path: Path, cache: Cache, judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path)
    for engine in (b"one", b"one", b"two", None, None):
        monkeypatch.setattr("engine.loader.remembered.identity", lambda builtin, engine=engine: engine)
        load(path, cache=cache)
    assert len(judged) == 4


def tampered(whole: bytes) -> Iterator[bytes]:
    yield from (b"", whole[:-1], whole[:32], whole + b" ", b"[]", whole.replace(b"api.acme.com", b"api.evil.com"))
    yield from (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 97))


@fault(
    "Provider files and templates",
    "What is remembered of a file is changed so that its key would go to another host",
    "the file counts as it is written",
)
def test_what_somebody_made_of_an_entry_never_counts(tmp_path: Path, cache: Cache) -> None:
    path = put(tmp_path)
    sound = load(path, cache=cache)
    (entry,) = (tmp_path / "entries").iterdir()
    whole = entry.read_bytes()
    for changed_entry in tampered(whole):
        entry.write_bytes(changed_entry)
        assert load(path, cache=fresh(tmp_path)).url == sound.url
        assert entry.read_bytes() == whole, "it is written again"
    bad = put(tmp_path, url="url: file:///etc")
    with pytest.raises(SpecError):
        load(bad, cache=fresh(tmp_path))


def test_what_is_gone_by_the_time_it_is_looked_at_is_judged_as_it_was_read(tmp_path: Path, cache: Cache) -> None:
    path = put(tmp_path)
    load(path, cache=cache)
    spec = load(path, cache=cache)
    for entry in (tmp_path / "entries").iterdir():
        entry.unlink()
    path.unlink()
    assert spec.url == "https://api.acme.com/v1"


# --- catalogs and commands ---


def entries() -> list[str]:
    """What is remembered in this run of the tests."""
    folder = Path(os.environ["XDG_CACHE_HOME"], "wirefile", "checked")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_catalog_remembers_unless_it_is_told_not_to(
    tmp_path: Path, judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "kept")
    put(tmp_path, "forgotten")
    for _ in range(2):
        assert Catalog(tmp_path).provider("kept").name == "kept"
        assert Catalog(tmp_path, cache=False).provider("forgotten").name == "forgotten"
    monkeypatch.setenv("WIREFILE_NO_CACHE", "1")
    assert Catalog(tmp_path).provider("kept").name == "kept"
    assert [Path(file).stem for file in judged] == ["kept", "forgotten", "forgotten", "kept"]
    assert Catalog(tmp_path).cache is None
    monkeypatch.delenv("WIREFILE_NO_CACHE")
    assert Catalog(tmp_path).cache is user_cache()


def test_a_file_that_is_bad_by_the_second_time_is_refused_at_once(tmp_path: Path) -> None:
    path = put(tmp_path)
    assert Catalog(tmp_path).provider("acme").spec.path == "/chat"
    path.write_text("]")
    with pytest.raises(SpecError):
        Catalog(tmp_path).provider("acme")


VERBS = (
    ("show", "acme", "--resolved"),
    ("validate", "{}"),
    ("validate", "--format", "json", "{}"),
    ("render", "acme", "hi"),
    ("decode", "acme", "{}/body"),
    ("test", "{}"),
)


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_every_verb_says_the_same_with_and_without(tmp_path: Path, wirefile: Any, words: tuple[str, ...]) -> None:
    put(tmp_path)
    put(tmp_path, "bad", url="url: file:///x")
    (tmp_path / "body").write_text("Hello")
    said = [word.format(tmp_path) for word in words]
    before = entries()
    without = wirefile(*said, "--no-cache", "--providers", str(tmp_path))
    assert entries() == before, "--no-cache keeps nothing"
    for _ in range(2):
        assert wirefile(*said, "--providers", str(tmp_path)) == without
    assert wirefile("--no-cache", *said, "--providers", str(tmp_path)) == without


def test_names_that_files_share_are_told_with_their_lines(tmp_path: Path, wirefile: Any) -> None:
    for folder in ("a", "b"):
        put(tmp_path / folder, "acme")
    put(tmp_path, "other")
    (tmp_path / "liar.yaml").write_text(text_of(name="\n\nname: Other"))
    runs = [wirefile("validate", str(tmp_path), *words) for words in (["--no-cache"], [], [])]
    assert runs[0] == runs[1] == runs[2]
    assert "acme.yaml:2" in runs[0].out
    assert "other.yaml:2" in runs[0].out


_EIGHT = """
import os, sys
import engine.loader.judging, engine.provider
from engine import Catalog

def child(told):
    catalog = Catalog(sys.argv[1])
    urls = sorted(catalog.provider(f"p{number}").spec.url for number in range(20))
    os.write(told, f"{urls}\\n".encode())
    os._exit(0)

heard, told = os.pipe()
children = [os.fork() or child(told) for _ in range(8)]
assert [os.waitpid(one, 0)[1] for one in children] == [0] * 8
os.close(told)
print(os.fdopen(heard).read())
"""


@fault(
    "Provider files and templates",
    "Eight processes check the same files at once, for the first time",
    "all find the same; what is remembered is whole, and nothing else is left",
)
def test_many_processes_at_once(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / "files", f"p{number}", url=f"url: https://h{number}.acme.com")
    told = python(_EIGHT, tmp_path / "files", tmp_path).split("\n")
    assert len(told) == 8
    assert len(set(told)) == 1
    folder = tmp_path / "CACHE" / "wirefile" / "checked"
    assert all(len(path.name) == 40 for path in folder.iterdir())
    whole = Cache(str(folder), str(tmp_path / "STATE" / "wirefile" / "cache-key"))
    assert sum(whole.get(path.name) is not None for path in folder.iterdir()) >= 20


_OPENED = """
import sys
from engine import Catalog

opened = []
sys.addaudithook(lambda name, args: opened.append(args[0]) if name in ("open", "os.listdir", "os.scandir") else None)
for number in (0, 1, 300, 1, 300):  # one to import what is needed, then each for the first and for the second time
    opened.clear()
    Catalog(f"{sys.argv[1]}/{number}").provider("p0").render("Hi")
    print(len(opened), end=" ")
"""


def test_the_first_use_of_a_file_is_independent_of_all_others_in_its_folder(tmp_path: Path) -> None:
    for number in (0, 1, 300):
        for other in range(max(number, 1)):
            put(tmp_path / str(number), f"p{other}")
    # The file, the question what is kept of it, and the answer; from then on the file and what is kept.
    assert python(_OPENED, tmp_path, tmp_path).split()[1:] == ["3", "3", "2", "2"]


def python(code: str, argument: Path, place: Path) -> str:
    """What a process says that starts with an empty cache."""
    places = {f"XDG_{kind}_HOME": str(place / kind) for kind in ("CACHE", "STATE")}
    words = [sys.executable, "-c", code, str(argument)]
    done = subprocess.run(words, env=environment(**places), capture_output=True, check=True, timeout=60, text=True)
    return done.stdout.strip()
