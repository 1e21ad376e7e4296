"""Our request as the library's, its response's head as ours, and where its network is changed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from ..errors import UsageError
from ..secrets import Sensitive, shown
from ..wire import Headers, ResponseHead, WireRequest


def build(client: Any, wire: WireRequest, timeout: dict[str, float | None]) -> Any:
    """The library's request: our headers and nothing else, our URL as it is."""
    request = client.build_request(wire.method, str.__str__(wire.url), content=wire.content)
    own = [(name, str.__str__(value)) for name, value in wire.headers.pairs]
    framing = [pair for pair in request.headers.items() if pair[0].lower() in ("host", "content-length")]
    request.headers = type(request.headers)(framing + own)
    request.extensions = {**request.extensions, "timeout": timeout}
    # Set once more: a client with parameters of its own has added them to the URL.
    url, kind = str.__str__(wire.url), type(request.url)
    request.url = _masked_url(kind, url, shown(wire.url)) if isinstance(wire.url, Sensitive) else kind(url)
    return request


def _masked_url(kind: type[Any], url: str, masked: str) -> Any:
    """A URL that is sent whole and logged masked: httpx logs every URL at INFO."""
    return type("MaskedURL", (kind,), {"__str__": lambda self: masked, "__repr__": lambda self: repr(masked)})(url)


def head_of(response: Any) -> ResponseHead:
    """The library's response as our head."""
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

    try:
        built = httpx.Proxy(proxy)
    except (ValueError, TypeError, httpx.InvalidURL):
        raise UsageError("the proxy's URL cannot be used; write http://host:port") from None
    if built.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise UsageError("a SOCKS proxy needs one more package; install httpx[socks]")
    return built
