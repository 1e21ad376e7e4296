"""Answers of a real llama.cpp server, byte for byte; the README beside this file says how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INDEX = HERE / "index.json"


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange: `file` is the provider file that it fits, `read` what the SDK made of it, None for errors."""

    name: str
    file: str
    sdk: str
    path: str
    request: Mapping[str, Any]
    status: int
    content_type: str
    read: Mapping[str, Any] | None

    @property
    def is_stream(self) -> bool:
        return bool(self.request.get("stream"))

    @property
    def body(self) -> bytes:
        return (HERE / f"{self.name}.{'sse' if 'event-stream' in self.content_type else 'json'}").read_bytes()


def recordings() -> list[Recording]:
    """All of them, in the order in which they were made."""
    return [Recording(**entry) for entry in json.loads(INDEX.read_text("utf-8"))]
