"""Provider file -> checked ProviderSpec, or all of its problems at once. Reads no environment, network or clock.

The text is read by yamltext.py (restricted YAML, every value with its place), held against the published schema by
schema.py, checked across its parts by checks.py, and only then made into values by building. What was judged before
and has not changed is built at once: remembered.py. So nothing that judges is imported before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Problem, SpecError
from .around import Around
from .remembered import Inquiry, loaded
from .source import file_bytes

if TYPE_CHECKING:
    from ..cache import Cache
    from ..folders import Found
    from ..spec import ProviderSpec
    from .several import Named

__all__ = ["examined", "known_sound", "load", "load_text", "problems_of", "problems_of_text"]


def load(
    path: Path | str,
    *,
    shipped: bool = False,
    folders: Iterable[Path] = (),
    allow_env: Collection[str] = (),
    redirected: bool = False,
    data: bytes | None = None,
    cache: Cache | None = None,
) -> ProviderSpec:
    """The provider file at `path`. Raises SpecError with every problem of it.

    `shipped` says that the file came with the package, so that it may read protected variables; `allow_env` names
    those that the caller lets any file read; `redirected` that a base URL of the caller's stands for the file's `url`.
    What the file extends is looked for beside it, in `folders`, and among the built-in files; in each folder also
    below `protocols`; they are iterated each time. `data` is what the file says, where it was read before, or to see
    whether it may be written. With a `cache`, a file that was found sound before is not judged again.
    """
    around = Around(shipped, folders, frozenset(allow_env), redirected, path)
    file = str(path)
    return loaded(Inquiry.about(file_bytes(path, file) if data is None else data, file, around, cache))


def load_text(text: str, file: str = "<text>", *, shipped: bool = False, folders: Iterable[Path] = ()) -> ProviderSpec:
    """A provider file from its text; `file` is the name that problems bear, the rest is that of `load`.

    >>> load_text("spec_version: 2")
    Traceback (most recent call last):
    ...
    engine.errors.SpecError: <text>:1:15: future-version: spec_version is 2, this engine knows 1; update wirefile
    """
    data, around = text.encode("utf-8", "surrogatepass"), Around(shipped, folders)
    return Inquiry.about(data, file, around).spec()


def problems_of(path: Path | str, *, shipped: bool = False, folders: Iterable[Path] = ()) -> list[Problem]:
    """Every problem of a file, warnings included, in the order of its lines."""
    return examined(path, shipped=shipped, folders=folders)[1]


def problems_of_text(data: bytes, file: str) -> list[Problem]:
    """Every problem of a file that came as bytes (standard input)."""
    try:
        return Inquiry.about(data, file, Around()).judge()[1]
    except SpecError as error:
        return list(error.problems)


def examined(
    path: Path | str, *, shipped: bool = False, folders: Iterable[Path] = (), cache: Cache | None = None
) -> tuple[Named, list[Problem]]:
    """What a file calls itself, and every problem of it: for those who look at several files at once.

    What is found sound, `cache` remembers.
    """
    from .several import by_name, by_stem

    around = Around(shipped, folders, beside=path)
    try:
        document, found = Inquiry.about(file_bytes(path, str(path)), str(path), around, cache).judge()
    except SpecError as error:
        return by_stem(path), list(error.problems)
    return by_name(document), found


def known_sound(
    files: Iterable[Found], *, is_shipped: Callable[[str, bool], bool], folders: Iterable[Path], cache: Cache
) -> Iterator[str]:
    """Those of some files, with their bytes, of which is known that there is nothing to be found in them."""
    for path, is_link, data, _ in files:
        around = Around(is_shipped(path, is_link), folders, beside=path)
        if data is not None and Inquiry.about(data, path, around, cache).is_sound:
            yield path
