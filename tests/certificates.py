"""Certificates for servers in tests: an authority of one's own, and servers with good papers and bad ones."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs the certificates of servers. `bundle` is the file of its own one, for clients that trust it."""

    def __init__(self, folder: Path) -> None:
        self._x509 = pytest.importorskip("cryptography.x509")
        self._folder = folder
        self._key = self._new_key()
        self._name = self._named("An authority of tests")
        self._made = 0
        self.bundle = folder / "authority.pem"
        basic = self._x509.BasicConstraints(ca=True, path_length=None)
        self.bundle.write_bytes(_pem(self._signed(self._name, self._key, [(basic, True)], DAY)))

    def server(self, host: str = "127.0.0.1", *, lasts: datetime.timedelta = DAY, by_itself: bool = False) -> Any:
        """The TLS context of a server with a certificate for `host`, signed by the authority or by itself."""
        key, name = self._new_key(), self._named(host)
        is_address = host.replace(".", "").isdigit()
        entry = self._x509.IPAddress(ipaddress.ip_address(host)) if is_address else self._x509.DNSName(host)
        names = [(self._x509.SubjectAlternativeName([entry]), False)]
        certificate = self._signed(name, key, names, lasts, by_itself=by_itself)
        self._made += 1
        path = self._folder / f"server-{self._made}.pem"
        path.write_bytes(_private(key) + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def old_server(self) -> Any:
        """A server with good papers that speaks TLS 1.0 and no more."""
        context = self.server()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def _named(self, name: str) -> Any:
        return self._x509.Name([self._x509.NameAttribute(self._x509.NameOID.COMMON_NAME, name)])

    @staticmethod
    def _new_key() -> Any:
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256R1())

    def _signed(
        self, name: Any, key: Any, extensions: list[Any], lasts: datetime.timedelta, *, by_itself: bool = False
    ) -> Any:
        from cryptography.hazmat.primitives import hashes

        issuer, signer = (name, key) if by_itself else (self._name, self._key)
        now = datetime.datetime.now(datetime.UTC)
        serial = self._x509.random_serial_number()
        builder = self._x509.CertificateBuilder(issuer, name, key.public_key(), serial, now - 9 * DAY, now + lasts)
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(signer, hashes.SHA256())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def _private(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
