"""The official SDKs as oracles: what they send for an intent, and what they read in an answer.

A module here is one SDK. `send(url, intent)` makes it call a server, `read(url, is_stream)` makes it read an answer,
`HOME` is where it would have called. The SDKs come with the extra `sdk`; a test without its SDK is skipped.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest


def driver(name: str) -> ModuleType:
    """The SDK of that name, as a module of this package. Skips the test where it is not installed."""
    try:
        return importlib.import_module(f".{name}", __package__)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(str(__package__).partition(".")[0]):
            raise
        pytest.skip(f"{error.name} is not installed: pip install '.[sdk]'")
