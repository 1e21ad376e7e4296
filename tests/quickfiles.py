"""Small provider files in a folder of their own, for tests of what the clients do with faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine import Catalog

from .test_client import FILE, SSE_ANSWER, TEXT_ANSWER


def catalog_of(folder: Path, files: Mapping[str, str]) -> Catalog:
    """A catalog of these files, each given as the lines that make it different: at least its `response`."""
    for name, more in files.items():
        answer = SSE_ANSWER if "codec: sse" in more else TEXT_ANSWER
        (folder / f"{name}.yaml").write_text(FILE.format(name=name, more=more, answer=answer), encoding="utf-8")
    return Catalog(folder)
