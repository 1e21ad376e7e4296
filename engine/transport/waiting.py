"""Waiting until sockets that do not block can be read from or written to."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Collection
from typing import Any

READ, WRITE = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)


class TooLate(TimeoutError):
    """The time to wait is over; of a plain TimeoutError, it is the kernel that has waited."""


def reader(socket: Any) -> Callable[[float], Any]:
    """What says within so many milliseconds whether a socket can be read from: bytes have come, or its end."""
    if not hasattr(select, "poll"):
        return lambda milliseconds: select.select((socket,), (), (), milliseconds / 1000)[0]
    poll = select.poll()
    poll.register(socket, READ)
    return poll.poll


def wait(socket: Any, what: int, until: float) -> int:
    """Wait for a socket; what it is ready for. Raises TooLate when that moment, in monotonic seconds, has passed."""
    left = until - time.monotonic()
    found = ready((socket,), what, left) if left > 0 else {}
    if not found:
        raise TooLate
    return found[socket.fileno()]


def ready(sockets: Collection[Any], what: int, seconds: float) -> dict[int, int]:
    """Which of some sockets are ready within that time, by their descriptors, and for what; one that failed is, too."""
    if not hasattr(select, "poll"):
        to_read, to_write = sockets if what & READ else (), sockets if what & WRITE else ()
        readable, writable, failed = select.select(to_read, to_write, to_write, seconds)
        return {each.fileno(): WRITE for each in (*writable, *failed)} | {each.fileno(): READ for each in readable}
    poll = select.poll()
    for each in sockets:
        poll.register(each, what)
    return dict(poll.poll(seconds * 1000))
