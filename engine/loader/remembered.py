"""Files that were found sound before: built at once, or only when they are looked at, without a new judgement.

What a verdict depends on is all in the name of its entry (cache/): the engine, the file's name and bytes, what it is
loaded in, and the names and bytes of the files that it extends. Those are found without reading YAML: a line of the
text says which they are. It is a guess, so a verdict is only kept where the judgement, which does read YAML, found the
same files with the same text. Of a file with problems, and of one that only has warnings, nothing is kept.
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..cache import Cache, identity
from ..errors import Problem, Problems
from ..folders import builtin_folder, find_path
from .around import MAX_CHAIN, Around
from .source import decode, read_bytes

if TYPE_CHECKING:
    from ..spec import ProviderSpec
    from .document import Document


_EXTENDS = re.compile(rb"""extends["']?[ \t]*:[ \t]+["']?([A-Za-z0-9][\w-]*)""", re.ASCII)


class Parent(NamedTuple):
    """A file that another extends, what stands for it in the token of a child, and what it extends itself."""

    path: str
    data: bytes
    told: tuple[bytes, bytes]
    extends: str


Chain = tuple[Parent, ...]
"""The files that a file extends, nearest first."""


class Inquiry(NamedTuple):
    """A file whose bytes are at hand, and the name of what the cache knows of it; empty where that is nothing."""

    data: bytes
    file: str
    around: Around
    cache: Cache | None = None
    chain: Chain = ()
    token: str = ""

    @classmethod
    def about(cls, data: bytes, file: str, around: Around, cache: Cache | None = None) -> Inquiry:
        """Ask about a file."""
        engine = identity(builtin_folder()) if cache is not None else None
        chain = _chain(data, around) if engine is not None and b"extends" in data else ()
        if cache is None or engine is None or chain is None:
            return cls(data, file, around)
        parts = [file.encode("utf-8", "surrogatepass"), data]
        for parent in chain:
            parts += parent.told
        return cls(data, file, around, cache, chain, cache.token(around.told(engine), parts))

    @property
    def is_sound(self) -> bool:
        """Whether it was found sound before."""
        return self.cache is not None and self.cache.knows(self.token)

    def judge(self) -> tuple[Document, list[Problem]]:
        """The document with all that it inherits, and every problem of it. Raises SpecError for what is no text."""
        from .judging import judge  # with YAML, the schema and the template engine

        document, found = judge(decode(self.data, self.file), self.around)
        if self.cache is not None and self.token and not found and self._guessed(document):
            from .whole import Whole

            whole = Whole.of(document)
            self.cache.put(self.token, [whole.data, whole.examples, whole.patches])
        return document, found

    def _guessed(self, document: Document) -> bool:
        """Whether the files that the document was made of are those in the token."""
        made_of = [(source.file, source.text) for source in document.parents]
        return made_of == [(parent.path, decode(parent.data, parent.path).text) for parent in self.chain]

    def spec(self) -> ProviderSpec:
        """The file as values, judged only where it is not remembered. Raises SpecError."""
        from .building import build
        from .whole import Whole

        kept = self.cache.get(self.token) if self.cache is not None else None
        if kept is not None:
            data, examples, patches = kept
            return build(Whole(self.file, data, examples, patches))
        document, found = self.judge()
        Problems(found).raise_if_any()
        return build(Whole.of(document))


def _chain(data: bytes, around: Around) -> Chain | None:
    """The files that a text extends, one after the other, as far as its lines tell; None where they do not."""
    name = _parent_in(data)
    if not name:
        return ()
    places = around.places
    if around.seen is None:
        return _chain_from(name, places)
    if (name, places) not in around.seen:
        around.seen[name, places] = _chain_from(name, places)
    known: Chain | None = around.seen[name, places]
    return known


def _chain_from(name: str, places: tuple[Path, ...]) -> Chain | None:
    chain: list[Parent] = []
    while name:
        path = find_path(name, places)
        if path is None or len(chain) == MAX_CHAIN:
            return None
        try:
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode):
                return None  # where a link leads to may change, and no name or byte of it tells
            parent = _parent(path, (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino))
        except OSError:
            return None
        chain.append(parent)
        name = parent.extends
    return tuple(chain)


@lru_cache(maxsize=64)
def _parent(path: str, stamp: object) -> Parent:
    """A parent; the same one is read once for all of the files that extend it, as it is by the judgement."""
    data = read_bytes(path)
    return Parent(path, data, (path.encode("utf-8", "surrogatepass"), blake2b(data).digest()), _parent_in(data))


def _parent_in(data: bytes) -> str:
    """What a text extends, by the first line that begins with that key; empty when none does."""
    for match in _EXTENDS.finditer(data):
        line = data.rfind(b"\n", 0, match.start()) + 1
        if data[line : match.start()] in (b"", b'"', b"'"):
            return match[1].decode()
    return ""
