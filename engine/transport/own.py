"""What connections of our own have in common, those of tasks (direct.py) and those of threads (blocking.py)."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from types import FunctionType
from typing import TYPE_CHECKING

from ..secrets import shown
from ..wire import WireRequest

if TYPE_CHECKING:
    import ssl

BUFFER = 64 * 1024
"""How many bytes are taken from the network at once."""

_LOG = logging.getLogger(__package__)
"""What httpx logs of a request, said by whom it is now."""

_STOOD_IN_FOR = (
    ("httpx", "HTTPTransport", "handle_request"),
    ("httpx", "AsyncHTTPTransport", "handle_async_request"),
    ("httpcore", "ConnectionPool", "handle_request"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request"),
)


class ConnectError(Exception):
    """There is no connection; it comes from why. The name is httpx's, as those of its kin are."""


class ConnectTimeout(Exception):
    """There is no connection yet, and the time for it is over."""


def is_there() -> bool:
    """Whether this network can be used: its parser is installed, and nothing stands in for the library's.

    What tests put in the place of httpx's transport, or of httpcore's pool below it, is to be asked. So is what a
    program has put around them to observe requests, as OpenTelemetry's instrumentation does.
    """
    return _is_installed() and not _has_stand_in()


@cache
def _is_installed() -> bool:
    return find_spec("httptools") is not None


def _has_stand_in() -> bool:
    for room, name, method in _STOOD_IN_FOR:
        owner = getattr(sys.modules.get(room), name, None)
        made = getattr(owner, method, None)
        if owner is not None and (type(made) is not FunctionType or _room_of(made) != room):
            return True
    return False


def _room_of(function: FunctionType) -> str:
    """The package that a function was written in: what stands in its place may bear its name, and say its module."""
    return str(function.__globals__.get("__name__", "")).partition(".")[0]


def trust() -> ssl.SSLContext:
    """Whom connections trust; to read all those certificates takes a while."""
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


def log(wire: WireRequest, status: int) -> None:
    """Say that a request was answered."""
    if _LOG.isEnabledFor(logging.INFO):
        with suppress(Exception):  # a handler that fails, for a full disk say, must not end the call
            _LOG.info('HTTP Request: %s %s "%d"', wire.method, shown(wire.url), status)
