"""Leaves that are one name in braces, as most are: what is asked of a template is answered for these without jinja2."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from .functions import FUNCTIONS
from .segments import KEYWORDS, SECRETS, Fault

_BARE_NAME = re.compile(r"\{\{\s*([A-Za-z]\w*)\s*\}\}", re.ASCII)

_LONGEST = 200
"""A longer text is looked at as any other is: it may be too long for a template."""


def bare_name(text: str) -> str | None:
    """The name of a value that is all of a leaf, which most leaves are.

    >>> bare_name("{{ model }}"), bare_name("{{ model }}!")
    ('model', None)
    """
    match = _BARE_NAME.fullmatch(text) if len(text) <= _LONGEST else None
    return match[1] if match is not None and match[1] not in KEYWORDS else None


def check(
    text: str,
    names: Collection[str],
    *,
    bare: bool = False,
    as_text: bool = False,
    collections: Collection[str] = (),
) -> list[Fault]:
    """What is wrong with a template, in the order of its text; `names` are those it may use.

    `bare` says that the whole text is one expression, without braces; `as_text` that its value becomes text even when
    it is one expression. `collections` are the names that hold lists or maps, which have no text. At most
    `allowed.MAX_FAULTS` faults are given.

    >>> check("Hi {{ mesages }}", {"messages"})
    [Fault(offset=6, rule='undefined-variable', message="'mesages' is not defined", hint="did you mean 'messages'?")]
    """
    name = None if bare else bare_name(text)
    if name is not None and name in names and name not in FUNCTIONS and not (as_text and name in collections):
        return []
    from . import allowed

    return allowed.faults_in(text, names, bare, as_text, collections)


def check_keys(text: str, declared: Collection[str], *, bare: bool = False) -> Iterable[Fault]:
    """What `masked.check_keys` says, which is of secrets only."""
    if not bare and bare_name(text) not in (None, SECRETS):
        return ()
    from . import masked

    return masked.check_keys(text, declared, bare=bare)


def members_of(text: str, root: str, *, bare: bool = False) -> list[tuple[int, tuple[str, ...]]]:
    """What `members.members_of` says, which is of the members of `root` only."""
    if not bare and bare_name(text) not in (None, root):
        return []
    from . import members

    return members.members_of(text, root, bare=bare)
