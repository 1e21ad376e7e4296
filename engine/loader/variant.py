"""A file as it is for some models: with some of its patches laid over it, when one of these models is called."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..errors import Problems
from ..spec import ProviderSpec
from .around import Around
from .building import build
from .document import Document
from .patches import patched
from .source import Mark, Source
from .whole import Whole


def spec_for(spec: ProviderSpec, indexes: Collection[int]) -> ProviderSpec:
    """The file with some of its patches laid over it, in order. Raises SpecError where they do not go together.

    One patch by itself was examined when the file was loaded; of several, only those that match a model which the file
    names were.
    """
    source = Source(spec.file, "")
    document = Document(source, dict(spec.tree), {(): Mark(source, 0, 0)})
    result = patched(document, indexes, Problems())
    if len(indexes) > 1:
        _refuse_discord(result, spec, max(indexes))
    return replace(build(Whole.of(result)), examples=spec.examples)


def _refuse_discord(result: Document, spec: ProviderSpec, last: int) -> None:
    """Raise SpecError, at the last of the patches, for what is wrong with all of them together."""
    from .judging import judge_patched  # what judges a file is not needed to lay one patch over it

    patch = spec.models.patches[last]
    message = "with every patch that matches this model"
    found = judge_patched(result, Around(shipped=True))
    Problems(
        [replace(p, file=patch.file, line=patch.line, column=1, message=f"{message}, {p.message}") for p in found]
    ).raise_if_any()
