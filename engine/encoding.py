"""A rendered payload -> the bytes of a body and their content type. `ENCODINGS` is the table of what there is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from .errors import ParameterError

Encode = Callable[[Any], tuple[bytes, str]]
AsText = Callable[[Any], str]


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"the text holds half a character (U+{ord(text[error.start]):04X}), which cannot be sent"
        raise ParameterError(f"{message}; remove it") from None


def to_json(payload: Any) -> bytes:
    """Compact JSON in UTF-8, keys in their order. Raises ParameterError for what JSON or UTF-8 cannot say.

    >>> to_json({"b": "Привет", "a": [1, 0.5, None]}).decode()
    '{"b":"Привет","a":[1,0.5,null]}'
    """
    try:
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ParameterError(f"the payload cannot be written as JSON: {error}") from None
    return _utf8(text)


def _form(payload: Any, as_text: AsText) -> tuple[bytes, str]:
    pairs = [(key, as_text(value)) for key, value in payload.items()]
    for _, value in pairs:
        _utf8(value)
    return urlencode(pairs, quote_via=quote).encode(), "application/x-www-form-urlencoded"


def _multipart(payload: Any, as_text: AsText) -> tuple[bytes, str]:
    # The boundary follows from the fields, so that the same call is the same request.
    fields = [(_utf8(quote(key, safe=" ")), _utf8(as_text(value))) for key, value in payload.items()]
    boundary = hashlib.sha256(b"\0".join(part for field in fields for part in field)).hexdigest()[:32].encode()
    parts = [
        b'--%s\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, key, value)
        for key, value in fields
    ]
    body = b"".join(parts) + b"--%s--\r\n" % boundary
    return body, f"multipart/form-data; boundary={boundary.decode()}"


ENCODINGS: Mapping[str, Callable[[Any, AsText], tuple[bytes, str]]] = {
    "json": lambda payload, as_text: (to_json(payload), "application/json"),
    "form": _form,
    "multipart": _multipart,
    "text": lambda payload, as_text: (_utf8(as_text(payload)), "text/plain; charset=utf-8"),
}


def encode(encoding: str, payload: Any, as_text: AsText) -> tuple[bytes, str]:
    """Body and content type."""
    return ENCODINGS[encoding](payload, as_text)
