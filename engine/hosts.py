"""Which hosts are this machine, and which lie behind the caller's network.

Loopback in its plain spellings is allowed everywhere (a self-hosted server), and is the only place that a secret may
reach over plain http. A private host may be named by the caller only, never by a file from a stranger. Names are judged
without looking them up: one that is a private address by its nature (`10.0.0.1.nip.io`) is refused, any other is the
resolver's.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MAX_NAME, MAX_LABEL = 253, 63
"""How long a host's name and a part of it may be (RFC 1035, 2.3.4); a longer one is looked up nowhere."""

_NAMES = frozenset(
    {
        *("", "localhost", "localhost6", "ip6-localhost", "ip6-loopback", "broadcasthost"),
        *("localtest.me", "lvh.me", "vcap.me", "traefik.me", "1u.ms", "localho.st", "lacolhost.com"),
        *("metadata", "metadata.goog", "instance-data", "rancher-metadata", "metadata.tencentyun.com"),
        *("metadata.azure.com", "metadata.packet.net", "kubernetes", "kubernetes.default"),
    }
)
"""Loopback in disguise (`localhost.`), and where clouds hand out credentials:
https://cloud.google.com/compute/docs/metadata/querying-metadata"""

_ZONES = ("nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "traefik.me", "1u.ms", "ip6.name")
"""Zones whose names spell, or always are, a private address."""

_PRIVATE_TOPS = (
    *("localhost", "localdomain", "local", "internal", "home.arpa", "svc"),
    *("intranet", "private", "corp", "home", "lan"),
)
"""Top-level names that never lead into the public network: RFC 6761, 6762 (with its appendix G), 8375, and `internal`:
https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en"""

_SUFFIXES = tuple(f".{zone}" for zone in (*_ZONES, *_PRIVATE_TOPS))
_ALWAYS = frozenset({IPv4Address("168.63.129.16")})  # public by its number, and a cloud's own on every machine of it

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_LOOPBACK = IPv6Address("::1")
_WITH_IPV4 = (ip_network("64:ff9b::/96"), ip_network("::ffff:0:0:0/96"))  # RFC 6052, 7915: in the last 32 bits


def is_too_long(host: str) -> bool:
    """Whether no name service knows a host, because its name or a part of it is too long.

    >>> is_too_long("a" * 63 + ".example.com"), is_too_long("a" * 64 + ".example.com")
    (False, True)
    """
    return len(host) > MAX_NAME or any(len(label) > MAX_LABEL for label in host.split("."))


@lru_cache(256)
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


def private_host(host: str) -> bool:
    """Whether a URL's host is one that only the caller may name.

    >>> [private_host(host) for host in ("169.254.169.254", "0x7f.1", "localhost.", "10.0.0.1.nip.io")]
    [True, True, True, True]
    >>> [private_host(host) for host in ("localhost", "127.0.0.1", "::1", "api.example.com", "8.8.8.8")]
    [False, False, False, False, False]
    """
    # Clients map full-width letters and digits, and three other dots, to ASCII: https://www.unicode.org/reports/tr46/
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().strip("[]").partition("%")[0]
    plain = name == host.lower().strip("[]")
    if name == "localhost" and plain:
        return False
    try:
        address = ip_address(name)
        return not _public(address) or address in _ALWAYS or (address.is_loopback and not plain)
    except ValueError:
        name = name.rstrip(".")
    # Where the last label is a number, clients read all of it as an IPv4 address: https://url.spec.whatwg.org/
    return name in _NAMES or name.endswith(_SUFFIXES) or bool(_NUMBER.fullmatch(name.rpartition(".")[2]))


def same_site(first: str, second: str) -> bool:
    """Whether two hosts belong to one registrant, judged without a list of suffixes: narrow rather than wide.

    >>> same_site("stream.acme.com", "api.acme.com"), same_site("a.co.uk", "b.co.uk"), same_site("10.0.0.1", "11.0.0.1")
    (True, False, False)
    """
    if first == second:
        return True
    labels, others = first.lower().split("."), second.lower().split(".")
    if labels[-1].isdigit() or len(labels) < 2:
        return False
    # co.uk, com.br, ne.jp: below a country, a short second label belongs to its registry.
    most = 3 if len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return len(labels) >= most and labels[-most:] == others[-most:]


def _public(address: IPv4Address | IPv6Address) -> bool:
    """Whether a file may name an address: a public one, or loopback as it is usually written."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        return _public(inner) and not inner.is_loopback if inner else address == _LOOPBACK or _global(address)
    return address.is_loopback or _global(address)


def _global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one."""
    compatible = int(address) >> 32 == 0 and address != _LOOPBACK  # RFC 4291, 2.5.5.1: deprecated
    if compatible or any(address in network for network in _WITH_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
