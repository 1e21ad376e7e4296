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
    r"|(?:hf|gsk|pplx|nvapi|r8|fw|csk|npm|glsa|shpat|dop_v1|tgp_v1|lsv2_[a-z]{2})[_-][A-Za-z0-9_-]{24,}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"  # prefixes of one service each
    r"|[a-z]{2,6}[_-](?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{40,}"  # and how others are mostly made
    r"|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,}"  # GitLab
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|ya29\.[A-Za-z0-9_-]{20,}"  # an OAuth token of Google's
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|xox[abprs]-[A-Za-z0-9-]{16,}"  # Slack
    r")"
)
_OPAQUE = re.compile(r"[A-Za-z0-9_\-.+/]{20,}={0,2}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FIELD = re.compile(
    r"(?:.*[-_])?(?:auth|authentication|key|credentials?|session|signature)|prefix|value", re.IGNORECASE
)
"""Names of fields that hold a credential, or mostly do: the value must look like one too."""
_AUTHORIZATION = re.compile(r"(?:proxy-)?authorization", re.IGNORECASE)
_MIN_ENTROPY = 3.5  # bits a character: words and placeholders stay below, random keys of 20 characters lie above
_MIN_ENTROPY_OF_LONG = 3.0  # the digits of a hexadecimal number have at most four


def inline_secret(text: str, key: str = "") -> int | None:
    """Where a secret begins in a literal, or None; `key` is the name that the literal stands under.

    >>> inline_secret("Bearer sk-abcdefghijklmnop1234")
    7
    >>> inline_secret("3f9a1c7e5b2d8046ac91", key="x-api-key"), inline_secret("3f9a1c7e5b2d8046ac91")
    (0, None)
    """
    if known := _KNOWN.search(text):
        return known.start()
    if (CREDENTIAL_NAME.fullmatch(key) or _FIELD.fullmatch(key)) and "{{" not in text:
        for word in _OPAQUE.finditer(text):
            if _looks_random(word[0]) or (_AUTHORIZATION.fullmatch(key) and _could_be_one(word[0])):
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


def secrets_at(text: str) -> Iterator[int]:
    """Where in a whole file something stands that cannot be but a secret: in a comment, in a key, anywhere."""
    return (match.start() for match in _KNOWN.finditer(text))


def _could_be_one(word: str) -> bool:
    """Whether a word that stands where a credential does is more than a placeholder."""
    return re.search(r"\d", word) is not None and len(set(word)) > 4


def _looks_random(word: str) -> bool:
    is_uuid = _UUID.fullmatch(word) is not None and len(set(word)) > 4
    bits = _MIN_ENTROPY if len(word) < 32 else _MIN_ENTROPY_OF_LONG
    return is_uuid or (re.search(r"\d", word) is not None and _entropy(word) >= bits)


def masked(words: str) -> str:
    """The words with every secret cut down to its first characters."""
    return _KNOWN.sub(lambda match: f"{match[0][:_SHOWN]}***", words)


def _entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
