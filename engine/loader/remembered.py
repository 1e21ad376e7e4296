"""Files that were found sound before: built at once, or only when they are looked at, without a new judgement.

What a verdict depends on is all in the name of its entry (cache/): the engine, the file's name and bytes, what it is
loaded in, and the names and bytes of the files that it extends (lineage.py). Which these are is guessed, so a verdict
is only kept where the judgement, which does read YAML, found the same files with the same text. Of a file with
problems, and of one that only has warnings, nothing is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..cache import Cache, identity
from ..errors import Problem, Problems
from ..folders import builtin_folder
from .around import Around
from .lineage import Chain, chain_of, parent_in
from .source import decode

if TYPE_CHECKING:
    from ..spec import ProviderSpec
    from .document import Document


class Inquiry(NamedTuple):
    """A file whose bytes are at hand, and the name of what the cache knows of it; empty where that is nothing."""

    data: bytes
    file: str
    around: Around
    cache: Cache | None = None
    extends: str = ""
    chain: Chain = ()
    token: str = ""

    @classmethod
    def about(cls, data: bytes, file: str, around: Around, cache: Cache | None = None) -> Inquiry:
        """Ask about a file."""
        engine = identity(builtin_folder()) if cache is not None else None
        extends = parent_in(data) if engine is not None else ""
        chain = chain_of(extends, around.ways) if extends else ()
        if cache is None or engine is None or chain is None:
            return cls(data, file, around)
        parts = [file.encode("utf-8", "surrogatepass"), data]
        parts += [parent.said.encode("utf-8", "surrogatepass") for parent in chain]
        return cls(data, file, around, cache, extends, chain, cache.token(around.told(engine), parts))

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
        kept = remembered(self.cache, self.token, self.file) if self.cache is not None else None
        if kept is not None:
            return kept
        from .building import build
        from .whole import Whole

        document, found = self.judge()
        Problems(found).raise_if_any()
        return build(Whole.of(document))


def loaded(inquiry: Inquiry) -> ProviderSpec:
    """A file that was asked about: at once, or when somebody looks into it if it was found sound before."""
    if not inquiry.is_sound:
        return inquiry.spec()
    from ..spec import ProviderSpec

    return ProviderSpec.later(inquiry.spec)


def remembered(cache: Cache, token: str, file: str) -> ProviderSpec | None:
    """The file as values, if there is an entry of it."""
    kept = cache.get(token)
    if kept is None:
        return None
    from .building import build
    from .whole import Whole

    data, examples, patches = kept
    return build(Whole(file, data, examples, patches))
