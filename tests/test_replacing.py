"""A file is replaced at once or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.replacing import replace_text


def test_mode_mark_and_link_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "a.yaml", tmp_path / "b.yaml"
    file.write_bytes(b"\xef\xbb\xbfold")
    file.chmod(0o640)
    link.symlink_to(file)
    replace_text(link, "нов\r\n")
    assert file.read_bytes() == b"\xef\xbb\xbf" + "нов\r\n".encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "b.yaml"]


def test_a_new_file_has_the_mode_of_any_other(tmp_path: Path) -> None:
    replace_text(tmp_path / "a.yaml", "x")
    (tmp_path / "b.yaml").write_text("x", encoding="utf-8")
    assert (tmp_path / "a.yaml").stat().st_mode == (tmp_path / "b.yaml").stat().st_mode


def test_what_fails_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        replace_text(file, "new")
    assert [entry.read_text(encoding="utf-8") for entry in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*gone; make it first"):
        replace_text(tmp_path / "gone" / "a.yaml", "x")
