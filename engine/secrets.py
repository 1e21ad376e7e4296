"""Values that must not be shown: what a secret is, and text and bytes that hold one.

`Secret` is what a variable gave: it has no text form at all. `Sensitive` is finished wire text (a header, a URL) that
carries a secret: it is a str to send, and a mask wherever it is printed as a value, pickled or logged by repr.
`SensitiveBytes` is the same for a body.
"""

from __future__ import annotations

from typing import Any

MASK = "***"


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
