"""Where secrets stand in a text, however they are spelt there: as they are, escaped as URLs, JSON and HTML do it, in
base64 and in hexadecimal digits. Providers echo keys in errors; `redact` puts a mask over them.

No pattern is made of a secret. A text is read again with its escapes resolved, and each reading is searched: so the
time grows with the text and the secrets alone, even where a hostile service has chosen both.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from .secrets import MASK, Secret

MIN_REDACTED = 4
"""Shorter secrets are not looked for in texts: they would be found in every other word."""
MIN_INSIDE = 8
"""Shorter pieces of base64 stand in other base64 by chance."""
MIN_LINE = 16
"""A line of a key in PEM form that is shorter says nothing."""
MAX_JOINED = 8
"""How many secrets are looked for in pairs. More of them are no user and password, but the values of a session."""
MAX_READINGS = 24
"""In how many ways a text is read at most: JSON in JSON in a URL is six."""


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret in it masked.

    >>> redact("no such key: sk-123", (Secret("sk-123", name="ACME_API_KEY"),))
    'no such key: ***'
    """
    finder = Finder(secrets)
    if not finder:
        return text
    # Half a character of UTF-16 is no UTF-8, and a text may hold one.
    data = text.encode("utf-8", "surrogatepass")
    edits = finder.edits(data, lambda name: MASK)
    return edited(data, edits).decode("utf-8", "surrogatepass") if edits else text


def cleaned(chunks: bytes | Iterable[bytes], secrets: Iterable[Secret]) -> bytes | Iterable[bytes]:
    """The pieces of a body as one, `<NAME>` in the place of each secret; untouched where there is none to look for."""
    finder = Finder(secrets)
    if not finder:
        return chunks
    pieces = [chunks] if isinstance(chunks, bytes) else list(chunks)
    if not all(isinstance(piece, bytes) for piece in pieces):
        return pieces  # whoever reads them says so
    body = b"".join(pieces)
    return edited(body, finder.edits(body, lambda name: f"<{name}>"))


Edit = tuple[int, int, bytes]
"""From where to where something is taken out, and what comes in its place."""


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with these edits, which are in order and apart."""
    out, at = [], 0
    for start, end, new in edits:
        out += [data[at:start], new]
        at = end
    return b"".join((*out, data[at:]))


class Finder:
    """Finds some secrets in bytes."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        named: dict[str, str] = {}
        for secret in secrets:
            for value in _values(secret.reveal()):
                named.setdefault(value, secret.name)
        # A form says a space as +; what else it escapes is a reading of its own.
        plain = {**{value.replace(" ", "+"): name for value, name in named.items()}, **named}
        self._plain = [(_latin(value), name) for value, name in plain.items()]
        self._hex = [(value.encode("utf-8", "surrogatepass").hex(), name) for value, name in named.items()]
        self._base64 = [(spelt, name) for value, name in named.items() for spelt in _in_base64(value)]
        if len(named) <= MAX_JOINED:  # RFC 7617 joins two of them before it encodes them.
            pairs = permutations(named.items(), 2)
            self._base64 += [(_base64(f"{user}:{password}"), name) for (user, _), (password, name) in pairs]

    def __bool__(self) -> bool:
        return bool(self._plain)

    def edits(self, data: bytes, mask: Callable[[str], str]) -> list[Edit]:
        """What must be replaced in some bytes: `mask` gives the new text by the secret's name."""
        return [(start, end, mask(name).encode()) for start, end, name in self._spans(data)]

    def finds(self, data: bytes) -> bool:
        """Whether there is a secret in some bytes."""
        return next(self._found(data), None) is not None

    def _spans(self, data: bytes) -> list[tuple[int, int, str]]:
        """Where secrets are, in order and apart: where two overlap they are one, with the name of the longer."""
        spans: list[tuple[int, int, str]] = []
        longest = 0
        for start, end, name in sorted(self._found(data)):
            if not spans or start >= spans[-1][1]:
                spans.append((start, end, name))
                longest = end - start
            else:
                before = spans[-1]
                spans[-1] = (before[0], max(end, before[1]), name if end - start > longest else before[2])
                longest = max(longest, end - start)
        return spans

    def _found(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        for reading in _readings(data.decode("latin-1")):
            text = reading.text
            forms = ((text, self._plain), (text.translate(_ONE_ALPHABET), self._base64), (text.lower(), self._hex))
            for searched, needles in forms:
                for needle, name in needles:
                    at = searched.find(needle)
                    while at >= 0:
                        yield (*reading.source(at, at + len(needle)), name)
                        at = searched.find(needle, at + 1)


def _values(value: str) -> Iterator[str]:
    """What is looked for of a secret: all of it, and each line where it has several."""
    if len(value) >= MIN_REDACTED:
        yield value
    lines = value.splitlines() if "\n" in value else []
    yield from (line for line in lines if len(line) >= MIN_LINE and not line.startswith("-----"))


def _latin(text: str) -> str:
    """A text's bytes, a character each."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


# --- base64 ---

_ONE_ALPHABET = str.maketrans("-_", "+/")


def _base64(value: str) -> str:
    # Without padding: it may be there or not, and says nothing.
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _in_base64(value: str) -> Iterator[str]:
    """What base64 makes of a value, alone and amid others: without the characters that those have a part in."""
    yield _base64(value)
    for before in range(3):
        data = bytes(before) + value.encode("utf-8", "surrogatepass")
        text = base64.b64encode(data).decode().rstrip("=")
        whole = text[(before * 8 + 5) // 6 : len(data) * 8 // 6]
        if len(whole) >= MIN_INSIDE:
            yield whole


# --- readings ---


@dataclass(slots=True)
class _Reading:
    """A text with some of its escapes resolved. `under` is the text before that; `pieces` are what was resolved: from
    and to where here, and from and to where there."""

    text: str
    under: _Reading | None = None
    pieces: tuple[tuple[int, int, int, int], ...] = ()

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of this reading is in the bytes themselves."""
        if self.under is None:
            return start, end
        first, last = self._piece(start), self._piece(end - 1)
        start = first[2] if start < first[1] else first[3] + start - first[1]
        end = last[3] if end <= last[1] else last[3] + end - last[1]
        return self.under.source(start, end)

    def _piece(self, at: int) -> tuple[int, int, int, int]:
        """The last piece that begins at or before a place; one of nothing where there is none."""
        index = bisect_right(self.pieces, at, key=lambda piece: piece[0])
        return self.pieces[index - 1] if index else (0, 0, 0, 0)


def _readings(text: str) -> Iterator[_Reading]:
    """A text as it is, and with escapes of each kind resolved, again and again as long as that changes anything."""
    waiting, seen = deque([_Reading(text)]), {text}
    for _ in range(MAX_READINGS):
        if not waiting:
            return
        reading = waiting.popleft()
        yield reading
        for escape, resolve in _ESCAPES:
            other = _resolved(reading, escape, resolve)
            if other.text not in seen:
                seen.add(other.text)
                waiting.append(other)


def _resolved(reading: _Reading, escape: re.Pattern[str], resolve: Callable[[str], str]) -> _Reading:
    out, pieces, at, length = [], [], 0, 0
    for match in escape.finditer(reading.text):
        new = resolve(match[0])
        length += match.start() - at
        out += [reading.text[at : match.start()], new]
        pieces.append((length, length + len(new), match.start(), match.end()))
        at, length = match.end(), length + len(new)
    return _Reading("".join((*out, reading.text[at:])), reading, tuple(pieces))


def _from_json(escape: str) -> str:
    if escape[1] == "x":  # as Python and JavaScript have it
        return chr(int(escape[2:], 16))
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    units = b"".join(int(unit, 16).to_bytes(2, "big") for unit in re.split(r"\\u", escape)[1:])
    return _latin(units.decode("utf-16-be", "surrogatepass"))


def _from_html(escape: str) -> str:
    word = escape[1:-1]
    if word[0] != "#":
        return _ENTITIES[word]
    number = int(word[2:], 16) if word[1] in "xX" else int(word[1:])
    return _latin(chr(number)) if number <= 0x10FFFF else escape


_ENTITIES = {"amp": "&", "quot": '"', "apos": "'", "lt": "<", "gt": ">"}
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_ESCAPES: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"%[0-9A-Fa-f]{2}"), lambda escape: chr(int(escape[1:], 16))),
    (
        re.compile(
            r"\\(?:u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}"
            r"|[\\/\"'nrtbf])"
        ),
        _from_json,
    ),
    (re.compile(r"&(?:amp|quot|lt|gt|apos|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"), _from_html),
)
"""Every kind of escape, and what becomes of one; a text is its bytes here, a character each."""
