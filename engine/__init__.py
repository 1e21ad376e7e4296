"""Any LLM chat API over HTTP is one YAML file; this package validates it, renders its requests and reads its answers.

    from engine import Client

    with Client() as client:
        print(client.chat("acme", "Hi").text)

The public names are the ones in `__all__`; errors are in `engine.errors`, the decoders in `engine.framing`. Importing
the package loads none of its modules: each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:
    from .async_client import AsyncClient
    from .catalog import Catalog
    from .chat_request import ChatRequest
    from .client import Client
    from .errors import EngineError
    from .events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
    from .messages import ChatResponse, Message
    from .spec import ProviderSpec

__all__ = [
    "AsyncClient",
    "Catalog",
    "ChatRequest",
    "ChatResponse",
    "Client",
    "EngineError",
    "Finish",
    "Message",
    "ProviderSpec",
    "ReasoningDelta",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
]

_HOMES = {
    "async_client": ("AsyncClient",),
    "catalog": ("Catalog",),
    "client": ("Client",),
    "errors": ("EngineError",),
    "events": ("Finish", "ReasoningDelta", "TextDelta", "ToolCallDelta", "Usage"),
    "chat_request": ("ChatRequest",),
    "messages": ("ChatResponse", "Message"),
    "spec": ("ProviderSpec",),
}
"""The module that each public name lives in."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
