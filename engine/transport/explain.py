"""An exception of the library -> ours, by the name of its class: httpx and its kin share those names."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from ..errors import EngineError, TransportError, TruncatedError, UsageError
from ..wire import WireRequest
from .stage import Stage

_LOST = frozenset(
    {"TransportError", "RequestError", "StreamError", "OSError"}  # the library's, and what slips through it
    | {"ClosedResourceError", "BrokenResourceError", "EndOfStream", "BusyResourceError"}  # anyio's, below it
)

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})

_UNSENDABLE = frozenset({"LocalProtocolError", "InvalidURL", "UnsupportedProtocol", "UnicodeError"})
"""The last is what is said of a host that is no name, by Python's idna codec and by the package."""


_PLACE = re.compile(r" \(_ssl\.c:[0-9]+\)")


def explained(
    error: Exception, wire: WireRequest, *, in_body: bool, proxied: bool, stage: Stage, late: bool = False
) -> Exception:
    """An exception of the library in our words, by the name of its class: httpx and its kin share those names.

    TimeoutError stands for a wait that the library ended: which deadline that was, the exchange knows. `late` says
    that the deadline has passed. An error that is not the library's own comes back unchanged.
    """
    if isinstance(error, EngineError):
        return error
    names = {cls.__name__ for cls in type(error).__mro__}
    with_proxy = stage.is_with_proxy(proxied)
    if "ConnectTimeout" in names and not late:
        return _too_late_to_connect("the proxy" if with_proxy else wire.origin, stage)
    if "TimeoutException" in names:
        return TimeoutError()
    opening = None if in_body else _in_opening(error, names, wire.origin, stage, with_proxy)
    return opening or _in_exchange(error, names, wire.origin, in_body)


def _in_opening(error: Exception, names: set[str], where: str, stage: Stage, with_proxy: bool) -> TransportError | None:
    """What went wrong before there was a connection to the host; None where there was one."""
    if "ProxyError" in names:
        status = re.match(r"[1-5][0-9][0-9]\b", str(error))
        return refused_by_proxy(int(status[0]) if status else None)
    if "ConnectError" in names:
        return _not_connected(error, where, stage, with_proxy)
    if with_proxy and names & _LOST:
        return TransportError("the proxy closed the connection; check that its URL is that of a proxy", kind="proxy")
    # Some servers say only when the request has come that they agree on no TLS.
    return _no_tls(error, where) if _is_tls(error) else None


def _in_exchange(error: Exception, names: set[str], where: str, in_body: bool) -> Exception:
    if "RemoteProtocolError" in names and in_body:
        return TruncatedError(f"the answer broke off: {where} closed the connection in the middle; try again")
    if "RemoteProtocolError" in names:
        return TransportError(f"{where} closed the connection or spoke no HTTP: {_detail(error)}", kind="lost")
    if names & _UNSENDABLE:
        return UsageError(f"the request to {where} cannot be sent: {_detail(error)}")
    if type(error) is RuntimeError and "closed" in str(error):
        return UsageError("the HTTP client is closed; make a new one")
    if names & _LOST:
        return TransportError(f"the connection to {where} was lost; try again", kind="lost")
    return error


def refused_by_proxy(status: int | None) -> TransportError:
    """The error for a proxy that answered for itself. Its words are not shown: it may say the password again."""
    shown = "it speaks another protocol" if status is None else f"HTTP {status}"
    step = "check the user and the password in the proxy's URL" if status == 407 else "check the proxy"
    return TransportError(f"the proxy refused ({shown}); {step}", kind="proxy", status=status)


def _too_late_to_connect(where: str, stage: Stage) -> TransportError:
    what = "did not finish the TLS handshake" if stage.is_handshake else "did not accept a connection"
    return TransportError(f"{where} {what} in time; is it up?", kind="timeout", phase="connect")


def _not_connected(error: Exception, where: str, stage: Stage, with_proxy: bool) -> TransportError:
    if stage.is_handshake or _is_tls(error):
        return _untrusted_proxy(error) if with_proxy else _no_tls(error, where)
    why = next((words for cause in _causes(error) if (words := _why(cause))), _detail(error))
    if with_proxy:
        return TransportError(f"the proxy cannot be reached: {why}; check the proxy's URL", kind="proxy")
    return TransportError(f"{where} cannot be reached: {why}; check the host and the network", kind="connect")


def _no_tls(error: Exception, where: str) -> TransportError:
    if _is_certificate(error):
        message = f"{where} cannot be trusted: {_detail(error)}; check the certificate and the host's name"
    else:
        message = f"{where} and we agree on no TLS: {_detail(error)}; check that this port speaks TLS 1.2 or later"
    return TransportError(message, kind="tls")


def _untrusted_proxy(error: Exception) -> TransportError:
    if _is_certificate(error):
        return TransportError(f"the proxy cannot be trusted: {_detail(error)}; check its certificate", kind="proxy")
    return TransportError(f"the proxy speaks no TLS: {_detail(error)}; is its URL an http:// one?", kind="proxy")


def _is_certificate(error: Exception) -> bool:
    import ssl  # with httpx, not before

    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _why(cause: BaseException) -> str:
    """Why no connection came about: the async half of the library has one sentence for everything."""
    import socket  # with httpx, not before

    if isinstance(cause, socket.gaierror):
        return f"its name is not known ({cause.strerror})"
    if isinstance(cause, ConnectionRefusedError):
        return "it refuses connections at this port"
    is_unreachable = isinstance(cause, OSError) and cause.errno in _UNREACHABLE
    return "no network leads there" if is_unreachable else ""


def _detail(error: BaseException) -> str:
    """What the library says, without the bytes of the other side that h11 quotes behind a colon."""
    text = _PLACE.sub("", " ".join(str(error).partition(": bytearray")[0].split()))[:200]
    return text or "the connection ended early"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and what those had in their groups: a host may have several addresses."""
    ahead, seen = [error], set()
    while ahead:
        cause = ahead.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        behind = (cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ()))
        ahead += [other for other in behind if isinstance(other, BaseException)]


def _is_tls(error: BaseException) -> bool:
    """Whether TLS itself failed; a connection that was closed without TLS's own farewell is only lost."""
    import ssl

    kinds = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    found = [cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)]
    return any(not isinstance(cause, kinds) for cause in found)
