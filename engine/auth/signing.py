"""The kinds that are made when a request is final: a header of a template, a token, a signature over the exact
bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import EngineError, ParameterError
from ..expressions import OMIT, TemplateError, compile_text, compile_tree
from ..secrets import Secret, Sensitive, shown
from .jwt import signed_jwt
from .sigv4 import AwsKeys, signature_headers
from .way import Credentials, Options, Secrets, Unsigned, Way

Rendered = TypeVar("Rendered")

BEARER = {"header": "authorization", "prefix": "Bearer "}
"""Where a token is sent, unless a file says otherwise."""


def header_template(options: Options) -> Way:
    """A header whose value is a template over the finished request."""
    from ..expressions import compile_masked  # jinja2 is imported only for a file that holds such a template

    render = compile_masked(options["value"])

    def sign(unsigned: Unsigned, secrets: Secrets) -> Credentials:
        value, hidden = _worked_out(render, _names(unsigned, secrets), "auth.value")
        if not value.isascii() or not value.isprintable():
            raise ParameterError(f"auth.value makes a header '{options['name']}' with a line break or beyond ASCII")
        return Credentials(headers=((options["name"], value),), made=hidden)

    return Way(sign=sign)


def jwt(options: Options) -> Way:
    """A token that the caller signs itself, made for each call."""
    header = compile_tree(options.get("header", {}), "auth.header")
    claims = compile_tree(options.get("claims", {}), "auth.claims")
    send = BEARER | options.get("send", {})

    def sign(unsigned: Unsigned, secrets: Secrets) -> Credentials:
        names = _names(unsigned, secrets)
        said = [_worked_out(render, names, f"auth.{name}") for name, render in (("header", header), ("claims", claims))]
        said = [{} if part is OMIT else part for part in said]  # a false $when
        token = signed_jwt(options["algorithm"], secrets[options["key"]], *said)
        value = Sensitive(send["prefix"] + token, send["prefix"] + shown(token))
        return Credentials(headers=((send["header"], value),), made=(Secret(str.__str__(token), name="jwt"),))

    return Way(sign=sign)


def aws_sigv4(options: Options) -> Way:
    """AWS Signature Version 4 over the exact bytes that are sent."""
    region = compile_text(options["region"])

    def sign(unsigned: Unsigned, secrets: Secrets) -> Credentials:
        scope = str(_worked_out(region, unsigned.values, "auth.region")), options["service"]
        keys = AwsKeys(
            secrets[options["access_key"]],
            secrets[options["secret_key"]],
            secrets.get(options.get("session_token", "")),
        )
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unsigned.now))
        headers, signature = signature_headers(unsigned.wire, keys, scope, stamp)
        return Credentials(headers=headers, made=(Secret(signature, name="signature"),))

    return Way(sign=sign)


def _names(unsigned: Unsigned, secrets: Secrets) -> dict[str, Any]:
    """What a template of `auth` may read: names beside those of settings."""
    wire = unsigned.wire
    parts = urlsplit(wire.url)
    return {
        **unsigned.values,
        "method": wire.method,
        "path": parts.path,
        "query": parts.query,
        "body": wire.content.decode("utf-8", "replace"),
        "secrets": {name: Sensitive(secret.reveal(), repr(secret)) for name, secret in secrets.items()},
    }


def _worked_out(render: Callable[[Mapping[str, Any]], Rendered], names: Mapping[str, Any], where: str) -> Rendered:
    """What a template gives. Raises ParameterError with no reason in it: the words of a failure may quote a secret."""
    failure: EngineError | None = None
    try:
        return render(names)
    except TemplateError:
        failure = ParameterError(f"{where} cannot be worked out of this call; see what its expressions are given")
    raise failure
