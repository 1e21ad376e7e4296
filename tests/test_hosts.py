"""Which hosts are this machine, whatever they look like."""

from __future__ import annotations

import pytest

from engine import Client
from engine.errors import UsageError
from engine.hosts import is_loopback
from tests.badfiles import problems, text_of
from tests.faults import fault


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


@pytest.mark.parametrize("host", ["a" * 64 + ".example.invalid", "x" * 300, "a." * 150 + "a"])
@fault("Values that go out", "The host of a base URL has a name that is too long", "a UsageError before the call")
def test_a_host_that_is_no_name_is_told_so(host: str) -> None:
    with Client(base_urls={"acytoo": f"https://{host}"}) as client, pytest.raises(UsageError, match="host"):
        client.chat("acytoo", "Hi")


@pytest.mark.parametrize("host", ["a" * 64 + ".acme.com", "a." * 150 + "com"])
def test_a_file_names_no_host_that_is_too_long(host: str) -> None:
    (found,) = problems(text_of(url=f"url: https://{host}/v1"))
    assert (found.rule, found.line) == ("bad-url", 6)
