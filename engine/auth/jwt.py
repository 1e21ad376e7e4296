"""JSON Web Tokens in their compact form: header, claims and signature, each in base64url (RFC 7515, RFC 7519).

HS256 needs nothing but the standard library; RS256 needs the package `cryptography`, which the extra `jwt` brings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import MissingSecretError, ParameterError, UsageError
from ..secrets import MASK, Secret, Sensitive


def signed_jwt(algorithm: str, key: Secret, header: Mapping[str, Any], claims: Mapping[str, Any]) -> Sensitive:
    """The compact token; `header` is laid over {"alg": algorithm, "typ": "JWT"}, keys keep their order.

    A key that is a placeholder signs nothing: the signature is `***`. Raises UsageError where `cryptography` is needed
    and missing, MissingSecretError for a key of another form, ParameterError for claims that JSON cannot say.

    >>> token = signed_jwt("HS256", Secret("your-256-bit-secret", name="KEY"), {}, {"sub": "1234567890"})
    >>> token, token[:20]
    ('***', 'eyJhbGciOiJIUzI1NiIs')
    """
    head = {"alg": algorithm, "typ": "JWT"} | dict(header)
    signing_input = f"{_segment(head)}.{_segment(claims)}"
    signature = MASK
    if not key.is_placeholder:
        signature = _base64url(ALGORITHMS[algorithm](key, signing_input.encode()))
    # All of it is masked, not only the signature: claims may hold secrets too.
    return Sensitive(f"{signing_input}.{signature}", MASK)


def _segment(data: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return _base64url(text.encode())
    except (TypeError, ValueError, RecursionError):  # its words could hold a claim
        pass
    raise ParameterError("a header or a claim of the token cannot be written as JSON; use text, numbers and booleans")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _hs256(key: Secret, data: bytes) -> bytes:
    return hmac.digest(key.reveal().encode(), data, hashlib.sha256)


def _rs256(key: Secret, data: bytes) -> bytes:
    private = _rsa_key(key)
    if private is None:
        # Raised here and not where it was found: that error's frames hold the key.
        raise MissingSecretError(f"the value of {key.name} is no RSA private key in PEM form; set it again")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return bytes(private.sign(data, padding.PKCS1v15(), hashes.SHA256()))


def _rsa_key(key: Secret) -> Any:
    """The private key of a PEM text; None where it is none."""
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise UsageError(
            "signing with RS256 needs the package cryptography; run: pip install 'wirefile[jwt]'"
        ) from None
    try:
        private = load_pem_private_key(key.reveal().encode(), password=None)
    except Exception:  # noqa: BLE001  any error of that package: its words could hold the key
        return None
    return private if isinstance(private, RSAPrivateKey) else None


ALGORITHMS: Mapping[str, Callable[[Secret, bytes], bytes]] = {"HS256": _hs256, "RS256": _rs256}
"""How a token is signed, by the name of its `alg`: key and signing input -> the bytes of the signature."""
