"""How an access token is sent that was fetched for the call. The fetching is not here: see route.py and steps/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ACCESS_TOKEN = "access token"
"""The name of the fetched token among the secrets of a call; no declared secret can have it."""


def sending_token(options: Mapping[str, Any]) -> dict[str, str]:
    """The way that sends the token, with its options: as RFC 6750 has it, unless `send` says otherwise."""
    send = options.get("send", {})
    if "query" in send:
        return {"type": "query", "name": send["query"], "secret": ACCESS_TOKEN}
    named = {"name": send.get("header", "authorization"), "prefix": send.get("prefix", "Bearer ")}
    return {"type": "header", **named, "secret": ACCESS_TOKEN}
