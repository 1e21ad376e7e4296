"""Values that must not be shown: what a secret is, and text that holds one.

`Secret` is what a variable gave: it has no text form at all. `Sensitive` is finished wire text (a header, a URL) that
carries a secret: it is a str to send, and a mask wherever it is printed as a value, pickled or logged by repr.
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

    def __repr__(self) -> str:
        return f"<{self.name}>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled")


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


def shown(text: str) -> str:
    """The text as it may be shown."""
    return text.shown if isinstance(text, Sensitive) else text


def redact(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every secret's value in it masked: providers echo keys in their errors."""
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= 4:
            text = text.replace(value, MASK)
    return text
