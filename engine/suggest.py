"""The one place that guesses what a mistyped word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

MOST_SLIPS = 2
"""A slip is a letter too many, too few, wrong, or swapped with its neighbour."""
LONGEST = 64
"""A longer word is nobody's slip."""
MOST_KNOWN = 500
"""How many words are looked at."""


def near(word: str, known: Iterable[str], most: int = MOST_SLIPS) -> str | None:
    """The known word that is at most so many slips away; case, hyphens and underscores are none.

    >>> near("ath", ["path", "auth"]), near("mapsTo", ["maps_to"]), near("usage", ["messages"])
    ('auth', 'maps_to', None)
    """
    plain = _plain(word)
    most = min(most, (len(plain) - 1) // 2)
    if len(word) > LONGEST or most < 0:
        return None
    names = map(str, islice(known, MOST_KNOWN))
    counted = [(_slips(plain, _plain(name), most), not name.startswith(word[:1]), name) for name in names]
    best = min(counted, default=(most + 1, True, ""))
    return best[2] if best[0] <= most else None


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to `word`, or None when none is near.

    >>> closest("mesages", ["messages", "model"])
    'messages'
    """
    names = [str(name) for name in islice(known, MOST_KNOWN)]
    found = near(word, names)
    if found is not None or len(word) > LONGEST:
        return found
    from difflib import get_close_matches  # imported by who has made a slip

    candidates = {name.lower(): name for name in names}
    alike = get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    begun = [name for name in names if len(word) > 2 and name.lower().startswith(word.lower())]
    return candidates[alike[0]] if alike else begun[0] if len(begun) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a mistyped word; empty when nothing is near.

    >>> did_you_mean("ulr", ["url", "path"])
    "did you mean 'url'?"
    """
    match = closest(word, known)
    return f"did you mean '{match}'?" if match else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def _slips(word: str, other: str, most: int) -> int:
    """How many slips lie between two words (Damerau-Levenshtein, neighbours only); `most` + 1 for more than that."""
    if abs(len(word) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        before, last, row = row, before, [i]
        for j, one in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != one))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == one:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
