"""Which hosts are this machine, whatever they look like."""

from __future__ import annotations

import pytest

from engine.hosts import is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1"]
)
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "localhost.",
        "localhost.example.com",
        "example.localhost",
        "localhos\u0167",
        "127.0.0.1.nip.io",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.01",
        "0.0.0.0",
        "::",
        "::2",
        "::ffff:127.0.0.1",
        "[::ffff:127.0.0.1]",
        "::127.0.0.1",
        "128.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "127.0.0.1 ",
        "user@127.0.0.1",
    ],
)
def test_everything_else_is_another_machine(host):
    assert not is_loopback(host)
