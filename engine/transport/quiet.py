"""What the HTTP library logs of our own requests, without what the other side said.

It logs the headers of a response and the bytes that were no HTTP at DEBUG, and the words behind a status at INFO: there
a server may say the key again, and opens a session. The password of a SOCKS proxy it logs as well. Its records about
other requests in the process stay as they are.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar, Token
from functools import cache

_OURS = ContextVar("_OURS", default=False)
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")

_SAYS_MORE = ("receive_", "send_request_headers.complete", "setup_socks5_connection")
"""Records with words of the other side, and the one with the proxy's password."""


def _handled(record: logging.LogRecord) -> bool:
    """Hand a record on without those words; a handler that fails, for a full disk say, must not end the call."""
    if not _OURS.get():
        return True
    if record.name == "httpx":
        if isinstance(record.args, tuple) and len(record.args) == 5:  # method, URL, version, status, words
            record.args = (*record.args[:4], "")
    elif str(record.msg).startswith(_SAYS_MORE):
        record.msg, record.args = str(record.msg).partition(" ")[0], ()
    with suppress(Exception):
        logging.getLogger(record.name).callHandlers(record)
    return False


@cache
def _loggers() -> tuple[logging.Logger, ...]:
    return tuple(map(logging.getLogger, _LOGGERS))


class _Quiet:
    """Entered for each piece of an answer: hence no generator."""

    __slots__ = ("_token",)
    _token: Token[bool]

    def __enter__(self) -> None:
        for logger in _loggers():
            filters = logger.filters
            if not filters or filters[-1] is not _handled:  # behind those of others: what they refuse is not handled
                logger.removeFilter(_handled)
                logger.addFilter(_handled)
        self._token = _OURS.set(True)

    def __exit__(self, *_: object) -> None:
        _OURS.reset(self._token)


def quiet() -> AbstractContextManager[None]:
    """Until the block is left, what this thread or task makes the library log says nothing of the other side's."""
    return _Quiet()
