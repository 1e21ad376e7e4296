"""The wheel and the editable install, in empty environments, away from the checkout. Run by .ci/run."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.packaging

PROMPT = "Привет! Как дела?"
ANSWER = f"This is a mock of Acytoo; no model has answered. You said: «{PROMPT}»\n"


def clean_environment() -> dict[str, str]:
    """Nothing that could make Python find the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def run(*words: str | Path, cwd: Path) -> str:
    command = list(map(str, words))
    options: dict[str, Any] = {"cwd": cwd, "env": clean_environment(), "capture_output": True, "text": True}
    done = subprocess.run(command, **options, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tools = new_environment(folder / "tools")
    run(tools / "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_files_and_schema_inside_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("providers", "schemas"):
        for path in (ROOT / folder).rglob("*.*"):
            assert f"engine/{path.relative_to(ROOT).as_posix()}" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"engine", next(top for top in tops if top.endswith(".dist-info"))}
    assert not [name for name in names if name.endswith((".pth", ".pyc"))]
    assert {"engine/py.typed", "engine/loader/rulebook.yaml"} <= names


def test_the_installed_wheel_talks_to_the_mock_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "venv")
    run(tools / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    assert run(tools / "wirefile", "chat", "acytoo", "--mock", PROMPT, cwd=tmp_path) == ANSWER
    where = run(tools / "python", "-c", "import engine; print(engine.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path))
    assert "acytoo" in run(tools / "wirefile", "list", cwd=tmp_path)
    assert run(tools / "wirefile", "schema", cwd=tmp_path) == (ROOT / "schemas" / "provider.schema.json").read_text()


def test_the_editable_install_uses_the_checkout_s_folders(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for name in ("engine", "providers", "schemas"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    tools = new_environment(tmp_path / "venv")
    run(tools / "pip", "install", "--quiet", "--editable", copy, cwd=tmp_path)
    assert run(tools / "wirefile", "chat", "acytoo", "--mock", PROMPT, cwd=tmp_path) == ANSWER
    # A file that is dropped into the checkout is there at once.
    text = (copy / "providers" / "acytoo.yaml").read_text(encoding="utf-8")
    (copy / "providers" / "other.yaml").write_text(text.replace("name: acytoo", "name: other"), encoding="utf-8")
    assert "other" in run(tools / "wirefile", "list", cwd=tmp_path)
    assert not (copy / "engine" / "providers").exists()


def test_the_hooks_of_pre_commit_judge_what_is_committed(tmp_path: Path) -> None:
    tools, work = new_environment(tmp_path / "tools"), tmp_path / "work"
    run(tools / "pip", "install", "--quiet", "pre-commit", cwd=tmp_path)
    (work / "providers").mkdir(parents=True)
    shutil.copy(ROOT / "providers" / "acytoo.yaml", work / "providers" / "acytoo.yaml")
    run("git", "init", "--quiet", cwd=work)
    run("git", "add", "--all", cwd=work)
    command = [str(tools / "pre-commit"), "try-repo", str(ROOT), "--all-files", "--verbose"]
    options: dict[str, Any] = {"cwd": work, "capture_output": True, "text": True, "timeout": 300, "check": False}
    cache = clean_environment() | {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    good = subprocess.run(command, env=cache, **options)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "2 passed, 0 failed" in good.stdout

    file = work / "providers" / "acytoo.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("{{ messages }}", "{{ mesages }}", 1), encoding="utf-8")
    run("git", "add", "--all", cwd=work)
    bad = subprocess.run(command, env=cache, **options)
    assert bad.returncode == 1
    assert "undefined-variable" in bad.stdout


def test_the_installed_wheel_brings_its_plugin_to_pytest(wheel: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "venv")
    run(tools / "pip", "install", "--quiet", wheel, "pytest", cwd=tmp_path)
    (tmp_path / "providers").mkdir()
    shutil.copy(ROOT / "providers" / "acytoo.yaml", tmp_path / "providers")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n", encoding="utf-8")
    assert "1 passed" in run(tools / "pytest", "-W", "error", cwd=tmp_path)
    ran = run(tools / "pytest", "-W", "error", "-v", "--wirefile", "providers/acytoo.yaml", cwd=tmp_path)
    assert "providers/acytoo.yaml::a Cyrillic answer in pieces PASSED" in ran
