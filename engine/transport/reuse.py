"""Whether a connection may serve another call once an answer was read: not where what comes next is in doubt.

A server that sends more than its answer (a second one, bytes beyond the length) leaves it in the library's buffer, and
the library would read it as the answer to the next request, which may be another user's. A response with both a length
and chunks is read by its chunks, and RFC 9112 6.3 wants its connection closed. The library has its buffer under no
public name; where none is found (HTTP/2, a test's transport), the library's own rules hold.
"""

from __future__ import annotations

from typing import Any

_WAY = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection")
"""From a response to its connection."""
_PARSER = ("_h11_state",)
"""From a connection to what parses its bytes, and may hold more of them."""
_TLS = ("_network_stream", "_stream", "_read_bio")
"""From a connection of a task to the bytes that are not decrypted yet. A thread's leaves them in its socket."""


def is_spent(response: Any) -> bool:
    """Whether it is in doubt what comes next on the connection of a response that was read to its end."""
    connection = connection_of(response)
    parser, undecrypted = _along(connection, _PARSER), _along(connection, _TLS)
    if parser is None:
        return False
    is_ambiguous = "transfer-encoding" in response.headers and "content-length" in response.headers
    return is_ambiguous or bool(parser.trailing_data[0]) or bool(undecrypted and undecrypted.pending)


def connection_of(response: Any) -> Any:
    """The library's connection that a response comes from; None where there is none to be found."""
    return _along(response, _WAY)


def _along(start: Any, names: tuple[str, ...]) -> Any:
    """What these names lead to; None where there is no such way."""
    for name in names:
        start = getattr(start, name, None)
    return start


def guarded(response: Any) -> Any:
    """The response; when it is closed, a spent connection is closed before its pool can lend it to another call."""
    close = response.stream.close

    def close_spent() -> None:
        if is_spent(response) and "network_stream" in response.extensions:
            response.extensions["network_stream"].close()
        close()

    response.stream.close = close_spent
    return response


def aguarded(response: Any) -> Any:
    """The same for a response of the library's async half."""
    aclose = response.stream.aclose

    async def close_spent() -> None:
        if is_spent(response) and "network_stream" in response.extensions:
            await response.extensions["network_stream"].aclose()
        await aclose()

    response.stream.aclose = close_spent
    return response
