from __future__ import annotations

import subprocess
import sys

import pytest

import engine

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
        ("from engine import Client; Client()", ("httpx", "jinja2", "yaml", "jsonschema", "click", "asyncio")),
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
