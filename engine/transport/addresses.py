"""In what order, and how soon one after the other, the addresses of a host are tried."""

from __future__ import annotations

from collections import deque
from itertools import chain, zip_longest
from typing import Any

NEXT_SECONDS = 0.25
"""After how long the next address of a host is tried beside the first (RFC 8305)."""


def in_turns(found: list[Any]) -> deque[Any]:
    """Addresses of the two families by turns, beginning with the first: one of the families may lead nowhere."""
    first = [info for info in found if info[0] == found[0][0]]
    others = [info for info in found if info[0] != found[0][0]]
    return deque(info for info in chain.from_iterable(zip_longest(first, others)) if info is not None)


def unreachable(errors: list[OSError]) -> Exception:
    """What is raised where no address of a host can be reached."""
    return errors[0] if len(errors) == 1 else ExceptionGroup("no address of the host can be reached", errors)
