"""An exception of the library -> ours, by the name of its class: httpx and its kin share those names."""

from __future__ import annotations

from ..errors import TransportError, TruncatedError, UsageError
from ..wire import WireRequest

_LOST = frozenset(
    {"TransportError", "RequestError", "StreamError", "OSError"}  # the library's, and what slips through it
    | {"ClosedResourceError", "BrokenResourceError", "EndOfStream", "BusyResourceError"}  # anyio's, below it
)


def explained(error: Exception, wire: WireRequest, *, in_body: bool, proxied: bool, late: bool = False) -> Exception:
    """An exception of the library in our words, by the name of its class: httpx and its kin share those names.

    TimeoutError stands for a wait that the library ended: which deadline that was, the exchange knows. `late` says
    that the deadline has passed. An error that is not the library's own comes back unchanged.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    where = wire.origin
    detail = _detail(error)
    if "ConnectTimeout" in names and not late:
        return TransportError(
            f"{where} did not accept a connection in time; is it up?", kind="timeout", phase="connect"
        )
    if "TimeoutException" in names:
        return TimeoutError()
    if "ProxyError" in names:
        return TransportError(f"the proxy refused ({detail}); check the proxy", kind="proxy")
    if "ConnectError" in names:
        return _not_connected(error, where, detail, proxied)
    if "RemoteProtocolError" in names and in_body:
        return TruncatedError(f"the answer broke off: {where} closed the connection in the middle; try again")
    if "RemoteProtocolError" in names:
        return TransportError(f"{where} closed the connection or spoke no HTTP: {detail}", kind="lost")
    if "LocalProtocolError" in names or "InvalidURL" in names or "UnsupportedProtocol" in names:
        return UsageError(f"the request to {where} cannot be sent: {detail}")
    if type(error) is RuntimeError and "closed" in str(error):
        return UsageError("the HTTP client is closed; make a new one")
    if names & _LOST:
        return TransportError(f"the connection to {where} was lost; try again", kind="lost")
    return error


def _not_connected(error: Exception, where: str, detail: str, proxied: bool) -> TransportError:
    if _is_tls(error):
        message = f"{where} cannot be trusted: {detail}; check the certificate and the host's name"
        return TransportError(message, kind="tls")
    if proxied:
        return TransportError(f"the proxy cannot be reached: {detail}; check the proxy's URL", kind="proxy")
    return TransportError(f"{where} cannot be reached: {detail}; check the host and the network", kind="connect")


def _detail(error: BaseException) -> str:
    """What the library says, without the bytes of the other side that h11 quotes behind a colon."""
    text = " ".join(str(error).partition(": bytearray")[0].split())[:200]
    return text or type(error).__name__


def _is_tls(error: BaseException) -> bool:
    import ssl  # with httpx, not before

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE" in str(error).upper()
