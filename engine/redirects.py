"""A redirect is an error: it would lead the key, and the words of the caller, to whom the file does not name."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from .errors import ProviderError
from .wire import ResponseHead

_USERINFO = re.compile(r"[^/@]*@")


def redirected(head: ResponseHead, hide: Callable[[str], str]) -> ProviderError:
    """The error for a redirect: it is not followed."""
    target = _target(head, hide)
    return ProviderError(
        f"the provider redirects (HTTP {head.status}) to {target}, which is not followed; correct the file's url",
        kind="protocol",
        status=head.status,
        # As the message says it: a session or a password may stand in the rest.
        headers={name: target if name.lower() == "location" else value for name, value in head.headers.items()},
    )


def _target(head: ResponseHead, hide: Callable[[str], str]) -> str:
    """Where a redirect leads, as far as a message may say: no user, no query, one short line."""
    where = hide(head.headers.get("location", "")).replace("\\", "/")  # as browsers read it
    try:
        parts = urlsplit(where)
    except ValueError:
        return "nowhere"
    path = _USERINFO.sub("", parts.path)
    host = f"//{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
    scheme = f"{parts.scheme or 'http'}:" if parts.netloc or parts.scheme else ""
    shown = "".join(char for char in scheme + host + path if char.isprintable())[:200]
    return shown or "nowhere"
