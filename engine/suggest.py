"""The one place that guesses what a mistyped word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to `word`, or None when none is near.

    >>> closest("mesages", ["messages", "model"])
    'messages'
    """
    candidates = {str(name).lower(): str(name) for name in known}
    found = get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return candidates[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a mistyped word; empty when nothing is near.

    >>> did_you_mean("ulr", ["url", "path"])
    "did you mean 'url'?"
    """
    match = closest(word, known)
    return f"did you mean '{match}'?" if match else ""
