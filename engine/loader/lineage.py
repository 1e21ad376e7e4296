"""The files that a file extends, found without reading YAML: a line of the text says which they are.

That is a guess, which the judgement confirms before anything is kept by it (remembered.py). What is found is what a
look-up would find at this moment: a parent that has changed, and one that has come nearer, count at once.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from ..files import Stamp, read_stamped, stamp_of
from ..folders import MAX_FILE_BYTES
from .around import MAX_CHAIN
from .ways import Ways

MAX_PARENTS = 64
"""How many parents are held, each for all of the files that extend it."""

_EXTENDS = re.compile(rb"""extends["']?[ \t]*:[ \t]+["']?([A-Za-z0-9][\w-]*)""", re.ASCII)


class Parent(NamedTuple):
    """A file that another extends."""

    path: str
    data: bytes
    extends: str
    said: str
    """Its path, and the digest of its bytes."""


Chain = tuple[Parent, ...]
"""The files that a file extends, nearest first."""


def chain_of(name: str, ways: Ways) -> Chain | None:
    """The parent of this name and those that it extends in turn; None where their lines do not tell which they are."""
    chain: list[Parent] = []
    while name:
        try:
            parent = _found(name, ways)
        except OSError:
            return None  # also for a link: where it leads to may change, and no name or byte of it tells
        if parent is None or len(chain) == MAX_CHAIN:
            return None
        chain.append(parent)
        name = parent.extends
    return tuple(chain)


def kin_of(chain: Chain) -> str:
    """What stands for the names and bytes of these files; empty for none."""
    return _short("\0".join([parent.said for parent in chain])) if chain else ""


@lru_cache(maxsize=MAX_PARENTS)
def _short(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _found(name: str, ways: Ways) -> Parent | None:
    path = ways.to(name)
    try:
        return None if path is None else _parent(path)
    except FileNotFoundError:
        path = ways.anew(name)
        return None if path is None else _parent(path)


_parents: dict[str, tuple[Stamp, Parent]] = {}


def _parent(path: str) -> Parent:
    """A parent; the same one is read once for all of the files that extend it, as it is by the judgement."""
    known = _parents.get(path)
    if known is not None and known[0] == stamp_of(os.lstat(path)):
        return known[1]
    stamp, data = read_stamped(path, MAX_FILE_BYTES)
    parent = Parent(path, data, parent_in(data), f"{path}\n{blake2b(data, digest_size=32).hexdigest()}")
    if len(_parents) >= MAX_PARENTS:
        _parents.clear()
    if stamp is not None:
        _parents[path] = stamp, parent
    return parent


def parent_in(data: bytes) -> str:
    """What a text extends, by the first line that begins with that key; empty when none does."""
    if b"extends" not in data:
        return ""
    for match in _EXTENDS.finditer(data):
        line = data.rfind(b"\n", 0, match.start()) + 1
        if data[line : match.start()] in (b"", b'"', b"'"):
            return match[1].decode()
    return ""
