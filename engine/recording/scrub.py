"""Secrets taken out of what is to be kept: of texts and trees, and of the pieces of a body, wherever they are cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ..redaction import Edit, Finder, edited
from ..secrets import Secret


class Scrubber:
    """Puts `<NAME>` in the place of each spelling of each secret.

    >>> Scrubber([Secret("sk-123", name="ACME_API_KEY")]).pieces([b"key: sk-", b"123, ok"])
    [b'key: <ACME_API_KEY>', b', ok']
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._finder = Finder(secret for secret in secrets if not secret.is_placeholder)

    def _edits(self, data: bytes) -> list[Edit]:
        return self._finder.edits(data, lambda name: f"<{name}>")

    def text(self, text: str) -> str:
        """A text without secrets."""
        data = text.encode("utf-8", "surrogatepass")
        return edited(data, self._edits(data)).decode("utf-8", "surrogatepass")

    def tree(self, value: Any) -> Any:
        """Plain data without secrets, in its keys too."""
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, dict):
            return {self.text(key): self.tree(item) for key, item in value.items()}
        return [self.tree(item) for item in value] if isinstance(value, list | tuple) else value

    def pieces(self, chunks: Sequence[bytes]) -> list[bytes]:
        """The pieces of a body without secrets; one that was cut is whole in the piece in which it began."""
        body = b"".join(chunks)
        cuts = [0]
        for chunk in chunks:
            cuts.append(cuts[-1] + len(chunk))
        edits = self._edits(body)
        return [_between(body, start, end, edits) for start, end in pairwise(cuts)]

    def finds(self, value: Any) -> bool:
        """Whether there is a secret in a text, some bytes, or plain data."""
        if isinstance(value, bytes):
            return self._finder.finds(value)
        return bool(self.tree(value) != value)


def _between(body: bytes, start: int, end: int, edits: list[Edit]) -> bytes:
    out, at = b"", start
    for first, last, name in edits:
        if last <= start or first >= end:
            continue
        if first < start:
            at = min(last, end)
            continue
        out += body[at:first] + name
        at = min(last, end)
    return out + body[at:end]
