"""The closed list of what an expression may use: filters, tests and functions, on plain data. One table each.

Functions read the clock and randomness only through the `Helpers` that a render is given, so that a test can fix both.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .budget import spend, spend_on
from .texts import TemplateError

MAX_SLOT = 64 * 1024
"""How many characters a value may have that goes into a URL: no server takes a longer one."""

_OF_QUOTING = 64
"""What percent-encoding a character counts as: it is looked at by itself."""


_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # RFC 3986, 2.3


def quoted(value: str) -> str:
    """A value percent-encoded, slashes too. Raises TemplateError for one that has no place in a URL."""
    if len(value) > MAX_SLOT:
        raise TemplateError(f"gives {len(value)} characters, and a part of a URL has at most {MAX_SLOT}")
    spend(len(value) * _OF_QUOTING)
    if _UNRESERVED.fullmatch(value):
        return str.__str__(value)
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise TemplateError("gives half a character, which no URL can hold") from None


class Absent:
    """What the value of something omitted is an instance of; sandbox.py gives it its behaviour."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A filter, test or function: what it does, and how many arguments it takes beside the value.

    `grows` says that its text may be longer than what it was given, so that a chain of such filters could explode.
    """

    function: Callable[..., Any]
    meaning: str
    least: int = 0
    most: int = 0
    grows: bool = False


class EncodedPath(str):
    """Text that is percent-encoded already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Helpers:
    """Where `now()`, `random()` and `uuid4()` come from: seconds since 1970, and 16 random bytes at a time."""

    clock: Callable[[], float] = time.time
    entropy: Callable[[], bytes] = lambda: uuid.uuid4().bytes

    def functions(self) -> dict[str, Callable[[], Any]]:
        """The functions of an expression, bound to this clock and this randomness."""
        return {
            "now": lambda: int(self.clock()),
            "random": lambda: (int.from_bytes(self.entropy()[-7:], "big") >> 3) / 2**53,
            "uuid4": lambda: str(uuid.UUID(bytes=self.entropy(), version=4)),
        }


def _default(value: Any, fallback: Any) -> Any:
    return fallback if value is None or _is(value, Absent) else value


def _is(value: Any, *kinds: type) -> bool:
    """Whether a value is of a type, asked of its type alone: isinstance() would read an attribute of the value."""
    return issubclass(type(value), kinds)


def _last(value: Any) -> Any:
    if not _is(value, list, str):
        raise TypeError("last is for lists and text")
    return value[-1]


def _join(value: Any, separator: Any = "") -> str:
    if not _is(value, list) or not all(_is(item, str) for item in value):
        raise TypeError("join is for a list of texts")
    if not _is(separator, str):
        raise TypeError("join puts text between the items")
    spend(sum(map(len, value)) + len(value) * (len(separator) + 1))
    return separator.join(value)  # type: ignore[no-any-return]


def _length(value: Any) -> int:
    if not _is(value, list, str, dict):
        raise TypeError("length is for lists, maps and text")
    return len(value)


def _text(change: Callable[[str], str]) -> Callable[[Any], str]:
    def apply(value: Any) -> str:
        if not _is(value, str):
            raise TypeError("this filter is for text")
        spend(len(value))
        return change(value)

    return apply


def _string(value: Any) -> str:
    return value if _is(value, str) else _tojson(value)


def _int(value: Any) -> int:
    if not _is(value, str, int, float) or (_is(value, str) and len(value) > 400):
        raise TypeError("int is for numbers and short text")
    return int(value)


def _tojson(value: Any) -> str:
    spend_on(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _hmac_sha256(encode: Callable[[bytes], str]) -> Callable[[Any, Any], str]:
    def sign(value: Any, key: Any) -> str:
        if not _is(value, str) or not _is(key, str):
            raise TypeError("an HMAC is made of text, with a key that is text")
        spend(len(value) + len(key))
        return encode(hmac.digest(key.encode(), value.encode(), hashlib.sha256))

    return sign


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _path_segments(value: Any) -> EncodedPath:
    if not _is(value, str):
        raise TypeError("path_segments is for text")
    if len(value) > MAX_SLOT:
        raise ValueError(f"a part of a path has at most {MAX_SLOT} characters")
    segments = value.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"{value!r} has an empty, '.' or '..' segment")
    return EncodedPath("/".join(map(quoted, segments)))


FILTERS: dict[str, Entry] = {
    "b64encode": Entry(_text(lambda text: _base64(text.encode())), "UTF-8 text as base64", grows=True),
    "default": Entry(_default, "the argument where the value is omitted or null", 1, 1),
    "hmac_sha256": Entry(_hmac_sha256(bytes.hex), "hex HMAC of UTF-8 text; the argument is the key", 1, 1),
    "hmac_sha256_b64": Entry(_hmac_sha256(_base64), "the same in base64", 1, 1),
    "int": Entry(_int, "a whole number, from a number or text"),
    "join": Entry(_join, "a list of texts as one text, with the argument between them", 0, 1, grows=True),
    "last": Entry(_last, "the last item of a list"),
    "length": Entry(_length, "how many items, keys or characters"),
    "path_segments": Entry(_path_segments, "in `path`: percent-encode, but keep each '/'", grows=True),
    "sha256": Entry(_text(lambda text: hashlib.sha256(text.encode()).hexdigest()), "hex digest of UTF-8 text"),
    "string": Entry(_string, "text as it is, anything else as JSON", grows=True),
    "tojson": Entry(_tojson, "any value as compact JSON text", grows=True),
}

TESTS: dict[str, Entry] = {
    "boolean": Entry(lambda value: _is(value, bool), "true or false"),
    "defined": Entry(lambda value: not _is(value, Absent), "not omitted"),
    "mapping": Entry(lambda value: _is(value, dict), "a map"),
    "none": Entry(lambda value: value is None, "null"),
    "number": Entry(lambda value: _is(value, int, float) and not _is(value, bool), "a number"),
    "sequence": Entry(lambda value: _is(value, list), "a list"),
    "string": Entry(lambda value: _is(value, str), "text"),
    "undefined": Entry(lambda value: _is(value, Absent), "omitted"),
}

FUNCTIONS: dict[str, Entry] = {
    "now": Entry(lambda: None, "the time of the call, in whole seconds since 1970"),
    "random": Entry(lambda: None, "a new random number, from 0 to just below 1: `(random() * 1000000) | int`"),
    "uuid4": Entry(lambda: None, "a new random UUID"),
}
