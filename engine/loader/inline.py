"""Secrets that were written into a file: what they look like, and how to speak of them without showing them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from ..headers import CREDENTIAL_NAME

_SHOWN = 4

# The forms that the services' own key scanners publish: https://docs.github.com/en/code-security/secret-scanning
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}"  # the prefix that many services share
    r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JWT
    r"|gh[opsru]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}"  # GitHub
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"  # AWS
    r"|(?:hf|gsk|pplx|nvapi|r8|fw)[_-][A-Za-z0-9_-]{24,}"  # prefixes of one service each
    r"|xox[abprs]-[A-Za-z0-9-]{16,}"  # Slack
    r")"
)
_OPAQUE = re.compile(r"[A-Za-z0-9_\-.+/=]{20,}")
_MIN_ENTROPY = 3.5  # bits a character: words and placeholders stay below, random keys of 20 characters lie above


def inline_secret(text: str, key: str = "") -> int | None:
    """Where a secret begins in a literal, or None; `key` is the name that the literal stands under.

    >>> inline_secret("Bearer sk-abcdefghijklmnop1234")
    7
    >>> inline_secret("3f9a1c7e5b2d8046ac91", key="x-api-key"), inline_secret("3f9a1c7e5b2d8046ac91")
    (0, None)
    """
    if known := _KNOWN.search(text):
        return known.start()
    if CREDENTIAL_NAME.fullmatch(key) and "{{" not in text:
        for word in _OPAQUE.finditer(text):
            if re.search(r"\d", word[0]) and _entropy(word[0]) >= _MIN_ENTROPY:
                return word.start()
    return None


def known_secrets(text: str) -> Iterator[str]:
    """Every part of a text that has the form of a service's keys."""
    return (match[0] for match in _KNOWN.finditer(text))


def is_opaque(text: str) -> bool:
    """Whether a text is one word that looks random.

    >>> is_opaque("3f9a1c7e5b2d8046ac91"), is_opaque("application/json"), is_opaque("two words")
    (True, False, False)
    """
    return bool(_OPAQUE.fullmatch(text) and re.search(r"\d", text)) and _entropy(text) >= _MIN_ENTROPY


def masked(words: str) -> str:
    """The words with every secret cut down to its first characters."""
    return _KNOWN.sub(lambda match: f"{match[0][:_SHOWN]}***", words)


def _entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
