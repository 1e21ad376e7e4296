"""Compact JWTs: the bytes of their parts, their signatures, and what an error says of a bad key."""

from __future__ import annotations

import base64
import builtins
import hashlib
import hmac
import json
import traceback
from typing import Any

import pytest

from engine.auth.jwt import ALGORITHMS, signed_jwt
from engine.errors import EngineError, MissingSecretError, ParameterError, UsageError
from engine.secrets import MASK, Secret, shown

KEY = Secret("your-256-bit-secret", name="JWT_KEY")

# The token that https://jwt.io shows for this key.
JWT_IO = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)


def parts(token: str) -> list[Any]:
    """Header and claims as data, the signature as bytes."""
    pieces = [base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)) for piece in token.split(".")]
    return [json.loads(pieces[0]), json.loads(pieces[1]), pieces[2]]


def test_the_well_known_token() -> None:
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    assert signed_jwt("HS256", KEY, {}, claims) == JWT_IO


def test_the_header_map_is_laid_over_the_usual_one() -> None:
    token = signed_jwt("HS256", KEY, {"sign_type": "SIGN", "typ": "at+jwt", "kid": "7"}, {"имя": "ü", "exp": 1.5})
    header, claims, signature = parts(token)
    assert list(header.items()) == [("alg", "HS256"), ("typ", "at+jwt"), ("sign_type", "SIGN"), ("kid", "7")]
    assert claims == {"имя": "ü", "exp": 1.5}
    assert signature == hmac.digest(b"your-256-bit-secret", token.rpartition(".")[0].encode(), hashlib.sha256)


@pytest.mark.parametrize("alphabet", ["+/", "=\n "])
def test_a_token_is_url_safe_and_unpadded(alphabet: str) -> None:
    for size in range(12):
        token = signed_jwt("HS256", KEY, {}, {"a": "\u00ff\u00fe>?" * size + "x" * size})
        assert not set(alphabet) & set(token)


def test_a_token_is_shown_nowhere() -> None:
    token = signed_jwt("HS256", KEY, {}, {"key_id": "canary"})
    assert (repr(token), shown(token)) == (repr(MASK), MASK)


def test_a_placeholder_signs_nothing() -> None:
    for algorithm in ALGORITHMS:
        token = signed_jwt(algorithm, Secret("<JWT_KEY>", name="JWT_KEY"), {}, {"a": 1})
        assert token.endswith(f".{MASK}")
        assert parts(token.removesuffix(MASK))[:2] == [{"alg": algorithm, "typ": "JWT"}, {"a": 1}]


@pytest.mark.parametrize("claims", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_claims_that_json_cannot_say(claims: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="cannot be written as JSON"):
        signed_jwt("HS256", KEY, {}, claims)


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match=r"pip install 'wirefile\[jwt\]'"):
        signed_jwt("RS256", Secret("x", name="JWT_KEY"), {}, {})


@pytest.fixture(scope="module")
def rsa() -> Any:
    pytest.importorskip("cryptography", reason="RS256 needs the extra jwt")
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(private: Any, style: str = "PKCS8") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private.private_bytes(Encoding.PEM, getattr(PrivateFormat, style), NoEncryption()).decode()


@pytest.mark.parametrize("style", ["PKCS8", "TraditionalOpenSSL"])
def test_rs256_is_what_the_public_key_verifies(rsa: Any, style: str) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    token = signed_jwt("RS256", Secret(pem_of(rsa, style), name="JWT_KEY"), {"kid": "k"}, {"iss": "me"})
    header, claims, signature = parts(token)
    assert (header, claims) == ({"alg": "RS256", "typ": "JWT", "kid": "k"}, {"iss": "me"})
    data = token.rpartition(".")[0].encode()
    rsa.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


def test_a_key_of_another_form_is_named_and_not_shown(rsa: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    curve = pem_of(ec.generate_private_key(ec.SECP256R1()))
    cut = pem_of(rsa)[:400]
    for bad in ("canary", curve, cut):
        with pytest.raises(MissingSecretError, match="the value of JWT_KEY is no RSA private key") as caught:
            signed_jwt("RS256", Secret(bad, name="JWT_KEY"), {}, {})
        assert_hidden(caught.value, bad.splitlines()[1] if "\n" in bad else bad)


def assert_hidden(error: EngineError, canary: str) -> None:
    """The canary is in no frame of ours, and no other error hangs on this one."""
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.__traceback__ is not None
    ours = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    whole = "".join(ours.format())
    assert "engine/auth/jwt.py" in whole
    assert canary not in whole
