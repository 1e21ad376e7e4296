"""The store of sealed entries: what is no entry of the user's own, is none whatever it says; and nothing ever fails."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cache import Cache, identity, own, store, user_cache
from tests.faults import fault

HEAD, PARTS = b"engine", (b"acme.yaml", b"name: acme")
VALUE = {"name": "acme", "text": "Привет", "numbers": [1, 2.5, None, True]}


def cache_in(place: Path) -> Cache:
    return Cache(str(place / "entries"), str(place / "state" / "key"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A place in which an entry is."""
    cache = cache_in(tmp_path)
    cache.put(cache.token(HEAD, PARTS), VALUE)
    return tmp_path


def kept(place: Path) -> Any:
    """What a process that starts now finds there."""
    cache = cache_in(place)
    return cache.get(cache.token(HEAD, PARTS))


def entry(place: Path) -> Path:
    (path,) = (place / "entries").iterdir()
    return path


def test_what_was_put_is_there_for_the_next_process(place: Path) -> None:
    cache = cache_in(place)
    token = cache.token(HEAD, PARTS)
    assert cache.knows(token)
    assert cache.get(token) == kept(place) == VALUE
    other = cache.token(HEAD, (*PARTS, b""))
    assert not cache.knows(other)
    assert cache.get(other) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((b"h", (b"ab", b"c")), (b"h", (b"a", b"bc"))),
        ((b"h", (b"a", b"b")), (b"h", (b"a1:b",))),
        ((b"h", (b"a",)), (b"h1:a", ())),
        ((b"h", ()), (b"h", (b"",))),
    ],
)
def test_a_token_tells_where_a_part_ends(tmp_path: Path, one: Any, two: Any) -> None:
    cache = cache_in(tmp_path)
    assert cache.token(*one) != cache.token(*two)


def test_nobody_without_the_key_can_name_an_entry(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    others = cache_in(tmp_path_factory.mktemp("other"))
    assert others.token(HEAD, PARTS) != entry(place).name


@fault(
    "Provider files and templates",
    "Somebody changes what is remembered of a checked file: any bit of it",
    "it is as if there were nothing; the file is checked again",
)
def test_an_entry_with_any_bit_changed_is_none(place: Path) -> None:
    path = entry(place)
    whole = path.read_bytes()
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1 << index % 8]) + whole[index + 1 :])
        assert kept(place) is None, index
    path.write_bytes(whole)
    assert kept(place) == VALUE


def test_an_entry_that_is_cut_or_grown_is_none(place: Path) -> None:
    path = entry(place)
    whole = path.read_bytes()
    for changed in (*(whole[:size] for size in range(len(whole))), whole + b" ", whole * 2):
        path.write_bytes(changed)
        assert kept(place) is None


def test_an_entry_under_the_name_of_another_is_none(place: Path) -> None:
    cache = cache_in(place)
    first, second = entry(place), cache.token(HEAD, (b"evil.yaml", b"name: evil"))
    cache.put(second, {"name": "evil"})
    (place / "entries" / second).replace(first)
    assert kept(place) is None


def anothers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def a_link(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = place / "moved"
    path = entry(place)
    path.rename(moved)
    path.symlink_to(moved)


def a_linked_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "entries").rename(place / "moved")
    (place / "entries").symlink_to(place / "moved")


def a_fifo(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = entry(place)
    path.unlink()
    os.mkfifo(path)


def a_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = entry(place)
    path.unlink()
    path.mkdir()


def too_large(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENTRY", entry(place).stat().st_size - 1)


def writable(which: str, mode: int) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def change(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = {"entry": entry(place), "entries": place / "entries", "state": place / "state"}[which]
        path.chmod(path.stat().st_mode | mode)

    change.__name__ = f"{which}_{mode:o}"
    return change


def a_key_that_others_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "state" / "key").chmod(0o644)


def no_key(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "state" / "key").unlink()


def half_a_key(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place / "state" / "key"
    key.write_bytes(key.read_bytes()[:16])


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are those of POSIX")
@pytest.mark.parametrize(
    "change",
    [
        *(anothers, a_link, a_linked_folder, a_fifo, a_folder, too_large, a_key_that_others_read, no_key, half_a_key),
        *(writable(which, mode) for which in ("entry", "entries", "state") for mode in (0o020, 0o002)),
    ],
)
def test_what_may_be_anothers_doing_is_not_believed(
    place: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    change(place, monkeypatch)
    assert kept(place) is None


def test_a_key_that_is_lost_or_was_read_is_replaced(place: Path) -> None:
    key = place / "state" / "key"
    old = key.read_bytes()
    key.chmod(0o644)
    assert kept(place) is None
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() != old


def test_what_it_writes_is_the_users_alone(place: Path) -> None:
    for path, mode in ((place / "entries", 0o700), (entry(place), 0o600), (place / "state" / "key", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def no_room(*_: Any) -> int:
    raise OSError(errno.ENOSPC, "no space left on device")


def half(handle: int, data: bytes) -> int:
    return len(data) // 2


def not_allowed(*_: Any, **__: Any) -> Any:
    raise PermissionError(errno.EROFS, "read-only file system")


@pytest.mark.parametrize(
    ("name", "instead"), [("write", no_room), ("write", half), ("replace", not_allowed), ("open", not_allowed)]
)
def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_left(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, instead: Any
) -> None:
    cache = cache_in(place)
    token = cache.token(HEAD, (b"new",))
    with monkeypatch.context() as patch:
        patch.setattr(os, name, instead)
        cache.put(token, VALUE)
    assert not cache.knows(token)
    assert len(list((place / "entries").iterdir())) == 1


def test_a_home_that_is_not_there_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for cache in (cache_in(tmp_path / "file"), Cache("/dev/null/a", "/dev/null/b"), cache_in(tmp_path / "a\0")):
        assert cache.token(HEAD, PARTS) == ""
        cache.put("", VALUE)
        assert not cache.knows("")
        assert cache.get("") is None


def test_no_folder_is_made_in_the_home_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `sudo` a home may be somebody else's, who could not use what root makes there."""
    anothers(tmp_path, monkeypatch)
    assert cache_in(tmp_path / "home").token(HEAD, PARTS) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), {1: object()}, "\ud800", "x" * (1024 * 1024)])
def test_what_is_no_plain_data_or_too_large_is_not_kept(tmp_path: Path, value: Any) -> None:
    cache = cache_in(tmp_path)
    cache.put(cache.token(HEAD, PARTS), value)
    assert list((tmp_path / "entries").iterdir()) == []


def test_of_too_many_entries_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENTRIES", 40)
    cache = cache_in(tmp_path)
    tokens = [cache.token(HEAD, (b"%d" % number,)) for number in range(41)]
    for age, token in enumerate(tokens):
        cache.put(token, VALUE)
        os.utime(tmp_path / "entries" / token, ns=(age, age))
    cache.prune()
    left = {path.name for path in (tmp_path / "entries").iterdir()}
    assert left == set(tokens[-30:])
    cache.prune()
    assert len(list((tmp_path / "entries").iterdir())) == 30


def test_the_bytes_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_BYTES", 4000)
    cache = cache_in(tmp_path)
    for number in range(10):
        cache.put(cache.token(HEAD, (b"%d" % number,)), "x" * 1000)
    cache.prune()
    assert sum(path.stat().st_size for path in (tmp_path / "entries").iterdir()) <= 4000


def test_it_is_pruned_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENTRIES", 8)
    cache = cache_in(tmp_path)
    token = next(token for number in range(10_000) if (token := cache.token(HEAD, (b"%d" % number,))).startswith("00"))
    for number in range(20):
        cache.put(cache.token(b"other", (b"%d" % number,)), VALUE)
    cache.put(token, VALUE)
    assert len(list((tmp_path / "entries").iterdir())) <= 8


def test_an_entry_of_another_process_is_known_at_once(place: Path) -> None:
    cache, writer = cache_in(place), cache_in(place)
    for number in range(50):
        token = writer.token(HEAD, (b"%d" % number,))
        assert not cache.knows(token)
        writer.put(token, VALUE)
        assert cache.knows(token)


# --- where ---


def test_where_the_user_keeps_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable, kind, below in (
        ("XDG_CACHE_HOME", "cache", {"linux": ".cache", "darwin": "Library/Caches"}),
        ("XDG_STATE_HOME", "state", {"linux": ".local/state", "darwin": "Library/Application Support"}),
    ):
        monkeypatch.setenv(variable, "/x")
        assert own.folder_of(kind) == "/x/wirefile"
        for named in ("", "relative/is/ignored"):
            monkeypatch.setenv(variable, named)
            for system, folder in below.items():
                monkeypatch.setattr(sys, "platform", system)
                assert own.folder_of(kind) == f"{tmp_path}/{folder}/wirefile"


def test_without_a_home_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root could make the home that a user who has none is said to have: /nonexistent."""
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    for kind in ("CACHE", "STATE"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert user_cache() is not None
        monkeypatch.delenv(f"XDG_{kind}_HOME")
        assert user_cache() is None
    assert list(tmp_path.iterdir()) == []


def test_a_variable_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_cache() is user_cache() is not None
    monkeypatch.setenv("WIREFILE_NO_CACHE", "1")
    assert user_cache() is None


# --- who judges ---


def test_a_verdict_is_the_engines_that_gave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in files and the code are looked at in the same way."""
    monkeypatch.setattr("engine.cache.fingerprint.BEGAN", time.time() + 3600)
    file = tmp_path / "acme.yaml"
    file.write_text("name: acme")
    known = identity.__wrapped__(tmp_path)
    assert known is not None
    assert identity.__wrapped__(tmp_path) == known
    info = file.stat()
    file.write_text("name: evil")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    changed = identity.__wrapped__(tmp_path)
    assert changed != known
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "one.yaml").write_text("")
    assert identity.__wrapped__(tmp_path) not in (known, changed)
    for name in ("__version__", "LIBRARIES"):
        with monkeypatch.context() as patch:
            before = identity.__wrapped__(tmp_path)
            patch.setattr(f"engine.cache.fingerprint.{name}", {"__version__": "9", "LIBRARIES": ("jinja2",)}[name])
            assert identity.__wrapped__(tmp_path) != before


def test_an_engine_that_was_edited_since_it_began_gives_no_verdict_to_keep(tmp_path: Path) -> None:
    """This process may run what its files said before, and the next one what they say now."""
    (tmp_path / "acme.yaml").write_text("")
    os.utime(tmp_path / "acme.yaml", (time.time() + 60, time.time() + 60))
    assert identity.__wrapped__(tmp_path) is None


def test_an_engine_without_files_gives_none(tmp_path: Path) -> None:
    assert identity.__wrapped__(tmp_path / "engine.zip") is None
