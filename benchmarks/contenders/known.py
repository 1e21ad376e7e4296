"""The contenders by name: which class each is, what it is given of an answer, and what it must do without."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Known:
    """`reads`: the text of the answer, the bytes of its body, or all bytes on the wire.

    `extra`: whether the packages of the extra `fast` are there; None where it makes no difference. `is_peer`: it has an
    environment of its own, made of `benchmarks/peers/NAME.txt`.
    """

    place: str
    reads: Literal["text", "body", "wire"] = "text"
    extra: bool | None = None
    is_peer: bool = False


H, H_SYNC, SOCKET = "httpx", "httpx sync", "socket"
PLAIN, OWN_CLIENT, FAST = "plain", "own client", "fast"
PLAIN_SYNC, FAST_SYNC = "plain sync", "fast sync"

KNOWN: Mapping[str, Known] = {
    H: Known("bare:Httpx", "body"),
    H_SYNC: Known("bare:HttpxSync", "body"),
    SOCKET: Known("bare:Socket", "wire"),
    PLAIN: Known("ours:Ours", extra=False),
    OWN_CLIENT: Known("ours:OwnClient", extra=True),
    FAST: Known("ours:Ours", extra=True),
    PLAIN_SYNC: Known("ours:OursSync", extra=False),
    FAST_SYNC: Known("ours:OursSync", extra=True),
    "httpx-sse": Known("peers:HttpxSse", is_peer=True),
    "gpt4free": Known("peers:G4f", is_peer=True),
    "openai": Known("peers:Openai", is_peer=True),
    "any-llm": Known("peers:AnyLlm", is_peer=True),
    "pydantic-ai": Known("peers:PydanticAi", is_peer=True),
    "litellm": Known("peers:Litellm", is_peer=True),
}
PEERS = [name for name, known in KNOWN.items() if known.is_peer]


def fast_packages() -> list[str]:
    """What the extra `fast` brings, by the names that are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = project["optional-dependencies"]["fast"]
    return [word.split(">")[0].split("=")[0].split("[")[0].strip().replace("-", "_") for word in words]


def missing_packages() -> list[str]:
    """What of the extra `fast` is not installed here."""
    return [name for name in fast_packages() if find_spec(name) is None]


def require_fast() -> None:
    """Raise RuntimeError where the extra `fast` is not installed: no other installation is measured under its name."""
    if missing := missing_packages():
        raise RuntimeError(f"not installed: {', '.join(missing)}; pip install '.[fast]'")
