"""Folders of many files: known without being read, and never as anything that they are not at this moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Catalog, files
from engine.cache import Cache, user_cache
from engine.catalog import FEW
from engine.errors import SpecError
from engine.folders import builtin_folder
from engine.loader import around, judging, lineage, load, register, ways
from tests.faults import fault
from tests.test_loader_remembered import CHILD, put

MANY = 12
NAMES = [f"p{number}" for number in range(MANY)]


class Process:
    """What one process knows: `ends` and begins anew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._at_exit: list[Callable[[], None]] = []
        monkeypatch.setattr(register.atexit, "register", self._at_exit.append)
        self.ends()

    def ends(self) -> None:
        while self._at_exit:
            self._at_exit.pop()()
        register._page.cache_clear()
        around._ways.cache_clear()
        lineage._parents.clear()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(monkeypatch)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is read was written a minute before."""
    clock = time.time_ns
    monkeypatch.setattr(files.time, "time_ns", lambda: clock() + 60_000_000_000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the provider files that were read."""
    sizes: list[int] = []
    reading = files._read

    def noted(handle: int, size: int, most: int) -> bytes:
        if most == 256 * 1024:
            sizes.append(size)
        return reading(handle, size, most)

    monkeypatch.setattr(files, "_read", noted)
    return sizes


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    files: list[str] = []
    judge = judging.judge

    def noted(source: Any, around: Any) -> Any:
        files.append(Path(source.file).stem)
        return judge(source, around)

    monkeypatch.setattr(judging, "judge", noted)
    return files


@pytest.fixture
def folder(tmp_path: Path, process: Process, later: None) -> Path:
    """A folder of files, of which each second one extends another: all of them are known."""
    folder = tmp_path / "files"
    put(folder, "parent")
    for number, name in enumerate(NAMES):
        put(folder, name, **(CHILD if number % 2 else {}))
    loaded(Catalog(folder))
    process.ends()
    return folder


def loaded(catalog: Catalog) -> dict[str, Any]:
    return {name: catalog.spec(name) for name in NAMES}


def test_what_is_known_is_not_read_and_says_the_same(folder: Path, read: list[int]) -> None:
    specs = loaded(Catalog(folder))
    assert len(read) == FEW + 1, "the first few, and the parent once for all"
    assert [spec.name for spec in specs.values()] == NAMES
    assert len(read) == FEW + 1, "the name is the file's"
    anew = loaded(Catalog(folder, cache=False))
    read.clear()
    assert specs == anew
    assert len(read) == MANY - FEW, "who looks into one reads it"
    assert list(specs["p9"].tree) == list(anew["p9"].tree)
    assert [example.line for example in specs["p9"].examples] == [example.line for example in anew["p9"].examples]


def test_each_file_is_opened_once_and_what_is_known_of_all_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    opening = os.open

    def noted(path: Any, *words: Any, **more: Any) -> int:
        opened.append(str(path))
        return opening(path, *words, **more)

    monkeypatch.setattr(os, "open", noted)
    loaded(Catalog(folder))
    own = [path for path in opened if path.startswith(str(folder))]
    assert sorted(own) == sorted(str(folder / f"{name}.yaml") for name in (*NAMES, "parent"))
    assert len(opened) == len(own) + 1
    opened.clear()
    loaded(Catalog(folder))
    assert len(opened) == MANY, "the next catalog of this process knows all of it"


def test_another_process_knows_what_this_one_found(
    tmp_path: Path, process: Process, later: None, read: list[int]
) -> None:
    for name in NAMES:
        put(tmp_path, name)
    for count, expected in ((10, 10), (10, FEW), (MANY, FEW + 2), (MANY, FEW)):
        read.clear()
        catalog = Catalog(tmp_path)
        for name in NAMES[:count]:
            catalog.spec(name)
        assert len(read) == expected
        process.ends()


def test_what_is_asked_of_the_disk_for_a_known_file(
    tmp_path: Path, process: Process, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened; for its shipped parent, what may have come nearer is asked for, and the parent's stamp."""
    shipped = CHILD | {
        "url": "url: https://api.acme.com",
        "version": "spec_version: 1\nextends: openai-chat",
        "secrets": "secrets: {api_key: {env: [ACME_API_KEY]}}",
    }
    for name in NAMES:
        put(tmp_path, name, **shipped)
    loaded(Catalog(tmp_path))
    process.ends()
    catalog, asked = Catalog(tmp_path), []
    for name in NAMES[:-1]:
        catalog.spec(name)
    for call in ("open", "read", "stat", "lstat", "access", "scandir", "listdir"):
        real = getattr(os, call)
        monkeypatch.setattr(
            os, call, lambda *words, real=real, call=call, **more: asked.append(call) or real(*words, **more)
        )
    catalog.spec(NAMES[-1])
    assert sorted(asked) == ["access"] * 4 + ["lstat", "open"]


# --- what has changed ---


def in_place(path: Path, old: str, new: str) -> None:
    """Write over a file; its size and its time of change stay what they were."""
    info, text = path.stat(), path.read_text()
    assert len(old) == len(new)
    assert old in text
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def replaced(path: Path, old: str, new: str) -> None:
    other = path.with_suffix(".new")
    info = path.stat()
    other.write_text(path.read_text().replace(old, new))
    os.utime(other, ns=(info.st_atime_ns, info.st_mtime_ns))
    other.replace(path)


CHANGES = (in_place, replaced)


@fault(
    "Provider files and templates",
    "One of a thousand known files is changed, and its size and its time of change are set back",
    "it is checked again; none is read that has not changed",
)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_file_that_is_changed_is_not_known(
    folder: Path, process: Process, judged: list[str], change: Callable[[Path, str, str], None], is_same_process: bool
) -> None:
    loaded(Catalog(folder))
    for old, new in (("/chat", "/tcha"), ("/tcha", "/chta")):
        change(folder / "p10.yaml", old, new)
        if not is_same_process:
            process.ends()
        judged.clear()
        specs = loaded(Catalog(folder))
        assert judged == ["p10"]
        assert (specs["p10"].path, specs["p8"].path) == (new, "/chat")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_same_process", [True, False])
def test_what_a_file_extends_counts_like_the_file(
    folder: Path, process: Process, change: Callable[[Path, str, str], None], is_same_process: bool
) -> None:
    loaded(Catalog(folder))
    for old, new in (("/chat", "/tcha"), ("/tcha", "/chat")):
        change(folder / "parent.yaml", old, new)
        if not is_same_process:
            process.ends()
        specs = loaded(Catalog(folder))
        assert (specs["p10"].path, specs["p11"].path) == ("/chat", new)


def test_a_catalog_sees_what_changes_between_two_files(folder: Path) -> None:
    catalog = Catalog(folder)
    for name in NAMES[:10]:
        catalog.spec(name)
    in_place(folder / "parent.yaml", "https:", "ftp://")
    with pytest.raises(SpecError, match=r"parent\.yaml"):
        catalog.spec("p11")
    in_place(folder / "parent.yaml", "ftp://", "https:")
    nearer = folder / "parent.yml"
    nearer.write_text("]")
    assert catalog.spec("p11").path == "/chat", "the other suffix comes second"
    (folder / "parent.yaml").unlink()
    with pytest.raises(SpecError, match=r"parent\.yml"):
        Catalog(folder).spec("p11")
    nearer.unlink()
    with pytest.raises(SpecError, match="extends-missing"):
        Catalog(folder).spec("p11")


def test_a_parent_that_comes_nearer_counts_at_once(tmp_path: Path, process: Process, later: None) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    put(theirs, "parent")
    for name in NAMES:
        put(mine, name, **CHILD)
    nearer = [mine / "protocols", mine, theirs / "protocols"]
    for folder, path in zip([None, *nearer], ["/chat", "/one", "/two", "/two"], strict=True):
        if folder is not None:
            put(folder, "parent", path=f"path: {path if folder is not nearer[2] else '/three'}")
        for _ in range(2):
            assert {spec.path for spec in loaded(Catalog(mine, theirs)).values()} == {path}
    process.ends()
    (mine / "parent.yaml").unlink()
    (mine / "protocols" / "parent.yaml").unlink()
    assert {spec.path for spec in loaded(Catalog(mine, theirs)).values()} == {"/chat"}
    (theirs / "parent.yaml").unlink()
    assert {spec.path for spec in loaded(Catalog(mine, theirs)).values()} == {"/three"}


def test_a_shipped_file_sees_a_parent_in_another_folder_change(
    tmp_path: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the built-in folder nothing comes nearer while a process runs; elsewhere it does."""
    shipped, mine = tmp_path / "shipped", tmp_path / "mine"
    for module in (ways, around):
        monkeypatch.setattr(module, "builtin_folder", lambda: shipped)
    child = put(shipped, "child", **CHILD)
    put(mine, "parent").rename(mine / "parent.yml")
    cache = Cache(str(tmp_path / "entries"), str(tmp_path / "state" / "key"))
    assert load(child, shipped=True, folders=[mine], cache=cache).path == "/chat"
    put(mine, "parent", path="path: /nearer")
    assert load(child, shipped=True, folders=[mine], cache=cache).path == "/nearer"


def test_what_changes_again_within_a_moment_is_never_known(
    tmp_path: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of files ticks each few milliseconds: all of these changes may bear one time."""
    monkeypatch.setattr("engine.catalog.FEW", 0)
    child, parent = put(tmp_path, "child", **CHILD), put(tmp_path, "parent")
    texts = {path: parent.read_text().replace("/chat", path) for path in ("/chat", "/tcha")}
    alone = {path: text.replace("name: parent", "name: alone") for path, text in texts.items()}
    for number in range(60):
        path = ("/chat", "/tcha")[number % 2]
        parent.write_text(texts[path])
        (tmp_path / "alone.yaml").write_text(alone[path])
        catalog = Catalog(tmp_path)
        assert (catalog.spec("alone").path, catalog.spec("child").path) == (path, path), number
    assert child.exists()


# --- what was asked for, and is looked into later ---


def test_a_file_counts_as_it_was_when_it_was_asked_for(folder: Path) -> None:
    specs = loaded(Catalog(folder))
    (folder / "p8.yaml").unlink()
    in_place(folder / "p10.yaml", "/chat", "/tcha")
    in_place(folder / "parent.yaml", "/chat", "/tcha")
    assert [specs[name].path for name in ("p8", "p9", "p10", "p11")] == ["/chat"] * 4
    assert [Catalog(folder).spec(name).path for name in ("p9", "p10", "p11")] == ["/tcha"] * 3


def test_what_went_with_all_that_was_kept_of_it_is_told_as_that(folder: Path) -> None:
    specs = loaded(Catalog(folder))
    cache = user_cache()
    assert cache is not None
    for entry in Path(cache._folder).iterdir():
        entry.unlink()
    assert specs["p9"].path == "/chat", "it is judged again"
    (folder / "p10.yaml").unlink()
    with pytest.raises(SpecError, match=r"p10\.yaml:1:1: cannot-read"):
        specs["p10"].path  # noqa: B018  the look is what raises
    assert specs["p10"].name == "p10"


@fault(
    "Provider files and templates",
    "A file system tells no times: a known file is changed, and nothing but its bytes says so",
    "what is given out is what the file says; a mistake is told when somebody looks into it",
)
def test_where_times_lie_the_bytes_still_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "stamp_of", lambda info: f"{info.st_ino}")
    loaded(Catalog(folder))
    in_place(folder / "p8.yaml", "/chat", "/tcha")
    in_place(folder / "p10.yaml", "https:", "ftp://")
    specs = loaded(Catalog(folder))
    assert specs["p8"].path == "/tcha"
    with pytest.raises(SpecError, match=r"p10\.yaml"):
        specs["p10"].path  # noqa: B018  the look is what raises


# --- who knows ---


def page_of(folder: Path) -> Path:
    """The entry that holds what is known of the folder: the one that names all of its files."""
    cache = user_cache()
    assert cache is not None
    (page,) = (path for path in Path(cache._folder).iterdir() if b'"p9.yaml":"' in path.read_bytes())
    return page


@fault(
    "Provider files and templates",
    "Somebody changes what is remembered of a whole folder",
    "it is as if there were nothing; each file is read again",
)
def test_what_somebody_made_of_what_is_known_never_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: Process, later: None, read: list[int]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in NAMES:
        put(tmp_path / "files", name)
    catalog = Catalog(tmp_path / "files")
    specs = loaded(catalog)
    process.ends()
    page = page_of(tmp_path)
    whole = page.read_bytes()
    cuts = (b"", whole[:-1], whole + b" ", whole.replace(b"p9.yaml", b"p7.yaml"), whole[32:])
    flips = (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), len(whole) // 20))
    for changed in (*cuts, *flips):
        page.write_bytes(changed)
        read.clear()
        assert loaded(Catalog(tmp_path / "files")) == specs
        assert len(read) == MANY
        process.ends()
        assert page.read_bytes() == whole, "it is written again"
    for entry in page.parent.iterdir():
        if entry != page:
            page.write_bytes(entry.read_bytes())
            assert loaded(Catalog(tmp_path / "files")) == specs
            process.ends()


def test_what_the_caller_allows_is_known_to_it_alone(tmp_path: Path, process: Process, later: None) -> None:
    for name in NAMES:
        put(
            tmp_path,
            name,
            secrets="secrets: {k: {env: [AWS_SECRET_ACCESS_KEY]}}",
            auth="auth: {type: bearer, secret: k}",
        )
    for _ in range(2):
        loaded(Catalog(tmp_path, allow_env=["AWS_SECRET_ACCESS_KEY"]))
        with pytest.raises(SpecError, match="env-not-allowed"):
            Catalog(tmp_path).spec("p11")
        process.ends()


def test_what_a_base_url_makes_sound_is_not_known_as_sound(tmp_path: Path, process: Process, later: None) -> None:
    thief = {"secrets": "secrets: {k: {env: [OPENAI_API_KEY]}}", "auth": "auth: {type: bearer, secret: k}"}
    for name in NAMES:
        put(tmp_path, name, **thief)
    for _ in range(2):
        catalog = Catalog(tmp_path)
        for name in NAMES:
            assert catalog.provider(name, redirected=True).spec.path == "/chat"
            with pytest.raises(SpecError, match="env-of-another-host"):
                catalog.spec(name)
        process.ends()


def test_a_link_and_a_shipped_file_are_never_known(folder: Path, process: Process, read: list[int]) -> None:
    real = (folder / "p11.yaml").rename(folder / "real")
    (folder / "p11.yaml").symlink_to(real)
    for _ in range(2):
        read.clear()
        assert loaded(Catalog(folder))["p11"].path == "/chat"
        assert real.stat().st_size in read
        process.ends()
    shipped = sorted(path.stem for path in builtin_folder().glob("*.yaml"))[: 2 * FEW]
    for _ in range(2):
        read.clear()
        catalog = Catalog()
        for name in shipped:
            catalog.spec(name)
        assert len(read) >= len(shipped)


def test_of_very_many_files_not_all_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MAX_RECORDS", 5)
    cache = Cache(str(tmp_path / "entries"), str(tmp_path / "state" / "key"))
    page = register.Page(cache, cache.token(b"", ()))
    for name in NAMES:
        page.get(name)
        page.note(name, ["stamp", "", "", "token"])
    assert [name for name in NAMES if page.get(name)] == NAMES[10:]
    page.keep()
    assert list(cache.get(cache.token(b"", ()))) == NAMES[10:]


def test_without_a_place_for_a_cache_every_file_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, read: list[int], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, str(tmp_path / "file"))
            read.clear()
            assert [spec.path for spec in loaded(Catalog(folder)).values()] == ["/chat"] * MANY
            assert len(read) >= MANY


def test_many_threads_know_the_same(folder: Path) -> None:
    expected = loaded(Catalog(folder, cache=False))
    found: list[dict[str, Any]] = []

    def look() -> None:
        found.append(loaded(Catalog(folder)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_a_folder_that_is_given_by_another_path_is_asked_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a file is called is part of what is known of it."""
    other = tmp_path / "other" / "files"
    for name in (*NAMES, "parent"):
        put(other, name, path="path: /other")
    for place, path in ((folder.parent, "/chat"), (other.parent, "/other"), (folder.parent, "/chat")):
        monkeypatch.chdir(place)
        specs = loaded(Catalog("files"))
        assert {spec.path for spec in specs.values()} == {path}
        assert specs["p10"].file == os.path.join("files", "p10.yaml")


FINE, WHOLE, SECOND = 1_700_000_000_123_456_789, 1_700_000_000_000_000_000, 1_000_000_000


@pytest.mark.parametrize(
    ("content", "status", "age", "tells"),
    [
        (FINE, FINE, SECOND // 100, False),
        (FINE, FINE, SECOND, True),
        (WHOLE, WHOLE, SECOND, False),
        (WHOLE, WHOLE, 4 * SECOND, True),
        (WHOLE, FINE, SECOND, True),
        (FINE, WHOLE, SECOND, False),
    ],
)
def test_a_stamp_counts_when_the_clock_of_the_files_has_moved_on(
    monkeypatch: pytest.MonkeyPatch, content: int, status: int, age: int, tells: bool
) -> None:
    class Info:
        st_mtime_ns, st_ctime_ns = content, status

    monkeypatch.setattr(files.time, "time_ns", lambda: max(content, status) + age)
    assert files._is_settled(Info()) is tells  # type: ignore[arg-type]  # only the times count
    monkeypatch.setattr(files.sys, "platform", "win32")
    assert not files._is_settled(Info())  # type: ignore[arg-type]  # only the times count
