"""Which hosts are this machine: the only ones that a secret may reach over plain http."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address is loopback: localhost, 127/8 or ::1.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost.example.com")
    (True, False)
    """
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    # ::ffff:127.0.0.1 is loopback for some versions of Python and not for others; nobody writes it in good faith.
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
