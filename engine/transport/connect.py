"""A connected socket for a thread, which does not block: the twin of dial.py."""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import Any

from .addresses import NEXT_SECONDS, in_turns, unreachable
from .waiting import WRITE, TooLate, ready

_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


def connect(host: str, port: int, until: float) -> socket.socket:
    """Connect to the first address that answers. Raises TooLate, OSError, or a group of them for a host with several.

    Looking a name up takes as long as the system lets it.
    """
    ahead = in_turns(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    tries: dict[int, socket.socket] = {}
    errors: list[OSError] = []
    try:
        while ahead or tries:
            if ahead:
                _begin(ahead.popleft(), tries, errors)
            if not tries:
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise TooLate
            for number in ready(tries.values(), WRITE, min(left, NEXT_SECONDS) if ahead else left):
                own = tries.pop(number)
                code = own.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return own
                own.close()
                errors.append(OSError(code, os.strerror(code)))
    finally:
        for own in tries.values():
            own.close()
    raise unreachable(errors)


def _begin(info: Any, tries: dict[int, socket.socket], errors: list[OSError]) -> None:
    """Begin to connect to an address."""
    family, kind, protocol, _, address = info
    try:
        own = socket.socket(family, kind, protocol)
    except OSError as error:
        errors.append(error)
        return
    tries[own.fileno()] = own
    own.setblocking(False)
    code = own.connect_ex(address)
    if code not in _UNDER_WAY:
        tries.pop(own.fileno()).close()
        errors.append(OSError(code, os.strerror(code)))
