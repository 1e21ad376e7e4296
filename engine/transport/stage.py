"""How far the opening of a connection came, which says whose failure it was: the host's, its TLS's, the proxy's.

The library's own exceptions do not tell: a handshake that is cut and a host that is down are one class there. What it
reports through its `trace` extension does (https://www.encode.io/httpcore/extensions/#trace).
"""

from __future__ import annotations

from typing import Any


class Stage:
    """What the library began last for one request.

    `redirect` is the head of a response that redirects, as it came: the library looks where it leads before it gives
    the response, and fails over a URL that it cannot follow. We do not follow any.
    """

    __slots__ = ("_doing", "_is_for_proxy", "redirect")

    def __init__(self) -> None:
        self._doing = ""
        self._is_for_proxy = False
        self.redirect: tuple[int, list[tuple[bytes, bytes]]] | None = None

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Take one report of the library: what failed was begun, so beginnings are enough, but for a head."""
        name, _, what = event.rpartition(".")
        if what == "started" and not name.endswith(".response_closed"):  # the end of what failed
            self._doing = name
            self._is_for_proxy = getattr(info.get("request"), "method", None) == b"CONNECT"
        elif what == "complete" and not self._is_for_proxy and name == "http11.receive_response_headers":
            _, status, _, headers, *_ = info["return_value"]
            self.redirect = (status, headers) if 300 <= status < 400 else None

    async def anote(self, event: str, info: dict[str, Any]) -> None:
        """The same for the library's async half."""
        self.note(event, info)

    def is_with_proxy(self, proxied: bool) -> bool:
        """Whether it is about the way to the proxy or about a tunnel through it, not yet about the host behind."""
        room = self._doing.partition(".")[0]
        opens_tunnel = room == "socks" and not self.is_handshake
        return self._is_for_proxy or opens_tunnel or (proxied and room == "connection")

    @property
    def is_handshake(self) -> bool:
        """Whether TLS is being agreed on."""
        return self._doing.endswith(".start_tls")
