"""The fault kit keeps its own promises: what a script says is what a client meets, and the journal knows it."""

from __future__ import annotations

import gzip
import socket
import ssl
from pathlib import Path

import pytest

from engine.testing import (
    FIN,
    RST,
    Again,
    Each,
    FaultServer,
    Pause,
    Request,
    Send,
    Slice,
    Stall,
    Tls,
    gzipped,
    lie,
    whole,
)

from .certificates import Authority


def connect(server: FaultServer) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    return client


def received(server: FaultServer) -> list[bytes]:
    """The pieces in which a client gets what a connection says, until it ends."""
    with connect(server) as client:
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
        return pieces


def test_a_slice_is_the_same_bytes_in_pieces_that_the_seed_decides() -> None:
    data = bytes(range(200))
    with FaultServer([Slice(data, 7, 0.002), FIN()], seed=1) as server:
        pieces = received(server)
    assert b"".join(pieces) == data
    assert len(pieces) > 10
    assert max(map(len, pieces)) <= 7 * 4, "pieces may arrive together, but not all of them"


def test_the_journal_knows_what_came_and_what_is_open() -> None:
    with FaultServer([Send(b"x"), Stall()], [FIN()], loop_last=False) as server:
        client = connect(server)
        assert client.recv(1) == b"x"
        assert (server.journal.opened, server.journal.open) == (1, 1)
        client.sendall(b"more than was asked for")
        client.close()
        assert server.wait_for(lambda journal: journal.open == 0)
        assert server.requests[0].line == "GET / HTTP/1.1"
        assert server.requests[0].headers == [("host", "x")]
        assert server.journal.stray == b"more than was asked for"
        assert received(server) == []
        assert len(server.requests) == 2


def test_a_reset_is_a_reset() -> None:
    with FaultServer([RST()]) as server, connect(server) as client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_pause_ends_when_it_is_released() -> None:
    with FaultServer([Pause(), Send(b"x"), FIN()]) as server, connect(server) as client:
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        server.release()
        client.settimeout(5)
        assert client.recv(1) == b"x"


def test_again_serves_a_connection_for_ever() -> None:
    with FaultServer([Request(), Each(b"ok"), Again()]) as server, connect(server) as client:
        for _ in range(3):
            assert client.recv(1) + client.recv(1) == b"ok"
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")


def test_responses_that_lie() -> None:
    assert lie(b"Hi", length=9).data.endswith(b"content-length: 9\r\n\r\nHi")
    assert b"content-encoding: br" in lie(b"Hi", encoding="br").data
    assert b"content-type" not in lie(b"Hi", kind=None).data
    cut = gzipped(b"Hello" * 99, cut=4).data.partition(b"\r\n\r\n")[2]
    with pytest.raises(EOFError):
        gzip.decompress(cut)
    assert gzip.decompress(gzipped(b"Hello").data.partition(b"\r\n\r\n")[2]) == b"Hello"


def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    script = [Tls(authority.server()), Request(), whole(b"Hi"), FIN()]
    trusting = ssl.create_default_context(cafile=authority.bundle)
    address = {"server_hostname": "127.0.0.1"}
    with FaultServer(script) as server:
        where = ("127.0.0.1", server.port)
        with socket.create_connection(where, timeout=5) as plain, trusting.wrap_socket(plain, **address) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(1 << 16).endswith(b"Hi")
        with socket.create_connection(where, timeout=5) as plain, pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, **address)
        assert server.wait_for(lambda journal: journal.open == 0)
