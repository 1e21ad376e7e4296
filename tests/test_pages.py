"""Every block of the pages in `docs/` that people wrote runs, and prints what the page says; links lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.loader import problems_of_text
from engine.loader.yamlout import yaml_text

from .conftest import ROOT
from .pages import PORT, blocks, free_port, links, run_python, run_shell, shim

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
WRITTEN = [page for page in PAGES if "made by docs/generate.py" not in page.read_text(encoding="utf-8")]


def run_page(page: Path, folder: Path) -> Iterator[str]:
    """What differs between a page and what its blocks do."""
    port, commands = free_port(), shim(folder)
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{block.line}"
        if block.file is not None:
            file = folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "yaml":
            yield from (f"{where}: {problem}" for problem in problems_of_fragment(block.text))
        else:
            run = run_python(block.text, folder) if block.language == "python" else None
            done = run or run_shell(block.text, folder, commands, port)
            if done.returncode:
                yield f"{where}: exit code {done.returncode}: {done.stderr.decode()}"
            if done.stdout.decode() != block.output.replace(PORT, port):
                yield f"{where}: printed\n{done.stdout.decode()}"


def problems_of_fragment(text: str) -> list[str]:
    """What is wrong with some keys of a provider file, the others being those of a plain one."""
    rest = {
        "spec_version": 1,
        "name": "acme",
        "url": "https://acme.example",
        "payload": {"model": "{{ model }}", "messages": "{{ messages }}"},
        "response": {"codec": "text"},
        "examples": [{"name": "x", "call": {"messages": "Hi"}, "reply": {"text": "Hi"}, "expect": {"text": "Hi"}}],
    }
    others = {key: value for key, value in rest.items() if f"\n{key}:" not in f"\n{text}"}
    whole = f"{text}\n{yaml_text(others)}\n"
    return [str(found) for found in problems_of_text(whole.encode(), "page") if found.severity == "error"]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_the_blocks_of_a_page(page: Path, tmp_path: Path) -> None:
    assert not list(run_page(page, tmp_path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_a_block_that_does_something_else_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\necho one\n```\n\n```text\ntwo\n```\n\n```yaml\nurll: x\n```\n\n```python\nraise SystemExit(3)\n```\n",
        encoding="utf-8",
    )
    told = list(run_page(page, tmp_path))
    assert [line.splitlines()[0] for line in told] == [
        "page.md:1: printed",
        "page.md:9: page:1:1: unknown-key: 'urll' is no key of a provider file; did you mean 'url'?",
        "page.md:13: exit code 3: ",
    ]
