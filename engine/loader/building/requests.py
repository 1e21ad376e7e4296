"""What a file says of requests beside the main one as values, and of how all of them authenticate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...spec import Auth, Poll, Read, Request, Step, TokenRequest
from ..published import default
from .answers import condition, error_rule_of, paths_of


def auth_of(auth: Mapping[str, Any]) -> Auth:
    """One way to authenticate."""
    options = {key: value for key, value in auth.items() if key != "type"}
    token = _token(auth) if "token" in auth else None
    if "{{" not in str(options) and "$when" not in str(options):
        return Auth(auth["type"], options, token=token)
    from ...expressions import keys_of  # jinja2 is imported only where a file holds templates

    signing = {auth["assertion"]["key"]} if "assertion" in auth else set()
    return Auth(auth["type"], options, tuple(sorted(keys_of(options) | signing)), token)


def _token(auth: Mapping[str, Any]) -> TokenRequest:
    token = auth["token"]
    return TokenRequest(
        _request(token),
        paths_of(token["value"]),
        paths_of(token.get("expires_at", token.get("expires_in"))),
        is_date="expires_at" in token,
        unit=1000.0 if token.get("unit", default("#token", "unit")) == "ms" else 1.0,
        refresh=tuple(error_rule_of({"kind": "auth", **sign}) for sign in auth.get("refresh", ())),
        assertion=auth.get("assertion"),
    )


def _request(says: Mapping[str, Any]) -> Request:
    """A request beside the main one: its body is `json` or `form`, and its method follows from whether there is one."""
    encoding = "form" if "form" in says else "json"
    method = says.get("method", "POST" if encoding in says else "GET")
    url, path, query, headers = (says.get(key, empty) for key, empty in _REQUEST.items())
    return Request(method, url, path, query, headers, says.get(encoding), encoding, says.get("follow"))  # type: ignore[arg-type]


_REQUEST: Mapping[str, Any] = {"url": "", "path": "", "query": {}, "headers": {}}


def step_of(step: Mapping[str, Any]) -> Step:
    """One request before the main one."""
    expires = step.get("expires_in")
    return Step(
        step["name"],
        _request(step),
        {name: _read(says) for name, says in step.get("read", {}).items()},
        expires["json"] if isinstance(expires, Mapping) else expires,
        poll_of(step.get("poll")),
        _request(step["cleanup"]) if "cleanup" in step else None,
    )


def _read(says: Any) -> Read:
    if isinstance(says, str):
        return Read("json", says)
    ((source, where),) = says.items()
    return Read(source, where)


def poll_of(poll: Mapping[str, Any] | None) -> Poll | None:
    """How a request is repeated, if it is."""
    if poll is None:
        return None
    every, most = (poll.get(key, default("#poll", key)) for key in ("every", "for"))
    return Poll(condition(poll["until"]), condition(poll.get("fail", {})), every, most)
