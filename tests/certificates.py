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
        others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        others += ("crl_sign", "encipher_only", "decipher_only")
        signs = self._x509.KeyUsage(key_cert_sign=True, **dict.fromkeys(others, False))
        papers = [(basic, True), (signs, True)]
        self.bundle.write_bytes(_pem(self._signed(self._name, self._key, papers, DAY)))

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
        # RFC 5280, 4.2.1.1 and 4.2.1.2; from Python 3.13 on they are asked for.
        whose = self._x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        own = self._x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        for extension, is_critical in [*extensions, (whose, False), (own, False)]:
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(signer, hashes.SHA256())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def _private(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
