"""AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

Signed are `host`, `content-type` and every `x-amz-*` header; others may be changed on the way by a proxy.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from ..secrets import MASK, Secret, Sensitive
from ..wire import Headers, WireRequest
from .way import line

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Who signs; temporary credentials have a session token."""

    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None


def signature_headers(
    wire: WireRequest, keys: AwsKeys, scope: tuple[str, str], stamp: str
) -> tuple[tuple[tuple[str, str], ...], str]:
    """The headers that sign a request, and the signature in them.

    `scope` is region and service, `stamp` the time as 20260131T235959Z.
    """
    digest = hashlib.sha256(wire.content).hexdigest()
    added = [("x-amz-date", stamp), ("x-amz-content-sha256", digest)]
    if keys.session_token is not None:
        token = keys.session_token
        added.append(("x-amz-security-token", Sensitive(line(token), repr(token))))
    names, canonical = _canonical_request(wire, wire.headers.replaced(added), digest)
    credential_scope = "/".join((stamp[:8], *scope, "aws4_request"))
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    signature = _signature(keys.secret_key, credential_scope, f"{_ALGORITHM}\n{stamp}\n{credential_scope}\n{hashed}")
    pattern = f"{_ALGORITHM} Credential={{}}/{credential_scope}, SignedHeaders={names}, Signature={{}}"
    authorization = Sensitive(
        pattern.format(line(keys.access_key), signature), pattern.format(repr(keys.access_key), MASK)
    )
    return (*added, ("authorization", authorization)), signature


def _canonical_request(wire: WireRequest, headers: Headers, digest: str) -> tuple[str, Sensitive]:
    """The names of the signed headers, and what is signed."""
    parts = urlsplit(wire.url)
    signed = {"host": _host(parts)} | {
        name.lower(): " ".join(headers[name].split())
        for name in headers
        if name.lower() == "content-type" or name.lower().startswith("x-amz-")
    }
    names = ";".join(sorted(signed))
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    text = "\n".join((wire.method, _canonical_path(parts.path), _canonical_query(parts.query), *lines, "", names))
    return names, Sensitive(f"{text}\n{digest}", MASK)  # a session token is in it


def _canonical_path(path: str) -> str:
    """The path as it is sent, without dot segments and doubled slashes, and encoded once more: %3A becomes %253A."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + end, safe="/~")


def _canonical_query(query: str) -> str:
    """The parameters as they are sent, encoded already, in the order of their names and values."""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)


def _host(parts: SplitResult) -> str:
    """The host as HTTP clients send it: without the port that the scheme implies."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def _signature(secret: Secret, credential_scope: str, text: str) -> str:
    key = b"AWS4" + secret.reveal().encode()
    for part in (*credential_scope.split("/"), text):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key.hex()
