"""Our request as the library's, its response's head as ours, and where its network is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..errors import UsageError
from ..secrets import Sensitive, shown
from ..wire import Headers, ResponseHead, WireRequest
from .explain import refused_by_proxy


def build(client: Any, wire: WireRequest, timeout: dict[str, float | None], note: Any) -> Any:
    """The library's request: our headers and nothing else, our URL as it is. `note` hears how far it comes."""
    library, url = _library(client), str.__str__(wire.url)
    where = library.url(url) if type(wire.url) is str else library.url.__wrapped__(url)
    framing = [("host", where.netloc.decode("ascii"))]
    if wire.content or wire.method in _WITH_BODY:
        framing.append(("content-length", str(len(wire.content))))
    own = [(name, str.__str__(value)) for name, value in wire.headers.pairs]
    # Not by way of the client or of `content`: they add what is not ours, and take longer than all the rest.
    stream, extensions = library.stream(wire.content), {"timeout": timeout, "trace": note}
    request = library.request(wire.method, where, headers=framing + own, stream=stream, extensions=extensions)
    request.read()
    if isinstance(wire.url, Sensitive):
        request.url = _masked_url(type(where), url, shown(wire.url))
    return request


_WITH_BODY = ("POST", "PUT", "PATCH")
"""Methods whose requests say that their body is empty, where it is (RFC 9110 8.6)."""

MAX_URLS = 64
"""How many URLs are kept as the library reads them, of those without a secret: a path may hold anything."""


class _Library(NamedTuple):
    """The classes of a client's library, which may be another one of the same shape."""

    request: type[Any]
    stream: type[Any]
    url: Any


_LIBRARIES: WeakKeyDictionary[type[Any], _Library] = WeakKeyDictionary()


def _library(client: Any) -> _Library:
    kind = type(client)
    if kind not in _LIBRARIES:
        request = client.build_request("GET", "http://localhost")
        _LIBRARIES[kind] = _Library(type(request), type(request.stream), lru_cache(MAX_URLS)(type(request.url)))
    return _LIBRARIES[kind]


def _masked_url(kind: type[Any], url: str, masked: str) -> Any:
    """A URL that is sent whole and logged masked: httpx logs every URL at INFO."""
    return type("MaskedURL", (kind,), {"__str__": lambda self: masked, "__repr__": lambda self: repr(masked)})(url)


class Bare:
    """A response of which only the head was given: the library has ended it over a `location` that is no URL to it."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.headers = self.stream = self
        self._pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]

    def multi_items(self) -> list[tuple[str, str]]:
        """The headers in their order."""
        return self._pairs

    def iter_raw(self) -> Iterator[bytes]:
        """No body."""
        return iter(())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """No body."""
        for chunk in self.iter_raw():
            yield chunk

    def close(self) -> None:
        """Nothing: it is closed."""

    async def aclose(self) -> None:
        """Nothing: it is closed."""


def head_of(response: Any, wire: WireRequest, proxied: bool) -> ResponseHead:
    """The library's response as our head. Raises TransportError for one that is the proxy's own."""
    if proxied and response.status_code == 407 and not wire.origin.startswith("https:"):
        raise refused_by_proxy(407)
    return ResponseHead(response.status_code, Headers(response.headers.multi_items()))


def wrap_backend(transport: Any, wrap: Callable[[Any], Any]) -> Any:
    """Put `wrap` around the network of an httpx transport; None where there is none to be found.

    httpx passes httpcore's public `network_backend` on under no name of its own, hence the private ones.
    """
    pool = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if backend is None:
        return None
    wrapped = wrap(backend)
    pool._network_backend = wrapped  # type: ignore[union-attr]
    return wrapped


def proxy_of(proxy: str | None) -> Any:
    """The library's proxy of a URL. Raises UsageError for one that cannot be."""
    if proxy is None:
        return None
    import httpx

    built: Any = None
    with suppress(ValueError, TypeError, httpx.InvalidURL):  # not raised from there: those frames hold its password
        built = httpx.Proxy(proxy)
    if built is None:
        raise UsageError("the proxy's URL cannot be used; write http://host:port")
    if built.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise UsageError("a SOCKS proxy needs one more package; install httpx[socks]")
    return built
