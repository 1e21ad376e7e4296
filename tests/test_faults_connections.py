"""What can go wrong before a request is heard: names, addresses, TLS and proxies."""

from __future__ import annotations

import datetime
import pickle
import socket
import traceback
from typing import Any

import pytest

from engine.errors import ProviderError, TransportError, UsageError
from engine.secrets import veiled_url
from engine.testing import FIN, RST, FaultServer, Hello, Request, Send, Stall, Tls, whole

from .certificates import Authority
from .faults import fault
from .quickfiles import KEY, SECRET, TEXT

pytestmark = pytest.mark.usefixtures("few_authorities")

CONNECTIONS = "Connections, TLS and proxies"
PASSWORD = "hush-hush-1"
QUICK = f"{TEXT}\nretry: {{max: 2, base: 0, cap: 0}}"
FILES = {"plain": QUICK, "header": f"{QUICK}\n{SECRET}\nauth: {{type: header, name: x-api-key, secret: api_key}}"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, few_authorities: None, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority in the place of those that the clients trust."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.bundle))
    return authority


def failed(outcome: Any, kind: str, says: str = "") -> TransportError:
    """The error of a call that came to nothing on the network."""
    error = outcome.error
    assert type(error) is TransportError, repr(error)
    assert error.kind == kind
    assert says in error.message
    assert error.message.isprintable()
    assert error.provider == "plain"
    assert error.partial is not None
    assert error.partial.text == ""
    assert outcome.response is None
    return error


# --- names and addresses ---------------------------------------------------------------------------------------------


@fault(CONNECTIONS, "a host whose name nobody knows", "`TransportError` of kind `connect`, after the file's retries")
def test_a_name_that_is_not_known(call, monkeypatch):
    def unknown(host: Any, *rest: Any, **more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failed(call("http://api.invalid", "plain"), "connect", "http://api.invalid cannot be reached: its name is")
    assert error.attempts == 3


@fault(CONNECTIONS, "a host whose name cannot be looked up just now", "`TransportError` of kind `connect`")
def test_a_name_server_that_does_not_answer(call, monkeypatch):
    def silent(*args: Any, **more: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    failed(call("https://api.invalid", "plain"), "connect", "Temporary failure in name resolution")


@fault(
    CONNECTIONS, "a host name that no name server could know", "an error before or at the look-up, never a traceback"
)
@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", ".".join(["a" * 60] * 5), "xn--a", "a..invalid", "-.invalid"])
def test_a_name_that_is_none(call, host, monkeypatch):
    looked_up: list[Any] = []

    def unknown(asked: Any, *rest: Any, **more: Any) -> Any:
        looked_up.append(asked)
        if isinstance(asked, str):
            asked.encode("idna")  # as the real one does
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = call(f"http://{host}", "plain").error
    assert isinstance(error, UsageError | TransportError), repr(error)
    assert error.message.isprintable()


@fault(CONNECTIONS, "a port where nobody listens", "`TransportError` of kind `connect`, after the file's retries")
def test_a_port_that_refuses(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    error = failed(call(url, "plain"), "connect", f"{url} cannot be reached: it refuses connections")
    assert error.attempts == 3
    assert error.elapsed > 0


@fault(
    CONNECTIONS, "an address that no network leads to", "`TransportError` of kind `connect`, after the file's retries"
)
def test_an_address_that_cannot_be_reached(call):
    # Nothing is sent: no system opens a TCP connection to every host of a network.
    error = failed(call("http://255.255.255.255:9", "plain"), "connect", "no network leads there")
    assert error.attempts == 3


# --- TLS -------------------------------------------------------------------------------------------------------------

BAD_PAPERS = {
    "expired": (lambda ca: ca.server(lasts=-datetime.timedelta(days=1)), "cannot be trusted", "expired"),
    "for another host": (lambda ca: ca.server("api.example.org"), "cannot be trusted", "IP address mismatch"),
    "for another address": (lambda ca: ca.server("127.0.0.2"), "cannot be trusted", "IP address mismatch"),
    "signed by itself": (lambda ca: ca.server(by_itself=True), "cannot be trusted", "self-signed"),
    "TLS 1.0": (lambda ca: ca.old_server(), "no TLS", ""),
}


def test_a_certificate_that_is_good(call, trusted):
    """What the other tests find wrong is all that is wrong there."""
    with FaultServer([Tls(trusted.server()), Request(), whole(b"safe")]) as server:
        assert call(server.url.replace("http:", "https:"), "plain").text == "safe"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(CONNECTIONS, what, "`TransportError` of kind `tls`, not retried, nothing sent"))
        for name, what in {
            "expired": "a certificate that has expired",
            "for another host": "a certificate for another host",
            "for another address": "a certificate for another address",
            "signed by itself": "a certificate that only its owner has signed",
            "TLS 1.0": "a server that speaks no TLS after 1.0",
        }.items()
    ],
)
def test_tls_that_cannot_be_trusted(call, trusted, name):
    make, says, why = BAD_PAPERS[name]
    with FaultServer([Tls(make(trusted)), Request(), whole(b"hi")]) as server:
        error = failed(call(server.url.replace("http:", "https:"), "plain"), "tls", says)
        assert server.wait_for(lambda journal: journal.open == 0)
        assert (server.journal.opened, server.requests) == (1, [])
    assert why in error.message
    assert error.attempts == 1


@fault(CONNECTIONS, "a certificate from an authority that is not known", "`TransportError` of kind `tls`, not retried")
def test_an_authority_that_nobody_knows(call, authority):
    with FaultServer([Tls(authority.server()), Request(), whole(b"hi")]) as server:
        failed(call(server.url.replace("http:", "https:"), "plain"), "tls", "cannot be trusted")
        assert (server.journal.opened, server.requests) == (1, [])


@fault(CONNECTIONS, "an environment that names another bundle of certificates", "it is not read")
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_environment_trusts_nobody_for_us(call, authority, monkeypatch, name):
    monkeypatch.setenv(name, str(authority.bundle if name.endswith("FILE") else authority.bundle.parent))
    with FaultServer([Tls(authority.server()), Request(), whole(b"hi")]) as server:
        failed(call(server.url.replace("http:", "https:"), "plain"), "tls")
        assert server.requests == []


HANDSHAKES = {
    "that ends": ([Hello(), FIN()], "a TLS handshake that is cut"),
    "that is reset": ([Hello(), RST()], "a TLS handshake that is reset"),
    "that ends before it began": ([FIN()], "a TLS handshake that is cut before its first byte"),
    "that breaks off": ([Hello(), Send(b"\x16\x03\x03\x00\x7a\x02\x00"), FIN()], "a TLS handshake that is cut within"),
    "of another protocol": ([Hello(), Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), FIN()], "a port that speaks no TLS"),
    "that is an alert": ([Hello(), Send(b"\x15\x03\x03\x00\x02\x02\x28"), FIN()], "a TLS handshake that is refused"),
    "of garbage": ([Hello(), Send(bytes(range(256)) * 8), FIN()], "garbage for a TLS handshake"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=fault(CONNECTIONS, what, "`TransportError` of kind `tls`, not retried"))
        for name, (_, what) in HANDSHAKES.items()
    ],
)
def test_a_handshake(call, name):
    script = HANDSHAKES[name][0]
    script = script if isinstance(script[0], Hello) else [Hello(), *script]
    with FaultServer(script) as server:
        error = failed(call(server.url.replace("http:", "https:"), "plain"), "tls", "no TLS")
        assert server.journal.opened == 1
    assert error.attempts == 1


@fault(CONNECTIONS, "a TLS handshake that stalls", "`TransportError` of kind `timeout`, phase `connect`")
def test_a_handshake_that_stalls(call):
    with FaultServer([Hello(), Stall()]) as server:
        outcome = call(server.url.replace("http:", "https:"), "plain", timeout={"connect": 0.1, "total": 2})
    error = failed(outcome, "timeout", "did not finish the TLS handshake")
    assert error.phase == "connect"


@fault(
    CONNECTIONS, "an https service that sends on to plain http in its answer", "refused, no key goes out in the clear"
)
def test_no_key_goes_out_in_the_clear(call, trusted):
    with (
        FaultServer([whole(b"gotcha")]) as plain,
        FaultServer([Tls(trusted.server()), Request(), whole(b"", 307, location=plain.url)]) as server,
    ):
        outcome = call(server.url.replace("http:", "https:"), "header", secrets={"header": {"api_key": KEY}})
        assert (type(outcome.error), outcome.error.kind) == (ProviderError, "protocol")
        assert plain.journal.opened == 0


# --- proxies ---------------------------------------------------------------------------------------------------------


def refusal(status: int, words: str = "No") -> Send:
    return Send(f"HTTP/1.1 {status} {words}\r\ncontent-length: 0\r\n\r\n".encode())


ECHO = f"me:{PASSWORD}"
PROXIES = {
    "407 to a tunnel": ("https", [refusal(407, ECHO)], "refused (HTTP 407); check the user and the password", 1),
    "407 to a request": ("http", [refusal(407, ECHO)], "refused (HTTP 407); check the user and the password", 1),
    "403 to a tunnel": ("https", [refusal(403, ECHO)], "refused (HTTP 403)", 1),
    "302 to a tunnel": ("https", [refusal(302, ECHO)], "refused (HTTP 302)", 1),
    "502 to a tunnel": ("https", [refusal(502, ECHO)], "refused (HTTP 502)", 3),
    "a tunnel that ends": ("https", [FIN()], "the proxy closed the connection", 3),
    "a tunnel that is reset": ("https", [RST()], "the proxy closed the connection", 3),
    "a tunnel cut in its head": ("https", [Send(b"HTTP/1.1 200 OK\r\nx-a"), FIN()], "the proxy closed", 3),
    "a tunnel of no HTTP": ("https", [Send(f"220 {ECHO} ready\r\n\r\n".encode()), FIN()], "the proxy closed", 3),
}
WORDS = {
    "407 to a tunnel": "a proxy that wants another password (CONNECT)",
    "407 to a request": "a proxy that wants another password (plain http)",
    "403 to a tunnel": "a proxy that does not allow the host",
    "302 to a tunnel": "a proxy that redirects a tunnel",
    "502 to a tunnel": "a proxy that cannot reach the host",
    "a tunnel that ends": "a proxy that ends CONNECT without an answer",
    "a tunnel that is reset": "a proxy that resets CONNECT",
    "a tunnel cut in its head": "a proxy whose answer to CONNECT is cut",
    "a tunnel of no HTTP": "a proxy that speaks no HTTP",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=fault(CONNECTIONS, what, "`TransportError` of kind `proxy`; its password is not shown")
        )
        for name, what in WORDS.items()
    ],
)
def test_a_proxy(call, name, logged):
    scheme, script, says, attempts = PROXIES[name]
    with FaultServer([Request(), *script, FIN()]) as proxy:
        outcome = call(f"{scheme}://api.invalid", "plain", proxy=f"http://me:{PASSWORD}@{proxy.host}")
        assert len(proxy.requests) == attempts
        assert any("proxy-authorization" in dict(request.headers) for request in proxy.requests)
        assert all(request.line.startswith("CONNECT") == (scheme == "https") for request in proxy.requests)
    error = failed(outcome, "proxy", says)
    assert error.attempts == attempts
    assert "api.invalid" not in error.message
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = " ".join(repr(frame.locals) for frame in frames if "/engine/" in frame.filename)
    shown = [str(error), repr(error), repr(vars(error)), pickle.dumps(error).decode("latin-1"), ours, *logged.lines]
    assert not [text for text in shown if PASSWORD in text]


@fault(CONNECTIONS, "a proxy that is not there", "`TransportError` of kind `proxy`, after the file's retries")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_where_nobody_listens(call, scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://me:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}"
    error = failed(call(f"{scheme}://api.invalid", "plain", proxy=proxy), "proxy", "it refuses connections")
    assert error.attempts == 3
    assert PASSWORD not in repr(vars(error))


@fault(CONNECTIONS, "a proxy whose URL says https and that speaks plain http", "`TransportError` of kind `proxy`")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_another_scheme(call, scheme):
    with FaultServer([Hello(), refusal(400), FIN()]) as proxy:
        outcome = call(f"{scheme}://api.invalid", "plain", proxy=f"https://me:{PASSWORD}@{proxy.host}")
    error = failed(outcome, "proxy", "is its URL an http:// one?")
    assert PASSWORD not in error.message


@fault(CONNECTIONS, "a proxy whose own certificate cannot be trusted", "`TransportError` of kind `proxy`")
def test_a_proxy_that_cannot_be_trusted(call, authority):
    with FaultServer([Tls(authority.server()), Request(), refusal(407)]) as proxy:
        failed(
            call("https://api.invalid", "plain", proxy=f"https://{proxy.host}"), "proxy", "the proxy cannot be trusted"
        )
        assert proxy.requests == []


@fault(
    CONNECTIONS, "a certificate behind a proxy that cannot be trusted", "`TransportError` of kind `tls`, not retried"
)
def test_tls_through_a_tunnel(call, authority):
    opened = Send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with FaultServer([Request(), opened, Tls(authority.server("api.invalid")), Request()]) as proxy:
        failed(call("https://api.invalid", "plain", proxy=proxy.url), "tls", "https://api.invalid cannot be trusted")
        assert proxy.journal.opened == 1


@fault(CONNECTIONS, "a tunnel that is cut in the TLS handshake", "`TransportError` of kind `tls`, not retried")
def test_a_tunnel_cut_in_the_handshake(call):
    opened = Send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with FaultServer([Request(), opened, Hello(), FIN()]) as proxy:
        failed(call("https://api.invalid", "plain", proxy=proxy.url), "tls", "no TLS")
        assert proxy.journal.opened == 1


def test_an_answer_through_a_tunnel(call, trusted):
    opened = Send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with FaultServer([Request(), opened, Tls(trusted.server("api.invalid")), Request(), whole(b"hi", 407)]) as proxy:
        error = call("https://api.invalid", "plain", proxy=f"http://me:{PASSWORD}@{proxy.host}").error
        assert [request.line.split()[0] for request in proxy.requests] == ["CONNECT", "POST"]
        assert "proxy-authorization" not in dict(proxy.requests[1].headers)
    assert (type(error), error.status) == (ProviderError, 407), "that of the host is no refusal by the proxy"


@fault(CONNECTIONS, "a proxy URL that cannot be one", "`UsageError` before anything is sent; its password is not shown")
@pytest.mark.parametrize("proxy", [f"ftp://me:{PASSWORD}@127.0.0.1", f"http://me:{PASSWORD}@[::1", f"me:{PASSWORD}@h"])
def test_a_proxy_that_cannot_be(call, proxy):
    error = call("http://127.0.0.1:1", "plain", proxy=proxy).error
    assert type(error) is UsageError
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [repr(frame.locals) for frame in frames if "/engine/" in frame.filename]
    assert ours
    assert PASSWORD not in " ".join([str(error), *ours])


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://me:pw@host:81", "http://***@host:81"),
        ("http://me:p@w@host", "http://***@host"),
        ("me:pw@host", "***"),
        ("http://host", "http://host"),
        (None, None),
    ],
)
def test_the_url_of_a_proxy_is_shown_without_its_user(proxy, shown):
    masked = veiled_url(proxy)
    assert masked == proxy
    assert repr(masked) == repr(shown)


@fault(CONNECTIONS, "proxies and a .netrc in the environment", "they are not used")
def test_the_environment_decides_nothing(call, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hush-hush-1\ndefault login me password hush-hush-1\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_bytes(netrc.read_bytes())
    with FaultServer([whole(b"direct")]) as server:
        assert call(server, "plain").text == "direct"
        assert "authorization" not in dict(server.requests[0].headers)
