from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.folders import builtin_folder

from .conftest import environment

AUDIT = """
import sys
seen = []
def hook(name, args):
    if name.startswith(("socket.", "subprocess.", "os.putenv", "_thread.start")):
        seen.append(name)
    if name == "open" and isinstance(args[0], str) and not args[0].endswith((".py", ".pyc", ".so")):
        if "site-packages" not in args[0] and "__pycache__" not in args[0]:
            seen.append(f"open {args[0]}")
sys.addaudithook(hook)
import threading
import engine
from engine import *
names = [name for name in engine.__all__]
print(seen, threading.active_count())
"""

HEAVY = ("httpx", "jinja2", "yaml", "jsonschema", "click", "asyncio")


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=True, timeout=60, text=True
    )
    return done.stdout.strip()


def test_import_engine_loads_nothing_heavy() -> None:
    loaded = python("import sys; before = set(sys.modules); import engine; print(*sorted(set(sys.modules) - before))")
    assert not {name.split(".")[0] for name in loaded.split()} & set(HEAVY)
    assert [name for name in loaded.split() if name.startswith("engine")] == ["engine", "engine.version"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from engine import Client; Client()", ("httpx", "jinja2", "yaml", "jsonschema", "click", "asyncio", "email")),
        (
            "from engine import Catalog; Catalog().names()",
            ("httpx", "jinja2", "yaml", "jsonschema", "click", "asyncio"),
        ),
        ("from engine import Catalog; Catalog().provider('acytoo').decode(b'x')", ("httpx", "click", "asyncio")),
        ("import engine.cli", ("httpx", "jinja2", "yaml", "jsonschema", "asyncio")),
    ],
)
def test_libraries_are_imported_when_they_are_needed(code: str, absent: tuple[str, ...]) -> None:
    loaded = python(f"import sys\n{code}\nprint(*[n for n in {absent!r} if n in sys.modules])")
    assert loaded == ""


LOADED = """
import io, sys
before = set(sys.modules)
from engine.cli.app import run
sys.stdout, shown = io.StringIO(), sys.stdout
code = run(sys.argv[1:])
loaded = {name for name in set(sys.modules) - before}
print(code, *sorted(loaded), file=shown)
"""


def loaded_by(*words: str, **variables: str) -> set[str]:
    """The modules that a verb imports."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, env=environment(**variables), check=True, text=True
    )
    code, *names = done.stdout.split()
    assert code == "0", done.stderr
    return set(names)


def third_parties(names: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in names if "cython" not in name}  # which is part of yaml
    return tops - set(sys.stdlib_module_names) - {"engine"}


ACYTOO, OPENAI = (str(builtin_folder() / f"{name}.yaml") for name in ("acytoo", "openai"))
JINJA = {"jinja2", "markupsafe"}
HEAVY_STDLIB = {"asyncio", "ssl", "socket", "email", "http", "concurrent", "multiprocessing", "tempfile", "difflib"}


NOT_FOR = {
    "render": ("framing", "rules", "reply", "auth.signing", "loader.violations", "steps"),
    "validate": ("spec", "messages", "framing", "provider", "loader.building", "loader.violations"),
    "decode": ("rendering", "auth", "route", "transport", "loader.violations"),
}
"""Rooms of the engine that a verb does without, and that are not imported for a sound file of one request."""


@pytest.mark.parametrize(
    ("words", "first", "later"),
    [
        (("render", "acytoo", "hi"), {"click", "yaml"}, {"click"}),
        (
            ("render", "openai:gpt-5", "hi"),
            {"click", "yaml", "jinja2", "markupsafe"},
            {"click", "jinja2", "markupsafe"},
        ),
        (("validate", ACYTOO), {"click", "yaml"}, {"click"}),
        (("validate", OPENAI), {"click", "yaml", *JINJA}, {"click"}),
        (("decode", "acytoo", ACYTOO), {"click", "yaml"}, {"click"}),
    ],
    ids=lambda words: " ".join(words[:2]).rpartition("/")[2] if isinstance(words, tuple) else "",
)
def test_what_each_verb_imports_the_first_time_and_later(
    tmp_path: Path, words: tuple[str, ...], first: set[str], later: set[str]
) -> None:
    """A sound file needs no validator, one that was checked before no YAML, and none of them the HTTP client."""
    places = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "STATE")}
    for third in (first, later):
        loaded = loaded_by(*words, **places)
        assert third_parties(loaded) - {"msgspec"} == third  # what decodes is as fast as can be
        is_heavy = {name.split(".")[0] for name in loaded} & HEAVY_STDLIB
        assert is_heavy <= ({"tempfile"} if "jinja2" in third else set())
        assert not {f"engine.{room}" for room in NOT_FOR[words[0]]} & loaded
    if words[0] == "validate":
        assert "engine.loader.judging" not in loaded


def test_help_loads_no_part_of_the_engine_that_it_does_not_print() -> None:
    code = "import sys\nfrom engine.cli.app import run\nrun(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=True, text=True)
    assert not {"httpx", "jinja2", "yaml", "jsonschema", "asyncio", "http.server"} & set(done.stderr.split())


def test_importing_everything_public_does_nothing() -> None:
    assert python(AUDIT) == "[] 1"


def test_all_is_what_the_design_names() -> None:
    assert set(engine.__all__) == {
        *("Client", "AsyncClient", "Catalog", "ProviderSpec", "ChatRequest", "Message", "ChatResponse", "TextDelta"),
        *("ReasoningDelta", "ToolCallDelta", "Usage", "Finish", "EngineError"),
    }
    for name in engine.__all__:
        assert getattr(engine, name).__name__ == name
        assert name in dir(engine)
    with pytest.raises(AttributeError, match="Clint"):
        engine.Clint  # noqa: B018
