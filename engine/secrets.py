"""Values that must not be shown: what a secret is, and text and bytes that hold one.

`Secret` is what a variable gave: it has no text form at all. `Sensitive` is finished wire text (a header, a URL) that
carries a secret: it is a str to send, and a mask wherever it is printed, formatted, logged or pickled. `SensitiveBytes`
is the same for a body, `Hidden` a map of which nothing shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MASK = "***"


class Secret:
    """A secret's value and its public name. Only `reveal()` gives the value.

    >>> Secret("sk-123", name="ACME_API_KEY")
    <ACME_API_KEY>
    >>> f"{Secret('sk-123', name='ACME_API_KEY')}"
    '<ACME_API_KEY>'
    """

    __slots__ = ("_give", "name")

    def __init__(self, value: str, *, name: str) -> None:
        # In a function, and in no attribute: what lists the parts of an object finds no value there.
        self._give: Callable[[], str] = lambda: value
        self.name = name

    def reveal(self) -> str:
        """The value itself; call it only where the bytes of a request are made."""
        return self._give()

    @property
    def is_placeholder(self) -> bool:
        """Whether the value is only the name in angle brackets: a request to look at, or to send to a mock."""
        return self.reveal() == f"<{self.name}>"

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
    """Text with a secret in it. `shown` is the same text with the secret masked.

    As a value it is the text: to compare, to encode, to join, to send. Printed or formatted it is its mask; who needs
    the text as plain text says `str.__str__`.

    >>> key = Sensitive("Bearer sk-123", "Bearer <ACME_API_KEY>")
    >>> f"{key}", key.encode()
    ('Bearer <ACME_API_KEY>', b'Bearer sk-123')
    """

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, value: str, shown: str) -> Sensitive:
        """Text to send, and the same text to show."""
        text = super().__new__(cls, str.__str__(value))
        text.shown = shown
        return text

    def __repr__(self) -> str:
        return repr(self.shown)

    def __str__(self) -> str:
        return self.shown

    def __format__(self, format_spec: str) -> str:
        return format(self.shown, format_spec)

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


class Hidden(Mapping[str, str]):
    """Texts by their names, of which none shows by itself: secrets, the environment. A copy is the same object.

    >>> Hidden({"ACME_API_KEY": "sk-123"})
    <1 hidden>
    """

    __slots__ = ("_give",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._give: Callable[[], Mapping[str, str]] = values._give if type(values) is Hidden else lambda: values

    @classmethod
    def of(cls, give: Callable[[], Mapping[str, str]]) -> Hidden:
        """Those that the function gives each time that they are asked for."""
        hidden = cls({})
        hidden._give = give
        return hidden

    def __getitem__(self, name: str) -> str:
        return self._give()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The text of a name, else the default."""
        return self._give().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._give())

    def __len__(self) -> int:
        return len(self._give())

    def __repr__(self) -> str:
        return f"<{len(self)} hidden>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("secrets and the environment are not pickled")

    def __copy__(self) -> Hidden:
        return self

    def __deepcopy__(self, memo: object) -> Hidden:
        return self


class Sealed:
    """Values of which nothing shows but their types: they can only be compared with others, true being no 1.

    >>> Sealed(("sk-123",)), Sealed(("sk-123",)) == Sealed(("sk-123",))
    (<sealed>, True)
    """

    __slots__ = ("_give", "types")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._give: Callable[[], tuple[Any, ...]] = lambda: values
        self.types = tuple(map(type, values))

    def __eq__(self, other: object) -> bool:
        return type(other) is Sealed and self.types == other.types and self._give() == other._give()

    def __hash__(self) -> int:
        raise TypeError("sealed values have no hash: it would say something of them")

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("sealed values are not pickled")


def veiled_url(url: Any) -> Any:
    """A URL of the caller's, shown without the user and the query that it may hold; what is no such URL stays.

    >>> veiled_url("http://user:pass@proxy.example:3128"), veiled_url("http://localhost")
    ('http://***@proxy.example:3128', 'http://localhost')
    """
    if not isinstance(url, str) or ("@" not in url and "?" not in url):
        return url
    scheme, separator, rest = str.__str__(url).partition("://")
    rest = rest.rpartition("@")[2].partition("?")[0]
    return Sensitive(url, f"{scheme}://{MASK}@{rest}" if separator else MASK)


def shown(text: str) -> str:
    """The text as it may be shown."""
    return text.shown if isinstance(text, Sensitive) else text


def shown_bytes(body: bytes) -> bytes:
    """The body as it may be shown."""
    return body.shown if isinstance(body, SensitiveBytes) else body
