"""Values that must not be shown: what a secret is, and text and bytes that hold one.

`Secret` is what a variable gave: it has no text form at all. `Sensitive` is finished wire text (a header, a URL) that
carries a secret: it is a str to send, and a mask wherever it is printed as a value, pickled or logged by repr.
`SensitiveBytes` is the same for a body.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

MASK = "***"
MIN_REDACTED = 4
"""Shorter secrets are not looked for in texts: they would be found in every other word."""


class Secret:
    """A secret's value and its public name. Only `reveal()` gives the value.

    >>> Secret("sk-123", name="ACME_API_KEY")
    <ACME_API_KEY>
    >>> f"{Secret('sk-123', name='ACME_API_KEY')}"
    '<ACME_API_KEY>'
    """

    __slots__ = ("_value", "name")

    def __init__(self, value: str, *, name: str) -> None:
        self._value = value
        self.name = name

    def reveal(self) -> str:
        """The value itself; call it only where the bytes of a request are made."""
        return self._value

    @property
    def is_placeholder(self) -> bool:
        """Whether the value is only the name in angle brackets: a request to look at, or to send to a mock."""
        return self._value == f"<{self.name}>"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class Sensitive(str):
    """Text with a secret in it. `shown` is the same text with the secret masked."""

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, value: str, shown: str) -> Sensitive:
        """Text to send, and the same text to show."""
        text = super().__new__(cls, value)
        text.shown = shown
        return text

    def __repr__(self) -> str:
        return repr(self.shown)

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (self.shown,)

    def __copy__(self) -> Sensitive:
        return self

    def __deepcopy__(self, memo: object) -> Sensitive:
        return self  # not by way of __reduce__: a copy of a request can be sent like the request


class SensitiveBytes(bytes):
    """A body with a secret in it. `shown` is the same body with `<name>` in the secret's place."""

    shown: bytes
    name: str

    def __new__(cls, value: bytes, shown: bytes, name: str) -> SensitiveBytes:
        """Bytes to send, the same bytes to show, and the secret's name."""
        body = super().__new__(cls, value)
        body.shown, body.name = shown, name
        return body

    def __repr__(self) -> str:
        return repr(self.shown)

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return bytes, (self.shown,)

    def __copy__(self) -> SensitiveBytes:
        return self

    def __deepcopy__(self, memo: object) -> SensitiveBytes:
        return self


def shown(text: str) -> str:
    """The text as it may be shown."""
    return text.shown if isinstance(text, Sensitive) else text


def shown_bytes(body: bytes) -> bytes:
    """The body as it may be shown."""
    return body.shown if isinstance(body, SensitiveBytes) else body


def redact(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every secret in it masked, also as URLs, JSON and base64 spell it: providers echo keys in errors.

    >>> redact("no such key: sk-123", (Secret("sk-123", name="ACME_API_KEY"),))
    'no such key: ***'
    """
    expression, _ = spellings(secrets)
    return re.sub(expression, MASK, text) if expression else text


def spellings(secrets: Iterable[Secret]) -> tuple[str, dict[str, str]]:
    """A regular expression for every spelling of some secrets, and the secret's name by the group that matched.

    The longest come first, for a secret may begin like another. Without secrets the expression is empty.
    """
    named = {secret.reveal(): secret.name for secret in secrets if len(secret.reveal()) >= MIN_REDACTED}
    found = {spelling: name for value, name in named.items() for spelling in _spellings(value)}
    # RFC 7617 joins two of them before it encodes them.
    for (user, _), (password, name) in permutations(named.items(), 2):
        found.setdefault(_as_base64(_base64(f"{user}:{password}")), name)
    ordered = sorted(found.items(), key=lambda item: len(item[0]), reverse=True)
    groups = {f"s{number}": name for number, (_, name) in enumerate(ordered)}
    return "|".join(f"(?P<s{number}>{spelling})" for number, (spelling, _) in enumerate(ordered)), groups


def _spellings(value: str) -> set[str]:
    """A value as it is, or with any of its characters as URLs and JSON spell them; and as base64, alone or amid others.

    Character by character, for encoders differ in what they escape, and JSON is quoted in JSON.
    """
    encoded = {_base64(value), *_inside_base64(value)}
    return {"".join(map(_character, value)), *map(_as_base64, encoded)}


def _character(char: str) -> str:
    """An expression for the spellings of one character."""
    literal = re.escape(char)
    in_url = "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
    in_json = "".join(rf"{_SLASHES}u{unit:04x}" for unit in _utf_16(char))
    more = _MORE.get(char)
    return f"(?:{literal}|(?i:{in_url}|{in_json}){'|' + more if more else ''})"


_SLASHES = r"\\{1,31}"
"""JSON in JSON, five times over. Without a bound, a text of nothing but backslashes would take quadratic time."""

_SHORT = {"/": "/", '"': '"', "\\": "", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_MORE = {" ": r"\+", **{char: _SLASHES + name for char, name in _SHORT.items()}}
"""What else a character may look like: form fields say a space so, JSON has short escapes."""


def _utf_16(char: str) -> tuple[int, ...]:
    data = char.encode("utf-16-be", "surrogatepass")
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def _as_base64(text: str) -> str:
    """An expression for some base64, in either alphabet, escaped or not."""
    return "".join(_IN_BASE64.get(char, char) for char in text)


_IN_BASE64 = {"+": rf"(?:-|{_character('+')})", "/": rf"(?:_|{_character('/')})"}

_MIN_INSIDE = 8
"""Shorter pieces of base64 stand in other base64 by chance."""


def _inside_base64(value: str) -> Iterator[str]:
    """What base64 makes of a value amid others, without the characters that its neighbours have a part in."""
    for before in range(3):
        data = bytes(before) + value.encode()
        text = base64.b64encode(data).decode().rstrip("=")
        whole = text[(before * 8 + 5) // 6 : len(data) * 8 // 6]
        if len(whole) >= _MIN_INSIDE:
            yield whole


def _base64(value: str) -> str:
    # Without padding: it may be there or not, and says nothing.
    return base64.b64encode(value.encode()).decode().rstrip("=")
