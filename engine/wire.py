"""What leaves and what comes back, as values: a request that can be sent as it stands, and the head of a response."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from .secrets import Sensitive, SensitiveBytes, shown, shown_bytes

_PLAIN_ORIGIN = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?#]|\Z)")
_BREAKS = re.compile(r"[\0\r\n]")
_REQUEST_ID = re.compile(r"(?:^|-)(?:request|correlation|trace)-?id$")


class Headers(Mapping[str, str]):
    """An ordered, immutable mapping of header names to values; looking one up ignores case.

    >>> Headers([("Content-Type", "application/json")])["content-type"]
    'application/json'
    """

    __slots__ = ("_index", "_pairs", "_written")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._index: dict[str, str] | None = None
        self._written: bytes | None = None

    def __getitem__(self, name: str) -> str:
        return self.lowered()[name.lower()]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, else the default."""
        return self.lowered().get(name.lower(), default)

    def lowered(self) -> dict[str, str]:
        """The values by their names in lower case; of most requests nobody asks for one."""
        if self._index is None:
            index: dict[str, str] = {}
            for name, value in self._pairs:
                key = name.lower()
                # RFC 9110 5.3: a repeated field is one field whose values are joined by a comma.
                index[key] = _joined(index[key], value) if key in index else value
            self._index = index
        return self._index

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for name, _ in self._pairs:
            if name.lower() not in seen:
                seen.add(name.lower())
                yield name

    def __len__(self) -> int:
        return len(self.lowered())

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Headers, (self._pairs,)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields in the order of the wire, repeated ones apart."""
        return self._pairs

    def written(self) -> bytes:
        """The fields as HTTP/1.1 writes them, made once. Raises ValueError for one that would be several lines."""
        if self._written is None:
            fields = [f"{name}: {str.__str__(value)}" for name, value in self._pairs]
            if _BREAKS.search("".join(fields)):
                raise ValueError("a line break in a header")
            self._written = "\r\n".join([*fields, ""]).encode("ascii")
        return self._written

    def replaced(self, pairs: Iterable[tuple[str, str]]) -> Headers:
        """The same headers with these at the end, in the place of any of the same name."""
        new = tuple(pairs)
        names = {name.lower() for name, _ in new}
        return Headers((*(pair for pair in self._pairs if pair[0].lower() not in names), *new))

    def shown(self) -> Headers:
        """The same headers, secrets masked."""
        return Headers((name, shown(value)) for name, value in self._pairs)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP request, complete and exact: these bytes are what is sent. Its repr masks secrets.

    `method` is upper case, `url` absolute, `headers` all that the engine decides (host and content-length follow from
    url and content), `content` the body.
    """

    method: str
    url: str
    headers: Headers
    content: bytes = b""

    @property
    def origin(self) -> str:
        """Scheme, host and port: where this request goes."""
        url = shown(self.url)
        plain = _PLAIN_ORIGIN.match(url)
        if plain is not None:
            return plain[1]
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def has_secret(self) -> bool:
        """Whether a credential is in it."""
        values = (self.url, *(value for _, value in self.headers.pairs))
        return isinstance(self.content, SensitiveBytes) or any(isinstance(value, Sensitive) for value in values)

    def masked_by(self, other: WireRequest) -> WireRequest:
        """This request, shown as another one: the same with masks in the place of its secrets."""
        pairs = zip(self.headers.pairs, other.headers.pairs, strict=True)
        headers = Headers((name, _masked(value, twin)) for (name, value), (_, twin) in pairs)
        body = self.content if self.content == other.content else SensitiveBytes(self.content, other.content, "secrets")
        return WireRequest(self.method, _masked(self.url, other.url), headers, body)

    def shown(self) -> WireRequest:
        """The request with every secret masked, for a person to read."""
        return WireRequest(self.method, shown(self.url), self.headers.shown(), shown_bytes(self.content))


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and headers of a response, before any of its body."""

    status: int
    headers: Headers = field(default_factory=Headers, repr=False)  # a server may say the key again

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("the head of a response is not pickled: a server may have said the key again")

    def __copy__(self) -> ResponseHead:
        return self

    def __deepcopy__(self, memo: object) -> ResponseHead:
        return self

    @property
    def request_id(self) -> str | None:
        """What the service calls this request, from `x-request-id` or a header of such a name; None without one."""
        lowered = self.headers.lowered().items()
        named = {name: value for name, value in lowered if name[-2:] == "id" and _REQUEST_ID.search(name)}
        if not named:
            return None
        name = min(named, key=lambda name: ("request" not in name, len(name)))
        return "".join(char for char in named[name] if char.isprintable())[:200].strip() or None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when the response names none."""
        return _media_type(self.headers.get("content-type", ""))


@lru_cache(64)
def _media_type(said: str) -> str:
    first = said.partition(",")[0]  # some servers send it twice
    return first.partition(";")[0].strip().lower()


def _masked(text: str, mask: str) -> str:
    return text if text == mask else Sensitive(text, mask)


def _joined(first: str, second: str) -> str:
    text = first + ", " + second
    if isinstance(first, Sensitive) or isinstance(second, Sensitive):
        return Sensitive(text, f"{shown(first)}, {shown(second)}")
    return text
