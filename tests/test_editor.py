"""What an author sees while typing: the published schema in a real yaml-language-server, as editors run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.loader.published import schema

from . import languageserver
from .badfiles import HERE
from .conftest import CHIRP, ROOT
from .languageserver import Position, Server

pytestmark = pytest.mark.npm

PUBLISHED = ROOT / "schemas" / "provider.schema.json"
HEAD = "spec_version: 1\nname: acme\nurl: https://api.acme.com\n"
DEFS = schema()["$defs"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    reason = languageserver.lacking()
    script = reason or languageserver.installed()
    if isinstance(script, str):
        pytest.skip(script)
    with languageserver.running(script) as server:
        yield server


class Editor:
    """A file under the cursor; the cursor is where the text has its mark. Each text is a file of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.typings = 0

    @property
    def path(self) -> Path:
        return self.folder / f"acme{self.typings}.yaml"

    def typed(self, text: str) -> tuple[list[dict[str, Any]], Position]:
        """What is wrong with the text, and where the cursor is."""
        before, _, after = f"# yaml-language-server: $schema={PUBLISHED.as_uri()}\n{HEAD}{text}".partition(HERE)
        self.typings += 1
        diagnostics = self.server.open(self.path, before + after)
        lines = before.split("\n")
        return diagnostics, (len(lines) - 1, len(lines[-1]))

    def offered(self, text: str) -> dict[str, str]:
        """What could be typed at the cursor, each with what is said of it."""
        _, at = self.typed(text)
        found = {}
        for item in self.server.completion(self.path, at):
            words = item.get("documentation", "")
            if item["kind"] != SKELETON:
                found[item["label"]] = words["value"] if isinstance(words, dict) else words
        return found

    def hover(self, text: str) -> str:
        _, at = self.typed(text)
        return self.server.hover(self.path, at).replace("\\", "")  # Markdown's


SKELETON = 7
"""The kind of what the server makes up itself: all that is required, in one."""


@pytest.fixture
def editor(server: Server, tmp_path: Path) -> Editor:
    return Editor(server, tmp_path)


FILES = sorted((ROOT / "providers").rglob("*.yaml"))


def test_shipped_files_are_without_a_complaint(server: Server) -> None:
    """They name the schema by a path beside them; those that extend another say only what is different."""
    complaints = {}
    for path in FILES:
        assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../"), path
        if found := server.open(path, path.read_text(encoding="utf-8")):
            complaints[path.name] = [(one["message"], one["range"]["start"]) for one in found]
        server.close(path)
    assert not complaints


def test_a_file_with_all_that_there_is_has_no_complaint(editor: Editor) -> None:
    found, _ = editor.typed("".join(CHIRP.splitlines(keepends=True)[2:]).replace("url: https://api.chirp", "# "))
    assert not found


def test_the_codecs_are_offered_and_nothing_else(editor: Editor) -> None:
    for text in (f"response:\n  codec: {HERE}\n", f"response: {{codec: {HERE}}}\n"):
        assert list(editor.offered(text)) == DEFS["codec"]["enum"]


def test_keys_of_the_top_are_offered_with_their_meaning(editor: Editor) -> None:
    offered = editor.offered(f"{HERE}\n")
    given = ("spec_version", "name", "url")
    assert set(offered) == set(schema()["properties"]) - set(given)
    assert all(words.strip() for words in offered.values())
    assert offered["unknown_params"].startswith("What happens to a parameter that the file does not declare")


def test_hover_on_the_payload_says_what_it_is(editor: Editor) -> None:
    shown = editor.hover(f"pay{HERE}load:\n  model: x\n")
    assert "Payload" in shown
    assert "The body as a tree" in shown
    assert "messages stream tools" in shown  # the names that it may use
    assert "The body as a tree" in editor.hover(f"models:\n  patches:\n    - match: a\n      pay{HERE}load: {{a: b}}\n")


def keys(node: dict[str, Any]) -> set[str]:
    return {name for name, field in node["properties"].items() if isinstance(field, dict)}


def of_type(kind: str) -> set[str]:
    return next(
        keys(branch["then"]) for branch in DEFS["auth"]["allOf"] if branch["if"]["properties"]["type"]["const"] == kind
    )


RULES = "response:\n  stream:\n    codec: sse\n    rules:\n"
NESTED = [
    ("response:\n  ¦\n", keys(DEFS["response"])),
    ("response:\n  stream:\n    ¦\n", keys(DEFS["reading"])),
    (f"{RULES}      - ¦\n", keys(DEFS["rule"])),
    (f"{RULES}      - text: a\n        ¦\n", keys(DEFS["rule"]) - {"text"}),
    (f"{RULES}      - rules:\n          - ¦\n", keys(DEFS["rule"])),
    (f"{RULES}      - tool_call:\n          ¦\n", keys(DEFS["rule"]["properties"]["tool_call"])),
    (f"{RULES}      - text:\n          ¦\n", {"path", "mode"}),
    (f"{RULES}      - text:\n          path: a\n          mode: ¦\n", {"append", "cumulative", "final"}),
    (f"{RULES}      - when:\n          ¦\n", {"event", "path"}),
    (f"{RULES}      - when:\n          type:\n            ¦\n", keys(DEFS["comparison"])),
    (f"{RULES}      - when:\n          path: a\n          ¦\n", keys(DEFS["predicate"]) - {"path"}),
    ("response:\n  codec: sse\n  unwrap:\n    - ¦\n", {"json", "text", "base64", "at"}),
    ("auth:\n  ¦\n", {"type"}),
    ("auth:\n  type: ¦\n", set(DEFS["auth"]["properties"]["type"]["enum"])),
    *((f"auth:\n  type: {kind}\n  ¦\n", of_type(kind)) for kind in DEFS["auth"]["properties"]["type"]["enum"]),
    ("auth:\n  - type: header\n    ¦\n", of_type("header")),
    ("auth:\n  type: oauth2\n  token:\n    ¦\n", keys(DEFS["token"])),
    ("params:\n  heat:\n    ¦\n", keys(DEFS["param"])),
    ("params:\n  heat:\n    type: ¦\n", set(DEFS["param_type"]["enum"])),
    ("settings:\n  region:\n    ¦\n", keys(DEFS["setting"])),
    ("secrets:\n  key:\n    ¦\n", keys(DEFS["secret"])),
    ("models:\n  patches:\n    - match: a\n      ¦\n", keys(DEFS["patch"]) - {"match"}),
    ("models:\n  patches:\n    - match: a\n      params:\n        heat:\n          ¦\n", keys(DEFS["param"])),
    ("messages:\n  system: ¦\n", {"inline", "field", "first_user"}),
    ("tools:\n  schema:\n    - ¦\n", {*DEFS["schema_pass"]["then"]["enum"], "drop_keys"}),
    ("errors:\n  - ¦\n", keys(DEFS["error"])),
    ("errors:\n  - status: 500\n    kind: ¦\n", set(DEFS["error_kind"]["enum"])),
    ("steps:\n  - ¦\n", keys(DEFS["step"])),
    ("steps:\n  - name: a\n    read:\n      x:\n        ¦\n", keys(DEFS["read"])),
    ("steps:\n  - name: a\n    poll:\n      ¦\n", keys(DEFS["poll"])),
    ("retry:\n  ¦\n", keys(schema()["properties"]["retry"])),
    ("examples:\n  - ¦\n", keys(DEFS["example"])),
    ("examples:\n  - name: a\n    call:\n      ¦\n", keys(DEFS["example"]["properties"]["call"])),
    ("examples:\n  - name: a\n    request:\n      ¦\n", keys(DEFS["example_request"])),
    ("examples:\n  - name: a\n    reply:\n      ¦\n", keys(DEFS["example_reply"])),
    ("examples:\n  - name: a\n    expect:\n      ¦\n", keys(DEFS["example"]["properties"]["expect"])),
]


@pytest.mark.parametrize(("text", "wanted"), NESTED)
def test_what_fits_is_offered_in_nested_places(editor: Editor, text: str, wanted: set[str]) -> None:
    assert set(editor.offered(text)) == wanted


TYPOS = [
    ("¦titel: Acme\n", "titel"),
    ("response:\n  codec: ¦ssee\n", '"sse"'),
    ("response: {codec: sse, ¦rulez: []}\n", "rulez"),
    ("response:\n  codec: sse\n  ¦stream: {codec: json}\n", "stream"),
    ("timeout: {idle: ¦-1}\n", "0"),
    ("auth: {type: bearer, secret: k, ¦prefix: x}\n", "prefix"),
    ("params:\n  heat: {type: number, ¦maximum: 2}\n", "maximum"),
    ("params:\n  ¦heat: {min: 1}\n", "type"),
    ("retry: {max: ¦'2'}\n", "integer"),
    ("extends: openai-chat\nparams:\n  heat: {¦mim: 1}\n", "mim"),
]


@pytest.mark.parametrize(("text", "word"), TYPOS)
def test_a_mistake_is_shown_where_it_is(editor: Editor, text: str, word: str) -> None:
    found, at = editor.typed(text)
    here = [one for one in found if one["range"]["start"] == {"line": at[0], "character": at[1]}]
    assert [one for one in here if word in one["message"]], found
